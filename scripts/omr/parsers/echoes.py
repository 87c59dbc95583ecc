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

#: A sentence that shares so much of its tokens with one of an example repeats it.
_NEAR = 0.8
_LEAST_TOKENS = 5
#: A shorter formula may stand in any problem.
_LEAST_FORMULA = 8
#: Share of a sentence's words that its source must have for the sentence to be its own.
_OWN_WORDS = 0.5
_SENTENCE_END = re.compile(r"(?<=[.?!。？！])\s+|\n+")
_FORMULA = re.compile(r"\$\$?(.+?)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_PUNCTUATION = frozenset(".,;:!?\"'()")


class _Sentence(NamedTuple):
    tokens: list[str]
    words: frozenset[str]
    formulas: frozenset[str]


def _compact(text: str) -> str:
    return notation(text).replace(" ", "")


def _sentences(text: str) -> list[_Sentence]:
    return [_sentence(part) for part in _SENTENCE_END.split(text) if part.strip()]


def _sentence(text: str) -> _Sentence:
    tokens = [token for token in notation(text).split() if token not in _PUNCTUATION]
    formulas = frozenset(_compact("".join(groups)).rstrip(".,;") for groups in _FORMULA.findall(text))
    return _Sentence(tokens, frozenset(token for token in tokens if token.isalpha() and len(token) > 3), formulas)


class Examples:
    """The texts of a prompt's worked examples, compared with what replies hold."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = list(texts)

    @cached_property
    def _known(self) -> list[_Sentence]:
        sentences = [sentence for text in self._texts for sentence in _sentences(text)]
        return [sentence for sentence in sentences if len(sentence.tokens) >= _LEAST_TOKENS]

    @cached_property
    def _formulas(self) -> frozenset[str]:
        found = frozenset(formula for text in self._texts for formula in _sentence(text).formulas)
        return frozenset(formula for formula in found if len(formula) >= _LEAST_FORMULA)

    @cached_property
    def _whole(self) -> frozenset[str]:
        return frozenset(map(_compact, self._texts))

    def is_echo(self, text: str, source: str, *, is_copied: bool = True) -> bool:
        """Whether a sentence of the text is one of an example, near enough, and not of the source.

        With `is_copied` formulas come from the source unchanged, so that a long one of an example is an echo as well.
        """
        own, compact = _compact(source), _compact(text)
        if is_copied and any(formula in compact and formula not in own for formula in self._formulas):
            return True
        words = frozenset(notation(source).split())
        return any(
            self._is_known(sentence) and not _stands_in(sentence, own, words)
            for sentence in _sentences(text)
            if len(sentence.tokens) >= _LEAST_TOKENS
        )

    def has_whole(self, text: str) -> bool:
        """Whether the text is one of the examples in the same notation, as short ones are."""
        return _compact(text) in self._whole

    def _is_known(self, sentence: _Sentence) -> bool:
        for known in self._known:
            # Far cheaper than a matcher, and nearly always enough to tell two sentences apart.
            lengths = len(sentence.tokens) + len(known.tokens)
            if 2 * min(len(sentence.tokens), len(known.tokens)) < _NEAR * lengths:
                continue
            matcher = SequenceMatcher(None, sentence.tokens, known.tokens, autojunk=False)
            if matcher.quick_ratio() >= _NEAR and matcher.ratio() >= _NEAR:
                return True
        return False


def _stands_in(sentence: _Sentence, source: str, words: frozenset[str]) -> bool:
    """Whether a sentence may come from a source: all of its formulas do, or most of its words if it has none."""
    if sentence.formulas:
        return all(formula in source for formula in sentence.formulas)
    return len(sentence.words & words) >= _OWN_WORDS * len(sentence.words)
