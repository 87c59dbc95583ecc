"""The index of a run, brought up to date: files that did not change are not read, journals only where they grew.

Everything is written in steps, each with how far its file has been read: what was killed goes on there.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from omr.browse import kinds
from omr.browse.database import create_words, forget, transaction, words_table
from omr.browse.kinds import FileKind, Found
from omr.browse.lines import Line, first_id, has_failed, hash_of, ids_in, read_at, scan
from omr.browse.training import ids_of
from omr.browse.words import indexed
from omr.errors import UserError
from omr.files.jsonl import Row, parse_row
from omr.runs.lineage import Lineage, parse_id, problem_in
from omr.runs.saved import Saved

#: Rows, or bytes of them, that are written at once.
_STEP_ROWS, _STEP_BYTES = 5_000, 256 << 20
#: Of replies only the id at their beginning is wanted; of other rows all, up to a length that none has.
_HEAD_BYTES, _ROW_BYTES = 512, 16 << 20


@dataclass
class Step:
    """What was found in a part of a file, by table."""

    places: list[tuple[int, int, int]] = field(default_factory=list)  # hash, offset, length
    ids: list[tuple[str, int, str | None, str]] = field(default_factory=list)  # id, hash, thread, type
    words: list[tuple[int, str]] = field(default_factory=list)  # hash of the problem, text
    fates: list[list[int | str]] = field(default_factory=list)  # reason, offset, owner, n, length
    solved: dict[int, list[int]] = field(default_factory=dict)  # hash -> n, right, wrong, unjudged
    made: Counter[int] = field(default_factory=Counter)  # hash of the problem -> rows
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: int = 0
    bad: int = 0
    end: int = 0


class Index:
    """Writes the index of the run in `run` to `db`. `say` is told what is read."""

    def __init__(self, db: sqlite3.Connection, run: Path, say: Callable[[str], None] = lambda line: None) -> None:
        self._db = db
        self._run = run
        self._say = say
        self._base = kinds.PROBLEMS
        self._has_threads = True
        self._saved = Saved.of(run)
        self._is_known = lru_cache(4096)(self._has_problem)

    def update(self) -> int:
        """Bring the index up to date; how many files were read."""
        found = {file.path: file for file in kinds.find_files(self._run)}
        lineage = Lineage(self._run)
        self._saved = lineage.saved
        self._has_threads = not lineage.starts_from_problems
        begins_with_problems = any(name in found for name in ("raw_aops_data.jsonl", "problems.jsonl"))
        # What stands in problems.jsonl may be of an older config.
        self._base = kinds.PROBLEMS if begins_with_problems and lineage.classifies else kinds.MERGED
        self._drop_missing(found)
        recipes = frozenset(kinds.recipes_of(self._run))
        due = [(self._kind_of(path, recipes), file) for path, file in found.items()]
        due.sort(key=lambda entry: (entry[0].kind, entry[0].recipe, entry[1].path))
        return sum(self._bring(kind, file) for kind, file in due)

    def _kind_of(self, path: str, recipes: frozenset[str]) -> FileKind:
        kind = kinds.kind_of(path, recipes)
        if not self._saved.has_file(path) or (kind.recipe and not self._saved.knows(kind.recipe)):
            return kind._replace(kind=kinds.EARLIER)
        is_old = kind.kind == kinds.PROBLEMS and self._base != kinds.PROBLEMS
        return kind._replace(kind=kinds.ROWS) if is_old else kind

    def _drop_missing(self, found: dict[str, Found]) -> None:
        """Forget files that are gone; one that only got another name keeps what is known of it."""
        known = {path for (path,) in self._db.execute("SELECT path FROM file")}
        fresh = {(one.inode, one.size, one.mtime_ns): path for path, one in found.items() if path not in known}
        gone = self._db.execute("SELECT no, path, inode, size, mtime_ns FROM file").fetchall()
        for no, path, *identity in gone:
            if path in found:
                continue
            renamed = fresh.pop(tuple(identity), None)
            with transaction(self._db):
                if renamed is not None and renamed == path.removesuffix(".journal"):
                    self._db.execute("UPDATE file SET path=? WHERE no=?", (renamed, no))
                else:
                    self._forget(no, path)
                    self._db.execute("DELETE FROM file WHERE no=?", (no,))

    def _bring(self, kind: FileKind, file: Found) -> bool:
        """Read a file, or what is new of it; whether there was anything to read."""
        columns = "no, size, mtime_ns, inode, done, kind, stage, recipe"
        known = self._db.execute(f"SELECT {columns} FROM file WHERE path=?", (file.path,)).fetchone()
        start = 0
        if known is not None:
            no, size, mtime_ns, inode, done, *was = known
            is_same = (size, mtime_ns, inode) == (file.size, file.mtime_ns, file.inode) and tuple(was) == kind
            goes_on = file.is_journal and inode == file.inode and done <= file.size and tuple(was) == kind
            if is_same and (done >= file.size or file.is_journal):
                return False
            start = done if is_same or goes_on else 0
        with transaction(self._db):
            if known is None:
                values = (file.path, *kind, file.size, file.mtime_ns, file.inode)
                insert = "INSERT INTO file (path, kind, stage, recipe, size, mtime_ns, inode) VALUES (?,?,?,?,?,?,?)"
                no = self._db.execute(insert, values).lastrowid
            elif start == 0:
                self._forget(no, file.path)
            now = (*kind, file.size, file.mtime_ns, file.inode, no)
            self._db.execute("UPDATE file SET kind=?, stage=?, recipe=?, size=?, mtime_ns=?, inode=? WHERE no=?", now)
        if file.size - start > _STEP_BYTES:
            self._say(f"reading {file.path} ({(file.size - start) / 1e9:.1f} GB)")
        try:
            for step in self._steps(kind, file, start):
                self._write(no, kind, step)
        except FileNotFoundError:  # a shard that is made again: the next update finds the new one
            return False
        except UserError as error:
            self._say(str(error))
            return False
        return True

    def _forget(self, no: int, path: str) -> None:
        forget(self._db, no)
        base = "problems.jsonl" if self._base == kinds.PROBLEMS else "merged.jsonl"
        if path == "raw_aops_data.jsonl":
            self._db.execute("DELETE FROM thread")
        if path == base:
            self._db.execute("DELETE FROM problem")
            self._is_known.cache_clear()
            # Types and words of merged problems hang on the numbers that are gone.
            other = self._db.execute("SELECT no FROM file WHERE path='merged.jsonl' AND no<>?", (no,)).fetchone()
            if other is not None:
                forget(self._db, other[0])

    # ---- reading -----------------------------------------------------------------------------------------------

    def _steps(self, kind: FileKind, file: Found, start: int) -> Iterator[Step]:
        if file.is_parquet:
            yield _training_step(self._run / file.path, file.size)
            return
        cap = _HEAD_BYTES if kind.kind in (kinds.REPLIES, kinds.EARLIER) else _ROW_BYTES
        step = Step(end=start)
        begun = start
        for line in scan(self._run / file.path, start, cap, grows=file.is_journal):
            if step.rows >= _STEP_ROWS or step.end - begun > _STEP_BYTES:
                yield step
                step, begun = Step(), line.offset
            self._add(step, kind, file, line)
            step.rows += 1
            step.end = min(line.offset + line.length + 1, file.size)
        yield step

    def _add(self, step: Step, kind: FileKind, file: Found, line: Line) -> None:
        if kind.stage == "generate_solutions" and kind.kind == kinds.REPLIES:
            step.tally["solution", "failed" if has_failed(line.head) else "answered"] += 1
        if kind.kind in (kinds.REPLIES, kinds.EARLIER):
            row_id = first_id(line.head)
            if row_id is not None:
                _place(step, {row_id}, line)
                return
            line = line._replace(head=read_at(self._run / file.path, line.offset, min(line.length, _ROW_BYTES)))
        ids = ids_in(line.head) if line.is_whole else set()
        if not ids:
            step.bad += 1
            return
        _place(step, ids, line)
        if kind.kind in (kinds.REPLIES, kinds.ROWS, kinds.EARLIER):
            return
        row, _ = parse_row(line.head)
        if row is None or not isinstance(row.get("id"), str):
            step.bad += 1
        elif kind.kind == kinds.DROPPED:
            self._add_drop(step, row, line)
            if kind.recipe and kind.stage in kinds.UNVOTED:
                _add_unvoted(step, row)
        elif kind.kind == kinds.VERDICTS:
            _add_verdict(step, row)
        else:
            _add_text(step, kind.kind, row)

    def _add_drop(self, step: Step, row: Row, line: Line) -> None:
        reason, owner = str(row.get("reason"))[:200], hash_of(self._owner(row))
        step.tally["reason", reason] += 1
        for fate in step.fates[-3:]:
            # Solutions of a problem stand together, those of one reason mostly too.
            if fate[0] == reason and fate[2] == owner:
                fate[3] = int(fate[3]) + 1
                fate[4] = line.offset + line.length - int(fate[1])
                return
        step.fates.append([reason, line.offset, owner, 1, line.length])

    def _owner(self, row: Row) -> str:
        """The problem or thread that a dropped row is about."""
        named = row.get("problem_id")
        if isinstance(named, str):
            return named
        row_id = str(row["id"])
        if self._base == kinds.PROBLEMS and self._has_threads:
            wanted = parse_id(row_id)
            return row_id if wanted is None else wanted.problem or wanted.thread
        return row_id if self._is_known(row_id) else problem_in(row_id) or row_id

    def _has_problem(self, row_id: str) -> bool:
        return self._db.execute("SELECT 1 FROM problem WHERE hash=?", (hash_of(row_id),)).fetchone() is not None

    # ---- writing -----------------------------------------------------------------------------------------------

    def _write(self, no: int, kind: FileKind, step: Step) -> None:
        with transaction(self._db):
            step.places.sort()
            many = self._db.executemany
            many("INSERT OR REPLACE INTO place VALUES (?,?,?,?)", ((no, *place) for place in step.places))
            self._write_ids(kind, step)
            self._write_words(no, step)
            names = {str(fate[0]) for fate in step.fates}
            many("INSERT OR IGNORE INTO reason (name) VALUES (?)", ((name,) for name in sorted(names)))
            numbers = {name: self._reason(name) for name in names}
            many(
                "INSERT OR REPLACE INTO fate VALUES (?,?,?,?,?,?)",
                ((no, numbers[str(reason)], *rest) for reason, *rest in step.fates),
            )
            add = "n=n+excluded.n"
            many(
                f"INSERT INTO solved VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET {add}, right=right+excluded.right, "
                "wrong=wrong+excluded.wrong, unjudged=unjudged+excluded.unjudged",
                ((no, key, *step.solved[key]) for key in sorted(step.solved)),
            )
            made = ((no, key, step.made[key]) for key in sorted(step.made))
            many(f"INSERT INTO made VALUES (?,?,?) ON CONFLICT DO UPDATE SET {add}", made)
            tally = ((no, *key, n) for key, n in step.tally.items())
            many(f"INSERT INTO tally VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET {add}", tally)
            done = (step.rows, step.bad, step.end, no)
            self._db.execute("UPDATE file SET rows=rows+?, bad=bad+?, done=? WHERE no=?", done)

    def _reason(self, name: str) -> int:
        return int(self._db.execute("SELECT no FROM reason WHERE name=?", (name,)).fetchone()[0])

    def _write_ids(self, kind: FileKind, step: Step) -> None:
        if kind.kind == kinds.THREADS:
            rows = ((key, row_id) for row_id, key, _, _ in step.ids)
            self._db.executemany("INSERT OR IGNORE INTO thread (hash, id) VALUES (?,?)", rows)
            return
        problems = ((key, row_id, hash_of(thread) if thread else None) for row_id, key, thread, _ in step.ids)
        self._db.executemany("INSERT OR IGNORE INTO problem (hash, id, thread) VALUES (?,?,?)", problems)
        if kind.kind == kinds.MERGED:
            types = ((kind_of, key) for _, key, _, kind_of in step.ids)
            self._db.executemany("UPDATE problem SET type=? WHERE hash=?", types)

    def _write_words(self, no: int, step: Step) -> None:
        if not step.words:
            return
        create_words(self._db, no)
        insert = f"INSERT INTO {words_table(no)} (rowid, text) SELECT no, ? FROM problem WHERE hash=?"
        self._db.executemany(insert, ((text, key) for key, text in step.words))


def _training_step(path: Path, size: int) -> Step:
    """All training rows of a file, which is no larger than one step: by their numbers in it."""
    step = Step(end=size)
    for number, row_id, problem in ids_of(path):
        step.places.append((hash_of(row_id), number, 0))
        step.made[hash_of(problem or row_id)] += 1
        step.tally["rows", ""] += 1
        step.rows += 1
    return step


def _place(step: Step, ids: set[str], line: Line) -> None:
    """Add a row's place; rows of one id that follow each other are one place."""
    places = step.places
    for row_id in ids:
        key = hash_of(row_id)
        for back in range(1, min(len(places), 3) + 1):
            last, offset, length = places[-back]
            if last == key and offset + length + 1 == line.offset:
                places[-back] = (key, offset, length + 1 + line.length)
                break
        else:
            places.append((key, line.offset, line.length))


