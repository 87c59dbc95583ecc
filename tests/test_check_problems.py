"""Problems are solved only where what is known of them is within its bounds, and that is said once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from check_problems import main
from omr.errors import UserError

NOTHING_PLANTED = {"canaries": {}}


def check(folder: Path, report: dict[str, Any], deduplicated: dict[str, Any], *bounds: str) -> dict[str, Any]:
    (folder / "report.json").write_bytes(orjson.dumps(report))
    (folder / "counts.json").write_bytes(orjson.dumps({"stage": "deduplicate", **deduplicated}))
    files = {"contamination": "report.json", "deduplicated": "counts.json", "output": "checked.json"}
    given = [part for flag, name in files.items() for part in (f"--{flag}", str(folder / name))]
    assert main([*given, *bounds]) == 0
    found: dict[str, Any] = orjson.loads((folder / "checked.json").read_bytes())
    return found


def canaries(verbatim: int, paraphrased: int) -> dict[str, Any]:
    removed = {"verbatim": verbatim, "paraphrased": paraphrased}
    return {"canaries": {kind: {"planted": 10, "removed": {"count": count}} for kind, count in removed.items()}}


@pytest.mark.parametrize("bounds", [["--canary-recall", "0.75"], []])
def test_what_was_looked_at_is_told(tmp_path: Path, bounds: list[str]) -> None:
    found = check(tmp_path, canaries(10, 5), {}, *bounds)
    bound = 0.75 if bounds else None
    assert found == {
        "canary_recall": {"part": 15, "of": 20, "bound": bound},
        "repost_recall": None,
        "false_reposts": None,
    }


def test_where_nothing_was_planted_no_bound_is_broken_and_nothing_is_claimed(tmp_path: Path) -> None:
    bounds = ("--canary-recall", "1", "--repost-recall", "1", "--false-reposts", "0")
    found = check(
        tmp_path, NOTHING_PLANTED, {"copies": {"respelled": {"planted": 0, "found": 0}}, "near_misses": {}}, *bounds
    )
    assert found == {"canary_recall": None, "repost_recall": None, "false_reposts": None}


def test_too_few_planted_copies_of_benchmarks_removed(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"of planted copies of benchmark problems 15 of 20 \(75%\) were removed"
    ) as told:
        check(tmp_path, canaries(10, 5), {}, "--canary-recall", "0.8")
    assert str(told.value).startswith("no solution is asked for, since ")
    assert "`canaries` in contamination/report.json tells" in str(told.value)  # no report.html is made of such a run
    assert not (tmp_path / "checked.json").exists()


@pytest.mark.parametrize(("bound", "holds"), [("0.1", False), ("0.15", True)])
def test_too_many_near_misses_taken_for_reposts(tmp_path: Path, bound: str, holds: bool) -> None:
    misses = {"near_misses": {"recounted": {"planted": 20, "taken_for_copies": 3}}}
    if holds:
        found = check(tmp_path, NOTHING_PLANTED, misses, "--false-reposts", bound)
        assert found["false_reposts"] == {"part": 3, "of": 20, "bound": 0.15}
        return
    with pytest.raises(UserError, match=r"of planted near misses 3 of 20 \(15%\) were taken for reposts"):
        check(tmp_path, NOTHING_PLANTED, misses, "--false-reposts", bound)


def test_too_few_planted_reposts_found(tmp_path: Path) -> None:
    copies = {"copies": {"respelled": {"planted": 40, "found": 30}}}
    assert check(tmp_path, NOTHING_PLANTED, copies)["repost_recall"] == {"part": 30, "of": 40, "bound": None}
    with pytest.raises(UserError, match=r"30 of 40 \(75%\) were found as reposts \(repost_recall 0.9\)"):
        check(tmp_path, NOTHING_PLANTED, copies, "--repost-recall", "0.9")


@pytest.mark.parametrize("planted", [19, 20])
def test_a_bound_is_named_only_where_it_is_applied(tmp_path: Path, planted: int) -> None:
    measured = {
        "copies": {"respelled": {"planted": planted, "found": 0}},
        "near_misses": {"recounted": {"planted": planted, "taken_for_copies": planted}},
    }
    bounds = ("--repost-recall", "0.9", "--false-reposts", "0.05")
    if planted < 20:
        found = check(tmp_path, NOTHING_PLANTED, measured, *bounds)
        assert found["repost_recall"] == {"part": 0, "of": 19, "bound": None}
        assert found["false_reposts"] == {"part": 19, "of": 19, "bound": None}
        return
    with pytest.raises(UserError, match="0 of 20"):
        check(tmp_path, NOTHING_PLANTED, measured, *bounds)
