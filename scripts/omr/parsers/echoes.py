"""Worked examples of a prompt that a reply repeats instead of speaking of its row: they are never data.

Asked about anything unclear, small models return the prompt's own examples, whole or in parts, and near to the letter.
What stands in the row's own source as well is no echo: a thread may well be about the problem of an example.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cached_property
from typing import NamedTuple

from omr.files.notation import notation
from omr.files.patterns import lazy

#: A sentence that shares so much of its tokens with one of an example repeats it.
_NEAR = 0.8
_LEAST_TOKENS = 5
#: A shorter formula may stand in any problem.
_LEAST_FORMULA = 8
#: Share of a sentence's words that its source must have for the sentence to be its own.
_OWN_WORDS = 0.5
_SENTENCE_END = lazy(r"(?<=[.?!。？！])\s+|\n+")
_FORMULA = lazy(r"\$\$?(.+?)\$\$?|\\\((.{1,1000}?)\\\)|\\\[(.{1,1000}?)\\\]", re.DOTALL)
_PUNCTUATION = frozenset(".,;:!?\"'()")


class _Sentence(NamedTuple):
    text: str
    tokens: list[str]


def _compact(text: str) -> str:
    return notation(text).replace(" ", "")


def _sentences(text: str) -> list[_Sentence]:
    """The sentences of a text; those that are too short to be told apart from others are left out."""
    parts = [part for part in _SENTENCE_END.split(text) if part.strip()]
    sentences = [
        _Sentence(part, [mark for mark in notation(part).split() if mark not in _PUNCTUATION]) for part in parts
    ]
    return [sentence for sentence in sentences if len(sentence.tokens) >= _LEAST_TOKENS]


def _formulas(text: str) -> frozenset[str]:
    return frozenset(_compact("".join(groups)).rstrip(".,;") for groups in _FORMULA.findall(text))


class Examples:
    """The texts of a prompt's worked examples, compared with what replies hold."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = list(texts)

    @cached_property
    def _known(self) -> list[tuple[frozenset[str], list[str]]]:
        """The tokens of each sentence, the distinct ones first."""
        sentences = [sentence.tokens for text in self._texts for sentence in _sentences(text)]
        return [(frozenset(tokens), tokens) for tokens in sentences]

    @cached_property
    def _long_formulas(self) -> frozenset[str]:
        found = frozenset[str]().union(*map(_formulas, self._texts))
        return frozenset(formula for formula in found if len(formula) >= _LEAST_FORMULA)

    @cached_property
    def _whole(self) -> frozenset[str]:
        return frozenset(map(_compact, self._texts))

    def is_echo(self, text: str, source: str, *, is_copied: bool = True) -> bool:
        """Whether a sentence of the text is one of an example, near enough, and not of the source.

        With `is_copied` formulas come from the source unchanged, so that a long one of an example is an echo as well.
        """
        compact = _compact(text) if is_copied else ""
        formulas = [formula for formula in self._long_formulas if formula in compact]
        sentences = [sentence for sentence in _sentences(text) if self._is_known(sentence.tokens)]
        if not formulas and not sentences:
            return False  # as nearly always; a source is long, and read only now
        own, words = _compact(source), frozenset(notation(source).split())
        return any(formula not in own for formula in formulas) or any(
            not _stands_in(sentence, own, words) for sentence in sentences
        )

    def has_whole(self, text: str) -> bool:
        """Whether the text is one of the examples in the same notation, as short ones are."""
        return _compact(text) in self._whole

    def _is_known(self, tokens: list[str]) -> bool:
        for kinds, known in self._known:
            # Far cheaper than a matcher, and nearly always enough to tell two sentences apart.
            lengths = len(tokens) + len(known)
            if 2 * min(len(tokens), len(known)) < _NEAR * lengths:
                continue
            if 2 * sum(map(kinds.__contains__, tokens)) < _NEAR * lengths:
                continue
            matcher = SequenceMatcher(None, tokens, known, autojunk=False)
            if matcher.quick_ratio() >= _NEAR and matcher.ratio() >= _NEAR:
                return True
        return False


def _stands_in(sentence: _Sentence, source: str, words: frozenset[str]) -> bool:
    """Whether a sentence may come from a source: all of its formulas do, or most of its words if it has none."""
    formulas = _formulas(sentence.text)
    if formulas:
        return all(formula in source for formula in formulas)
    own = frozenset(token for token in sentence.tokens if token.isalpha() and len(token) > 3)
    return len(own & words) >= _OWN_WORDS * len(own)
