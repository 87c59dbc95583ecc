"""Files that the workflow did not make are not overwritten."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from omr.errors import UserError
from omr.runs.own_files import check_own_files

ROWS = "results/mine/merged.jsonl"
JOBS = {
    rule: [ROWS, f"results/mine/dropped/{rule}.jsonl", f"results/mine/counts/{rule}.json"]
    for rule in ("merge_data", "read_problems")
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("results/mine/counts").mkdir(parents=True)


def put(lines: int, **written: int) -> None:
    Path(ROWS).write_bytes(b"{}\n" * lines)
    for rule, number in written.items():
        Path(f"results/mine/counts/{rule}.json").write_bytes(orjson.dumps({"written": number}))


@pytest.mark.parametrize("rule", JOBS)
def test_rows_that_no_stage_counted_stop_the_run_and_stay(rule: str) -> None:
    put(3)
    with pytest.raises(UserError, match="no stage made it"):
        check_own_files({rule: JOBS[rule]})
    assert Path(ROWS).read_bytes() == b"{}\n" * 3


def test_counts_that_say_no_number_say_nothing_of_rows() -> None:
    put(3)
    Path("results/mine/counts/merge_data.json").write_bytes(b"{}")
    with pytest.raises(UserError, match="no stage made it"):
        check_own_files({"merge_data": JOBS["merge_data"]})


def test_rows_put_in_the_place_of_a_stages_own_stop_the_run() -> None:
    put(3, merge_data=29)
    with pytest.raises(UserError, match="the workflow wrote 29 rows there, it has 3"):
        check_own_files({"merge_data": JOBS["merge_data"]})


@pytest.mark.parametrize("rule", JOBS)
def test_a_stages_own_rows_may_be_made_again_also_by_the_other_stage_that_makes_them(rule: str) -> None:
    put(29, merge_data=29)
    check_own_files({rule: JOBS[rule]})


@pytest.mark.parametrize("rule", ["parse_problems", "read_problems"])
def test_problems_may_be_made_again_by_either_stage_that_makes_them_and_no_one_elses_are_lost(rule: str) -> None:
    rows = "results/mine/problems.jsonl"
    jobs = {rule: [rows, f"results/mine/counts/{rule}.json"]}
    put(3, read_problems=5)
    Path(rows).write_bytes(b"{}\n" * 5)
    check_own_files(jobs)
    Path(rows).write_bytes(b"{}\n" * 6)
    with pytest.raises(UserError, match="not the workflow's own"):
        check_own_files(jobs)


def test_nothing_there_and_files_of_other_kinds_are_no_hindrance() -> None:
    Path("results/mine/stages.txt").write_text("own notes")
    check_own_files(JOBS | {"check_counts": ["results/mine/stages.txt"]})


def test_rows_that_another_rule_names_are_known_by_the_counts_of_their_stage() -> None:
    rows, unnamed = Path("results/mine/decontaminated.jsonl"), Path("results/mine/contamination/clean.jsonl")
    jobs = {
        "decontaminate": [str(unnamed), "results/mine/counts/decontaminate.json"],
        "check_problems": [str(rows)],
    }
    put(3, decontaminate=5)
    rows.write_bytes(b"{}\n" * 5)
    check_own_files(jobs)
    rows.write_bytes(b"{}\n" * 6)
    with pytest.raises(UserError, match="the workflow wrote 5 rows there, it has 6"):
        check_own_files(jobs)
    # A run that was stopped before its rows were named: what has the name is of the run before.
    unnamed.parent.mkdir()
    unnamed.write_bytes(b"{}\n" * 5)
    check_own_files(jobs)
