"""Which answers of summaries are provably right, and which the model is asked about."""

from __future__ import annotations

from pathlib import Path

from solution_files import cut, read_lines
from summary_files import select, trace


def settled(made: list[dict[str, object]]) -> dict[object, object]:
    return {row["predicted_answer"]: row["settled_by"] for row in made}


def test_an_answer_that_is_provably_the_expected_one_needs_no_call(tmp_path: Path) -> None:
    made = select(
        tmp_path,
        [trace("a-1", 0, expected="1/2")],
        {"a-1-0": ["So \\boxed{0.5}.", "So \\boxed{2}.", "So \\boxed{half}."]},
    )
    assert settled(made.rows) == {"0.5": "symbolic", "2": "symbolic", "half": None}
    assert [row["predicted_answer"] for row in read_lines(made.others["questions"])] == ["half"]


def test_the_answer_of_a_solution_that_was_judged_right_is_not_asked_about_again(tmp_path: Path) -> None:
    traces = [trace("a-1", 0, expected="Friday", predicted="the 5th day"), trace("a-1", 1, expected="Friday")]
    texts = ["So \\boxed{the 5th day}.", "So \\boxed{5.0}.", "So \\boxed{day 5}."]
    made = select(tmp_path, traces, {"a-1-0": texts, "a-1-1": texts})
    assert settled(made.rows) == {"the 5th day": "solution", "5.0": "solution", "day 5": None}
    figures = ("answers", "symbolic", "llm_calls", "calls_saved_by_sharing")
    assert [made.counts[key] for key in figures] == [6, 4, 1, 1]


def test_the_right_answer_to_another_problem_settles_nothing(tmp_path: Path) -> None:
    traces = [
        trace("a-1", 0, expected="Friday", predicted="day 5"),
        trace("b-1", 0, expected="Monday", predicted="day 1"),
    ]
    made = select(tmp_path, traces, {"a-1-0": ["So \\boxed{day 1}."], "b-1-0": ["So \\boxed{day 5}."]})
    assert settled(made.rows) == {"day 1": None, "day 5": None}


def test_summaries_of_one_problem_share_their_questions(tmp_path: Path) -> None:
    traces = [trace("a-1", seed) for seed in range(3)]
    made = select(tmp_path, traces, {row["id"]: ["So \\boxed{few}.", "Thus \\boxed{few}."] for row in traces})
    [question] = read_lines(made.others["questions"])
    assert (question["problem"], question["predicted_answer"], question["expected_answer"]) == (
        "The problem a-1.",
        "few",
        "5",
    )
    assert made.counts["calls_saved_by_sharing"] == 5


def test_candidates_without_an_answer_ask_nothing(tmp_path: Path) -> None:
    candidates = ["No box.", cut("So \\boxed{7}."), "\\boxed{" + "9" * 5000 + "}", ""]
    made = select(tmp_path, [trace("a-1", 0)], {"a-1-0": candidates})
    assert (made.rows, read_lines(made.others["questions"])) == ([], [])
