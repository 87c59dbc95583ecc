"""Rewriting a problem by rules: the same problem in other words, or the same words with other numbers.

The results are canaries: problems that decontamination has to find, of which we know where they came from. No model is
asked, so they cost nothing and the same seed makes the same canaries. What stands in formulas is never reworded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from random import Random

from omr.contamination.benchmark_text import words
from omr.files.patterns import lazy
from omr.threads.formulas import pieces

#: Phrase -> other phrase, applied to prose only and in one pass, so that a pair may stand here both ways. A longer
#: phrase wins over a shorter one; one that stands for itself is left alone.
_PHRASES = {
    "find": "determine", "determine": "work out", "compute": "calculate", "calculate": "compute",
    "evaluate": "work out the value of", "what is": "determine", "what are": "determine", "simplify": "reduce",
    "suppose that": "assume that", "suppose": "assume", "assume that": "suppose that", "assume": "suppose",
    "consider": "look at", "such that": "for which", "satisfying": "that satisfy", "smallest": "least",
    "least": "smallest", "largest": "greatest", "greatest": "largest", "maximum value": "largest possible value",
    "minimum value": "smallest possible value", "at least": "no fewer than", "at most": "no more than",
    "integers": "whole numbers", "integer": "whole number", "distinct": "different", "different": "distinct",
    "exactly": "precisely", "precisely": "exactly", "equal to": "the same as", "the sum of": "the total of",
    "probability": "chance", "at random": "randomly", "randomly": "at random", "chosen": "selected",
    "selected": "chosen", "picked": "chosen", "contains": "includes", "consists of": "is made up of",
    "express your answer": "write your result", "give your answer": "state your result", "the answer": "the result",
    "show that": "prove that", "prove that": "show that", "for all": "for every", "for every": "for each",
    "for each": "for every", "every other": "every other", "every": "each", "begins": "starts", "starts": "begins",
    "buys": "purchases", "bought": "purchased", "buy": "purchase", "children": "kids", "kids": "children",
    "altogether": "in total", "in total": "altogether", "how many": "what number of", "needs": "requires",
    "requires": "needs", "also": "in addition", "receives": "gets", "moves": "travels", "travels": "moves",
    "twice": "two times", "therefore": "hence", "hence": "therefore", "because": "since", "only if": "only if",
    "if and only if": "exactly when", "if": "provided that", "remaining": "left over", "the number of": "the count of",
    "big": "large", "large": "big", "small": "little", "shop": "store", "student": "pupil", "students": "pupils",
    "pupils": "students", "teacher": "instructor", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
#: First names that stand for each other; none of them is a common word too.
_NAMES = (
    ("Anna", "Emma", "Lisa", "Mary", "Sarah", "Julia", "Maria", "Alice", "Janet", "Nina", "Clara", "Laura", "Emily"),
    ("James", "John", "Robert", "Michael", "David", "Tom", "Peter", "Paul", "Jack", "Daniel", "Kevin", "Tim", "Henry"),
)
_BRIDGES = (
    "Here is what you know.",
    "Work from the following facts.",
    "The situation is as follows.",
)
_TASK_WORDS = frozenset(
    {"what", "how", "find", "compute", "determine", "calculate", "evaluate", "which", "prove", "show", "work", "in"}
)
_NOTATION = {
    "\\frac": "\\dfrac", "\\dfrac": "\\frac", "\\le": "\\leq", "\\leq": "\\le", "\\ge": "\\geq", "\\geq": "\\ge",
    "\\neq": "\\ne", "\\ne": "\\neq", "\\cdot": "\\times", "\\times": "\\cdot",
}  # fmt: skip
#: Stands for the n-th formula while prose is rewritten; private characters, so that no rule can touch it.
_PLACE = lazy("\ue000([0-9]+)\ue001")
_PRIVATE = lazy("[\ue000\ue001]")
_SENTENCE_END = lazy("(?<=[.?!]) (?=[A-Z\ue000])")
_NUMBER = lazy(r"(?<![0-9.])[0-9]+(?:\.[0-9]+)?")
_LEAST_CHANGE = 0.1


def _any_of(phrases: list[str]) -> str:
    """A pattern for whole words: longest first, and none that begins a LaTeX command."""
    longest_first = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return rf"(?<![\\\w])(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"


_PHRASE = lazy(_any_of(list(_PHRASES)), re.IGNORECASE | re.ASCII)
_NAME = lazy(_any_of([name for names in _NAMES for name in names]))
_NOTATION_COMMAND = lazy(rf"(?:{'|'.join(map(re.escape, sorted(_NOTATION, key=len, reverse=True)))})(?![A-Za-z])")


def paraphrase(text: str, random: Random) -> str | None:
    """The problem in other words, or None where the rules change less than a tenth of its words."""
    if _PRIVATE.search(text):
        return None
    parts = list(pieces(text))
    formulas = [_other_notation(part.text) for part in parts if part.is_formula]
    places = (f"\ue000{number}\ue001" for number in range(len(formulas)))
    prose = " ".join("".join(next(places) if part.is_formula else part.text for part in parts).split())
    reworded = _question_first(_other_names(_other_phrases(prose), random), random)
    result = _PLACE.sub(lambda place: formulas[int(place.group(1))], reworded)
    return result if changed_share(text, result) >= _LEAST_CHANGE else None


def changed_share(text: str, other: str) -> float:
    """The share of the words of the longer of two texts that the other does not have (order left aside)."""
    first, second = Counter(words(text)), Counter(words(other))
    longer = max(first.total(), second.total())
    return 1 - (first & second).total() / longer if longer else 0.0


def renumber(text: str, random: Random) -> str | None:
    """The problem with other numbers, or None if there is none to change.

    Equal numbers become equal ones of as many digits, different ones different ones. Exponents, indices, 0, 1 and what
    drawings hold stay, so that the problem keeps its shape.
    """
    numbers = {match.group() for part in _prose_and_formulas(text) for match in _NUMBER.finditer(part)}
    others = _other_numbers(sorted(numbers), random)
    changed = "".join(
        part.text if part.text.startswith("[asy]") else _NUMBER.sub(lambda match: _renumbered(match, others), part.text)
        for part in pieces(text)
    )
    return changed if changed != text else None


def _other_phrases(prose: str) -> str:
    def other(match: re.Match[str]) -> str:
        phrase = _PHRASES[match.group().lower()]
        return phrase[0].upper() + phrase[1:] if match.group()[0].isupper() else phrase

    return _PHRASE.sub(other, prose)


def _other_names(prose: str, random: Random) -> str:
    found = sorted(set(_NAME.findall(prose)))
    others: dict[str, str] = {}
    for names in _NAMES:
        free = [name for name in names if name not in found]
        random.shuffle(free)
        others |= dict(zip((name for name in found if name in names), free, strict=False))
    return _NAME.sub(lambda match: others.get(match.group(), match.group()), prose)


def _question_first(prose: str, random: Random) -> str:
    """The last sentence moved to the front, if it is the question."""
    *rest, question = _SENTENCE_END.split(prose)
    bridge = random.choice(_BRIDGES)
    if question.startswith("Determine ") and question.endswith("?"):
        question = question[:-1] + "."
    if not rest or question.split(" ", 1)[0].lower() not in _TASK_WORDS:
        return " ".join([*rest, question])
    return " ".join([question, bridge, *rest])


def _other_notation(formula: str) -> str:
    if formula.startswith("[asy]"):
        return formula
    return _NOTATION_COMMAND.sub(lambda match: _NOTATION[match.group()], formula)


def _prose_and_formulas(text: str) -> Iterator[str]:
    return (part.text for part in pieces(text) if not part.text.startswith("[asy]"))


def _renumbered(match: re.Match[str], others: dict[str, str]) -> str:
    before = match.string[max(0, match.start() - 2) : match.start()]
    is_index = before.endswith(("^", "_")) or before in ("^{", "_{")
    return match.group() if is_index else others.get(match.group(), match.group())


def _other_numbers(numbers: list[str], random: Random) -> dict[str, str]:
    """A one-to-one replacement for numbers as they are written; those without one are left out."""
    others: dict[str, str] = {}
    taken = set(numbers)
    for number in numbers:
        whole, point, decimals = number.partition(".")
        if number in ("0", "1") or (len(whole) > 1 and whole[0] == "0"):
            continue
        # A handful of draws: a free number is near, unless nearly all of so few digits are in use.
        for _ in range(50):
            digits = decimals or whole
            drawn = str(random.randrange(1, 10)) + "".join(str(random.randrange(10)) for _ in digits[1:])
            other = f"{whole}.{drawn}" if point else drawn
            if other not in taken and other != "1":
                taken.add(other)
                others[number] = other
                break
    return others
