r"""Numbered headings, which part a reply into its problems: `Problem 1:`, `2)`, `**Question 3 [Easy]:**`, `Aufgabe 4:`.

Not a list of words in some languages: a heading is a number at the head of a line, alone or behind one word or two, and
all headings of a reply are alike and count from 1. `Problem`, which the prompt asks for, may leave numbers out, and
a line that begins like it and is no heading makes a reply unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from omr.files.patterns import lazy
from omr.parsers.reply_text import LINE_HEAD, SPACE

_NOTE = rf"(?:{SPACE}*+(?:\([^()\n]{{1,60}}\)|\[[^\[\]\n]{{1,60}}\]|（[^（）\n]{{1,60}}）|【[^【】\n]{{1,60}}】))?+"
_NUMBER = r"[#№(\[（【]?+(?P<number>[0-9０-９]{1,4}+)[)\]）】]?+"
_END = (
    rf"(?P<tail>{SPACE}*+[*_`]*+{SPACE}*+(?:[:：]|[.．。](?![0-9])|[–—-](?={SPACE})|(?=\n|\Z))"
    rf"|[*_`]++(?={SPACE})|(?<=[)\]）】])(?={SPACE}))"
)
_PROBLEM = lazy(rf"{LINE_HEAD}problem{SPACE}*+(?:(?:no\.|number){SPACE}*+)?+{_NUMBER}{_NOTE}{_END}?+", re.IGNORECASE)
_ONE_PROBLEM = lazy(
    rf"{LINE_HEAD}(?:the )?problem(?P<number>)(?: statement)?{_NOTE}(?P<tail>{SPACE}*+[*_`]*+{SPACE}*+[:：])",
    re.IGNORECASE,
)
_WORD = r"(?P<word>[^\W\d_]{1,20}+(?:[ '’][^\W\d_]{1,20}+)?)"
#: A word and a number, the number perhaps within the word (`第1题：`).
_WITH_WORD = lazy(
    rf"{LINE_HEAD}{_WORD}{SPACE}*+(?:n[or°º]\.?|number)?{SPACE}*+{_NUMBER}[^\W\d_a-zA-Z]{{0,2}}{_NOTE}"
    rf"(?P<tail>{SPACE}*+[*_`]*+{SPACE}*+(?:[:：]|[.．。)](?={SPACE}|\n)|[–—-](?={SPACE})|(?<=[*_`])(?=\s)|(?=\n)))",
    re.IGNORECASE,
)
_BARE = lazy(
    rf"{LINE_HEAD}(?P<word>)[(（\[]?+(?P<number>[0-9０-９]{{1,3}}+)(?P<tail>[.)\]）、．:：][*_`]*+(?=\s|[^\s\d.])){_NOTE}"
)
#: Words before a number that head something else than a problem.
_NO_PROBLEMS = frozenset({
    "answer", "approach", "case", "chapter", "claim", "comment", "corollary", "definition", "example", "fact",
    "figure", "hint", "hour", "idea", "lemma", "line", "method", "note", "observation", "option", "page", "paragraph",
    "part", "post", "proof", "property", "proposition", "reason", "remark", "reply", "round", "section", "solution",
    "stage", "statement", "step", "table", "theorem", "thread", "user", "way", "week", "year",
})  # fmt: skip
_PREAMBLE_CHARACTERS = 300
#: What a preamble has that all problems need: formulas, numbers, names of points or variables, conditions, a task.
_OF_PROBLEMS = lazy(
    r"[$\\0-9?=<>]|(?<![\w'’])(?![IAa]\b)[a-zA-Z](?![\w'’])|\b[A-Z]{2,}\b"
    r"|\b(?i:let|given|suppose|assume|consider|denote|if|where|whose|such that|find|prove|show that|determine)\b"
)
#: What it is about: the problems that follow, under a name that many languages share.
_ANNOUNCES = lazy(
    r"\b(?:probl[eèé]m|questions?\b|exercises?\b|tasks?\b|(?:the|this) (?:post|thread)\b|following|as follows|below\b)",
    re.IGNORECASE,
)
#: The beginning of a condition that problems share; else a colon at its end announces in any language.
_CONDITION = lazy(r"\W*(?:for|in|with|on|at|when|there (?:is|are)|an?|every|each)\b", re.IGNORECASE)
_SENTENCE_END = lazy(r"[.!;。！；](?=\s)")


class Heading(NamedTuple):
    """A heading, by its place in the reply; `head` and `tail` are the marks before its word and after its number.

    `number` is 0 where it has none; `tail` is None if the line only begins like a heading.
    """

    start: int
    end: int
    number: int
    head: str
    tail: str | None


def headings(text: str) -> list[Heading] | None:
    """The headings of a reply whose first character is a line end, in order; [] if it has none.

    None where they contradict themselves: numbers that do not increase, a line that begins like `Problem 1:` and is
    none.
    """
    problems = list(_PROBLEM.finditer(text))
    if problems:
        found = list(_with_inline([_heading(match) for match in problems], text, "problem"))
        return found if _increase(found) else None
    single = [_heading(match) for match in _ONE_PROBLEM.finditer(text)]
    if single:
        return single
    for pattern in (_WITH_WORD, _BARE):
        found = _alike(list(pattern.finditer(text)), text)
        if found:
            return found
    return []


def _heading(match: re.Match[str]) -> Heading:
    return Heading(match.start(), match.end(), int(match["number"] or 0), match["head"], match["tail"])


def _increase(found: list[Heading]) -> bool:
    """Whether all are whole headings, with increasing numbers."""
    numbers = [heading.number for heading in found]
    return all(heading.tail is not None for heading in found) and all(
        before < after for before, after in pairwise(numbers)
    )


def _alike(matches: list[re.Match[str]], text: str) -> list[Heading]:
    """The headings that count 1, 2, ... with one word, if the reply begins with them."""
    if not matches or int(matches[0]["number"]) != 1:
        return []
    word = matches[0]["word"].casefold()
    if word.split(" ")[-1] in _NO_PROBLEMS or not _may_precede(text[: matches[0].start()], word):
        return []
    same = [_heading(match) for match in matches if match["word"].casefold() == word]
    found = list(_with_inline(same, text, re.escape(word)))
    return found if [heading.number for heading in found] == list(range(1, len(found) + 1)) else []


def _may_precede(preamble: str, word: str) -> bool:
    """Whether a text before the first heading, whose word is given, only announces what follows.

    It speaks of problems, or is one sentence that ends in a colon; and it has nothing that the problems would need.
    """
    if not preamble.strip():
        return True
    if len(preamble) > _PREAMBLE_CHARACTERS or _OF_PROBLEMS.search(preamble) is not None:
        return False
    if _ANNOUNCES.search(preamble) is not None or (word and word in preamble.casefold()):
        return True
    ends_in_colon = preamble.rstrip().rstrip("*_`").endswith((":", "："))
    return ends_in_colon and _CONDITION.match(preamble) is None and _SENTENCE_END.search(preamble) is None


def _with_inline(found: list[Heading], text: str, word: str) -> Iterator[Heading]:
    """The headings, with those that stand behind a sentence in the middle of a line and have the next number."""
    ends_sentence = r"(?<=[.?!;:)\]}$。？！；：])"
    end = r"[:：]" if word else rf"[.)]{SPACE}(?=[A-Z$\\])"
    inline = re.compile(
        rf"{ends_sentence}{SPACE}*+(?P<head>[*_`]*+){word}{SPACE}*+(?P<number>[0-9]{{1,4}}+){_NOTE}(?P<tail>[*_`]*+{end})",
        re.IGNORECASE,
    )
    ends = [*(heading.start for heading in found[1:]), len(text)][: len(found)]
    for heading, end_of_text in zip(found, ends, strict=True):
        yield heading
        number = heading.number
        for match in inline.finditer(text, heading.end, end_of_text):
            if int(match["number"]) == number + 1:
                number += 1
                yield _heading(match)
