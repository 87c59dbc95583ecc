"""The index: the same stories as the files tell, read once, brought up to date by what is new, whole after a kill."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import run_files
from code_run_files import write_code_run
from omr.browse import indexing
from omr.browse.database import open_for_writing
from omr.browse.indexing import Index
from omr.browse.lists import Filters, Lists
from omr.browse.search import IndexedSearch
from omr.errors import UserError
from omr.files.jsonl import dumps
from omr.runs.lineage import Event, Lineage
from run_files import CONTAMINATED, OTHER, PROBLEM, RECIPE, SILENT, THREAD, reply, write_rows

SHARD = "shard-000-of-001.jsonl"
JUDGED = f"{RECIPE}/judged/{SHARD}"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_files.write_run(tmp_path, run_files.HOSTILE)


def index(run: Path) -> sqlite3.Connection:
    db = open_for_writing(run / "browse.sqlite")
    Index(db, run).update()
    return db


def content(db: sqlite3.Connection, run: Path) -> dict[str, list[Any]]:
    """All that an index says, by the paths of files instead of their numbers."""
    paths = dict(db.execute("SELECT no, path FROM file"))
    reasons = dict(db.execute("SELECT no, name FROM reason"))
    found: dict[str, list[Any]] = {
        table: sorted((paths[no], *rest) for no, *rest in db.execute(f"SELECT * FROM {table}"))
        for table in ("solved", "made", "tally")
    }
    # Rows of one id may be one place or several that follow each other: steps end where they like.
    covered = ((paths[no], key, at, size) for no, key, at, size in db.execute("SELECT * FROM place"))
    bytes_of = {path: (run / path).read_bytes() for path in paths.values()}
    found["place"] = sorted(
        (path, key, byte)
        for path, key, at, size in covered
        for byte in range(at, at + size)
        if bytes_of[path][byte] != 10
    )
    found["fate"] = sorted(
        (paths[no], reasons[why], owner) for no, why, _, owner, *_ in db.execute("SELECT * FROM fate")
    )
    found["dropped"] = [db.execute("SELECT sum(n) FROM fate").fetchone()]
    found["ids"] = sorted(db.execute("SELECT id, thread, type FROM problem"))
    found["ids"] += sorted(db.execute("SELECT id FROM thread"))
    found["files"] = sorted(db.execute("SELECT path, kind, stage, recipe, size, done, rows, bad FROM file"))
    return found


def stories(lineage: Lineage) -> Iterator[list[Event]]:
    """Everything that can be told of the ids of a run."""
    for thread in (THREAD, OTHER, SILENT, "nothing"):
        yield list(lineage.thread(thread))
        for problem in lineage.problems(thread):
            yield list(lineage.problem(problem))
            for recipe in (*lineage.recipes, *lineage.comparing):
                for seed in range(3):
                    yield list(lineage.solution(recipe, problem, seed))
                for group in lineage.groups(recipe, problem):
                    yield list(lineage.group(recipe, problem, group["id"]))


@pytest.mark.parametrize("write", [run_files.write_run, write_code_run])
def test_the_index_tells_the_stories_that_the_files_tell(tmp_path: Path, write: Callable[..., Path]) -> None:
    run = write(tmp_path, run_files.HOSTILE)
    indexed = Lineage(run, IndexedSearch(index(run), run))
    told = list(stories(indexed))
    assert told == list(stories(Lineage(run)))
    assert sum(map(len, told)) > 20


def test_what_did_not_change_is_not_read_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = index(run)
    before = content(db, run)
    monkeypatch.setattr(indexing, "scan", lambda *_, **__: pytest.fail("a file was read"))
    assert Index(db, run).update() == 0
    assert content(db, run) == before


def test_a_shard_that_was_made_again_takes_its_old_rows_with_it(run: Path) -> None:
    db = index(run)
    rows = [{"id": CONTAMINATED, "seed": 0, "judgement": "unjudged"}]
    write_rows(run / JUDGED, *rows)
    assert Index(db, run).update() == 1
    assert db.execute("SELECT n, right, wrong, unjudged FROM solved WHERE file=(SELECT no FROM file WHERE path=?)", (JUDGED,)).fetchall() == [(1, 0, 0, 1)]  # fmt: skip
    assert list(IndexedSearch(db, run).rows_with(run / JUDGED, "id", CONTAMINATED)) == rows
    assert list(IndexedSearch(db, run).rows_with(run / JUDGED, "id", PROBLEM)) == []
    shutil.rmtree(run / RECIPE / "judged")
    Index(db, run).update()
    assert IndexedSearch(db, run).shard_files(run / RECIPE / "judged") == []


def test_an_updated_index_is_the_one_that_is_made_anew(run: Path) -> None:
    db = index(run)
    problems = [{"id": PROBLEM, "thread_id": THREAD, "problem": "What is $2+2$?"}]
    write_rows(run / "problems.jsonl", *problems)
    write_rows(run / RECIPE / "dropped/prepare_sft" / SHARD, {"id": PROBLEM, "seed": 1, "reason": "duplicate"})
    (run / "dropped/decontaminate.jsonl").unlink()
    Index(db, run).update()
    fresh = open_for_writing(run.parent / "fresh.sqlite")
    Index(fresh, run).update()
    assert content(db, run) == content(fresh, run)
    # The types and words of merged problems came back with the numbers that they hang on.
    assert [one.id for one in Lists(db, run).problems(Filters(q="2+2")).entries] == [PROBLEM]


def test_of_a_journal_only_what_is_new_is_read_and_its_output_is_known_already(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = run / RECIPE / "solutions/seed-01" / SHARD
    journal = output.with_name(output.name + ".journal")
    output.rename(journal)
    db = index(run)
    first = journal.read_bytes()
    with journal.open("ab") as file:
        file.write(dumps(reply(CONTAMINATED, "solve_cot", "more", 1)) + b'{"id":"torn')
    begun: list[int] = []
    scan = indexing.scan
    monkeypatch.setattr(indexing, "scan", lambda path, start, *rest, **more: begun.append(start) or scan(path, start, *rest, **more))  # fmt: skip
    Index(db, run).update()
    assert begun == [len(first)]
    lineage = Lineage(run, IndexedSearch(db, run))
    assert [row["text"] for row in lineage.seats(RECIPE, CONTAMINATED)] == ["more"]
    # The journal becomes the output by a second name; the torn line was cut off by then.
    with journal.open("rb+") as file:
        file.truncate(journal.stat().st_size - len(b'{"id":"torn'))
    Index(db, run).update()
    os.link(journal, output)
    begun.clear()
    Index(db, run).update()
    assert begun == []
    assert [row["text"] for row in lineage.seats(RECIPE, CONTAMINATED)] == ["more"]


@pytest.mark.parametrize("after", [1, 2, 3, 5, 8, 13])
def test_a_killed_update_goes_on_and_ends_as_any_other(run: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    whole = content(index(run), run)
    monkeypatch.setattr(indexing, "_STEP_ROWS", 1)
    (run / "browse.sqlite").unlink()
    db = open_for_writing(run / "browse.sqlite")
    one = Index(db, run)
    write, left = one._write, iter(range(after))

    def dies(*arguments: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(*arguments)

    monkeypatch.setattr(one, "_write", dies)
    with pytest.raises(KeyboardInterrupt):
        one.update()
    db.close()
    again = open_for_writing(run / "browse.sqlite")
    Index(again, run).update()
    assert content(again, run) == whole


def test_no_text_of_a_solution_or_a_reply_is_in_the_index(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path, "kilroywashere")
    index(run).close()
    assert b"kilroywashere" in (run / RECIPE / "solutions/seed-00" / SHARD).read_bytes()
    assert b"kilroywashere" not in (run / "browse.sqlite").read_bytes()


def test_rows_that_cannot_be_read_are_counted_and_the_others_found(run: Path) -> None:
    rows = [{"id": PROBLEM, "seed": 0, "judgement": "yes"}, {"id": CONTAMINATED, "seed": 0, "judgement": "no"}]
    bad = [b'{"id":"\xff\xfe","seed":1}\n', b"not json\n", b"[]\n", b"{}\n", b"\n"]
    (run / JUDGED).write_bytes(dumps(rows[0]) + b"".join(bad) + dumps(rows[1]))
    solutions = run / RECIPE / "solutions/seed-00" / SHARD
    odd = b'{"text":"' + b"x" * 2000 + b'","id":"' + PROBLEM.encode() + b'"}\n'
    solutions.write_bytes(b"\xff\n" + odd)
    db = index(run)
    assert db.execute("SELECT rows, bad FROM file WHERE path=?", (JUDGED,)).fetchone() == (7, 5)
    search = IndexedSearch(db, run)
    assert [row["judgement"] for key in (PROBLEM, CONTAMINATED) for row in search.rows_with(run / JUDGED, "id", key)] == ["yes", "no"]  # fmt: skip
    assert [len(row["text"]) for row in search.rows_with(solutions, "id", PROBLEM)] == [2000]
    assert db.execute("SELECT sum(bad) FROM file WHERE path LIKE '%seed-00%'").fetchone() == (1,)


def test_a_file_of_training_rows_that_is_none_is_told_and_the_rest_is_there(run: Path) -> None:
    (run / RECIPE / "sft" / SHARD.removesuffix(".jsonl") / "00001.parquet").write_bytes(b"PAR1 no")
    db, said = open_for_writing(run / "browse.sqlite"), list[str]()
    Index(db, run, said.append).update()
    assert ["00001.parquet" in line for line in said] == [True]
    assert db.execute("SELECT sum(n) FROM made").fetchone() == (1,)


def test_an_index_of_another_version_is_made_anew_and_no_index_is_told(tmp_path: Path, run: Path) -> None:
    path = run / "browse.sqlite"
    before = content(index(run), run)
    db = sqlite3.connect(path)
    db.executescript("DROP TABLE place; PRAGMA user_version=99")
    db.close()
    assert content(index(run), run) == before
    (tmp_path / "other").write_bytes(b"no database at all " * 100)
    with pytest.raises(UserError, match="no index"):
        open_for_writing(tmp_path / "other")
    with pytest.raises(UserError, match="--index"):
        open_for_writing(tmp_path / "nowhere" / "index")


def test_given_problems_of_any_id_are_found_with_their_drops(tmp_path: Path) -> None:
    run = tmp_path / "given"
    ids = ["algebra/12", "algebra/12-3", "x y-1"]
    write_rows(run / "merged.jsonl", *({"id": name, "problem": f"Find {n}+{n}"} for n, name in enumerate(ids)))
    write_rows(run / "dropped/read_problems.jsonl", {"id": "twice-1", "reason": "duplicate", "problem": "Find"})
    (run / "counts").mkdir()
    (run / "counts/read_problems.json").write_text("{}")
    (run / "cot/solutions").mkdir(parents=True)
    drops = [
        {"id": "algebra/12-3", "seed": 0, "reason": "wrong"},
        {"id": "algebra/12-3-1", "seed": 1, "reason": "wrong"},
    ]
    write_rows(run / "cot/dropped/prepare_sft" / SHARD, *drops, {"id": "algebra/12-2", "seed": 2, "reason": "wrong"})
    lists = Lists(index(run), run)
    assert [one.id for one in lists.problems(Filters()).entries] == ids
    assert [one.id for one in lists.problems(Filters(reason="wrong")).entries] == ids[:2]
    assert [(drop.row["id"], drop.n) for drop in lists.drops(Filters(reason="wrong")).entries] == [("algebra/12-3", 2), ("algebra/12-2", 1)]  # fmt: skip
    assert Lineage(run, lists.search).id_of("algebra/12-3").problem == "algebra/12-3"  # type: ignore[union-attr]


def test_given_problems_that_were_classified_are_listed_with_those_whose_class_sets_them_aside(tmp_path: Path) -> None:
    run = tmp_path / "given"
    ids = ["algebra-12", "algebra-12-3", "x.y-1"]
    given = [{"id": name, "problem": f"Find {n}+{n}"} for n, name in enumerate(ids)]
    write_rows(run / "problems.jsonl", *given)
    write_rows(run / "merged.jsonl", given[0], given[2])
    write_rows(run / "dropped/merge_data.jsonl", given[1] | {"reason": "mcq"})
    (run / "counts").mkdir()
    counts = run / "counts/read_problems.json"
    counts.write_text('{"to_classify": true}')
    (run / "cot/solutions").mkdir(parents=True)
    write_rows(run / "cot/dropped/prepare_sft" / SHARD, {"id": "algebra-12-1", "seed": 1, "reason": "wrong"})
    lists = Lists(index(run), run)
    assert [one.id for one in lists.problems(Filters()).entries] == ids
    assert [one.id for one in lists.problems(Filters(reason="mcq")).entries] == ["algebra-12-3"]
    assert [one.id for one in lists.problems(Filters(reason="wrong")).entries] == ["algebra-12"]
    # Without classes the file is one of an older config.
    (run / "browse.sqlite").unlink()
    counts.write_text("{}")
    lists = Lists(index(run), run)
    assert [one.id for one in lists.problems(Filters()).entries] == [ids[0], ids[2]]
