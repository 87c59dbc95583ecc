"""Reads the problems out of a reply of the form `Problem 1: ...`, `Problem 2: ...`, or `No problems identified.`

Headings may be any that `headings.py` knows, in any decoration, with gaps in their numbers, after a preamble that only
announces them; JSON is read as well. What contradicts itself is unreadable: numbers that do not increase (a draft and
its repetition), a problem next to "no problems" (which may have a heading of its own), a line that begins like a
heading and is none. What models write behind a problem goes. All patterns are linear in the length of the reply.
"""

from __future__ import annotations

import re
from typing import Any

from omr.files.patterns import lazy
from omr.parsers.headings import Heading, headings
from omr.parsers.leaks import without_leaks
from omr.parsers.reply_text import (
    LINE_HEAD,
    after_thinking,
    json_value,
    plain,
    unix_lines,
    without_blank_edges,
    without_emphasis,
)

#: A problem of more characters is a reply that ran away.
MAX_PROBLEM_CHARACTERS = 10_000

_NO_PROBLEMS = lazy(
    rf"{LINE_HEAD}[\"'“‘「]?+no (?:mathematics |math )?problems? (?:(?:were|was|are|is|have been|has been) )?"
    r"(?:identified|found|posed|stated)(?: (?:in|by) (?:the|this) (?:post|thread))?[\"'”’」*_`.。! \t]*+(?=\n|\Z)",
    re.IGNORECASE,
)
#: What stands in the place of a problem where there is none.
_NONE = lazy(
    r"(?:none|nothing|n/a|nil|null|no (?:mathematics |math )?problems?)"
    r"(?: (?:(?:were|was|are|is|have been|has been) )?(?:identified|found|posed|stated)"
    r"(?: (?:in|by) (?:the|this) (?:post|thread))?)?"
)
_KEY = lazy(r"problem|question|task|statement|text", re.IGNORECASE)


def parse_problems(text: str, post: str | None = None) -> list[str] | None:
    """The problems of a reply, in order; [] where it says that there are none; None if it cannot be read.

    A heading without a text yields "". The post that the problems were taken from, where it is known, settles whether
    last lines belong to them.
    """
    spoken = after_thinking(text)
    if spoken is None:
        return None
    value = json_value(spoken)
    if value is not None:
        return _json_problems(value, post)
    spoken = "\n" + unix_lines(spoken)
    found = headings(spoken)
    if found == [] and _NO_PROBLEMS.search(spoken) is not None:
        return []
    if not found:
        return None
    ends = [heading.start for heading in found[1:]] + [len(spoken)]
    parts = [(heading, spoken[heading.end : end]) for heading, end in zip(found, ends, strict=True)]
    problems = [_problem(heading, part, post) for heading, part in parts]
    return _or_none(problems, is_denied=_NO_PROBLEMS.search(spoken) is not None)


def _or_none(found: list[str | None], *, is_denied: bool = False) -> list[str] | None:
    """The problems; [] if the only one says that there is none, None if others stand beside it or one is unclear."""
    problems = [problem for problem in found if problem is not None]
    if len(problems) < len(found):
        return None
    if any(_NONE.fullmatch(plain(problem)) for problem in problems):
        return [] if len(problems) == 1 else None
    return None if is_denied else problems


def _problem(heading: Heading, text: str, post: str | None) -> str | None:
    """The text behind a heading, without emphasis that it opened, rules or code fences around it, and leaks; None if
    it is unclear what belongs to it."""
    return without_leaks(without_blank_edges(without_emphasis(heading.head, heading.tail or "", text)), post)


def _json_problems(value: Any, post: str | None) -> list[str] | None:
    """The problems of `["..."]`, `{"problems": [...]}`, `{"Problem 1": "..."}`, `[{"problem": "..."}]`."""
    if isinstance(value, dict):
        named = [item for key, item in value.items() if _KEY.match(key)]
        value = named[0] if len(named) == 1 and isinstance(named[0], list) else named or None
    if not isinstance(value, list):
        return None
    texts = [_json_text(item) for item in value]
    if None in texts:
        return None
    return _or_none([without_leaks(text.strip(), post) for text in texts if text is not None])


def _json_text(item: Any) -> str | None:
    if isinstance(item, dict):
        named = [text for key, text in item.items() if _KEY.match(key)]
        item = named[0] if len(named) == 1 else None
    return item if isinstance(item, str) else None


def fault_of_problem(problem: str) -> str | None:
    """Why a problem of a readable reply cannot be used: `empty_problem`, `too_long_problem`, or None."""
    if not any(map(str.isalnum, problem)):
        return "empty_problem"
    return "too_long_problem" if len(problem) > MAX_PROBLEM_CHARACTERS else None
