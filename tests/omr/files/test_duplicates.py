from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from omr.files.duplicates import Duplicates
from omr.files.notation import notation

PROBLEMS = ["Find $x$.", "find  $x$ .", "Find $y$.", "Compute $1+1$.", "compute\n$1 + 1$."]


def kept_of(rows: list[dict[str, Any]]) -> dict[str, str | None]:
    """Id -> the id of the row that is kept instead, or None."""
    duplicates = Duplicates()
    for row in reversed(rows):  # the order of the first pass does not matter
        duplicates.note_problem(row)
    duplicates.note_answers(rows)
    return {row["id"]: duplicates.kept_instead_of(row) for row in rows}


def row(row_id: str, problem: str, answer: str | None = None) -> dict[str, Any]:
    return {"id": row_id, "problem": problem, "expected_answer": answer}


def test_the_first_of_equal_problems_is_kept() -> None:
    rows = [row("a", "Find $x$."), row("b", "Compute."), row("c", " find\n$x$."), row("d", "find$x$.")]
    assert kept_of(rows) == {"a": None, "b": None, "c": "a", "d": "a"}


def test_the_first_with_an_answer_is_kept_where_there_is_one() -> None:
    rows = [row("a", "Find $x$."), row("b", "find $x$.", "5"), row("c", "Find $x$.", "6")]
    assert kept_of(rows) == {"a": "b", "b": None, "c": "b"}


@given(st.lists(st.tuples(st.sampled_from(PROBLEMS), st.one_of(st.none(), st.just("5")))))
@settings(max_examples=100, deadline=None)
def test_one_row_of_each_problem_is_kept_and_has_an_answer_if_any_has(problems: list[tuple[str, str | None]]) -> None:
    rows = [row(str(number), problem, answer) for number, (problem, answer) in enumerate(problems)]
    kept = kept_of(rows)
    by_text: dict[str, list[dict[str, Any]]] = {}
    for one in rows:
        by_text.setdefault(notation(one["problem"]), []).append(one)
    for group in by_text.values():
        (stays,) = [one for one in group if kept[one["id"]] is None]
        assert all(kept[one["id"]] in (None, stays["id"]) for one in group)
        best = next((one for one in group if one["expected_answer"] is not None), group[0])
        assert stays == best
