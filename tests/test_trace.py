"""Tracing ids of every kind through a run, to the training row or to the reason where it ended."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
import run_files
from code_run_files import write_code_run
from omr.errors import UserError
from omr.files.printable import printable
from omr.runs.lineage import Id, parse_id
from omr.runs.run_folder import newest_run
from omr.stages.row_search import lines_with, nearest, rows_about, rows_with
from run_files import CONTAMINATED, OTHER, PROBLEM, SILENT, THREAD

from trace import main  # isort: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_files.write_run(tmp_path, run_files.HOSTILE)


def traced(run: Path, wanted: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main([wanted, "--run", str(run), *more]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (THREAD, Id(THREAD, None, None)),
        (PROBLEM, Id(THREAD, PROBLEM, None)),
        (f"{PROBLEM}-31", Id(THREAD, PROBLEM, 31)),
        (f"{PROBLEM}~gsm8k-7~ab", Id(THREAD, PROBLEM, None)),
        (f"{PROBLEM}-abcdef0123456789", Id(THREAD, PROBLEM, None)),
        ("nonsense", None),
    ],
)
def test_an_id_says_what_it_names(text: str, wanted: Id | None) -> None:
    assert parse_id(text) == wanted


def test_a_solution_is_followed_from_the_post_to_the_training_row(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = traced(run, f"{PROBLEM}-0", capsys)
    stages = ("raw_aops_data", "replies/extract_problems", "problems", "merged", "decontaminated", "solutions/seed-00")
    places = [text.index(name) for name in (*stages, "majority", "judged", "sft/shard")]
    assert places == sorted(places)
    assert text.rstrip().endswith(f"=> {PROBLEM}-0 ({run_files.RECIPE}) is in {run_files.RECIPE}/sft/shard-000-of-001")


def test_a_wrong_solution_ends_with_its_verdict(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = traced(run, f"{PROBLEM}-1", capsys)
    assert "Judgement: No" in text
    assert text.rstrip().endswith("ended at prepare_sft: wrong")


def test_a_problem_lists_its_solutions(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = traced(run, PROBLEM, capsys)
    assert f"{PROBLEM}-0: answer 2, yes (symbolic); is in {run_files.RECIPE}/sft/shard-000-of-001" in text
    assert f"{PROBLEM}-1: answer 3, no (llm); ended at prepare_sft: wrong" in text


def test_a_solution_with_code_shows_what_was_run_and_every_vote_on_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_code_run(tmp_path, run_files.HOSTILE)
    kept = traced(run, f"{PROBLEM}-0", capsys, "--recipe", "tir-small")
    names = ("ran 2 of 4 blocks (ok, error), ended: stop", "tir-small/cleaned", "Novelty: new", "reason: traceback")
    places = [kept.index(name) for name in (*names, "tir-small/selected", "tir-small/sft/shard-000-of-001")]
    assert places == sorted(places)
    assert kept.rstrip().endswith("is in tir-small/sft/shard-000-of-001")
    dropped = traced(run, f"{PROBLEM}-1", capsys, "--recipe", "tir-small")
    assert "Novelty: check" in dropped
    assert dropped.rstrip().endswith("ended at select_by_code: code_not_needed")


@pytest.mark.parametrize(
    ("wanted", "ending"),
    [
        (CONTAMINATED, "decontaminate: contaminated_exact"),
        (OTHER, "contaminated_exact"),
        (SILENT, "parse_problems: no_problem"),
    ],
)
def test_what_was_dropped_ends_with_stage_and_reason(
    run: Path, capsys: pytest.CaptureFixture[str], wanted: str, ending: str
) -> None:
    assert traced(run, wanted, capsys).rstrip().endswith(ending)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (THREAD.replace("aa", "ab"), THREAD),
        (THREAD[:-1], THREAD),
        (f"{THREAD}-7", f"it has: {PROBLEM}"),
        (f"{PROBLEM}-9", "seeds 0 to 1"),
        (f"{SILENT}-1", f"trace {SILENT} says why"),
        (f"{CONTAMINATED}-0", "was not solved"),
    ],
)
def test_an_unknown_id_is_an_error_that_names_near_ones(run: Path, wanted: str, told: str) -> None:
    with pytest.raises(UserError, match="no") as error:
        main([wanted, "--run", str(run)])
    assert told in str(error.value)


def test_text_cannot_command_the_terminal(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in traced(run, f"{PROBLEM}-0", capsys)
    assert printable("a\x1b[2Jb\u202e\tc\n") == "a\ufffd[2Jb\ufffd\tc\n"


def test_a_long_text_is_shortened_unless_all_is_wanted(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_files.write_rows(run / "raw_aops_data.jsonl", {"id": SILENT, "forum_post": "y" * 5000, "forum_discussions": ""})
    assert "4,990 more characters" in traced(run, SILENT, capsys, "--max-chars", "10")
    assert "y" * 5000 in traced(run, SILENT, capsys, "--max-chars", "0")


def test_the_newest_run_is_the_default(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run"):
        newest_run(tmp_path)
    run = run_files.write_run(tmp_path)
    assert newest_run(tmp_path) == run


def test_an_id_inside_a_text_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    run_files.write_rows(path, {"id": "b", "text": '"id":"a"'}, {"id": "a", "text": "mine"})
    path.write_bytes(path.read_bytes() + b'{"id":"a","te')
    assert [row["text"] for row in rows_with(path, "id", "a")] == ["mine"]


def test_files_that_are_missing_or_empty_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert list(lines_with(tmp_path / "empty.jsonl", b"x")) == list(lines_with(tmp_path / "no.jsonl", b"x")) == []


def test_near_ids_survive_a_missing_character() -> None:
    assert nearest("0123456789abcdf", ["0123456789abcdef", "ffffffffffffffff"]) == ["0123456789abcdef"]


def test_given_problems_are_traced_by_ids_of_any_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.yaml").touch()
    run_files.write_counts(tmp_path / "counts/read_problems.json", stage="read_problems")
    rows = [
        {"id": name, "problem": f"The problem {name}.", "expected_answer": "5"} for name in ("own", "own-1", "a:b.c")
    ]
    run_files.write_rows(tmp_path / "merged.jsonl", *rows)
    run_files.write_rows(tmp_path / "decontaminated.jsonl", *rows)
    run_files.write_rows(tmp_path / "dropped/read_problems.jsonl", {"id": "twin", "reason": "duplicate", "kept": "own"})
    for name in ("own", "own-1", "a:b.c"):
        assert main([name, "--run", str(tmp_path)]) == 0
        assert f"The problem {name}." in capsys.readouterr().out
    assert main(["twin", "--run", str(tmp_path)]) == 0
    assert "ended at read_problems: duplicate" in capsys.readouterr().out
    with pytest.raises(UserError, match="there is no solution own-7"):
        main(["own-7", "--run", str(tmp_path)])
    with pytest.raises(UserError, match="has the id 'nothing'"):
        main(["nothing", "--run", str(tmp_path)])


def test_each_file_is_looked_through_once_however_many_solutions_a_problem_has(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, shard = run / run_files.RECIPE, "shard-000-of-001.jsonl"
    [first, *_] = (orjson.loads(line) for line in (home / "judged" / shard).read_bytes().splitlines())
    run_files.write_rows(home / "judged" / shard, *(first | {"seed": seed} for seed in range(40)))
    dropped = [{"id": f"{PROBLEM}-{seed}", "seed": seed, "reason": "wrong"} for seed in range(1, 40)]
    run_files.write_rows(home / "dropped/prepare_sft" / shard, *dropped)
    mapped: list[int] = []
    fileno, whole, read = mmap.mmap, pq.ParquetFile.read_row_group, []

    def noting(descriptor: int, *arguments: Any, **options: Any) -> mmap.mmap:
        mapped.append(os.fstat(descriptor).st_ino)
        return fileno(descriptor, *arguments, **options)

    def noting_groups(file: pq.ParquetFile, group: int, *arguments: Any, **options: Any) -> Any:
        read.append(options.get("columns"))
        return whole(file, group, *arguments, **options)

    monkeypatch.setattr(mmap, "mmap", noting)
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", noting_groups)
    text = traced(run, PROBLEM, capsys)
    assert text.count("ended at prepare_sft: wrong") == 39
    assert len(mapped) == len(set(mapped)) > 5
    assert read == [["problem_id"], None]


def test_rows_about_a_thing_name_it_or_a_part_of_it(tmp_path: Path) -> None:
    ids = ["1", "1-0", "11", "21", "1~a", "1-g2", "x"]
    rows = [*({"id": row_id} for row_id in ids), {"id": "y", "problem_id": "1"}, {"id": "z", "text": 'say "1"'}]
    run_files.write_rows(tmp_path / "rows.jsonl", *rows)
    with (tmp_path / "rows.jsonl").open("ab") as file:
        file.write(b'{"id":"1-7","torn')
    found = rows_about(tmp_path / "rows.jsonl", "1")
    assert [row["id"] for row in found] == ["1", "1-0", "1~a", "1-g2", "y"]
    assert rows_about(tmp_path / "nothing.jsonl", "1") == []
