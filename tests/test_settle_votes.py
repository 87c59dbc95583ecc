"""Votes that hang on which answers are the same: what is asked, and what becomes of the votes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omr.errors import UserError
from solution_files import Made, Row, fill, problem, read_lines, reply, run_stage, write_rows, write_seeds

FIVE = r"\text{the number of fingers}"
SIX = r"\text{half a dozen}"


def vote(folder: Path, answers: dict[str, list[Any]], expected: dict[str, str] | None = None, **flags: object) -> Made:
    """Run fill_majority_answer with its files for open votes."""
    files = write_seeds(folder, answers)
    rows = [problem(name, (expected or {}).get(name)) for name in answers]
    given = {"problems": write_rows(folder / "problems.jsonl", rows), "shard": 0, "shards": 1, "solutions": files}
    flags = {"seeds": len(files), "max-matches": 6} | flags
    return run_stage("fill_majority_answer", folder / "votes.jsonl", given | flags, files=["undecided", "questions"])


def settle(folder: Path, votes: Made, say: Callable[[str, str], str], **flags: object) -> Made:
    """Run settle_votes on replies by the two answers of a question."""
    questions = read_lines(votes.others["questions"])
    replies = [
        reply(row["id"], say(row["first_answer"], row["second_answer"]), prompt="match_answers") for row in questions
    ]
    given = {"votes": votes.path, "undecided": votes.others["undecided"], "min-votes": 2, "min-share": 0.0}
    given["replies"] = write_rows(folder / "replies.jsonl", replies)
    return run_stage("settle_votes", folder / "majority.jsonl", given | flags)


def yes(first: str, second: str) -> str:
    return "Judgement: Yes"


def no(first: str, second: str) -> str:
    return "Judgement: No"


def answers_of(rows: list[Row]) -> set[tuple[str, str | None, int]]:
    return {(row["id"], row["expected_answer"], row["majority_votes"]) for row in rows}


def test_a_tie_is_settled_by_answers_that_the_model_finds_the_same(tmp_path: Path) -> None:
    votes = vote(tmp_path, {"a-1": ["5", FIVE, "5", FIVE], "b-1": ["1", "1", "1", "2"]})
    assert answers_of(votes.rows) == {("a-1", None, 0), ("b-1", "1", 3)}
    assert (votes.counts["answer_sources"], votes.counts["llm_calls"]) == ({"majority": 1, "undecided": 1}, 2)
    made = settle(tmp_path, votes, yes)
    assert answers_of(made.rows) == {("a-1", "5", 4), ("b-1", "1", 3)}
    assert made.rows[0]["vote_share"] == 1.0
    assert made.counts["open_votes"] == {"settled": 1, "without_majority": 0}


def test_every_pair_is_asked_in_both_orders_and_each_question_once(tmp_path: Path) -> None:
    asked = read_lines(vote(tmp_path, {"a-1": ["5", FIVE]}).others["questions"])
    assert [(row["first_answer"], row["second_answer"]) for row in asked] == [("5", FIVE), (FIVE, "5")]
    assert len({row["id"] for row in asked}) == 2
    assert {row["problem"] for row in asked} == {"The problem a-1."}


@pytest.mark.parametrize(
    "say",
    [no, lambda first, second: "I cannot tell.", lambda first, second: f"Judgement: {'Yes' if first == '5' else 'No'}"],
    ids=["different", "unreadable", "orders disagree"],
)
def test_a_vote_that_stays_tied_is_dropped_with_all_its_solutions(tmp_path: Path, say: Any) -> None:
    made = settle(tmp_path, vote(tmp_path, {"a-1": ["5", FIVE, "5", FIVE], "b-1": ["1", "1", "1", "2"]}), say)
    assert {row["id"] for row in made.rows} == {"b-1"}
    assert [(row["id"], row["seed"], row["reason"]) for row in made.dropped] == [
        ("a-1", seed, "tied_vote") for seed in range(4)
    ]
    assert made.counts["read"] == made.counts["passed"] + sum(made.counts["dropped"].values())


def test_a_rival_that_becomes_the_majority_wins(tmp_path: Path) -> None:
    votes = vote(tmp_path, {"a-1": ["5", "5", SIX, "6", "six"]})
    made = settle(tmp_path, votes, lambda one, other: yes("", "") if "5" not in (one, other) else no("", ""))
    assert answers_of(made.rows) == {("a-1", "6", 3)}


def test_answers_proven_to_differ_stay_apart_whatever_the_model_says(tmp_path: Path) -> None:
    made = settle(tmp_path, vote(tmp_path, {"a-1": ["5", "6", "5", "6", FIVE]}), yes)
    assert answers_of(made.rows) == {("a-1", "5", 3)}


def test_single_votes_that_are_one_answer_are_enough_together(tmp_path: Path) -> None:
    made = settle(tmp_path, vote(tmp_path, {"a-1": ["5", FIVE, {"text": "?"}]}), yes)
    assert answers_of(made.rows) == {("a-1", "5", 2)}


def test_a_known_answer_is_asked_about_no_vote(tmp_path: Path) -> None:
    votes = vote(tmp_path, {"a-1": ["5", FIVE]}, expected={"a-1": "5"})
    assert read_lines(votes.others["questions"]) == []
    assert answers_of(settle(tmp_path, votes, no).rows) == {("a-1", "5", 1)}


def test_without_a_budget_a_tie_is_dropped_at_once(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1")], {"a-1": ["5", FIVE, "5", FIVE]})
    assert [row["reason"] for row in made.dropped] == ["tied_vote"]


def test_votes_of_other_rows_are_an_error(tmp_path: Path) -> None:
    votes = vote(tmp_path, {"a-1": ["5", FIVE]})
    write_rows(votes.path, [])
    with pytest.raises(UserError, match="its vote on problem 'a-1' is of none of the rows"):
        settle(tmp_path, votes, yes)


def test_two_runs_ask_and_write_the_same_bytes(tmp_path: Path) -> None:
    given = {"a-1": ["5", FIVE, SIX, "6"], "b-1": ["x", "y", "1", "2"]}
    made = [vote(tmp_path / str(run), given) for run in range(2)]
    for name in ("undecided", "questions"):
        assert made[0].others[name].read_bytes() == made[1].others[name].read_bytes()
