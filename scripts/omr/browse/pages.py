"""The pages: what an address asks for, looked up in the index and put into a template."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup

from omr.browse.database import open_for_reading
from omr.browse.facts import fact, is_told, text_of
from omr.browse.kinds import FileKind, kind_of, recipes_of, shown_recipes
from omr.browse.lines import hash_of, read_at, scan
from omr.browse.lists import PAGE, UNVOTED, VERDICTS, Filters, Lists
from omr.browse.overview import drop_facets, overview, problem_types
from omr.browse.search import MOST_BYTES, IndexedSearch, PlacedRow
from omr.browse.shown import LONG_CUT, Drawer, plain, why
from omr.browse.story import Teller, ending
from omr.browse.training import rows_from
from omr.files.jsonl import Row, parse_row
from omr.files.printable import printable
from omr.report.words import VALUES
from omr.runs.lineage import Lineage

_HERE = Path(__file__).parent
_ROWS_OF_FILE = 10


@dataclass
class State:
    """How far the index is; written by the thread that makes it, shown on every page."""

    is_reading: bool = True
    reading: str = ""
    read_at: str = ""  # when it was last up to date
    fault: str = ""


class NotThereError(Exception):
    """What an address asks for is not in the run; the text says so."""


class Answer(NamedTuple):
    """A page, or another address to go to."""

    html: str
    location: str = ""


Query = Mapping[str, str]


@dataclass
class Pages:
    """Makes the pages of the run in `run` from the index at `index`; one connection to it per thread."""

    run: Path
    index: Path
    state: State
    _local: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"reason": why, "plain": plain, "query": _query, "value": _value}
        self._templates.filters["fact"] = _fact
        self._templates.tests["told"] = is_told
        self._templates.globals |= {"verdicts": VERDICTS, "choices": {**VERDICTS, UNVOTED: "without a vote"}}
        self.all: dict[str, Callable[[Query], Answer]] = {
            "/": self.overview,
            "/problems": self.problems,
            "/solutions": self.solutions,
            "/drops": self.drops,
            "/threads": self.threads,
            "/files": self.files,
            "/find": self.find,
            "/thread": self.thread,
            "/problem": self.problem,
            "/solution": self.solution,
            "/group": self.group,
            "/file": self.file,
            "/row": self.row,
            "/text": self.text,
        }

    def _db(self) -> sqlite3.Connection:
        if not hasattr(self._local, "db"):
            self._local.db = open_for_reading(self.index)
        db: sqlite3.Connection = self._local.db
        return db

    def _lists(self) -> Lists:
        return Lists(self._db(), self.run)

    def _lineage(self, *, training_texts: bool = True) -> Lineage:
        return Lineage(self.run, IndexedSearch(self._db(), self.run, training_texts=training_texts))

    def render(self, template: str, **values: Any) -> Answer:
        page = self._templates.get_template(template)
        known = {"run": self.run.name, "state": self.state, "here": template.removesuffix(".html"), "q": ""}
        return Answer(page.render(known | values))

    # ---- lists -------------------------------------------------------------------------------------------------

    def overview(self, query: Query) -> Answer:
        return self.render("overview.html", view=overview(self._db(), self.run))

    def _list(self, template: str, make: Callable[[Lists, Filters], Any], query: Query) -> Answer:
        filters, lists = Filters.of(query), self._lists()
        return self.render(
            template,
            filters=filters,
            q=filters.q,
            page=make(lists, filters),
            recipes=shown_recipes(self.run),
            facets=drop_facets(lists.db),
            types=problem_types(lists.db),
            draw=Drawer(),
            size=PAGE,
        )

    def problems(self, query: Query) -> Answer:
        return self._list("problems.html", Lists.problems, query)

    def solutions(self, query: Query) -> Answer:
        return self._list("solutions.html", Lists.solutions, query)

    def drops(self, query: Query) -> Answer:
        return self._list("drops.html", Lists.drops, query)

    def threads(self, query: Query) -> Answer:
        return self._list("threads.html", Lists.threads, query)

    def find(self, query: Query) -> Answer:
        """Straight to what an id names, else the problems with these words."""
        typed = query.get("q", "").strip()
        lists, lineage = self._lists(), self._lineage()
        wanted = lineage.id_of(typed) if typed and len(typed) <= 300 else None
        if wanted is not None:
            known = "SELECT 1 FROM problem WHERE hash=?"
            if wanted.problem and lists.db.execute(known, (hash_of(wanted.problem),)).fetchone():
                return Answer("", f"/problem?{urlencode({'id': wanted.problem})}")
            key = hash_of(wanted.thread)
            # What was dropped before it became a thread or a problem of the run has a page too.
            dropped = lists.db.execute("SELECT 1 FROM fate WHERE owner=?", (key,)).fetchone()
            if lineage.starts_from_problems and dropped:
                return Answer("", f"/problem?{urlencode({'id': wanted.thread})}")
            if dropped or lists.db.execute("SELECT 1 FROM thread WHERE hash=?", (key,)).fetchone():
                return Answer("", f"/thread?{urlencode({'id': wanted.thread})}")
        return Answer("", f"/problems?{urlencode({'q': typed})}")

    # ---- stories -----------------------------------------------------------------------------------------------

    def thread(self, query: Query) -> Answer:
        thread, lineage = query.get("id", ""), self._lineage()
        teller = Teller(lineage, recipes_of(self.run))
        events = list(lineage.thread(thread))
        if not events:
            raise NotThereError(f"There is no thread {plain(thread)} in this run.")
        lists = self._lists()
        keys = [hash_of(problem) for problem in lineage.problems(thread)]
        found = [
            (problem, lists.statement(key), lists.chips(key))
            for problem, key in zip(lineage.problems(thread), keys, strict=True)
        ]
        cards = teller.cards(events)
        return self.render("thread.html", id=thread, cards=cards, problems=found, draw=teller.drawer)

    def problem(self, query: Query) -> Answer:
        problem, lineage = query.get("id", ""), self._lineage(training_texts=False)
        recipes = shown_recipes(self.run)
        teller, wanted = Teller(lineage, recipes), lineage.id_of(problem)
        events = list(lineage.problem(problem))
        if not events or wanted is None:
            raise NotThereError(f"There is no problem {plain(problem)} in this run.")
        lists = self._lists()
        statement = lists.statement(hash_of(problem))
        before = [] if lineage.starts_from_problems else teller.cards(lineage.thread(wanted.thread))
        cards = teller.cards(events)
        return self.render(
            "problem.html",
            id=problem,
            thread="" if lineage.starts_from_problems else wanted.thread,
            statement=statement,
            draw=teller.drawer,
            before=before,
            cards=cards,
            ending=ending(events),
            chips=lists.chips(hash_of(problem)),
            solved=[solved for recipe in recipes if (solved := teller.solved(recipe, problem)) is not None],
            groups=[
                (recipe, *found)
                for recipe in recipes
                if any(found := (teller.groups(recipe, problem), teller.ungrouped(recipe, problem)))
            ],
        )

    def solution(self, query: Query) -> Answer:
        """A solution, as a page or (`part`) as what is unfolded on the page of its problem."""
        recipe, problem, seed = query.get("recipe", ""), query.get("id", ""), query.get("seed", "")
        lineage = self._lineage()
        recipes = shown_recipes(self.run)
        if recipe not in recipes or not (seed.isascii() and seed.isdigit() and len(seed) < 5):
            raise NotThereError("There is no such solution in this run.")
        teller = Teller(lineage, recipes)
        statement = self._lists().statement(hash_of(problem))
        cards = teller.after(statement, lineage.solution(recipe, problem, int(seed)))
        if not cards:
            raise NotThereError(f"There is no solution {seed} of {plain(problem)} by {recipe} in this run.")
        template = "part.html" if query.get("part") else "solution.html"
        return self.render(
            template, id=problem, recipe=recipe, seed=int(seed), cards=cards, statement=statement, draw=teller.drawer
        )

    def group(self, query: Query) -> Answer:
        recipe, group = query.get("recipe", ""), query.get("id", "")
        lineage = self._lineage()
        recipes = shown_recipes(self.run)
        wanted = lineage.id_of(group)
        if recipe not in recipes or wanted is None or wanted.problem is None:
            raise NotThereError("There is no such group in this run.")
        teller = Teller(lineage, recipes)
        statement = self._lists().statement(hash_of(wanted.problem))
        cards = teller.after(statement, lineage.group(recipe, wanted.problem, group))
        if not cards:
            raise NotThereError(f"There is no group {plain(group)} of {recipe} in this run.")
        return self.render(
            "group.html",
            id=group,
            problem=wanted.problem,
            recipe=recipe,
            cards=cards,
            statement=statement,
            draw=teller.drawer,
        )

    # ---- files as they are -------------------------------------------------------------------------------------

    def files(self, query: Query) -> Answer:
        found = self._db().execute("SELECT path, size, rows, bad, done FROM file ORDER BY path").fetchall()
        folders: dict[str, list[Any]] = {}
        for path, *rest in found:
            folders.setdefault(path.rpartition("/")[0], []).append((path, *rest))
        wanted = query.get("folder")
        return self.render("files.html", folders=folders, folder=wanted, shown=folders.get(wanted or "", []))

    def _known(self, query: Query) -> tuple[Path, str, int]:
        """The file of an address, which must be one of the index, and the place in it."""
        path, at = query.get("file", ""), query.get("at", "0")
        if self._db().execute("SELECT 1 FROM file WHERE path=?", (path,)).fetchone() is None:
            raise NotThereError("There is no such file of rows in this run.")
        if not (at.isascii() and at.isdigit() and len(at) < 19):
            raise NotThereError("There is no such place in this file.")
        return self.run / path, path, int(at)

    def file(self, query: Query) -> Answer:
        file, path, at = self._known(query)
        if file.suffix == ".parquet":
            found = rows_from(file, at, _ROWS_OF_FILE + 1)
            numbered = [(at + n, row, None, "") for n, row in enumerate(found[:_ROWS_OF_FILE])]
            after = at + _ROWS_OF_FILE if len(found) > _ROWS_OF_FILE else 0
            return self.render("file.html", path=path, at=at, rows=numbered, after=after)
        if at and read_at(file, at - 1, 1) != b"\n":
            raise NotThereError("No row begins at this place.")
        rows, after = list[tuple[int, Row | None, str | None, str]](), 0
        for line in scan(file, at, MOST_BYTES):
            if len(rows) == _ROWS_OF_FILE:
                after = line.offset
                break
            row, fault = parse_row(line.head) if line.is_whole else (None, f"a row of {line.length:,} bytes")
            rows.append((line.offset, row, fault, printable(line.head[:1000].decode(errors="replace"))))
        return self.render("file.html", path=path, at=at, rows=rows, after=after)

    def _row(self, query: Query) -> PlacedRow:
        file, path, at = self._known(query)
        if file.suffix == ".parquet":
            found = rows_from(file, at, 1)
            if not found:
                raise NotThereError("There is no such row in this file.")
            return PlacedRow(found[0], path, at)
        line = next(iter(scan(file, at, MOST_BYTES)), None)
        if line is None or (at and read_at(file, at - 1, 1) != b"\n"):
            raise NotThereError("No row begins at this place.")
        row, fault = parse_row(line.head)
        if row is None:
            raise NotThereError(f"What stands at this place of {path} is no row: {fault}.")
        return PlacedRow(row, path, at)

    def row(self, query: Query) -> Answer:
        row = self._row(query)
        values = [
            (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for name, value in row.items()
        ]
        kind = kind_of(row.path, frozenset(recipes_of(self.run)))
        return self.render("row.html", row=row, values=values, kind=kind, story=_story(kind, row), draw=Drawer())

    def text(self, query: Query) -> Answer:
        """One long value of a row, page after page."""
        row, name = self._row(query), query.get("field", "")
        if name not in row:
            raise NotThereError(f"The row has no field {plain(name)}.")
        value = row[name]
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
        pages = max(1, -(-len(text) // LONG_CUT))
        asked = query.get("page", "1")
        page = min(max(1, int(asked)), pages) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1
        part = text[(page - 1) * LONG_CUT : page * LONG_CUT]
        as_it_is = bool(query.get("source"))
        shown = Drawer(0 if as_it_is else LONG_CUT).text(part, LONG_CUT)
        known = {"file": row.path, "at": str(row.offset), "field": name}
        return self.render(
            "text.html",
            row=row,
            name=name,
            shown=shown,
            page=page,
            pages=pages,
            chars=len(text),
            known=known,
            source=as_it_is,
        )


def _shown(value: Any) -> Any:
    """What is put into a page: no text brings control characters with it."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else printable(value)


def _query(values: Mapping[str, Any]) -> str:
    return urlencode(values)


def _value(value: Any) -> str:
    """What a column holds, in words where there are any."""
    return VALUES.get(str(value), plain(value).replace("_", " "))


def _fact(drawer: Drawer, name: str, value: Any) -> Markup:
    """A value of a row in a line, or what of it fits one."""
    short = fact(drawer, name, value)
    return Markup.escape(plain(text_of(name, value), 120)) if short is None else short


def _story(kind: FileKind, row: PlacedRow) -> str:
    """The address of what a row belongs to."""
    return f"/find?{urlencode({'q': str(row.get('problem_id') or row.get('id') or '')})}"
