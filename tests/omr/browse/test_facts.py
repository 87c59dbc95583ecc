"""Cards and lists tell values in words, and what they are of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import run_files
from browse_pages import Markup, pages
from code_run_files import write_code_run
from omr.browse.facts import fact, is_told, text_of
from omr.browse.shown import Drawer
from run_files import CONTAMINATED, PROBLEM, RECIPE, write_rows

SHARD = "shard-000-of-001.jsonl"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("nets", {"exact": 1.0, "tfidf": 0.69531}, "same text 1, shared letter runs 0.6953"),
        ("candidates", {"no_answer": 3, "wrong": 1}, "no answer 3, wrong 1"),
        ("reply", {"model": "solver", "reply_key": "0af3", "completion_tokens": 375}, "model solver, completion tokens 375"),
        ("votes", {"cot-a": {"total_votes": 3, "majority_agrees": True}, "cot-b": {"total_votes": 2}}, "cot-a: total votes 3, majority agrees yes; cot-b: total votes 2"),
        ("candidate_ids", ["cot-a/1", "cot-b/2"], "cot-a/1, cot-b/2"),
        ("candidates", [{"recipe": "cot-a", "right": True}, {"recipe": "cot-b", "right": False}], "recipe cot-a, right yes\nrecipe cot-b, right no"),
        ("tools", [{"function": {"parameters": {"type": "object"}}}], 'function: {"parameters": {"type": "object"}}'),
        ("settled_by", "symbolic", "a comparison of the answers"),
        ("answer_source", "majority", "by the vote"),
        ("unjudged_reason", "no_answer", "the solution states no final answer"),
        ("cluster", "a_b-1", "a_b-1"),
        ("different", "a name", "a name"),
        ("odd", [], "none"),
        ("odd", {}, "none"),
    ],
)  # fmt: skip
def test_a_value_is_told_in_words(name: str, value: Any, told: str) -> None:
    assert text_of(name, value) == told


@pytest.mark.parametrize(("name", "value"), [("code", {"steps": [[43, 9]]}), ("pairs", [[0, 1]]), ("id", "x"), ("a", None)])  # fmt: skip
def test_what_only_commands_read_is_not_told(name: str, value: Any) -> None:
    assert not is_told(name, value)


@pytest.mark.parametrize("classes", [[["\\frac{1}{2}", 3], ["x", 1]], [["\\frac{1}{2}", 3, "odd"], 7, [[]]]])
def test_the_answers_of_an_open_vote_are_drawn(classes: list[Any]) -> None:
    drawn = fact(Drawer(), "classes", classes)
    assert drawn is not None
    assert Markup(drawn).is_balanced
    assert ("<math" in drawn) == (classes[1] == ["x", 1])


def story(run: Path, recipe: str, seed: int) -> str:
    return pages(run).solution({"recipe": recipe, "id": PROBLEM, "seed": str(seed)}).html


def test_a_prompt_says_how_much_code_its_solution_may_run(tmp_path: Path) -> None:
    html = story(write_code_run(tmp_path), "tir-small", 0)
    assert re.search(r"at most 4 (times|blocks)", html)
    assert "code_budget" not in html


def test_a_prompt_whose_fields_the_run_has_not_kept_says_so(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    assert "has not kept" not in story(run, RECIPE, 0)
    row = run_files.reply(PROBLEM, "summarize_solution", "It is 2.")
    write_rows(run / RECIPE / "solutions/seed-00" / SHARD, row)
    assert "as prompts/summarize_solution.yaml reads now, without what the run has not kept" in story(run, RECIPE, 0)


def question(answer: str, comparison: str, settled_by: str | None) -> dict[str, Any]:
    return {
        "id": f"{PROBLEM}-abcdef0123456789",
        "problem_id": PROBLEM,
        "predicted_answer": answer,
        "expected_answer": "2",
        "comparison": comparison,
        "settled_by": settled_by,
    }


def test_a_reply_about_a_pair_that_was_settled_is_told_as_an_audit(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    write_rows(run / RECIPE / "comparisons" / SHARD, question("3", "unknown", None))
    assert "audit" not in story(run, RECIPE, 1)
    write_rows(run / RECIPE / "comparisons" / SHARD, question("3", "different", "symbolic"))
    text = Markup(story(run, RECIPE, 1)).text
    assert "An audit: a model was asked to judge answers" in text
    assert "measuring the judge: a comparison had settled this pair" in text


def test_each_comparison_tells_its_pair_and_what_came_of_it(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    write_rows(run / RECIPE / "comparisons" / SHARD, question("2", "equal", "symbolic"))
    write_rows(run / RECIPE / "replies/generate_summaries/part-00-of-04" / SHARD, run_files.reply(f"{PROBLEM}-0", "summarize_solution", "2"))  # fmt: skip
    write_rows(run / RECIPE / "summary_comparisons" / SHARD, question("2", "equal", "symbolic"))
    cards = [Markup(card).text for card in story(run, RECIPE, 0).split("<article")]
    [card] = [card for card in cards if "The answer of a summary compared" in card]
    assert "predicted answer 2 expected answer 2 comparison equal" in card


def test_a_list_of_drops_draws_answers_and_tells_values_in_words(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    drop = {
        "id": CONTAMINATED,
        "reason": "contaminated_exact",
        "expected_answer": "\\{-3, 9\\}",
        "nets": {"exact": 1.0},
    }
    write_rows(run / "dropped/decontaminate.jsonl", drop)
    html = pages(run).drops({"stage": "decontaminate"}).html
    assert "<math" in html
    assert "nets same text 1" in Markup(html).text
    assert "\\{" not in html
