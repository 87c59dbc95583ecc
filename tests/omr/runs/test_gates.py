"""What is measured of models, and the bounds that it may break."""

from __future__ import annotations

from typing import Any

import pytest
from omr.runs.gates import (
    Gates,
    Share,
    broken,
    canary_recall,
    false_reposts,
    judge_audit,
    monotones,
    obeyed_instructions,
    repost_recall,
)


def report(verbatim: int, paraphrased: int, planted: int = 10) -> dict[str, Any]:
    """A contamination report in which so many copies of each kind were removed."""
    removed = {"verbatim": verbatim, "paraphrased": paraphrased, "renumbered": 0}
    return {
        "canaries": {kind: {"planted": planted, "removed": {"count": n}} for kind, n in removed.items()},
        "questions": {"same": 5, "different": 5, "asked": 10},
    }


def counts(yes: int = 0, no: int = 0, agree: int = 0, disagree: int = 0) -> dict[str, Any]:
    """Counts of merge_judgements: verdicts of the judge, and its audit on pairs proven equal."""
    audit = {"equal": {"yes": agree, "no": disagree}} if agree + disagree else {}
    return {"merge_judgements": {"verdicts": {"judge_answers": {"yes": yes, "no": no}}, "audit": audit}}


def test_copies_with_other_numbers_are_no_copies() -> None:
    assert canary_recall(report(10, 5)) == Share(15, 20)
    assert canary_recall(report(0, 0, planted=0)) is None
    assert canary_recall(None) is None


def test_a_recall_below_the_bound_breaks_it_and_one_at_the_bound_does_not() -> None:
    gates = Gates(canary_recall=0.75)
    assert broken(gates, {}, report(10, 5)) == []
    [what] = broken(gates, {}, report(10, 4))
    assert "14 of 20 (70%) were removed" in what
    assert "canary_recall 0.75" in what


def test_a_judge_that_contradicts_proofs_breaks_its_bound_once_it_was_asked_enough() -> None:
    gates = Gates(judge_agreement=0.8)
    assert judge_audit(counts(agree=15, disagree=5)) == {"equal": Share(15, 20)}
    assert "15 of 20 (75%) pairs proven equal" in broken(gates, counts(agree=15, disagree=5), None)[0]
    assert broken(gates, counts(agree=16, disagree=4), None) == []
    assert broken(gates, counts(agree=1, disagree=9), None) == []


def test_whoever_says_nearly_always_the_same_is_named() -> None:
    [one] = monotones(counts(yes=1, no=23), None)
    assert (one.asked, one.verdict, one.share) == ("judge_answers", "no", Share(23, 24))
    assert monotones(counts(yes=2, no=22), None) == []
    assert monotones(counts(no=19), None) == []


def test_unreadable_replies_are_no_verdicts() -> None:
    classes = {"parse_classes": {"verdicts": {"is_mcq": {"true": 0, "false": 30, "null": 900}}}}
    assert [(one.asked, one.share) for one in monotones(classes, None)] == [("is_mcq (parse_classes)", Share(30, 30))]


def test_the_check_against_benchmarks_is_a_judge_as_well() -> None:
    questions = {"same": 1, "different": 99}
    found = monotones({}, report(10, 10) | {"questions": questions})
    assert [(one.asked, one.verdict) for one in found] == [("check_contamination", "different")]


@pytest.mark.parametrize(("bound", "faults"), [(None, 0), (0.99, 0), (0.95, 1)])
def test_the_same_verdict_stops_by_config_only(bound: float | None, faults: int) -> None:
    assert len(broken(Gates(same_verdict=bound), counts(yes=1, no=24), None)) == faults


def test_more_obeyed_instructions_than_the_bound_break_it_and_as_many_do_not() -> None:
    planted = {"obeyed": {"count": 3, "of": 12}}
    assert obeyed_instructions(planted) == Share(3, 12)
    assert broken(Gates(obeyed_instructions=0.25), {}, None, planted) == []
    assert broken(Gates(), {}, None, planted) == []
    [what] = broken(Gates(obeyed_instructions=0.2), {}, None, planted)
    assert "3 of 12 (25%) were obeyed" in what
    assert "obeyed_instructions 0.2" in what


def test_planted_instructions_without_a_readable_reply_are_not_taken_for_resisted() -> None:
    planted = {"obeyed": {"count": 0, "of": 0}}
    assert obeyed_instructions(planted) is None
    assert "could be read" in broken(Gates(obeyed_instructions=1.0), {}, None, planted)[0]
    assert broken(Gates(), {}, None, planted) == []


def reposts(found: int, taken: int, planted: int = 20) -> dict[str, Any]:
    """Counts of deduplicate with two kinds of copies and two of near misses, of which one has none."""
    copies = {"respelled": {"planted": planted, "found": found}, "paraphrased": {"planted": 0, "found": 0}}
    misses = {"renumbered": {"planted": planted, "taken_for_copies": taken}}
    return {
        "deduplicate": {"copies": copies, "near_misses": misses | {"resigned": {"planted": 0, "taken_for_copies": 0}}}
    }


def test_a_search_that_misses_reposts_or_takes_others_for_them_breaks_its_bounds_once_enough_were_planted() -> None:
    counts = reposts(15, 2)
    assert (repost_recall(counts), false_reposts(counts)) == (Share(15, 20), Share(2, 20))
    assert broken(Gates(repost_recall=0.75, false_reposts=0.1), counts, None) == []
    assert broken(Gates(), counts, None) == []
    missed, taken = broken(Gates(repost_recall=0.76, false_reposts=0.09), counts, None)
    assert "15 of 20 (75%) were found as reposts (repost_recall 0.76)" in missed
    assert "2 of 20 (10%) were taken for reposts (false_reposts 0.09)" in taken
    assert broken(Gates(repost_recall=1.0, false_reposts=0.0), reposts(0, 19, planted=19), None) == []


def test_counts_of_a_run_that_planted_no_reposts_or_none_yet_break_nothing() -> None:
    for counts in ({}, {"deduplicate": {"read": 5}}, reposts(0, 0, planted=0)):
        assert repost_recall(counts) is None
        assert false_reposts(counts) is None
        assert broken(Gates(repost_recall=1.0, false_reposts=0.0), counts, None) == []


def test_nothing_measured_breaks_nothing() -> None:
    assert broken(Gates(1.0, 1.0, 0.5, 0.0, 1.0, 0.0), {}, None) == []
