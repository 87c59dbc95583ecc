"""The table of stages: it must notice every row that is lost between two files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from check_counts import CHAIN, main
from omr.errors import UserError

COUNTS: dict[str, dict[str, Any]] = {
    "prepare_raw_data": {"read": 5, "passed": 4, "written": 4, "dropped": {"duplicate_thread": 1}},
    "parse_problems": {"read": 4, "passed": 3, "written": 6, "dropped": {"no_problem": 1}},
    "parse_classes": {"read": 6, "passed": 6, "written": 6, "dropped": {}},
    "parse_answers": {"read": 3, "passed": 2, "written": 2, "dropped": {"unreadable_answer": 1}},
    "parse_conversions": {"read": 2, "passed": 2, "written": 2, "dropped": {}},
    "parse_proofs": {"read": 2, "passed": 1, "written": 1, "dropped": {"proof": 1}},
    "merge_data": {"read": 4, "passed": 2, "written": 2, "dropped": {"mcq": 1, "duplicate": 1}},
    "deduplicate": {"read": 2, "passed": 2, "written": 2, "dropped": {}},
    "decontaminate": {"read": 2, "passed": 1, "written": 1, "dropped": {"contaminated_exact": 1}},
}


def write_run(folder: Path, **changes: dict[str, Any]) -> list[str]:
    """A run's counts and files; returns the flags for check_counts.py."""
    for name in ("counts", "dropped"):
        (folder / name).mkdir()
    for link in CHAIN:
        counts = COUNTS[link.stage]
        (folder / link.output).write_bytes(b"{}\n" * counts["written"])
        (folder / "dropped" / f"{link.stage}.jsonl").write_bytes(b"{}\n" * sum(counts["dropped"].values()))
        told = {"stage": link.stage} | counts | changes.get(link.stage, {})
        (folder / "counts" / f"{link.stage}.json").write_bytes(orjson.dumps(told))
    return ["--run", str(folder), "--output", str(folder / "stages.txt"), "--json", str(folder / "stages.json")]


def test_a_run_in_which_everything_fits_gives_the_table(tmp_path: Path) -> None:
    assert main(write_run(tmp_path)) == 0
    text = (tmp_path / "stages.txt").read_text()
    assert "duplicate_thread 1" in text
    assert [stage["stage"] for stage in orjson.loads((tmp_path / "stages.json").read_bytes())] == list(COUNTS)


def test_a_run_without_rows_names_the_stage_and_the_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    none = {"read": 2, "passed": 0, "written": 0, "dropped": {"contaminated_exact": 2}}
    arguments = write_run(tmp_path, decontaminate=none)
    (tmp_path / "decontaminated.jsonl").write_bytes(b"")
    (tmp_path / "dropped/decontaminate.jsonl").write_bytes(b"{}\n{}\n")
    assert main(arguments) == 0
    told = "o rows are left after decontaminate, which read 2: contaminated_exact 2"
    assert told in (tmp_path / "stages.txt").read_text()
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stage", "change"),
    [
        ("prepare_raw_data", {"read": 6}),
        ("parse_problems", {"read": 3, "passed": 2}),
        ("parse_classes", {"written": 5}),
        ("parse_answers", {"read": 2, "passed": 1}),
        ("merge_data", {"read": 5, "passed": 3}),
        ("deduplicate", {"read": 3, "passed": 3}),
        ("decontaminate", {"read": 3, "passed": 2}),
    ],
)
def test_a_lost_row_stops_the_run(tmp_path: Path, stage: str, change: dict[str, Any]) -> None:
    flags = write_run(tmp_path, **{stage: change})
    with pytest.raises(UserError, match="rows were lost"):
        main(flags)
    assert not (tmp_path / "stages.txt").exists()


def test_a_file_that_was_shortened_by_hand_stops_the_run(tmp_path: Path) -> None:
    flags = write_run(tmp_path)
    (tmp_path / "merged.jsonl").write_bytes(b"{}\n")
    with pytest.raises(UserError, match="merge_data wrote 2 rows, the file has 1"):
        main(flags)


def test_requests_of_a_model_stage_are_summed_over_its_shards(tmp_path: Path) -> None:
    flags = write_run(tmp_path)
    folder = tmp_path / "counts" / "extract_problems"
    folder.mkdir()
    shard = {"requests": 2, "answered": 1, "failed": {"refused": 1}, "prompt_tokens": 5, "completion_tokens": 7}
    for number in range(2):
        (folder / f"shard-{number:03d}-of-002.json").write_bytes(orjson.dumps(shard))
    assert main(flags) == 0
    stages = {stage["stage"]: stage for stage in orjson.loads((tmp_path / "stages.json").read_bytes())}
    asked = stages["extract_problems"]
    assert (asked["read"], asked["written"], asked["dropped"]) == (4, 2, {"refused": 2})
    assert asked["completion_tokens"] == 14


