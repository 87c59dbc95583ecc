"""What a comparison settles, and what the model is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import select_judgements
from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.errors import UserError
from omr.solutions.judging import Question
from solution_files import answer_question, cut, fill, problem, read_lines, run_stage, select, write_rows


def test_provably_equal_answers_need_no_call(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "1/2")], {"a-1": ["0.5", r"\frac{1}{2}", "1/2"]})
    made = select(tmp_path, majority.path)
    assert {row["settled_by"] for row in made.rows} == {"symbolic"}
    assert read_lines(made.others["questions"]) == []
    assert [made.counts[key] for key in ("answers", "symbolic", "llm_calls", "calls_saved_by_sharing")] == [3, 3, 0, 0]


def test_everything_else_goes_to_the_model_with_its_problem(tmp_path: Path) -> None:
    majority = fill(
        tmp_path, [problem("a-1", "66"), problem("b-1", "Friday")], {"a-1": ["a lot"], "b-1": ["a weekday"]}
    )
    made = select(tmp_path, majority.path)
    asked = read_lines(made.others["questions"])
    assert [(row["problem"], row["predicted_answer"], row["expected_answer"]) for row in asked] == [
        ("The problem a-1.", "a lot", "66"),
        ("The problem b-1.", "a weekday", "Friday"),
    ]
    assert [row["comparison"] for row in made.rows] == ["unknown", "unknown"]
    assert {row["settled_by"] for row in made.rows} == {None}


def test_an_answer_that_is_proven_to_differ_is_not_asked_about(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "66")], {"a-1": ["60"]})
    made = select(tmp_path, majority.path)
    assert [(row["comparison"], row["settled_by"]) for row in made.rows] == [("different", "symbolic")]
    assert read_lines(made.others["questions"]) == []


ODD = r"\text{every odd number}"


def test_one_answer_in_several_spellings_is_asked_about_once_and_is_not_right_and_wrong(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", ODD)], {"a-1": ["2k+1", "the odd ones", "1+2k", "2k+1"]})
    made = select(tmp_path, majority.path)
    asked = {row["predicted_answer"]: row["id"] for row in read_lines(made.others["questions"])}
    assert list(asked) == ["2k+1", "the odd ones"]
    others = {row["predicted_answer"]: row["asked_as"] for row in made.rows}
    assert others == {"2k+1": None, "the odd ones": None, "1+2k": asked["2k+1"]}
    figures = [made.counts[key] for key in ("answers", "symbolic", "llm_calls", "calls_saved_by_sharing")]
    assert figures == [4, 0, 2, 2]


def test_the_spelling_that_an_earlier_round_asked_about_stands_for_the_others(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", ODD)], {"a-1": ["2k+1", "1+2k"]})
    before = write_rows(tmp_path / "asked.jsonl", [{"id": Question("a-1", "1+2k", ODD).id}])
    made = select(tmp_path, majority.path, asked=[before])
    assert read_lines(made.others["questions"]) == []
    assert [row["asked_as"] for row in made.rows] == [Question("a-1", "1+2k", ODD).id, None]


def test_settled_pairs_of_both_kinds_measure_the_judge_as_many_as_wanted(tmp_path: Path) -> None:
    answers = ["0.5", "2/4", r"\frac{1}{2}", "7", "8", "9", "1/2", "half"]
    majority = fill(tmp_path, [problem("a-1", "1/2")], {"a-1": answers})
    made = select(tmp_path, majority.path, audits=2)
    asked = [row["predicted_answer"] for row in read_lines(made.others["questions"])]
    assert asked[0] == "half"
    assert len(set(asked) & {"0.5", "2/4", r"\frac{1}{2}"}) == len(set(asked) & {"7", "8", "9"}) == 2
    assert (len(asked), made.counts["audits"], made.counts["llm_calls"]) == (5, 4, 1)
    again = select(tmp_path, majority.path, audits=2)
    assert [row["predicted_answer"] for row in read_lines(again.others["questions"])] == asked


def test_the_same_spelling_measures_no_judge(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "5")], {"a-1": ["5", "5"]})
    assert select(tmp_path, majority.path, audits=9).counts["audits"] == 0


def test_a_question_is_asked_once_for_all_seeds_that_share_it(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "66")], {"a-1": ["few", "few", "few", "many", "66", "66"]})
    made = select(tmp_path, majority.path)
    assert [row["predicted_answer"] for row in read_lines(made.others["questions"])] == ["few", "many"]
    figures = ("answers", "symbolic", "llm_calls", "calls_saved_by_sharing")
    assert [made.counts[key] for key in figures] == [6, 2, 2, 2]


def test_the_same_answers_to_another_problem_are_another_question(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "66"), problem("b-1", "66")], {"a-1": ["few"], "b-1": ["few"]})
    asked = read_lines(select(tmp_path, majority.path).others["questions"])
    assert [row["problem_id"] for row in asked] == ["a-1", "b-1"]
    assert len({row["id"] for row in asked}) == 2


def test_solutions_without_an_answer_ask_nothing(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "66")], {"a-1": [cut("It"), {"text": "?"}]})
    made = select(tmp_path, majority.path)
    assert (made.rows, read_lines(made.others["questions"])) == ([], [])


class OutOfTime(EquivalenceChecker):
    """Every comparison takes too long."""

    def compare_many(self, pairs: Iterable[tuple[str, str]]) -> Iterator[Verdict]:
        return (Verdict.UNKNOWN for _ in pairs)


def test_a_comparison_that_takes_too_long_goes_to_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    majority = fill(tmp_path, [problem("a-1", "2")], {"a-1": ["4/2"]})
    monkeypatch.setattr(select_judgements, "EquivalenceChecker", OutOfTime)
    made = select(tmp_path, majority.path)
    assert [(row["comparison"], row["settled_by"]) for row in made.rows] == [("unknown", None)]
    assert [row["predicted_answer"] for row in read_lines(made.others["questions"])] == ["4/2"]


def test_the_id_of_a_question_depends_on_both_answers_and_not_on_where_they_part() -> None:
    ids = {Question("a-1", *answers).id for answers in (("1", "23"), ("12", "3"), ("23", "1"))}
    assert len(ids) == 3
    assert Question("a-1", "1", "2", asked_by=5).id == Question("a-1", "1", "2").id
    assert all(name.startswith("a-1-") for name in ids)


def test_problems_in_another_order_are_an_error_and_leave_nothing(tmp_path: Path) -> None:
    given = {"a-1": ["1"], "b-1": ["1"]}
    majority = fill(tmp_path, [problem("a-1", "2"), problem("b-1", "2")], given)
    write_rows(tmp_path / "problems.jsonl", [problem("b-1", "2"), problem("a-1", "2")])
    with pytest.raises(UserError, match="'b-1' is missing, or stands before"):
        select(tmp_path, majority.path)
    assert not (tmp_path / "comparisons.jsonl").exists()
    assert not (tmp_path / "comparisons.questions").exists()


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "1/2")], {"a-1": ["0.5", "7", "x", "7", "(1,2)"]})
    first = select(tmp_path, majority.path)
    before = first.path.read_bytes(), first.others["questions"].read_bytes()
    again = select(tmp_path, majority.path)
    assert before == (again.path.read_bytes(), again.others["questions"].read_bytes())


def test_a_question_of_an_earlier_round_is_not_asked_again_and_its_verdict_still_counts(tmp_path: Path) -> None:
    first = fill(tmp_path / "one", [problem("a-1", "66")], {"a-1": ["few"]})
    asked = select(tmp_path / "one", first.path)
    verdicts = write_rows(
        tmp_path / "verdicts.jsonl",
        [answer_question(question, "Judgement: Yes") for question in read_lines(asked.others["questions"])],
    )
    both = fill(tmp_path / "two", [problem("a-1", "66")], {"a-1": ["few", "many"]})
    given = {"problems": tmp_path / "two/problems.jsonl", "majority": both.path, "asked": asked.others["questions"]}
    made = run_stage("select_judgements", tmp_path / "two/comparisons.jsonl", given, files=["questions"])
    assert [row["predicted_answer"] for row in read_lines(made.others["questions"])] == ["many"]
    figures = ("answers", "symbolic", "llm_calls", "calls_saved_by_sharing", "asked_before")
    assert [made.counts[figure] for figure in figures] == [2, 0, 1, 0, 1]
    new = [answer_question(question, "Judgement: No") for question in read_lines(made.others["questions"])]
    replies = [write_rows(tmp_path / "new.jsonl", new), verdicts]
    given = {"majority": both.path, "comparisons": made.path, "replies": replies}
    judged = run_stage("merge_judgements", tmp_path / "two/judged.jsonl", given)
    assert [row["judgement"] for row in judged.rows] == ["yes", "no"]
