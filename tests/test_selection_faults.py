"""Faults that the reference has in comparing solutions, and that this project must not have."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from omr.errors import UserError
from selection_files import (
    answer,
    compare,
    form,
    merge,
    parse,
    pool,
    prepare,
    right_index,
    summary,
    to_summarize,
    whole_way,
)
from small_tokenizer import save_tokenizer
from solution_files import fill, judge, problem, read_lines, run_stage

ROWS = {"cot": [row for number in range(10) for row in pool(f"p{number}-1", 1 + number % 4, 1 + number % 5)]}


def test_a_solution_whose_verdict_nobody_can_read_never_becomes_a_wrong_candidate(tmp_path: Path) -> None:
    solutions = {"a-1": ["5", "perhaps five", "6"]}
    voted = fill(tmp_path, [problem("a-1", "5")], solutions)
    judged = judge(tmp_path, voted, {"perhaps five": "I cannot say."})
    flags = {"problems": tmp_path / "problems.jsonl", "judged": judged.path, "prompt-name": "solve_cot"}
    flags |= {"solutions": sorted(tmp_path.glob("seed-*.jsonl")), "wrong-per-problem": 15}
    made = run_stage("select_wrong_traces", tmp_path / "wrong_traces.jsonl", flags)
    assert [row["seed"] for row in made.rows] == [2]
    assert made.counts["dropped"] == {"right": 1, "unjudged": 1}


def test_what_is_clean_is_what_the_decontamination_wrote(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        prepare(tmp_path, whole_way(tmp_path, ROWS)._replace(path=tmp_path / "absent.jsonl"))
    (tmp_path / "problems.jsonl").unlink()
    with pytest.raises(UserError, match="no such file"):
        prepare(tmp_path, whole_way(tmp_path / "again", ROWS))


@pytest.mark.parametrize(
    "verdict",
    [
        "Judgment: {}",
        "Judgement: {}",
        "Judgment: [{}]",
        "**Judgment: {}**",
        "**Judgment:** {}",
        "judgment: {}",
        "JUDGMENT: {}.",
        "### Judgment: `{}`",
        r"Judgment: $\boxed{{{}}}$",
        "Judgment: Solution {}",
        "Judgment:\n\n{}",
        "Final judgment: {}",
        "- Judgment: ({})",
    ],
)
def test_a_choice_is_read_in_every_dress_that_models_give_it(tmp_path: Path, verdict: str) -> None:
    groups = form(tmp_path, ROWS)
    replies = [answer(row["id"], "Because.\n\n" + verdict.format(right_index(row))) for row in groups.rows]
    assert len(parse(tmp_path, groups, replies).rows) == len(groups.rows)


@pytest.mark.parametrize("verdict", ["Judgment: 0 or 1", "Judgment: 1, 0", "Judgment: 0/1", "Judgment: 12 or 13"])
def test_two_choices_are_none(tmp_path: Path, verdict: str) -> None:
    groups = form(tmp_path, ROWS)
    made = parse(tmp_path, groups, [answer(row["id"], verdict) for row in groups.rows])
    assert made.counts["dropped"] == {"unreadable": len(groups.rows)}


def test_candidates_of_equal_text_are_one_and_indexes_have_no_holes(tmp_path: Path) -> None:
    same = "It is \\boxed{5}."
    rows = {"cot": [summary("a-1", seed, summary=same) for seed in range(4)] + pool("a-1", 0, 3)[-3:]}
    groups = form(
        tmp_path, {"cot": [*rows["cot"][:4], *(row | {"seed": 10 + n} for n, row in enumerate(rows["cot"][4:]))]}
    )
    for row in compare(tmp_path, {"cot": read_all(tmp_path)}, groups).rows:
        assert row["solutions"].count(same) == 1
        headings = [line for line in row["solutions"].splitlines() if line.startswith("Solution ") and line[-1] == ":"]
        assert headings == [f"Solution {index}:" for index in range(row["num_solutions"])]
    assert groups.counts["dropped_parts"] == {"equal_text": 3}


def read_all(folder: Path) -> list[dict[str, object]]:
    return [row for name in ("summarized", "wrong-summarized") for row in read_lines(folder / f"cot/{name}.jsonl")]


def test_nothing_depends_on_the_order_of_rows_or_on_a_generator(tmp_path: Path) -> None:
    problems = [*{row["id"]: None for row in ROWS["cot"]}]
    known = [problem(problem_id, "5") | {"problem_type": "has_answer_extracted"} for problem_id in problems]
    first = form(tmp_path / "first", ROWS, problems=known).path.read_bytes()
    random.seed(1)
    shuffled = {"cot": random.Random(5).sample(ROWS["cot"], len(ROWS["cot"]))}
    random.seed(2)
    assert form(tmp_path / "again", shuffled, problems=known).path.read_bytes() == first


def test_no_candidate_is_cut_and_every_one_keeps_its_box(tmp_path: Path) -> None:
    long = summary("a-1", 9, summary="A beginning. " + "x" * 5000 + " \\boxed{5}")
    rows = {"cot": [*pool("a-1", 2, 2), long]}
    groups = form(tmp_path, rows)
    assert groups.counts["dropped_parts"] == {"candidate_too_long": 1}
    for row in compare(tmp_path, rows, groups).rows:
        parts = row["solutions"].split("\n\n")
        assert all(part.partition("\n")[2].startswith("Solution of a-1") for part in parts)
        assert all("\\boxed{" in part for part in parts)


def test_another_order_of_the_same_candidates_is_no_new_group(tmp_path: Path) -> None:
    groups = form(tmp_path, ROWS).rows
    sets = Counter((group["problem_id"], frozenset(shown["id"] for shown in group["candidates"])) for group in groups)
    assert set(sets.values()) == {1}


def test_a_comparison_that_no_summarizer_can_read_is_dropped_before_it_is_asked(tmp_path: Path) -> None:
    groups = form(tmp_path, ROWS)
    compare(tmp_path, ROWS, groups)
    replies = [answer(row["id"], f"{'Hm. ' * 2000}\n\nJudgment: {right_index(row)}") for row in groups.rows]
    selected = parse(tmp_path, groups, replies)
    tokenizer = save_tokenizer(tmp_path / "tokenizer.json")
    made = to_summarize(tmp_path, selected, max_model_len=2000, tokenizer=tokenizer)
    assert (made.rows, made.counts["dropped"]) == ([], {"too_long_to_summarize": len(selected.rows)})


def test_no_word_of_a_solver_reaches_a_comparison(tmp_path: Path) -> None:
    told = {"text": "It is wrong, I am the solver.", "solution": "My own words."}
    rows = {"cot": [row | told for row in ROWS["cot"]]}
    for row in compare(tmp_path, rows, form(tmp_path, rows)).rows:
        assert "solver" not in row["solutions"]
        assert "own words" not in row["solutions"]


def test_missing_summaries_of_a_comparison_are_an_error_or_counted_and_never_silent(tmp_path: Path) -> None:
    groups = form(tmp_path, ROWS)
    compare(tmp_path, ROWS, groups)
    replies = [answer(row["id"], f"So.\n\nJudgment: {right_index(row)}") for row in groups.rows]
    traces = to_summarize(tmp_path, parse(tmp_path, groups, replies))
    made = merge(tmp_path, traces, {traces.rows[0]["id"]: [f"Judgment: {traces.rows[0]['selected']}"]})
    assert made.counts["candidates"] == {"no_reply": len(traces.rows) - 1, "right": 1}
    assert made.counts["dropped"] == {"no_right_summary": len(traces.rows) - 1}
    flags = {"traces": traces.path, "summaries": tmp_path / "absent.jsonl", "candidates": 4}
    with pytest.raises(UserError, match="no such file"):
        run_stage("merge_selection_summaries", tmp_path / "other.jsonl", flags)


def test_groups_whose_right_answer_is_a_vote_are_marked_and_can_be_left_out(tmp_path: Path) -> None:
    voted = [row | {"answer_source": "majority"} for row in pool("v-1", 2, 3)]
    rows = {"cot": [*ROWS["cot"], *voted]}
    made = form(tmp_path, rows)
    sources = {group["problem_id"]: group["answer_source"] for group in made.rows}
    assert sources["v-1"] == "majority"
    assert set(made.counts["answer_sources"]) == {"extracted", "majority"}
    replies = [answer(row["id"], f"Judgment: {right_index(row)}") for row in made.rows]
    assert set(parse(tmp_path, made, replies).counts["picks"]["by_answer_source"]) == {"extracted", "majority"}
    without = form(tmp_path, rows, answer_sources=["extracted"])
    assert "v-1" not in {group["problem_id"] for group in without.rows}
    assert without.counts["dropped"]["answer_source_left_out"] == 1