def test_further_tries_are_told_once_and_not_as_a_reason_of_dropped_rows(tmp_path: Path) -> None:
    again = {"asked_again": {"replies": 4, "recovered": 1}}
    flags = write_run(tmp_path, parse_problems=again)
    folder = tmp_path / "counts/extract_problems"
    folder.mkdir()
    shard = {"requests": 4, "answered": 4, "failed": {}, "prompt_tokens": 5, "completion_tokens": 7}
    (folder / "shard-000-of-001.json").write_bytes(orjson.dumps(shard | again))
    assert main(flags) == 0
    lines = {line.split()[0]: line for line in (tmp_path / "stages.txt").read_text().splitlines() if line}
    assert lines["extract_problems"].endswith("0 4 further tries after unreadable replies: 1 readable")
    assert lines["parse_problems"].endswith("1 no_problem 1")


def test_converted_proofs_that_are_off_by_now_are_no_stages(tmp_path: Path) -> None:
    merged = {"read": 5, "passed": 2, "written": 2, "dropped": {"mcq": 1, "proof": 2}}
    arguments = write_run(tmp_path, merge_data=merged)
    (tmp_path / "dropped/merge_data.jsonl").write_bytes(b"{}\n" * 3)
    with pytest.raises(UserError, match="rows were lost"):
        main(arguments)
    assert main([*arguments, "--without", "parse_conversions", "parse_proofs"]) == 0
    stages = [stage["stage"] for stage in orjson.loads((tmp_path / "stages.json").read_bytes())]
    assert stages == [stage for stage in COUNTS if stage not in ("parse_conversions", "parse_proofs")]


def test_a_run_that_starts_from_problems_has_their_stages_and_no_left_overs_of_threads(tmp_path: Path) -> None:
    flags = write_run(tmp_path)
    (tmp_path / "dropped/read_problems.jsonl").write_bytes(b"{}\n")
    told = {"stage": "read_problems", "read": 3, "passed": 2, "written": 2, "dropped": {"duplicate": 1}}
    (tmp_path / "counts/read_problems.json").write_bytes(orjson.dumps(told))
    assert main([*flags, "--starts-from", "problems"]) == 0
    assert [stage["stage"] for stage in orjson.loads((tmp_path / "stages.json").read_bytes())] == [
        "read_problems",
        "deduplicate",
        "decontaminate",
    ]
    (tmp_path / "counts/read_problems.json").write_bytes(orjson.dumps(told | {"written": 3}))
    with pytest.raises(UserError, match="rows were lost"):
        main([*flags, "--starts-from", "problems"])


def given_and_classified(folder: Path, **changes: dict[str, Any]) -> list[str]:
    """The files of a run whose given problems were classified, beside left-overs of one that started from threads."""
    flags = write_run(folder, **{"merge_data": COUNTS["merge_data"] | {"read": 5, "passed": 3}} | changes)
    (folder / "dropped/read_problems.jsonl").write_bytes(b"{}\n")
    told = {"stage": "read_problems", "read": 7, "passed": 6, "written": 6, "dropped": {"duplicate": 1}}
    (folder / "counts/read_problems.json").write_bytes(orjson.dumps(told))
    return [*flags, "--starts-from", "problems", "--classifies"]


def test_given_problems_that_are_classified_have_those_stages_too_and_their_rows_add_up(tmp_path: Path) -> None:
    # Six classified rows: two proofs, of which one comes back, one set aside, three with their own answers.
    merged = {"read": 5, "passed": 2, "written": 2, "dropped": {"mcq": 1, "duplicate": 2}}
    flags = given_and_classified(tmp_path, merge_data=merged)
    (tmp_path / "dropped/merge_data.jsonl").write_bytes(b"{}\n" * 3)
    assert main(flags) == 0
    assert [stage["stage"] for stage in orjson.loads((tmp_path / "stages.json").read_bytes())] == [
        "read_problems", "parse_classes", "parse_conversions", "parse_proofs", "merge_data", "deduplicate", "decontaminate",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "change"),
    [
        ("merge_data", {"read": 4, "passed": 2, "dropped": {"mcq": 1, "duplicate": 1}}),
        ("parse_classes", {"read": 5, "passed": 5}),
        ("parse_conversions", {"read": 3, "passed": 3}),
    ],
)
def test_a_lost_row_of_given_problems_stops_the_run(tmp_path: Path, stage: str, change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"rows were lost|went anywhere"):
        main(given_and_classified(tmp_path, **{stage: change}))
