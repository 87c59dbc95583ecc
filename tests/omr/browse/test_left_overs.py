"""The pages of runs that hold files of an earlier config, and of those whose solutions have no vote."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import run_files
from browse_pages import Markup, pages
from omr.browse.database import open_for_writing
from omr.browse.indexing import Index
from omr.browse.lists import Filters, Lists
from omr.report.words import reason_in_words
from run_files import CONTAMINATED, PROBLEM, RECIPE, THREAD, write_config, write_counts, write_rows
from selection_runs import HOME, selection_config

SHARD = "shard-000-of-001.jsonl"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_files.write_run(tmp_path)


def page_of(run: Path, address: str) -> str:
    parts = urlsplit(address)
    return str(pages(run).all[parts.path](dict(parse_qsl(parts.query))).html)


def text_of(run: Path, address: str) -> str:
    return Markup(page_of(run, address)).text


def lists(run: Path) -> Lists:
    db = open_for_writing(run / "browse.sqlite")
    Index(db, run).update()
    return Lists(db, run)


def without_summaries() -> dict[str, Any]:
    recipe = run_files.config()["recipes"][RECIPE]
    return {"recipes": {RECIPE: recipe | {"summaries": recipe["summaries"] | {"enabled": False}}}}


def write_summary_stages(run: Path) -> None:
    """What the stages of summaries leave: one of both solutions was summarized, and none was right."""
    dropped = {"id": f"{PROBLEM}-0", "problem_id": PROBLEM, "seed": 0, "reason": "no_right_summary"}
    write_rows(run / RECIPE / "dropped/merge_summaries" / SHARD, dropped)
    for stage in ("select_traces", "merge_summaries"):
        path = run / RECIPE / "counts" / stage / SHARD.replace("jsonl", "json")
        write_counts(path, read=2, passed=1, written=1, dropped={"no_right_summary": 1})


def test_stages_that_a_recipe_has_no_longer_are_in_no_list_and_no_funnel(run: Path) -> None:
    write_summary_stages(run)
    assert "Take the reasoning" in text_of(run, "/")
    assert f"{PROBLEM}-0" in text_of(run, f"/drops?stage=merge_summaries&recipe={RECIPE}")
    assert len(lists(run).drops(Filters(reason="no_right_summary")).entries) == 1
    # An index that knew them forgets them.
    write_config(run, **without_summaries())
    assert "Take the reasoning" not in text_of(run, "/")
    assert "Nothing was dropped like that" in text_of(run, f"/drops?stage=merge_summaries&recipe={RECIPE}")
    assert "merge_summaries" not in text_of(run, "/drops")
    assert "merge_summaries" in text_of(run, f"/files?folder={RECIPE}/dropped/merge_summaries")
    assert "none of the new summaries" not in text_of(run, f"/problem?id={PROBLEM}")


def test_a_stage_that_is_back_is_shown_again(run: Path) -> None:
    write_summary_stages(run)
    write_config(run, **without_summaries())
    assert "merge_summaries" not in text_of(run, "/drops")
    write_config(run)
    assert "merge_summaries" in text_of(run, "/drops")


def test_a_solution_that_needs_no_reasoning_is_a_training_row_on_its_pages(run: Path) -> None:
    recipe = run_files.config()["recipes"][RECIPE]
    write_config(run, recipes={RECIPE: recipe | {"sft": recipe["sft"] | {"require_reasoning": False}}})
    write_rows(run / RECIPE / "dropped/select_traces" / SHARD, {"id": PROBLEM, "reason": "empty_reasoning", "seed": 0})
    assert "a training row" in text_of(run, f"/problem?id={PROBLEM}")
    story = text_of(run, f"/solution?recipe={RECIPE}&id={PROBLEM}&seed=0")
    assert "it keeps its own text" in story
    assert "Dropped" not in story


def test_shards_of_another_number_count_for_nothing(run: Path) -> None:
    for folder in ("judged", "majority", "dropped/prepare_sft", "solutions/seed-00"):
        for number in (0, 1):
            old = run / RECIPE / folder / f"shard-00{number}-of-002.jsonl"
            shutil.copy(run / RECIPE / folder / SHARD, old)
    first = text_of(run, "/")
    assert " 2 solutions" in first
    assert "1 right 1 wrong" in first
    assert len(lists(run).solutions(Filters()).entries) == 2
    assert f"{RECIPE}: 2 solutions" in text_of(run, f"/problem?id={PROBLEM}")


def test_what_is_left_of_a_renamed_recipe_is_told_and_not_counted(run: Path) -> None:
    shutil.copytree(run / RECIPE, run / "cot-old")
    first = text_of(run, "/")
    assert " 2 solutions" in first
    assert " 1 training rows" in first
    assert "what is left of cot-old" in first
    assert {one.recipe for one in lists(run).solutions(Filters()).entries} == {RECIPE}
    assert "cot-old" not in text_of(run, f"/problem?id={PROBLEM}")
    assert "cot-old" in text_of(run, "/files?folder=cot-old/judged")


def test_a_recipe_that_is_not_asked_for_by_config_says_so(run: Path) -> None:
    assert "recipes_to_run" not in text_of(run, "/")
    write_config(run, recipes_to_run=[])
    assert "Not in this run's recipes_to_run" in text_of(run, "/")


def test_a_run_that_starts_from_problems_by_now_has_no_threads(run: Path) -> None:
    assert "From threads" in text_of(run, "/")
    write_config(run, problems_from=run_files.config()["problems_from"] | {"path": "problems.jsonl"})
    first = text_of(run, "/")
    assert "From threads" not in first
    assert " 3 threads" not in first
    assert THREAD not in text_of(run, "/threads")


def test_a_given_problem_whose_copy_has_its_id_is_not_said_to_be_a_copy(run: Path) -> None:
    write_config(run, problems_from=run_files.config()["problems_from"] | {"path": "problems.jsonl"})
    write_rows(run / "dropped/read_problems.jsonl", {"id": CONTAMINATED, "reason": "duplicate", "kept": CONTAMINATED})
    found = {entry.id: entry.dropped for entry in lists(run).problems(Filters()).entries}
    assert found == {PROBLEM: None, CONTAMINATED: ("decontaminate", "contaminated_exact")}
    page = text_of(run, f"/problem?id={CONTAMINATED}")
    assert "A copy of the problem was left out" in page
    assert "equals or contains a benchmark problem" in page


# ---- solutions without a vote --------------------------------------------------------------------------------------


def write_unvoted(run: Path, stage: str, *dropped: dict[str, Any]) -> None:
    """The problem's vote came to nothing, as a stage says."""
    shutil.rmtree(run / RECIPE / "sft")
    if stage == "settle_votes":
        write_rows(run / RECIPE / "votes" / SHARD, *({"id": PROBLEM, "seed": seed, "predicted_answer": f"{seed + 40}"} for seed in (0, 1)))  # fmt: skip
    for folder in ("majority", "judged", "dropped/prepare_sft"):
        write_rows(run / RECIPE / folder / SHARD)
    write_rows(run / RECIPE / "dropped" / stage / SHARD, *dropped)


