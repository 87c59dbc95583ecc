"""The longest summary that chooses the same candidate stands for a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest
from selection_files import answer, compare, form, merge, parse, pool, right_index, to_summarize
from solution_files import Made, Row, cut, failed

ROWS = {"cot": pool("a-1", 1, 1)}


@pytest.fixture
def traces(tmp_path: Path) -> Made:
    groups = form(tmp_path, ROWS)
    compare(tmp_path, ROWS, groups)
    replies = [answer(row["id"], f"Because.\n\nJudgment: {right_index(row)}") for row in groups.rows]
    return to_summarize(tmp_path, parse(tmp_path, groups, replies))


def chosen(traces: Made) -> int:
    index: int = traces.rows[0]["selected"]
    return index


def test_the_longest_that_agrees_is_kept(tmp_path: Path, traces: Made) -> None:
    same, other = chosen(traces), 1 - chosen(traces)
    texts = [
        f"Short.\n\nJudgment: {same}",
        f"Much longer than the others, but of another mind.\n\nJudgment: {other}",
        f"Longer than the first one.\n\n**Judgment:** {same}",
        f"Short.\n\nJudgment: {same}",
    ]
    made = merge(tmp_path, traces, {"a-1-g0": texts})
    [row] = made.rows
    assert (row["summary"], row["summary_candidate"], row["right_summaries"]) == (texts[2], 2, 3)
    assert made.counts["candidates"] == {"other_index": 1, "right": 3}


def test_of_equally_long_ones_the_first_is_kept(tmp_path: Path, traces: Made) -> None:
    text = f"Judgment: {chosen(traces)}"
    made = merge(tmp_path, traces, {"a-1-g0": [f"One.\n{text}", f"Two.\n{text}"]})
    assert made.rows[0]["summary_candidate"] == 0


@pytest.mark.parametrize(
    ("candidate", "became"),
    [
        ("It is sound.", "unreadable"),
        ("Judgment: OTHER\n\nNo.\n\nJudgment: SAME", "unreadable"),
        ("Judgment: OTHER", "other_index"),
        ("Judgment: 7", "other_index"),
        ("Judgment: SAME\n\nFirst.\n\nSecond.\n\nThird.", "verdict_not_last"),
        (cut("Judgment: SAME"), "unfinished_reply"),
        (failed("refused"), "request_failed_refused"),
        ("<think>Judgment: SAME", "unreadable"),
    ],
)
def test_what_does_not_end_in_the_same_verdict_is_of_no_use(
    tmp_path: Path, traces: Made, candidate: str | Row, became: str
) -> None:
    if isinstance(candidate, str):
        candidate = candidate.replace("SAME", str(chosen(traces))).replace("OTHER", str(1 - chosen(traces)))
    made = merge(tmp_path, traces, {"a-1-g0": [candidate]})
    assert made.rows == []
    assert made.counts["dropped"] == {"no_right_summary": 1}
    assert made.dropped[0]["candidates"] == {became: 1}


def test_thoughts_of_the_summarizing_model_are_no_part_of_it(tmp_path: Path, traces: Made) -> None:
    text = f"It is sound.\n\nJudgment: {chosen(traces)}"
    made = merge(tmp_path, traces, {"a-1-g0": [f"<think>How shall I put it?</think>\n\n{text}"]})
    assert made.rows[0]["summary"] == text


def test_a_row_is_the_selection_with_the_summary_and_without_the_texts(tmp_path: Path, traces: Made) -> None:
    [row] = merge(tmp_path, traces, {"a-1-g0": [f"Judgment: {chosen(traces)}"]}).rows
    assert {"selected_id", "candidate_ids", "pass_rate"} <= row.keys()
    assert not {"problem", "solutions", "comparison"} & row.keys()
