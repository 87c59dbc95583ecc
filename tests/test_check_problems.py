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


def check(
    folder: Path,
    report: dict[str, Any],
    deduplicated: dict[str, Any],
    classes: dict[str, Any] | None = None,
    planted: dict[str, Any] | None = None,
    **bounds: float,
) -> None:
    """Where the check fails, no problems are there."""
    (folder / "clean.jsonl").write_bytes(ROWS)
    (folder / "report.json").write_bytes(orjson.dumps(report))
    (folder / "config.yaml").write_text(yaml.safe_dump({"gates": bounds}))
    files = {"problems": "clean.jsonl", "contamination": "report.json"}
    files |= {"config": "config.yaml", "output": "decontaminated.jsonl"}
    flags = [part for flag, name in files.items() for part in (f"--{flag}", str(folder / name))]
    flags.append("--counts")
    for stage, counts in {"deduplicate": deduplicated, "parse_classes": classes}.items():
        if counts is not None:
            (folder / f"{stage}.json").write_bytes(orjson.dumps({"stage": stage, **counts}))
            flags.append(str(folder / f"{stage}.json"))
    if planted is not None:
        (folder / "planted.json").write_bytes(orjson.dumps({"obeyed": planted}))
        flags += ["--planted", str(folder / "planted.json")]
    assert main(flags) == 0
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


@pytest.mark.parametrize(("yes", "bound", "holds"), [(97, 0.96, False), (97, 0.98, True), (90, 0.5, True)])
def test_a_classifier_that_says_nearly_always_the_same(tmp_path: Path, yes: int, bound: float, holds: bool) -> None:
    verdicts = {"verdicts": {"proof": {"yes": yes, "no": 100 - yes, "unreadable": 50}, "invalid": {"yes": 5}}}
    if holds:  # from 95% on a model is named at all
        check(tmp_path, NOTHING_PLANTED, {}, verdicts, same_verdict=bound)
        return
    with pytest.raises(
        UserError, match=r"since proof \(parse_classes\) said 'yes' in 97 of 100 \(97%\) verdicts"
    ) as told:
        check(tmp_path, NOTHING_PLANTED, {}, verdicts, same_verdict=bound)
    assert "ask a better model in that stage" in str(told.value)
    assert not (tmp_path / "decontaminated.jsonl").exists()


def test_a_model_that_says_the_same_of_every_pair_with_a_benchmark(tmp_path: Path) -> None:
    report = NOTHING_PLANTED | {"questions": {"same": 0, "different": 40}}
    check(tmp_path, report, {})
    with pytest.raises(UserError, match=r"check_contamination said 'different' in 40 of 40"):
        check(tmp_path, report, {}, same_verdict=0.99)


@pytest.mark.parametrize(("obeyed", "of", "told"), [(3, 10, r"3 of 10 \(30%\) were obeyed"), (0, 0, "no reply about")])
def test_models_that_obey_what_is_planted_in_threads(tmp_path: Path, obeyed: int, of: int, told: str) -> None:
    planted = {"count": obeyed, "of": of}
    check(tmp_path, NOTHING_PLANTED, {}, planted=planted)
    with pytest.raises(UserError, match=told):
        check(tmp_path, NOTHING_PLANTED, {}, planted=planted, obeyed_instructions=0.2)


def test_what_is_known_only_of_solutions_is_not_asked_for_here(tmp_path: Path) -> None:
    check(tmp_path, NOTHING_PLANTED, {}, {}, judge_agreement=1.0)