def _add_unvoted(step: Step, row: Row) -> None:
    """Add the solutions of a problem without a vote: of a row for all of them it says how many, else it is one."""
    n = row.get("solutions", 1)
    if isinstance(n, int) and 0 < n < 1000:
        step.solved.setdefault(hash_of(row["id"]), [0, 0, 0, 0])[0] += n
        step.tally["unvoted", str(row.get("reason"))[:200]] += n


def _add_verdict(step: Step, row: Row) -> None:
    counts = step.solved.setdefault(hash_of(row["id"]), [0, 0, 0, 0])
    counts[0] += 1
    verdict = row.get("judgement")
    if row.get("error") is not None:
        step.tally["verdict", "failed"] += 1
        counts[3] += verdict == "unjudged"
    elif verdict in ("yes", "no", "unjudged"):
        counts[("yes", "no", "unjudged").index(verdict) + 1] += 1
        step.tally["verdict", verdict] += 1
    else:
        step.tally["verdict", ""] += 1


def _add_text(step: Step, kind: int, row: Row) -> None:
    key, thread = hash_of(row["id"]), row.get("thread_id")
    type_of = str(row.get("problem_type") or "")[:60]
    step.ids.append((row["id"], key, thread if isinstance(thread, str) else None, type_of))
    if kind != kinds.THREADS:
        parts = (row.get(name) for name in ("problem", "expected_answer"))
        step.words.append((key, indexed("\n".join(part for part in parts if isinstance(part, str)))))
    if kind == kinds.MERGED:
        step.tally["type", type_of] += 1
