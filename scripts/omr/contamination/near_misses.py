"""Copies of a run's own problems, which must be taken for reposts, and near misses, which must not.

Copies: `respelled` (other LaTeX, spaces and signs for the same) and `paraphrased` (see omr/contamination/rewording.py).
Near misses: `renumbered` (other numbers), `resigned` (one sign of a formula is another one), `reasked` (another
quantity or kind, such as the product for the sum), and in the same words and numbers `exchanged` (two numbers have
changed places) and `recounted` (two things that are counted have). They measure the
search for reposts. No model is asked, and the same problems make the same ones.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from hashlib import blake2b
from itertools import combinations
from random import Random
from typing import Any

from omr.contamination.meaning import SILENT
from omr.contamination.reposts import are_reposts
from omr.contamination.rewording import paraphrase, renumber
from omr.files.jsonl import Row
from omr.files.patterns import lazy
from omr.threads.formulas import pieces

_SPELLINGS = {
    "\\frac": "\\dfrac ", "\\le": "\\leq ", "\\ge": "\\geq ", "\\ne": "\\neq ", "\\to": "\\rightarrow ",
    "\\dots": "\\ldots ",
}  # fmt: skip
_COMMAND = lazy(r"\\[A-Za-z]+")
_SIGN = lazy(r"(?<=[\w)}\]])\s*([+<>-]|\\leq?(?![A-Za-z])|\\geq?(?![A-Za-z]))\s*(?=[\w({\\])")
_OTHER_SIGN = {
    "+": "-",
    "-": "+",
    "<": ">",
    ">": "<",
    "\\le": "\\ge",
    "\\ge": "\\le",
    "\\leq": "\\geq",
    "\\geq": "\\leq",
}
_PAIRS = (
    ("sum", "product"), ("largest", "smallest"), ("greatest", "least"), ("maximum", "minimum"), ("area", "perimeter"),
    ("even", "odd"), ("positive", "negative"), ("increasing", "decreasing"), ("rows", "columns"), ("more", "less"),
    ("first", "last"), ("radius", "diameter"), ("inside", "outside"), ("real", "integer"), ("distinct", "equal"),
)  # fmt: skip
_OTHER_WORD = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
_WORD = lazy(rf"(?<![\\\w])(?:{'|'.join(_OTHER_WORD)})(?!\w)")

_NUMBER = lazy(r"(?<![\d.^_{\\])\d+(?![\d.}])")
#: `12 pens`, `$12$ full boxes`: a number, and the word behind it.
_COUNTED = lazy(r"(?<!\S)\$?(?P<number>\d+)\$? (?P<thing>[a-z]{3,})(?![\w-])")
#: Only of so many numbers in a text all pairs are looked at: a table may have thousands.
_MOST_PAIRED = 100


def respell(problem: str, random: Random) -> str | None:
    """The problem in other LaTeX; None without a formula."""
    parts = list(pieces(problem))
    if not any(part.is_formula for part in parts):
        return None
    other = ((_respelled(part.text) if part.is_formula else part.text.replace(" ", "  ")) for part in parts)
    return "  " + "".join(other).strip().removesuffix(".") + random.choice(["", " .", "\n"])


def _respelled(formula: str) -> str:
    if formula.startswith("$") and not formula.startswith("$$"):
        formula = f"\\({formula[1:-1]}\\)"
    return _COMMAND.sub(lambda command: _SPELLINGS.get(command.group(), command.group()), formula).replace("=", " = ")


def resign(problem: str, random: Random) -> str | None:
    """The problem with another sign in one of its formulas; None where there is none to change."""
    parts = list(pieces(problem))
    places = [
        (number, match)
        for number, part in enumerate(parts)
        if part.is_formula and not part.text.startswith("[asy]")
        for match in _SIGN.finditer(part.text)
    ]
    if not places:
        return None
    number, match = random.choice(places)
    changed = _with(parts[number].text, match.span(1), _OTHER_SIGN[match[1]])
    return "".join(changed if place == number else part.text for place, part in enumerate(parts))


def reask(problem: str, random: Random) -> str | None:
    """The problem about another quantity or kind; None where no word has a counterpart."""
    parts = list(pieces(problem))
    places = [
        (number, match)
        for number, part in enumerate(parts)
        if not part.is_formula
        for match in _WORD.finditer(part.text)
    ]
    if not places:
        return None
    number, match = random.choice(places)
    changed = _with(parts[number].text, match.span(), _OTHER_WORD[match[0]])
    return "".join(changed if place == number else part.text for place, part in enumerate(parts))


def exchange(problem: str, random: Random) -> str | None:
    """The problem with two of its numbers in each other's place; None where no two different ones stand apart."""
    parts = list(pieces(problem))
    places = [
        (number, match)
        for number, part in enumerate(parts)
        if not part.text.startswith("[asy]")
        for match in _NUMBER.finditer(part.text)
    ]
    # Of one formula two may be exchanged without harm, as in a sum.
    apart = [
        (one, other)
        for one, other in combinations(places[:_MOST_PAIRED], 2)
        if one[0] != other[0] and one[1].group() != other[1].group()
    ]
    if not apart:
        return None
    (first, one), (last, other) = random.choice(apart)
    texts = [part.text for part in parts]
    texts[first] = _with(texts[first], one.span(), other.group())
    texts[last] = _with(texts[last], other.span(), one.group())
    return "".join(texts)