UNREAD = ("fill_majority_answer", [{"id": PROBLEM, "reason": "no_readable_answer", "solutions": 2}])
TIED = ("settle_votes", [{"id": PROBLEM, "reason": "tied_vote", "seed": seed} for seed in (0, 1)])


@pytest.mark.parametrize(("stage", "dropped"), [UNREAD, TIED], ids=["unread", "tied"])
def test_solutions_without_a_vote_are_counted_and_shown_with_what_became_of_them(
    run: Path, stage: str, dropped: list[dict[str, Any]]
) -> None:
    write_unvoted(run, stage, *dropped)
    first = text_of(run, "/")
    assert " 2 solutions" in first
    assert "2 without a vote" in first
    found = lists(run)
    for filters in (Filters(), Filters(verdict="unvoted", recipe=RECIPE)):
        entries = found.solutions(filters).entries
        assert [(one.row["seed"], one.unvoted) for one in entries] == [
            (0, dropped[0]["reason"]),
            (1, dropped[0]["reason"]),
        ]
    assert found.solutions(Filters(verdict="yes")).entries == []
    assert [one.id for one in found.problems(Filters(verdict="unvoted")).entries] == [PROBLEM]
    page = text_of(run, f"/problem?id={PROBLEM}")
    assert f"{RECIPE}: 2 solutions" in page
    assert "not judged yet" not in page
    assert "no answer known, and" in page
    assert ("41" in page) == (stage == "settle_votes")


