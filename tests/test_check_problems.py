"""Problems are solved only where what is known of them is within its bounds, and that is said once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from check_problems import main
from omr.errors import UserError

NOTHING_PLANTED = {"canaries": {}}
ROWS = b'{"id": "a-1"}\n{"id": "b-1"}\n'


def check(folder: Path, report: dict[str, Any], deduplicated: dict[str, Any], **bounds: float) -> None:
    """Where the check fails, no problems are there."""
    (folder / "clean.jsonl").write_bytes(ROWS)
    (folder / "report.json").write_bytes(orjson.dumps(report))
    (folder / "counts.json").write_bytes(orjson.dumps({"stage": "deduplicate", **deduplicated}))
    (folder / "config.yaml").write_text(yaml.safe_dump({"gates": bounds}))
    files = {"problems": "clean.jsonl", "contamination": "report.json", "deduplicated": "counts.json"}
    files |= {"config": "config.yaml", "output": "decontaminated.jsonl"}
    assert main([part for flag, name in files.items() for part in (f"--{flag}", str(folder / name))]) == 0
    assert (folder / "decontaminated.jsonl").read_bytes() == ROWS


def canaries(verbatim: int, paraphrased: int) -> dict[str, Any]:
    removed = {"verbatim": verbatim, "paraphrased": paraphrased}
    return {"canaries": {kind: {"planted": 10, "removed": {"count": count}} for kind, count in removed.items()}}


def test_problems_within_their_bounds_keep_their_rows_and_take_the_place_of_older_ones(tmp_path: Path) -> None:
    (tmp_path / "decontaminated.jsonl").write_bytes(b"{}\n")
    check(tmp_path, canaries(10, 5), {}, canary_recall=0.75)
    check(tmp_path, canaries(0, 0), {})
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".json", ".jsonl", ".jsonl", ".yaml"]


def test_where_nothing_was_planted_no_bound_is_broken(tmp_path: Path) -> None:
    found = {"copies": {"respelled": {"planted": 0, "found": 0}}, "near_misses": {}}
    check(tmp_path, NOTHING_PLANTED, found, canary_recall=1, repost_recall=1, false_reposts=0)


def test_too_few_planted_copies_of_benchmarks_removed(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"of planted copies of benchmark problems 15 of 20 \(75%\) were removed"
    ) as told:
        check(tmp_path, canaries(10, 5), {}, canary_recall=0.8)
    assert str(told.value).startswith("no solution is asked for, since ")
    assert "`canaries` in contamination/report.json tells" in str(told.value)  # no report.html is made of such a run
    assert not (tmp_path / "decontaminated.jsonl").exists()


@pytest.mark.parametrize(("bound", "holds"), [(0.1, False), (0.15, True)])
def test_too_many_near_misses_taken_for_reposts(tmp_path: Path, bound: float, holds: bool) -> None:
    misses = {"near_misses": {"recounted": {"planted": 20, "taken_for_copies": 3}}}
    if holds:
        check(tmp_path, NOTHING_PLANTED, misses, false_reposts=bound)
        return
    with pytest.raises(UserError, match=r"of planted near misses 3 of 20 \(15%\) were taken for reposts"):
        check(tmp_path, NOTHING_PLANTED, misses, false_reposts=bound)


def test_too_few_planted_reposts_found(tmp_path: Path) -> None:
    copies = {"copies": {"respelled": {"planted": 40, "found": 30}}}
    check(tmp_path, NOTHING_PLANTED, copies)
    with pytest.raises(UserError, match=r"30 of 40 \(75%\) were found as reposts \(repost_recall 0.9\)"):
        check(tmp_path, NOTHING_PLANTED, copies, repost_recall=0.9)


@pytest.mark.parametrize("planted", [19, 20])
def test_too_few_planted_ones_are_not_judged(tmp_path: Path, planted: int) -> None:
    measured = {
        "copies": {"respelled": {"planted": planted, "found": 0}},
        "near_misses": {"recounted": {"planted": planted, "taken_for_copies": planted}},
    }
    if planted < 20:
        check(tmp_path, NOTHING_PLANTED, measured, repost_recall=0.9, false_reposts=0.05)
        return
    with pytest.raises(UserError, match="0 of 20"):
        check(tmp_path, NOTHING_PLANTED, measured, repost_recall=0.9, false_reposts=0.05)
