"""Reads a reply that is a new problem and nothing else: the problem that a proof problem was converted into.

What shows that the reply is something else is refused with a reason; what takes judgement (is there one answer? is it
still a proof, in other words or another language?) is left to the classification of the new problem.
"""

from __future__ import annotations

import re

from omr.files.patterns import lazy
from omr.parsers.extraction import fault_of_problem
from omr.parsers.headings import headings
from omr.parsers.leaks import without_leaks
from omr.parsers.reply_text import (
    LINE_HEAD,
    SPACE,
    after_thinking,
    json_value,
    unix_lines,
    without_blank_edges,
    without_emphasis,
)

#: A label that models put before the problem although they are asked not to: it goes.
_LABEL = lazy(
    rf"{LINE_HEAD}(?:the )?(?:(?:new|converted|revised|restated|final|modified) )?problem(?: statement)?(?: [0-9])?"
    rf"(?P<colon>{SPACE}*+[*_`]*+{SPACE}*+[:：])",
    re.IGNORECASE,
)
_VERB = r"(?:prove|show|verify|demonstrate|justify|establish|deduce)"
_POLITE = r"(?:please |then |and |also |hence ){0,2}"
_ITEM = r"\W{0,9}(?:[a-z0-9]{1,3}[.)]\s{1,3})?"
#: A task to prove at the head of the problem, and that of a later sentence or clause.
_PROOF_AT_HEAD = lazy(rf"{_ITEM}{_POLITE}{_VERB}\b", re.IGNORECASE)
_PROOF_LATER = lazy(rf"[.,!?:;\n]{_ITEM}{_POLITE}{_VERB}(?: that\b|:)", re.IGNORECASE)
#: Talk about the task instead of the problem: at its head, and anywhere.
_META_AT_HEAD = lazy(
    r"\W{0,9}(?:sure|certainly|of course|okay|sorry|unfortunately|i(?:'m|’m| am) (?:sorry|afraid|unable|not)"
    r"|i (?:can|could|do|was|am|have)(?: ?not|n['’]t| no)\b|i (?:converted|turned|changed|have (?:converted|turned))\b"
    r"|(?:the|this|your|that) (?:given |new |above |stated )?(?:problem|statement|question|proof|conversion|task) (?:is"
    r" (?:not|no|already|a proof|an? (?:good|valid))|was|can ?not|can['’]t|could|does|has no|asks|needs|requires)\b"
    r"|(?:it|there) (?:can ?not be|can['’]t be|is (?:not possible|impossible|already"
    r"|no (?:way|problem|conversion|question|final|single|unique)))\b"
    r"|no (?:conversion|new problem|problem|question)\b|not? (?:possible|applicable)\b|n/a\b)",
    re.IGNORECASE,
)
_META = lazy(
    r"\b(?:(?:in|of|from|by|see|on) (?:the|this) (?:forum|discussion|thread)|the discussion|as an ai"
    r"|(?:original|new|converted|revised|proof) (?:problem|statement|proof|question)"
    r"|(?:can ?not|can['’]t|impossible to|(?:not|n['’]t) (?:possible|able) to|unable to) (?:be )?"
    r"(?:convert|transform|rephras|rewrit|reformulat|restat|turn))",
    re.IGNORECASE,
)
#: What a model says before the problem: a first line that ends in a colon and speaks of what follows.
_ANNOUNCED = lazy(
    r"[^\n$\\0-9]{0,120}\b(?:problem|question|version|conversion|reformulation|task|here)\b[^\n$\\0-9]{0,80}"
    r"[:：][*_ ]*\n\s*",
    re.IGNORECASE,
)
_POLITE_HEAD = lazy(r"(?:sure|certainly|of course|okay)[!.,] ", re.IGNORECASE)
_KEY = lazy(r"(?:\w+[ _-])?(?:problem|question|task)(?:[ _-]\w+)?", re.IGNORECASE)


def parse_conversion(text: str, original: str) -> tuple[str, None] | tuple[None, str]:
    """The new problem as (problem, None), or (None, reason to drop it).

    Reasons: `unreadable_conversion` (reasoning without an end), `empty_problem`, `too_long_problem`,
    `unchanged_problem`, `still_a_proof`, `several_problems`, `meta_text`.
    """
    spoken = after_thinking(text)
    if spoken is None:
        return None, "unreadable_conversion"
    problem = _bare(spoken)
    if problem is None:
        return None, "several_problems"
    reason = _fault(problem, original)
    return (problem, None) if reason is None else (None, reason)


def _bare(spoken: str) -> str | None:
    """The text without an announcement, a label, rules or code fences around it, and leaks; None for several ones."""
    value = json_value(spoken)
    if isinstance(value, dict):
        texts = [text for key, text in value.items() if _KEY.fullmatch(key) and isinstance(text, str)]
        return without_leaks(texts[0].strip()) if len(texts) == 1 else "" if not texts else None
    text = without_blank_edges(unix_lines(spoken))
    announced = _ANNOUNCED.match(text)
    if announced is not None and text[announced.end() :].strip():
        text = without_blank_edges(text[announced.end() :])
    text = "\n" + _POLITE_HEAD.sub("", text, count=1)
    found = headings(text)
    if found is None or len(found) > 1:
        return None
    label = _LABEL.match(text)
    if label is not None:
        text = "\n" + without_blank_edges(without_emphasis(label["head"], label["colon"], text[label.end() :]))
    return without_leaks(text[1:])


def _fault(problem: str, original: str) -> str | None:
    fault = fault_of_problem(problem)
    if fault is not None:
        return fault
    if _letters(problem) == _letters(original):
        return "unchanged_problem"
    if _PROOF_AT_HEAD.match(problem) or _PROOF_LATER.search(problem):
        return "still_a_proof"
    return "meta_text" if _META_AT_HEAD.match(problem) or _META.search(problem) else None


def _letters(problem: str) -> str:
    """A problem's text without white space and case: equal for a conversion that changed nothing."""
    return "".join(problem.casefold().split())
