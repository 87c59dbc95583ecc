"""Reads the problems out of a reply of the form `Problem 1: ...`, `Problem 2: ...`, or `No problems identified.`

Labels may be headings, bold, in any case, with gaps in their numbers, after a preamble. What contradicts itself is
unreadable: numbers that do not increase (a draft and its repetition), a problem next to "no problems", a line that
begins like a label and is none. All patterns are linear in the length of the reply.
"""

from __future__ import annotations

import re

from omr.parsers.reply_text import LINE_HEAD, SPACE, after_thinking, unix_lines, without_blank_edges, without_emphasis

#: A problem of more characters is a reply that ran away.
MAX_PROBLEM_CHARACTERS = 10_000

#: `tail` is what ends a label; a line that begins like a label and has no tail is not one.
_LABEL = re.compile(
    rf"{LINE_HEAD}problem{SPACE}*+(?:(?:no\.|number){SPACE}*+)?+[#(\[（【]?+(?P<number>[0-9０-９]{{1,4}}+)[)\]）】]?+"
    rf"(?:{SPACE}*+\([^()\n]{{1,60}}\))?+"
    rf"(?P<tail>{SPACE}*+[*_`]*+{SPACE}*+(?:[:：]|[.．。](?![0-9])|[–—-](?={SPACE})|(?=\n|\Z))"
    rf"|[*_`]++(?={SPACE})|(?<=[)\]）】])(?={SPACE}))?+",
    re.IGNORECASE,
)
_NO_PROBLEMS = re.compile(
    rf"{LINE_HEAD}[\"'“‘「]?+no problems? (?:(?:were|was|are|is|have been|has been) )?(?:identified|found)"
    r"[\"'”’」*_`.。! \t]*+(?=\n|\Z)",
    re.IGNORECASE,
)


def parse_problems(text: str) -> list[str] | None:
    """The problems of a reply, in order; [] where it says that there are none; None if it cannot be read.

    A label without a text yields "".
    """
    spoken = after_thinking(text)
    if spoken is None:
        return None
    spoken = "\n" + unix_lines(spoken)
    labels = list(_LABEL.finditer(spoken))
    if _NO_PROBLEMS.search(spoken) is not None:
        return None if labels else []
    if not labels or not _are_in_order(labels):
        return None
    ends = [label.start() for label in labels[1:]] + [len(spoken)]
    return [_problem(label, spoken[label.end() : end]) for label, end in zip(labels, ends, strict=True)]


def _are_in_order(labels: list[re.Match[str]]) -> bool:
    """Whether all are whole labels, with increasing numbers."""
    last = -1
    for label in labels:
        number = int(label["number"])
        if label["tail"] is None or number <= last:
            return False
        last = number
    return True


def _problem(label: re.Match[str], text: str) -> str:
    """The text after a label, without emphasis that the label opened, and rules or code fences around it."""
    return without_blank_edges(without_emphasis(label["head"], label["tail"], text))


def fault_of_problem(problem: str) -> str | None:
    """Why a problem of a readable reply cannot be used: `empty_problem`, `too_long_problem`, or None."""
    if not any(map(str.isalnum, problem)):
        return "empty_problem"
    return "too_long_problem" if len(problem) > MAX_PROBLEM_CHARACTERS else None
