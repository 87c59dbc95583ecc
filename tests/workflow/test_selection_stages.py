"""Comparing solutions in the real workflow: the demo's groups end as they should, and what a change makes again."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from demo_tables import groups, problem_id, wrong_traces
from omr.config.files import read_config
from omr.files.jsonl import read_rows
from workflow.projects import Project

pytestmark = pytest.mark.workflow
DEMO = ("--configfile", "config/demo.yaml")
HOME = "results/demo/genselect-qwq"


def rows(project: Project, folder: str) -> list[dict[str, Any]]:
    return [row for path in sorted(project.path(folder).glob("shard-*.jsonl")) for row in read_rows(path)]


def counts(project: Project, stage: str) -> list[dict[str, Any]]:
    return [orjson.loads(path.read_bytes()) for path in sorted(project.path(f"{HOME}/counts/{stage}").glob("*.json"))]


def test_the_groups_of_the_demo_are_those_of_the_table(finished_demo: Project) -> None:
    assert {row["id"] for row in rows(finished_demo, f"{HOME}/groups")} == set(groups("genselect-qwq"))


def test_every_comparison_ends_as_the_table_says(finished_demo: Project) -> None:
    dropped = {row["id"]: row["reason"] for row in rows(finished_demo, f"{HOME}/dropped/parse_selections")}
    dropped |= {row["id"]: row["reason"] for row in rows(finished_demo, f"{HOME}/dropped/merge_selection_summaries")}
    names = {"wrong_pick": "wrong", "no_right_summary": "no_summary"}
    ends = {row_id: names.get(reason, reason) for row_id, reason in dropped.items()}
    ends |= {row["id"]: "right" for row in read_rows(finished_demo.path(f"{HOME}/sft.jsonl"))}
    assert ends == groups("genselect-qwq")


@pytest.mark.parametrize("recipe", ["cot-qwq", "cot-r1"])
def test_wrong_candidates_are_those_known_to_be_wrong(finished_demo: Project, recipe: str) -> None:
    made = rows(finished_demo, f"results/demo/{recipe}/wrong_summarized")
    repaired = rows(finished_demo, f"results/demo/{recipe}/dropped/merge_wrong_summaries")
    seats = {(row["id"], row["seed"]) for row in made} | {(row["problem_id"], row["seed"]) for row in repaired}
    assert seats == {(problem_id(name), seed) for name, seed in wrong_traces(recipe)}
    assert [row["reason"] for row in repaired] == (["answer_repaired"] if recipe == "cot-qwq" else [])


def test_equal_candidates_and_pools_that_are_too_small_are_counted(finished_demo: Project) -> None:
    total: Counter[str] = Counter()
    for shard in counts(finished_demo, "form_groups"):
        total.update(shard["dropped"])
        total.update(shard["dropped_parts"])
    assert total["equal_text"] > 10
    assert total["pool_too_small"] > 0
    assert total["no_wrong"] > 0


def test_rows_have_the_published_form(finished_demo: Project) -> None:
    for row in read_rows(finished_demo.path(f"{HOME}/sft.jsonl")):
        user, assistant = row["messages"]
        assert (user["content"], assistant["content"]) == (row["problem"], row["generated_solution"])
        assert row["original_problem"] in row["problem"]
        assert all(f"Solution {index}:" in row["problem"] for index in range(row["group_size"]))
        assert row["generated_solution"].splitlines()[-1].strip("*# ") == f"Judgment: {row['selected']}"
        assert row["candidate_ids"][row["selected"]] == row["selected_id"]
        assert "<think>" not in row["generated_solution"]
        assert row["inference_mode"] == "genselect"


def test_the_report_says_what_the_choices_are_worth(finished_demo: Project) -> None:
    page = finished_demo.path(f"{HOME}/report.html").read_text()
    assert "Drawing lots in the same groups would give" in page
    assert "majority of the same groups" in page
    assert "By position" in page


def test_an_edited_prompt_of_the_comparison_asks_no_solution_and_no_group_again(demo: Project) -> None:
    demo.edit_prompt("select_solution")
    planned = set(demo.planned(*DEMO))
    assert "select_solutions" in planned
    assert not planned & {"form_groups", "generate_solutions", "generate_wrong_summaries", "generate_summaries"}


def test_other_shards_give_the_same_groups(demo: Project) -> None:
    before = {row["id"]: row["candidates"] for row in rows(demo, f"{HOME}/groups")}
    overlay = demo.overlay("more.yaml", {"recipes": {"genselect-qwq": {"shards": 3}}})
    targets = [f"{HOME}/groups/shard-00{shard}-of-003.jsonl" for shard in range(3)]
    demo.make(*targets, *DEMO, overlay)
    again = demo.path(f"{HOME}/groups").glob("*-of-003.jsonl")
    assert {row["id"]: row["candidates"] for path in again for row in read_rows(path)} == before


def test_the_full_configuration_compares_in_as_many_jobs_as_it_says(project: Project) -> None:
    planned = project.planned()
    recipes = read_config([project.path("config/config.yaml")])["recipes"]
    own, source = recipes["genselect-qwq"], recipes["cot-qwq"]
    stages = ("form_groups", "write_comparisons", "select_solutions", "parse_selections", "select_comparisons")
    assert {planned[stage] for stage in stages} == {own["shards"]}
    assert planned["generate_selection_summaries"] == own["shards"] * own["summaries"]["parts"]
    assert planned["generate_wrong_summaries"] == source["shards"] * source["summaries"]["wrong_parts"]
    assert planned["join_datasets"] == 1
    assert sum(planned.values()) < 2500
