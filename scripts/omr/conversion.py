"""Reads a reply that is a new problem and nothing else: the problem that a proof problem was converted into.

What shows that the reply is something else is refused with a reason; what takes judgement (is there one answer? is it
still a proof, in other words or another language?) is left to the classification of the new problem.
"""

from __future__ import annotations

import re

from omr.duplicates import same_text
from omr.extraction import MAX_PROBLEM_CHARACTERS, without_blank_edges
from omr.reply_text import LINE_HEAD, SPACE, after_thinking, unix_lines, without_emphasis

#: A label that models put before the problem although they are asked not to: it goes.
_LABEL = re.compile(
    rf"{LINE_HEAD}(?:the )?(?:(?:new|converted|revised|restated|final|modified) )?problem(?: statement)?(?: [0-9])?"
    rf"(?P<colon>{SPACE}*+[*_`]*+{SPACE}*+[:：])",
    re.IGNORECASE,
)
_VERBS = r"(?:prove|show|verify|demonstrate|justify|establish|deduce)"
#: A task to prove at the head of the problem, or that of a later sentence.
_PROOF = re.compile(rf"\A\W{{0,9}}{_VERBS}\b|[.!?:;]\s{_VERBS}(?: that\b|:)|\n\W{{0,9}}{_VERBS} that\b", re.IGNORECASE)
#: Talk about the task instead of the problem.
_META = re.compile(
    r"\A\W{0,9}(?:sure|certainly|of course|okay|here(?:'s|’s| is| are)[^\n]{0,80}:|i(?:'m|’m| am) |i (?:can|could|do) ?not\b|sorry)"
    r"|\b(?:forum|the discussion|original (?:problem|statement|proof|question|task)|as an ai)\b"
    r"|\b(?:new|converted|revised|modified|proof) problem\b"
    r"|\n\W{0,9}(?:(?:final |expected )?answer|solution|explanation|reasoning|justification|rationale|proof)[*_ ]{0,3}[:：]",
    re.IGNORECASE,
)


def parse_conversion(text: str, original: str) -> tuple[str, None] | tuple[None, str]:
    """The new problem as (problem, None), or (None, reason to drop it).

    Reasons: `unreadable_conversion` (reasoning without an end), `empty_conversion`, `too_long_problem`,
    `unchanged_problem`, `still_a_proof`, `meta_text`.
    """
    spoken = after_thinking(text)
    if spoken is None:
        return None, "unreadable_conversion"
    problem = _bare(spoken)
    reason = _fault(problem, original)
    return (problem, None) if reason is None else (None, reason)


def _bare(spoken: str) -> str:
    """The text without a label, rules or code fences around it."""
    text = "\n" + without_blank_edges(unix_lines(spoken))
    label = _LABEL.match(text)
    if label is None:
        return text[1:]
    return without_blank_edges(without_emphasis(label["head"], label["colon"], text[label.end() :]))


def _fault(problem: str, original: str) -> str | None:
    if not any(map(str.isalnum, problem)):
        return "empty_conversion"
    if len(problem) > MAX_PROBLEM_CHARACTERS:
        return "too_long_problem"
    if same_text(problem) == same_text(original):
        return "unchanged_problem"
    if _PROOF.search(problem):
        return "still_a_proof"
    if _META.search(problem):
        return "meta_text"
    return None
