"""The longest summary whose answer is right replaces what followed the reasoning."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from solution_files import cut, read_lines, run_stage, write_rows
from summary_files import explained, merge, select, trace

SHORT, LONG = "So \\boxed{5}.", "Since two and three make five, the answer is \\boxed{5}."


def test_a_summarized_row_has_nothing_of_the_trace_but_its_judged_row(tmp_path: Path) -> None:
    traced = trace("p-1", 0) | {"code": {"steps": [], "blocks": []}, "blocks": 2}
    (row,) = merge(tmp_path, [traced], {"p-1-0": [SHORT]}).rows
    assert row["blocks"] == 2
    assert not {"problem_id", "problem", "solution", "code"} & set(row)


def test_the_longest_right_summary_is_kept(tmp_path: Path) -> None:
    wrong = "A very long explanation that ends somewhere else entirely, in fact in \\boxed{6}."
    made = merge(tmp_path, [trace("a-1", 0)], {"a-1-0": [SHORT, wrong, LONG, SHORT]})
    [row] = made.rows
    assert (row["summary"], row["summary_answer"], row["summary_candidate"]) == (explained(LONG), "5", 2)
    assert (row["summary_judged_by"], row["right_summaries"]) == ("symbolic", 3)


def test_of_equally_long_summaries_the_first_is_kept(tmp_path: Path) -> None:
    made = merge(tmp_path, [trace("a-1", 0)], {"a-1-0": ["No \\boxed{4}.", "So \\boxed{5}.", "It \\boxed{5}."]})
    assert made.rows[0]["summary_candidate"] == 1


def test_the_model_decides_where_nothing_is_proven(tmp_path: Path) -> None:
    traces = [trace("a-1", 0, expected="Friday", predicted="Friday")]
    texts = ["So \\boxed{the day after Thursday}.", "So \\boxed{Thursday, surely}."]
    made = merge(tmp_path, traces, {"a-1-0": texts}, {"the day after Thursday": "Judgement: Yes"})
    assert (made.rows[0]["summary_candidate"], made.rows[0]["summary_judged_by"]) == (0, "llm")


def test_a_trace_without_a_right_summary_is_dropped_with_what_became_of_each(tmp_path: Path) -> None:
    candidates = ["So \\boxed{6}.", "No box.", cut(LONG), "So \\boxed{perhaps five}."]
    made = merge(tmp_path, [trace("a-1", 3)], {"a-1-3": candidates}, {"perhaps five": "Hard to say."})
    [dropped] = made.dropped
    assert (dropped["id"], dropped["reason"], dropped["seed"]) == ("a-1-3", "no_right_summary", 3)
    assert dropped["candidates"] == {"no_answer": 1, "unfinished_reply": 1, "verdict_unreadable": 1, "wrong": 1}
    assert made.counts["dropped"] == {"no_right_summary": 1}


def test_a_row_is_the_judged_row_with_the_summary_and_without_the_reasoning(tmp_path: Path) -> None:
    [row] = merge(tmp_path, [trace("a-1", 2)], {"a-1-2": [LONG]}).rows
    assert (row["id"], row["seed"], row["judgement"], row["vote_share"]) == ("a-1", 2, "yes", 0.5)
    assert not {"problem", "problem_id", "solution"} & row.keys()


def test_thoughts_of_the_summarizing_model_are_not_part_of_the_summary(tmp_path: Path) -> None:
    made = merge(tmp_path, [trace("a-1", 0)], {"a-1-0": [f"<think>How shall I put it?</think>\n\n{SHORT}\n"]})
    assert made.rows[0]["summary"] == explained(SHORT)


def test_summaries_are_found_by_id_and_number(tmp_path: Path) -> None:
    traces = [trace("a-1", 0), trace("a-1", 1), trace("b-1", 0)]
    summaries = {"b-1-0": [f"b {SHORT}"], "a-1-1": [f"a1 {SHORT}"], "a-1-0": [f"a0 {SHORT}"]}
    made = merge(tmp_path, traces, summaries)
    assert [row["summary"].splitlines()[-1].split()[0] for row in made.rows] == ["a0", "a1", "b"]


def test_a_copy_of_the_reasoning_and_a_bare_answer_are_no_summaries_however_long(tmp_path: Path) -> None:
    reasoning = "First I add two to three. That makes five, as everybody knows. So it has to be \\boxed{5} here."
    traced = trace("a-1", 0) | {"solution": reasoning}
    bare = {"text": "The answer to the problem is \\boxed{5}."}
    made = merge(tmp_path, [traced], {"a-1-0": [{"text": reasoning}, bare, SHORT]})
    assert (made.rows[0]["summary_candidate"], made.rows[0]["right_summaries"]) == (2, 1)
    assert made.counts["candidates"] == {"copy_of_reasoning": 1, "no_explanation": 1, "right": 1}


def test_a_summary_that_says_more_than_one_answer_is_not_preferred_for_its_length(tmp_path: Path) -> None:
    hedge = "It could be seen in several ways, of which some give \\boxed{4} and most of them \\boxed{5}, I think."
    made = merge(tmp_path, [trace("a-1", 0)], {"a-1-0": [hedge + " It is \\boxed{5}.", SHORT]})
    assert made.rows[0]["summary_candidate"] == 1
    assert made.counts["candidates"] == {"right": 1, "several_answers": 1}


def test_a_missing_candidate_is_none(tmp_path: Path) -> None:
    made = merge(tmp_path, [trace("a-1", 0), trace("a-1", 1)], {"a-1-0": [SHORT, LONG], "a-1-1": [SHORT]})
    assert made.counts["candidates"] == {"no_reply": 1, "right": 3}


def test_every_trace_is_kept_or_dropped(tmp_path: Path) -> None:
    traces = [trace(f"{number}-1", seed) for number in range(4) for seed in range(3)]
    summaries = {row["id"]: [SHORT if row["seed"] else "No box."] for row in traces}
    made = merge(tmp_path, traces, summaries)
    assert (len(made.rows), len(made.dropped), made.counts["read"]) == (8, 4, 12)


def test_what_was_read_of_other_summaries_is_an_error(tmp_path: Path) -> None:
    merge(tmp_path, [trace("a-1", 0)], {"a-1-0": [SHORT]})
    empty = write_rows(tmp_path / "none.jsonl", [])
    given = {"summary-candidates": tmp_path / "comparisons.summary-candidates", "summaries": empty, "replies": empty}
    given["comparisons"] = tmp_path / "comparisons.jsonl"
    with pytest.raises(UserError, match="the summary 0 of 'a-1-0' is not the one that was read"):
        run_stage("merge_summaries", tmp_path / "again.jsonl", given)
    select(tmp_path / "others", [trace("a-1", 0)], {"a-1-0": ["So \\boxed{8}."]})
    others = given | {"summary-candidates": tmp_path / "others" / "comparisons.summary-candidates"}
    with pytest.raises(UserError, match="'a-1' are not those of the rows to judge"):
        run_stage("merge_summaries", tmp_path / "again.jsonl", others)


def test_a_row_of_what_was_read_has_no_text(tmp_path: Path) -> None:
    made = select(tmp_path, [trace("a-1", 2)], {"a-1-2": [LONG, "No box.", cut(SHORT)]})
    [row] = read_lines(made.others["summary-candidates"])
    assert row["candidates"] == [
        ["5", None, len(explained(LONG))],
        [None, "no_answer", 0],
        [None, "unfinished_reply", 0],
    ]
    assert (row["id"], row["problem_id"], row["seed"]) == ("a-1-2", "a-1", 2)
    assert not {"problem", "solution"} & row.keys()
