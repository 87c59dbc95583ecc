"""The text that shows candidates beside each other can be taken apart again."""

from __future__ import annotations

import pytest
from omr.selections.comparison import shown_solutions, texts_in


@pytest.mark.parametrize(
    "texts", [["a"], ["a", "b"], ["", "x\n\ny\n", "\nz"], [f"text {n}" for n in range(16)], ["see Solution 1: it", "b"]]
)
def test_texts_of_candidates_are_found_again(texts: list[str]) -> None:
    assert texts_in(shown_solutions(texts), len(texts)) == texts
