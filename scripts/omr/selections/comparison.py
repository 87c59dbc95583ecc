"""What the comparing model is shown: the candidates of a group under numbered headings, from 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omr.files.jsonl import Row

#: Characters of a heading with what parts it from the texts, at most.
HEADING_CHARS = 20


def shown_solutions(texts: Sequence[str]) -> str:
    """The candidates' texts as one; candidate 2 stands under `Solution 2:`."""
    return "\n\n".join(f"Solution {index}:\n{text}" for index, text in enumerate(texts))


def texts_in(solutions: str, number: int) -> list[str]:
    """The texts of so many candidates that `shown_solutions` made one of: no line of theirs looks like a heading."""
    rest, texts = solutions.removeprefix("Solution 0:\n"), []
    for index in range(1, number):
        text, _, rest = rest.partition(f"\n\nSolution {index}:\n")
        texts.append(text)
    return [*texts, rest]


def comparison_row(group: Row, problem: str, texts: Sequence[str]) -> dict[str, Any]:
    """The row that the prompts of a comparison are filled from; `texts` are those of the group's candidates."""
    return {
        "id": group["id"],
        "problem_id": group["problem_id"],
        "problem": problem,
        "solutions": shown_solutions(texts),
        "num_solutions": len(texts),
        "max_index": len(texts) - 1,
    }
