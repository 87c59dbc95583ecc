"""Blocks with the text around them, what votes make of them, and when a solution needed its code."""

from __future__ import annotations

from itertools import product

import pytest
from code_files import DISGUISES, Ran, coded_reply
from omr.solutions.fragments import Worth, fragments, needs_code, worth
from omr.solutions.transcripts import published, transcript_of

SIGNIFICANT, MODERATE, TRIVIAL, CHECK, UNJUDGED = Worth


def cut(*pieces: str | Ran, window: int = 1500, **options: object) -> list[tuple[str, str | None]]:
    transcript = published(transcript_of(coded_reply("p-1", *pieces, **options)))
    return [(fragment.text, fragment.fault) for fragment in fragments(transcript, window)]


def test_a_fragment_has_its_block_with_output_and_the_prose_on_both_sides() -> None:
    ((text, fault),) = cut("Before. ", Ran("print(1)", "one"), "Behind.", tags="fences", told=False)
    assert fault is None
    assert text == "Before. <tool_call>\nprint(1)\n</tool_call>\n```output\none\n```\nBehind."


def test_prose_is_cut_at_the_window_and_at_neighbouring_blocks() -> None:
    (first, _), (second, _) = cut("α" * 50, Ran("1", "eins"), "β" * 50, Ran("2", "zwei"), "γ" * 50, window=30)
    assert [first.count(sign) for sign in "αβγ"] == [30, 30, 0]
    assert [second.count(sign) for sign in "αβγ"] == [0, 30, 30]
    assert "zwei" not in first
    assert "eins" not in second


@pytest.mark.parametrize("output", DISGUISES, ids=range(len(DISGUISES)))
def test_there_is_a_fragment_for_each_block_whatever_it_prints(output: str) -> None:
    found = cut("One. ", Ran("1", output), "Two. ", Ran("2", ""), Ran("3", output), "Three.")
    assert [fault for _, fault in found] == [None, None, None]
    assert [text.startswith(("One.", "Two.", "<tool_call>")) for text, _ in found] == [True] * 3


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        ("ok", None),
        ("error", "traceback"),
        ("timeout", "timeout"),
        ("killed", "timeout"),
        ("memory", "memory"),
        ("died", "died"),
    ],
)
def test_a_block_without_a_result_is_none(status: str, fault: str | None) -> None:
    assert [found for _, found in cut(Ran("1", "Traceback", status))] == [fault]


def test_words_of_a_traceback_in_an_output_are_no_traceback() -> None:
    assert [fault for _, fault in cut(Ran("1", "Traceback (most recent call last):"))] == [None]


# ---- votes


@pytest.mark.parametrize(
    ("novelty", "significance", "found"),
    [
        (["new"] * 8, ["significant"] * 8, SIGNIFICANT),
        (["new"] * 8, ["significant"] * 7 + ["moderate"], MODERATE),
        (["new"] * 8, ["significant"] * 7 + ["trivial"], TRIVIAL),
        (["new"] * 7 + ["check"], ["significant"] * 8, CHECK),
        (["new"] * 7 + [None], ["significant"] * 8, UNJUDGED),
        (["new"] * 8, ["significant"] * 7 + [None], UNJUDGED),
        (["new"] * 8, ["moderate"] + [None] * 7, UNJUDGED),
        ([None] * 7 + ["check"], ["significant"] * 8, CHECK),
        (["new"] * 7 + [None], ["trivial"] + [None] * 7, TRIVIAL),
        ([None] * 8, [None] * 8, UNJUDGED),
    ],
)
def test_all_votes_must_agree_and_the_worst_decides(
    novelty: list[str | None], significance: list[str | None], found: Worth
) -> None:
    assert worth(novelty, significance, 8) is found
    assert worth(novelty[::-1], significance[::-1], 8) is found


def test_fewer_readable_votes_may_do_if_config_says_so() -> None:
    votes = ["new"] * 6 + [None] * 2, ["moderate"] * 7 + [None]
    assert worth(*votes, 6) is MODERATE
    assert worth(*votes, 7) is UNJUDGED


@pytest.mark.parametrize(
    ("worths", "more_than_half", "half"),
    [
        ([SIGNIFICANT, CHECK, CHECK, CHECK], True, True),
        ([MODERATE], True, True),
        ([MODERATE, CHECK], False, True),
        ([MODERATE, MODERATE, TRIVIAL], True, True),
        ([MODERATE, CHECK, TRIVIAL], False, False),
        ([CHECK, TRIVIAL], False, False),
        ([UNJUDGED, CHECK], None, None),
        ([UNJUDGED, SIGNIFICANT], True, True),
        ([UNJUDGED, MODERATE], None, True),
    ],
)
def test_the_rule_of_the_paper_and_that_of_the_reference(
    worths: list[Worth], more_than_half: bool | None, half: bool | None
) -> None:
    assert needs_code(worths, "more_than_half") is more_than_half
    assert needs_code(worths, "half") is half


def test_what_is_decided_stays_decided_however_unjudged_fragments_turn_out() -> None:
    for worths in product(Worth, repeat=3):
        decided = needs_code(worths, "more_than_half")
        for instead in (SIGNIFICANT, MODERATE, TRIVIAL, CHECK):
            known = [instead if one is UNJUDGED else one for one in worths]
            if decided is not None and UNJUDGED in worths:
                assert needs_code(known, "more_than_half") is decided
