"""Reads a reply that is a new problem and nothing else: the problem that a proof problem was converted into.

What shows that the reply is something else is refused with a reason; what takes judgement (is there one answer? is it
still a proof, in other words or another language?) is left to the classification of the new problem.
"""

from __future__ import annotations

import re

from omr.parsers.extraction import fault_of_problem
from omr.parsers.reply_text import LINE_HEAD, SPACE, after_thinking, unix_lines, without_blank_edges, without_emphasis

#: A label that models put before the problem although they are asked not to: it goes.
_LABEL = re.compile(
    rf"{LINE_HEAD}(?:the )?(?:(?:new|converted|revised|restated|final|modified) )?problem(?: statement)?(?: [0-9])?"
    rf"(?P<colon>{SPACE}*+[*_`]*+{SPACE}*+[:：])",
    re.IGNORECASE,
)
_VERB = r"(?:prove|show|verify|demonstrate|justify|establish|deduce)"
_POLITE = r"(?:please |then |and |also |hence ){0,2}"
_ITEM = r"\W{0,9}(?:[a-z0-9]{1,3}[.)]\s{1,3})?"
#: A task to prove at the head of the problem, and that of a later sentence or clause.
_PROOF_AT_HEAD = re.compile(rf"{_ITEM}{_POLITE}{_VERB}\b", re.IGNORECASE)
_PROOF_LATER = re.compile(rf"[.,!?:;\n]{_ITEM}{_POLITE}{_VERB}(?: that\b|:)", re.IGNORECASE)
#: Talk about the task instead of the problem: at its head, anywhere, and at the head of a later line.
_META_AT_HEAD = re.compile(
    r"\W{0,9}(?:sure|certainly|of course|okay|here(?:'s|’s| is| are)[^\n]{0,80}:|sorry|i(?:'m|’m| am) "
    r"|i (?:can|could|do) ?not\b)",
    re.IGNORECASE,
)
_META_WORDS = ["forum", "the discussion", "as an ai", "original problem", "original statement", "original proof"]
_META_WORDS += ["original question", "new problem", "converted problem", "revised problem", "proof problem"]
_META_LABEL = re.compile(
    r"\n\W{0,9}(?:(?:final |expected )?answer|solution|explanation|reasoning|justification|rationale|proof)"
    r"[*_ ]{0,3}[:：]",
    re.IGNORECASE,
)


def parse_conversion(text: str, original: str) -> tuple[str, None] | tuple[None, str]:
    """The new problem as (problem, None), or (None, reason to drop it).

    Reasons: `unreadable_conversion` (reasoning without an end), `empty_problem`, `too_long_problem`,
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
    fault = fault_of_problem(problem)
    if fault is not None:
        return fault
    if _letters(problem) == _letters(original):
        return "unchanged_problem"
    if _PROOF_AT_HEAD.match(problem) or _PROOF_LATER.search(problem):
        return "still_a_proof"
    lowered = problem.lower()
    if any(word in lowered for word in _META_WORDS) or _META_AT_HEAD.match(problem) or _META_LABEL.search(problem):
        return "meta_text"
    return None


def _letters(problem: str) -> str:
    """A problem's text without white space and case: equal for a conversion that changed nothing."""
    return "".join(problem.casefold().split())
