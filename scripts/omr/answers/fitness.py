r"""Whether an answer is fit to be checked by comparing it: a rule per way in which it is not.

For reinforcement learning a reward is this comparison and nothing else, so a problem whose answer no comparison can
check teaches noise. The rules look at problem and answer alone; each is on the cautious side, since a problem that is
left out costs less than a wrong reward.
"""

from __future__ import annotations

import re

from omr.answers.spelling import normalise_answer
from omr.files.patterns import lazy

#: The first reason that holds, in this order.
REASONS = ("no_answer", "several_parts", "figure_missing", "prose_answer", "answer_in_question")

_PART = lazy(r"(?<![\w\\])\(?(?:([a-h])|([1-9])|(i{1,3}|iv|vi{0,3}))\)(?!\w)")
_FORMULA = lazy(r"\$\$?([^$]+)\$\$?|\\\((.{1,1000}?)\\\)|\\\[(.{1,1000}?)\\\]", re.DOTALL)
_COMMAND = lazy(r"\\(?:text|mathrm|mbox|textbf|textrm|operatorname)\b|\\[A-Za-z]+")
_WORD = lazy(r"[^\W\d_]{2,}")
#: What a text shows by itself, besides words.
_DRAWN = lazy(r"\[asy\]|\[img|\\includegraphics|<img|\\begin\{tikzpicture\}|\\begin\{(?:tabular|array)\}|https?://")
_NOUN = r"(?:figure|diagram|picture|drawing|graph)"
_FIGURE = lazy(
    rf"\b(?:in|from|as in|as shown in|see|shown in|using|on|of)\s+the\s+(?:\w+\s+){{0,2}}{_NOUN}\b"
    rf"|\b{_NOUN}\s+(?:\w+\s+){{0,2}}(?:shown|below|above|shows|is given)\b"
    r"|\b(?:shown|pictured|drawn|depicted|illustrated)\s+(?:\w+\s+){0,2}(?:below|above|here)\b",
    re.IGNORECASE,
)
#: So many words of prose make an answer a sentence; names and units have fewer.
_PROSE_WORDS = 4
#: An expression of fewer signs stands in many questions by chance, a relation of fewer is none.
_LEAST_SIGNS, _LEAST_IN_RELATION = 8, 5


def fault_of_answer(problem: str, answer: str | None) -> str | None:
    """Why a problem with this answer is not fit to be checked, one of `REASONS`; None if nothing speaks against it."""
    if answer is None or not answer.strip():
        return "no_answer"
    if len(_labels(problem)) > 1 or len(_labels(answer)) > 1:
        return "several_parts"
    if _FIGURE.search(problem) and not _DRAWN.search(problem):
        return "figure_missing"
    if len(_WORD.findall(_COMMAND.sub(" ", answer))) >= _PROSE_WORDS:
        return "prose_answer"
    return "answer_in_question" if _is_repeated(problem, answer) else None


def _labels(text: str) -> set[str]:
    """Labels of parts, as far as they begin a row of labels: `(a) ... (b) ...`, `1) ... 2) ...`."""
    kinds: list[list[str]] = [[], [], []]
    for match in _PART.finditer(_FORMULA.sub(" ", text)):
        for kind, label in zip(kinds, match.groups(), strict=True):
            if label:
                kind.append(label)
    first = (["a", "b"], ["1", "2"], ["i", "ii"])
    for kind, start in zip(kinds, first, strict=True):
        if set(start) <= set(kind) and kind.index(start[0]) < kind.index(start[1]):
            return set(kind)
    return set()


def _is_repeated(problem: str, answer: str) -> bool:
    """Whether a relation or expression that is the answer stands in the question as it is."""
    wanted = "".join(normalise_answer(answer).split())
    least = _LEAST_IN_RELATION if re.search(r"[=<>]", wanted) else _LEAST_SIGNS
    if len(wanted) < least or not re.search(r"[=<>+*/^\\-]", wanted):
        return False
    return any(wanted in "".join(normalise_answer(formula).split()) for formula in _formulas(problem))


def _formulas(problem: str) -> list[str]:
    return [next(filter(None, found)) for found in _FORMULA.findall(problem)]
