"""The bars of answers say what the vote said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import run_files
from browse_pages import Markup, pages
from omr.browse.votes import Counted, Votes, votes_of
from run_files import PROBLEM, RECIPE, write_rows

Row = dict[str, Any]


def seats(vote: Row, *answers: tuple[str | None, str, str | None]) -> list[Row]:
    """Rows of a problem's solutions: (its answer, its judgement, who judged) of each."""
    return [
        {"id": PROBLEM, "seed": seed, "predicted_answer": answer, "judgement": judgement, "judged_by": judge} | vote
        for seed, (answer, judgement, judge) in enumerate(answers)
    ]


def vote(answer: str | None, votes: int, total: int, **changes: Any) -> Row:
    return {"majority_answer": answer, "majority_votes": votes, "total_votes": total} | changes


SET, TURNED = "\\{-3, 9\\}", "\\{9, -3\\}"


def test_answers_that_the_vote_counted_together_have_one_bar() -> None:
    same = ("yes", "symbolic")
    rows = seats(vote(SET, 2, 4), (SET, *same), ("9", "no", "symbolic"), (TURNED, *same), ("-3", "no", "symbolic"))
    counted = [Counted([SET, TURNED], 2), Counted(["9"], 1), Counted(["-3"], 1)]
    assert votes_of(rows) == Votes(counted, 4, as_voted=True)


def test_what_is_spelled_alike_is_one_answer_whoever_judged_it() -> None:
    rows = seats(vote("1/2", 2, 3), ("1/2", "no", "llm"), ("\\frac{1}{2}", "no", "llm"), ("x", "unjudged", None))
    assert votes_of(rows).answers == [Counted(["1/2", "\\frac{1}{2}"], 2), Counted(["x"], 1)]


def test_the_right_answers_have_one_bar_where_the_vote_was_for_another() -> None:
    wrong, right = ("no", "symbolic"), ("yes", "symbolic")
    rows = seats(vote("7", 3, 5), *[("7", *wrong)] * 3, ("2\\cdot 3", *right), ("6", *right))
    assert votes_of(rows) == Votes([Counted(["7"], 3), Counted(["2\\cdot 3", "6"], 2)], 5, as_voted=True)


def test_solutions_without_an_answer_are_none_of_the_votes() -> None:
    rows = seats(vote("66", 1, 1), ("66", "yes", "symbolic"), (None, "unjudged", None))
    assert votes_of(rows) == Votes([Counted(["66"], 1)], 1, as_voted=True)
    assert votes_of(seats(vote(None, 0, 0), (None, "unjudged", None))).answers == []


def test_a_model_tells_which_answers_are_the_same_only_where_the_vote_says_so_too() -> None:
    said = ("3/4", "yes", "symbolic"), ("\\text{three in four}", "yes", "llm")
    [one] = votes_of(seats(vote("3/4", 2, 2), *said)).answers
    assert one.n == 2
    assert [each.n for each in votes_of(seats(vote(None, 1, 2), *said)).answers] == [1, 1]


@pytest.mark.parametrize("voted", [vote("x+1", 2, 2), vote(None, 0, 2), vote("gone", 1, 2), {}])
def test_answers_stand_as_written_where_no_row_tells_what_the_vote_knew(voted: Row) -> None:
    rows = seats(voted, ("x+1", "unjudged", None), ("1+x", "unjudged", None))
    assert votes_of(rows) == Votes([Counted(["x+1"], 1), Counted(["1+x"], 1)], 2, as_voted=False)


def page(folder: Path, rows: list[Row]) -> str:
    """The text of the page of a problem with these judged solutions."""
    run = run_files.write_run(folder)
    write_rows(run / RECIPE / "judged/shard-000-of-001.jsonl", *rows)
    return Markup(pages(run).problem({"id": PROBLEM}).html).text


def test_the_bars_of_a_page_count_what_its_vote_counts(tmp_path: Path) -> None:
    rows = seats(vote("2", 2, 3), ("2", "yes", "symbolic"), ("2.0", "yes", "symbolic"), ("3", "no", "symbolic"), (None, "unjudged", None))  # fmt: skip
    text = page(tmp_path, rows)
    assert "the vote 2 2 of 3" in text
    assert "2 = 2.0 2 of 3 3 1 of 3" in text
    assert "as they were written" not in text


def test_a_page_says_that_a_vote_is_tied_and_how_many_answers_have_no_bar(tmp_path: Path) -> None:
    text = page(tmp_path, seats(vote(None, 1, 10), *((str(n), "no", "symbolic") for n in range(10))))
    assert "the vote tied 1 of 10 each" in text
    assert "2 more solutions gave other answers" in text


def test_a_page_says_that_bars_count_answers_as_they_were_written(tmp_path: Path) -> None:
    text = page(tmp_path, seats(vote("x+1", 2, 2), ("x+1", "unjudged", None), ("1+x", "unjudged", None)))
    assert "as they were written" in text