def recount(problem: str, random: Random) -> str | None:
    """The problem with two words that stand behind numbers in each other's place; None where there are no two."""
    found = [match for match in _COUNTED.finditer(problem) if match["thing"] not in SILENT]
    apart = [
        (one, other)
        for one, other in combinations(found[:_MOST_PAIRED], 2)
        if one["thing"] != other["thing"] and one["number"] != other["number"]
    ]
    if not apart:
        return None
    one, other = random.choice(apart)
    return _with(_with(problem, other.span("thing"), one["thing"]), one.span("thing"), other["thing"])


def _with(text: str, span: tuple[int, int], other: str) -> str:
    return text[: span[0]] + other + text[span[1] :]


_Change = Callable[[str, Random], str | None]
COPIES: dict[str, _Change] = {"respelled": respell, "paraphrased": paraphrase}
NEAR_MISSES: dict[str, _Change] = {
    "renumbered": renumber,
    "resigned": resign,
    "reasked": reask,
    "exchanged": exchange,
    "recounted": recount,
}


class Planted:
    """A sample of the problems, chosen by hashes of their ids, and how the search treats what is made of them."""

    def __init__(self, per_kind: int) -> None:
        self._per_kind = per_kind
        # Not every kind can be made of every problem.
        self._most = 4 * per_kind
        self._sample: list[tuple[int, str, str, str | None]] = []

    def note(self, row: Row) -> None:
        """A problem that may be drawn."""
        drawn = -int.from_bytes(blake2b(row["id"].encode(), digest_size=8).digest())
        if len(self._sample) < self._most:
            heapq.heappush(self._sample, (drawn, row["id"], row["problem"], row.get("expected_answer")))
        elif self._sample and drawn > self._sample[0][0]:
            heapq.heapreplace(self._sample, (drawn, row["id"], row["problem"], row.get("expected_answer")))

    def measure(self) -> dict[str, Any]:
        """{"copies": {kind: {"planted", "found"}}, "near_misses": {kind: {"planted", "taken_for_copies"}}}.

        Both have the answer of what they are made of: for near misses that is the worst case.
        """
        return {
            "copies": self._figures(COPIES, "found"),
            "near_misses": self._figures(NEAR_MISSES, "taken_for_copies"),
        }

    def _figures(self, kinds: dict[str, _Change], found: str) -> dict[str, dict[str, int]]:
        drawn = sorted(self._sample, reverse=True)
        return {
            kind: dict(zip(("planted", found), self._tried(kind, change, drawn), strict=True))
            for kind, change in kinds.items()
        }

    def _tried(self, kind: str, change: _Change, drawn: Iterable[tuple[int, str, str, str | None]]) -> tuple[int, int]:
        planted = found = 0
        for _, row_id, problem, answer in drawn:
            random = Random(int.from_bytes(blake2b(f"{kind}/{row_id}".encode(), digest_size=8).digest()))
            other = change(problem, random) if planted < self._per_kind else None
            if other is not None:
                planted += 1
                found += are_reposts(problem, other, answer)
        return planted, found
