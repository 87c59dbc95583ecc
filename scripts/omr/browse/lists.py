"""What the lists show: problems, solutions, drops and threads by filters, page after page.

A page begins behind the last entry of the one before (`after`): the hundred-thousandth costs what the first does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from omr.browse import kinds
from omr.browse.database import word_tables
from omr.browse.search import IndexedSearch, PlacedRow
from omr.browse.words import query as words_query
from omr.files.jsonl import Row
from omr.runs.lineage import Lineage

PAGE = 25
#: Matches are counted up to here.
MOST_COUNTED = 10_000
VERDICTS = {"yes": "right", "no": "wrong", "unjudged": "unjudged"}
#: What lists may be asked for besides: solutions of problems whose vote came to nothing.
UNVOTED = "unvoted"
STATES = ("solved", "left", "training")


@dataclass(frozen=True)
class Filters:
    """What a list is asked for; empty fields leave it out."""

    q: str = ""
    recipe: str = ""
    verdict: str = ""  # of VERDICTS
    low: str = ""  # pass rate, in percent
    high: str = ""
    stage: str = ""  # that drops
    reason: str = ""
    state: str = ""  # of STATES, of a problem
    type: str = ""
    problems: str = ""  # of a thread: "some" or "none"
    after: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Filters:
        return cls(**{one.name: asked.get(one.name, "").strip()[:300] for one in fields(cls)})

    def with_(self, **changes: str) -> dict[str, str]:
        """The fields that are set, with changes, for an address; another page begins anew."""
        values = {one.name: getattr(self, one.name) for one in fields(self)} | {"after": ""} | changes
        return {name: value for name, value in values.items() if value}

    @property
    def rate(self) -> tuple[float, float] | None:
        """The bounds of the pass rate; None where none is asked for or one is no number."""
        if not self.low and not self.high:
            return None
        try:
            low, high = float(self.low or 0) / 100, float(self.high or 100) / 100
        except ValueError:
            return None
        return (low, high) if isfinite(low) and isfinite(high) else None


class Page(NamedTuple):
    """Entries of a list, how many there are (up to MOST_COUNTED + 1; -1: not counted), and where the next page
    begins."""

    entries: list[Any]
    total: int
    after: str


class Chip(NamedTuple):
    """How the solutions of a problem by one recipe fared."""

    recipe: str
    n: int
    right: int
    wrong: int
    unjudged: int
    rows: int  # of training


class Entry(NamedTuple):
    """A problem in a list."""

    id: str
    row: Row
    type: str
    chips: list[Chip]
    dropped: tuple[str, str] | None  # stage and reason where it ended, before it was solved
    restated: Any  # the text that it had by then, where that is another


class Solution(NamedTuple):
    """A solution in a list, with its problem; `unvoted` is why that has no vote."""

    recipe: str
    row: Row
    problem: Row
    unvoted: str = ""
    stage: str = ""  # that says so


class Drop(NamedTuple):
    """A dropped row, or `n` of one problem for the same reason."""

    stage: str
    recipe: str
    reason: str
    n: int
    row: PlacedRow
    problem: Row  # that it is about; empty if it is about none
    solution: str  # the problem's id where one solution of it was dropped


class Thread(NamedTuple):
    id: str
    row: Row
    problems: int
    dropped: tuple[str, str] | None


class Lists:
    """Answers what the pages ask, from the index `db` of the run in `run`."""

    def __init__(self, db: sqlite3.Connection, run: Path) -> None:
        self.db = db
        self.search = IndexedSearch(db, run)

    @cached_property
    def _lineage(self) -> Lineage:
        return Lineage(self.search.run, self.search)

    # ---- filters as SQL ----------------------------------------------------------------------------------------

    def _files(self, kind: int, recipe: str = "", stage: str = "") -> list[int]:
        query = "SELECT no FROM file WHERE kind=? AND (?='' OR recipe=?) AND (?='' OR stage=?)"
        return [no for (no,) in self.db.execute(query, (kind, recipe, recipe, stage, stage))]

    def _judged(self, recipe: str) -> list[int]:
        """Files with verdicts, and with votes where there are no verdicts yet."""
        voted = "SELECT no, path FROM file WHERE kind=? AND stage='majority' AND (?='' OR recipe=?)"
        known = {path for (path,) in self.db.execute("SELECT path FROM file WHERE kind=?", (kinds.VERDICTS,))}
        files = self._files(kinds.VERDICTS, recipe, "judged")
        rest = self.db.execute(voted, (kinds.VERDICTS, recipe, recipe))
        return files + [no for no, path in rest if path.replace("/majority/", "/judged/") not in known]

    def _solved(self, filters: Filters) -> list[int]:
        """Files that say of which problems there are solutions, those without a vote among them unless a verdict is
        asked for."""
        unvoted = [no for stage in kinds.UNVOTED for no in self._files(kinds.DROPPED, filters.recipe, stage)]
        if filters.verdict == UNVOTED:
            return unvoted
        return self._judged(filters.recipe) + ([] if filters.verdict or filters.rate else unvoted)

    def _matches(self, q: str) -> tuple[str, list[str]] | None:
        """SQL for the numbers of problems with these words; None if the query has none."""
        wanted, tables = words_query(q), word_tables(self.db)
        if wanted is None or not tables:
            return None
        parts = [f"SELECT rowid FROM {table} WHERE {table} MATCH ?" for table in tables]
        return " UNION ".join(parts), [wanted] * len(parts)

    def _problem_conditions(self, filters: Filters) -> tuple[list[str], list[Any]]:
        conditions, values = [], list[Any]()
        if filters.q:
            found = self._matches(filters.q)
            sql, words = found or ("SELECT 0", [])
            conditions.append(f"(p.no IN ({sql}) OR substr(p.id, 1, ?)=?)")
            values += [*words, len(filters.q), filters.q]
        if filters.type:
            conditions.append("p.type=?")
            values.append(filters.type)
        if filters.verdict or filters.rate or (filters.recipe and not (filters.reason or filters.stage)):
            wanted = ["s.hash=p.hash", f"+s.file IN ({_numbers(self._solved(filters))})", *_of_solved(filters)]
            conditions.append(f"EXISTS (SELECT 1 FROM solved s WHERE {' AND '.join(wanted)})")
        if filters.reason or filters.stage:
            wanted = ["t.owner=p.hash"]
            wanted.append(f"+t.file IN ({_numbers(self._files(kinds.DROPPED, filters.recipe, filters.stage))})")
            if filters.reason:
                wanted.append("+t.reason=(SELECT no FROM reason WHERE name=?)")
                values.append(filters.reason)
            conditions.append(f"EXISTS (SELECT 1 FROM fate t WHERE {' AND '.join(wanted)})")
        if filters.state in ("solved", "left"):
            clean = self.db.execute("SELECT no FROM file WHERE path='decontaminated.jsonl'").fetchone()
            kept = f"EXISTS (SELECT 1 FROM place c WHERE c.file={clean[0] if clean else 0} AND c.hash=p.hash)"
            conditions.append(kept if filters.state == "solved" else f"NOT {kept}")
        elif filters.state == "training":
            files = _numbers(self._files(kinds.TRAINING, filters.recipe))
            conditions.append(f"EXISTS (SELECT 1 FROM made m WHERE m.file IN ({files}) AND m.hash=p.hash)")
        return conditions, values

    def _count(self, rest: str, values: list[Any]) -> int:
        query = f"SELECT count(*) FROM (SELECT 1 {rest} LIMIT {MOST_COUNTED + 1})"
        return int(self.db.execute(query, values).fetchone()[0])

    # ---- lists -------------------------------------------------------------------------------------------------

    def problems(self, filters: Filters) -> Page:
        """Problems, in the order of their file."""
        conditions, values = self._problem_conditions(filters)
        rest = f"FROM problem p WHERE {' AND '.join(conditions) or '1'}"
        total = self._count(rest, values)
        query = f"SELECT p.no, p.hash, p.id, p.type {rest} AND p.no>? ORDER BY p.no LIMIT {PAGE + 1}"
        found = self.db.execute(query, [*values, _number(filters.after)]).fetchall()
        entries = [self._entry(*rest) for _, *rest in found[:PAGE]]
        return Page(entries, total, str(found[PAGE - 1][0]) if len(found) > PAGE else "")

    def _entry(self, key: int, row_id: str, type_of: str | None) -> Entry:
        statement = self.statement(key)
        dropped = None if self._has("decontaminated.jsonl", key) else self._dropped(key)
        return Entry(row_id, statement, type_of or "", self.chips(key), dropped, self._restated(key, statement))

    def _restated(self, key: int, statement: Row) -> Any:
        """The text of a proof as it was restated, unless the statement is that."""
        text = next((row.get("problem") for row in self.search.rows_of("converted.jsonl", key)), None)
        return None if text == statement.get("problem") else text

    def _has(self, path: str, key: int) -> bool:
        query = "SELECT 1 FROM place WHERE file=(SELECT no FROM file WHERE path=?) AND hash=?"
        return self.db.execute(query, (path, key)).fetchone() is not None

    def _dropped(self, key: int) -> tuple[str, str] | None:
        """The last stage of the problems that dropped it, and the reason."""
        query = (
            "SELECT f.stage, r.name FROM fate t JOIN file f ON f.no=t.file JOIN reason r ON r.no=t.reason "
            f"WHERE t.owner=? AND f.kind={kinds.DROPPED} AND f.recipe='' "
            # What is in a list was read: those are copies that have its id.
            "AND f.stage NOT IN ('prepare_raw_data', 'read_problems') LIMIT 1"
        )
        found: tuple[str, str] | None = self.db.execute(query, (key,)).fetchone()
        return found

    def statement(self, key: int) -> Row:
        """A problem's row: as it is solved, or as it was found."""
        for path in ("merged.jsonl", "problems.jsonl", "raw_aops_data.jsonl"):
            for row in self.search.rows_of(path, key):
                return row
        return {}

    def chips(self, key: int) -> list[Chip]:
        """How a problem's solutions fared, recipe by recipe."""
        query = (
            "SELECT f.recipe, sum(s.n), sum(s.right), sum(s.wrong), sum(s.unjudged) FROM solved s "
            f"JOIN file f ON f.no=s.file WHERE s.hash=? AND +s.file IN ({_numbers(self._judged(''))}) GROUP BY f.recipe"
        )
        made = "SELECT f.recipe, m.n FROM file f JOIN made m ON m.file=f.no AND m.hash=? WHERE f.kind=?"
        rows = dict(self.db.execute(made, (key, kinds.TRAINING)))
        found = self.db.execute(query, (key,)).fetchall()
        chips = [
            Chip(recipe, n, right, wrong, unjudged, rows.pop(recipe, 0)) for recipe, n, right, wrong, unjudged in found
        ]
        return chips + [Chip(recipe, 0, 0, 0, 0, n) for recipe, n in sorted(rows.items())]

    def solutions(self, filters: Filters) -> Page:
        """Solutions, problem by problem."""
        wanted = [f"s.file IN ({_numbers(self._solved(filters))})", "s.n>0", *_of_solved(filters)]
        values = list[Any]()
        if filters.q:
            found = self._matches(filters.q)
            sql, values = found if found is not None else ("SELECT 0", [])
            wanted.append(f"s.hash IN (SELECT hash FROM problem WHERE no IN ({sql}))")
        rest = f"FROM solved s WHERE {' AND '.join(wanted)}"
        file, _, key = filters.after.partition(".")
        query = f"SELECT s.file, s.hash {rest} AND (s.file, s.hash)>(?, ?) ORDER BY s.file, s.hash LIMIT {PAGE + 1}"
        entries, after = list[Solution](), ""
        smallest = -(1 << 63)
        for no, problem in self.db.execute(query, [*values, _number(file), _number(key, smallest)]).fetchall():
            if len(entries) >= PAGE:
                return Page(entries, -1, after)
            entries += self._of_problem(no, problem, filters.verdict)
            after = f"{no}.{problem}"
        return Page(entries, -1, "")

    def _of_problem(self, file: int, key: int, verdict: str) -> list[Solution]:
        query = "SELECT path, recipe, stage FROM file WHERE no=?"
        path, recipe, stage = self.db.execute(query, (file,)).fetchone()
        problem = self.statement(key)
        if stage in kinds.UNVOTED:
            why = next(iter(self.search.rows_of(path, key)), None)
            seats = [] if why is None else self._lineage.seats(recipe, str(why["id"]))
            return [Solution(recipe, row, problem, str(why and why.get("reason")), stage) for row in seats]
        rows = [row for row in self.search.rows_of(path, key) if not verdict or row.get("judgement") == verdict]
        return [Solution(recipe, row, problem) for row in rows]

    def drops(self, filters: Filters) -> Page:
        """Dropped rows, file by file; those of one problem and reason are one entry."""
        wanted = [f"t.file IN ({_numbers(self._files(kinds.DROPPED, filters.recipe, filters.stage))})"]
        values = list[Any]()
        if filters.recipe == "-":  # stages of the problems only
            wanted = [f"t.file IN (SELECT no FROM file WHERE kind={kinds.DROPPED} AND recipe='')"]
        if filters.reason:
            wanted.append("t.reason=(SELECT no FROM reason WHERE name=?)")
            values.append(filters.reason)
        if filters.q:
            found = self._matches(filters.q)
            sql, words = found if found is not None else ("SELECT 0", [])
            wanted.append(f"t.owner IN (SELECT hash FROM problem WHERE no IN ({sql}))")
            values += words
        rest = f"FROM fate t WHERE {' AND '.join(wanted)}"
        begin = [_number(part) for part in [*filters.after.split("."), "", ""][:3]] if filters.after else [0, 0, -1]
        query = (
            f"SELECT t.file, t.reason, t.offset, t.n, t.length, t.owner {rest} "
            f"AND (t.file, t.reason, t.offset)>(?, ?, ?) ORDER BY t.file, t.reason, t.offset LIMIT {PAGE + 1}"
        )
        found_rows = self.db.execute(query, [*values, *begin]).fetchall()
        entries = [drop for found in found_rows[:PAGE] if (drop := self._drop(*found)) is not None]
        after = ".".join(map(str, found_rows[PAGE - 1][:3])) if len(found_rows) > PAGE else ""
        return Page(entries, self._count(rest, values), after)

    def _drop(self, file: int, reason: int, offset: int, n: int, length: int, owner: int) -> Drop | None:
        path, stage, recipe = self.db.execute("SELECT path, stage, recipe FROM file WHERE no=?", (file,)).fetchone()
        name = self.db.execute("SELECT name FROM reason WHERE no=?", (reason,)).fetchone()[0]
        row = next(self.search.rows_at(path, offset, length), None)
        if row is None:
            return None
        known = self.db.execute("SELECT id FROM problem WHERE hash=?", (owner,)).fetchone()
        is_solution = n == 1 and recipe and known and isinstance(row.get("seed"), int)
        problem = self.statement(owner) if known else {}
        return Drop(stage, recipe, name, n, row, problem, known[0] if is_solution else "")

    def threads(self, filters: Filters) -> Page:
        """Threads, in the order of their file."""
        conditions, values = ["1"], list[Any]()
        some = "EXISTS (SELECT 1 FROM problem p WHERE p.thread=h.hash)"
        if filters.problems:
            conditions.append(some if filters.problems == "some" else f"NOT {some}")
        if filters.q:
            conditions.append("substr(h.id, 1, ?)=?")
            values += [len(filters.q), filters.q]
        if filters.reason:
            reason = "t.reason=(SELECT no FROM reason WHERE name=?)"
            conditions.append(f"EXISTS (SELECT 1 FROM fate t WHERE t.owner=h.hash AND {reason})")
            values.append(filters.reason)
        rest = f"FROM thread h WHERE {' AND '.join(conditions)}"
        query = f"SELECT h.no, h.hash, h.id {rest} AND h.no>? ORDER BY h.no LIMIT {PAGE + 1}"
        found = self.db.execute(query, [*values, _number(filters.after)]).fetchall()
        entries = [self._thread(key, row_id) for _, key, row_id in found[:PAGE]]
        return Page(entries, self._count(rest, values), str(found[PAGE - 1][0]) if len(found) > PAGE else "")

    def _thread(self, key: int, row_id: str) -> Thread:
        n = self.db.execute("SELECT count(*) FROM problem WHERE thread=?", (key,)).fetchone()[0]
        rows: list[Row] = [*self.search.rows_of("raw_aops_data.jsonl", key), {}]
        # A thread with problems was not left out, whatever became of copies of it.
        return Thread(row_id, rows[0], n, None if n else self._dropped(key))


def _of_solved(filters: Filters) -> list[str]:
    """Conditions on the solutions of a problem by one recipe."""
    wanted = []
    column = VERDICTS.get(filters.verdict)
    if column is not None:
        wanted.append(f"s.{column}>0")
    if filters.rate is not None:
        low, high = filters.rate
        wanted.append(f"s.right+s.wrong>0 AND s.right*1.0/(s.right+s.wrong) BETWEEN {low:.6f} AND {high:.6f}")
    return wanted


def _numbers(values: list[int]) -> str:
    return ",".join(map(str, values)) or "-1"


def _number(text: str, default: int = 0) -> int:
    """The number that an address holds; addresses may be typed."""
    try:
        number = int(text)
    except ValueError:
        return default
    return max(-(1 << 63), min(number, (1 << 63) - 1))