def test_solutions_that_wait_for_their_vote_are_counted(run: Path) -> None:
    write_unvoted(run, "fill_majority_answer")
    first = text_of(run, "/")
    assert " 2 solutions" in first
    assert "2 not judged yet" in first
    assert "without a vote" not in first


@pytest.mark.parametrize("is_voted", [True, False])
def test_requests_that_failed_are_no_solutions(run: Path, is_voted: bool) -> None:
    if not is_voted:
        write_unvoted(run, *UNREAD[:1], *UNREAD[1])
    else:
        rows = [{"id": PROBLEM, "seed": 0, "judgement": "yes", "error": None}]
        rows.append({"id": PROBLEM, "seed": 1, "judgement": "unjudged", "error": "http_500"})
        write_rows(run / RECIPE / "judged" / SHARD, *rows)
    failed = run_files.reply(PROBLEM, "solve_cot", "", 1) | {"text": None, "error": {"kind": "http_500"}}
    write_rows(run / RECIPE / "solutions/seed-01" / SHARD, failed)
    first = text_of(run, "/")
    assert " 1 solutions" in first
    assert "1 request failed" in first
    assert ("1 right 0 wrong 0 unjudged" if is_voted else "1 without a vote") in first


def test_a_problem_of_which_no_solution_was_asked_says_so(run: Path) -> None:
    write_unvoted(run, "fill_majority_answer", {"id": PROBLEM, "reason": "not_asked", "solutions": 0})
    for seed in (0, 1):
        write_rows(run / RECIPE / f"solutions/seed-0{seed}" / SHARD)
    assert " 0 solutions" in text_of(run, "/")
    assert lists(run).solutions(Filters()).entries == []
    assert "the plan wants no solution of the problem" in text_of(run, f"/problem?id={PROBLEM}")


def test_a_problem_whose_solutions_were_not_compared_says_why(run: Path) -> None:
    write_config(run, **selection_config())
    write_rows(run / HOME / "groups" / SHARD)
    equal = {"id": f"{PROBLEM}-0", "reason": "equal_text", "problem_id": PROBLEM, "recipe": RECIPE}
    write_rows(run / HOME / "dropped/form_groups" / SHARD, {"id": PROBLEM, "reason": "no_wrong"}, equal)
    page = text_of(run, f"/problem?id={PROBLEM}")
    assert f"{HOME}: 0 groups" in page
    assert "no wrong solution to show" in page
    story = text_of(run, f"/solution?recipe={RECIPE}&id={PROBLEM}&seed=0")
    assert "No candidate for comparisons" in story
    assert "another solution of the problem has the same text" in story


def test_reasons_are_chosen_from_in_the_words_that_the_list_has(run: Path) -> None:
    write_summary_stages(run)
    (options,) = re.findall(r'<select name="reason">(.*?)</select>', page_of(run, "/drops"), re.DOTALL)
    shown = dict(re.findall(r'<option value="(\w*)"[^>]*>([^<]*)</option>', options))
    assert shown["no_right_summary"] == reason_in_words("no_right_summary", "merge_summaries")
    assert [words for reason, words in shown.items() if "_" in words] == []
