"""The solution stages in the real workflow: the graph, what a change makes again, and the demo's verdicts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from demo_tables import expected, problem_id, solutions
from omr.files.jsonl import read_rows
from workflow.projects import Project

pytestmark = pytest.mark.workflow
DEMO = ("--configfile", "config/demo.yaml")
QWQ, R1 = "results/demo/cot-qwq", "results/demo/cot-r1"
SUMMARIZED = [f"{QWQ}/summarized/shard-00{shard}-of-002.jsonl" for shard in range(2)]
#: Verdicts of the demo that cannot be read.
UNREADABLE = {("cot-qwq", "lattice-quotes/1", 2)}


def more(project: Project, **recipe: Any) -> tuple[str, ...]:
    """Arguments for the demo with a changed `cot-qwq`."""
    return *DEMO[:1], DEMO[1], project.overlay("more.yaml", {"recipes": {"cot-qwq": recipe}})


def rows(project: Project, folder: str) -> list[dict[str, Any]]:
    return [row for path in sorted(project.path(folder).glob("shard-*.jsonl")) for row in read_rows(path)]


def test_the_graph_of_the_full_configuration_has_a_few_hundred_jobs_per_recipe(project: Project) -> None:
    targets = [f"results/full/cot-qwq/summarized/shard-{shard:03d}-of-004.jsonl" for shard in range(4)]
    planned = project.planned(*targets)
    # Four solutions of all problems, a job for each; then twelve of some, four in a job.
    assert (planned["generate_solutions"], planned["generate_summaries"]) == ((4 + 3) * 4, 4 * 4)
    assert planned["fill_majority_answer"] == planned["judge_answers"] == planned["merge_summaries"] == 4
    assert sum(planned.values()) < 900
    assert not {"clean_code_solutions", "cut_fragments", "judge_code", "select_by_code"} & set(planned)


@pytest.mark.parametrize(("seeds", "files"), [(5, 1), (6, 1), (7, 2)])
def test_more_seeds_make_only_their_own_files_and_vote_again(demo: Project, seeds: int, files: int) -> None:
    planned = demo.planned(*SUMMARIZED, *more(demo, seeds=seeds))
    assert (planned["generate_solutions"], planned["fill_majority_answer"]) == (files * 2, 2)


def test_another_least_share_asks_for_no_solution(demo: Project) -> None:
    planned = demo.planned(*SUMMARIZED, *more(demo, majority={"min_share": 0.9}))
    assert planned["fill_majority_answer"] == 2
    assert "generate_solutions" not in planned


def test_an_edited_summary_prompt_plans_summaries_only(demo: Project) -> None:
    demo.edit_prompt("summarize_solution")
    planned = demo.planned(*SUMMARIZED, *DEMO)
    summaries = {"generate_summaries", "select_summary_judgements", "judge_summaries", "merge_summaries"}
    assert set(planned) == {"keep_prompt", *summaries}


def test_solutions_with_code_go_through_the_filters_that_their_recipe_uses(project: Project) -> None:
    voted, cleaned = (project.planned(f"results/full/{recipe}/stages.txt") for recipe in ("tir-limo", "tir-openmath"))
    assert (
        voted["clean_code_solutions"] == voted["cut_fragments"] == voted["judge_code"] == voted["select_by_code"] == 10
    )
    assert voted["prepare_sft"] == 10
    assert "generate_summaries" not in voted
    assert cleaned["clean_code_solutions"] == cleaned["select_traces"] == 10
    assert not {"cut_fragments", "judge_code", "select_by_code"} & set(cleaned)


def test_judged_rows_need_no_summaries(project: Project) -> None:
    planned = project.planned(f"{R1}/judged/shard-000-of-001.jsonl")
    assert "merge_judgements" in planned
    assert not {"select_traces", "generate_summaries"} & set(planned)


@pytest.mark.parametrize("recipe", ["cot-qwq", "cot-r1"])
def test_every_solution_of_the_demo_is_judged_as_it_should_be(finished_demo: Project, recipe: str) -> None:
    judged = {(row["id"], row["seed"]): row for row in rows(finished_demo, f"results/demo/{recipe}/judged")}
    dropped = {row["id"] for row in rows(finished_demo, f"results/demo/{recipe}/dropped/fill_majority_answer")}
    tied = {problem_id(name) for name, vote in expected()["open_votes"][recipe].items() if vote == "tied"}
    table = {"right": "yes", "wrong": "no"}
    for name, seed, kind, _ in solutions(recipe):
        if problem_id(name) in dropped:
            assert kind in ("cut", "no_box")
            continue
        if problem_id(name) in tied:
            continue
        verdict = judged.pop((problem_id(name), seed))["judgement"]
        unreadable = (recipe, name, seed) in UNREADABLE
        assert verdict == ("unjudged" if unreadable else table.get(kind, "unjudged")), (name, seed)
    assert judged == {}


def test_the_problem_without_a_readable_answer_is_dropped_with_its_reason(finished_demo: Project) -> None:
    dropped = rows(finished_demo, f"{QWQ}/dropped/fill_majority_answer")
    assert [(row["id"], row["reason"]) for row in dropped] == [(problem_id("no-triple-rise/1"), "no_readable_answer")]


def test_a_tie_that_the_model_can_settle_is_settled_and_another_is_dropped(finished_demo: Project) -> None:
    settled, tied = problem_id("empty-discussion/1"), problem_id("series-sector/2")
    votes = {row["id"]: row for row in rows(finished_demo, f"{R1}/votes")}
    assert {votes[one]["expected_answer"] for one in (settled, tied)} == {None}
    asked = [row["problem_id"] for row in rows(finished_demo, f"{R1}/matches")]
    assert Counter(asked) == {settled: 2, tied: 2}
    majority = {row["id"]: row for row in rows(finished_demo, f"{R1}/majority")}
    assert majority[settled]["expected_answer"] == "3/4"
    assert (majority[settled]["majority_votes"], majority[settled]["vote_share"]) == (2, 1.0)
    dropped = rows(finished_demo, f"{R1}/dropped/settle_votes")
    assert {(row["id"], row["reason"]) for row in dropped} == {(tied, "tied_vote")}
    assert tied not in majority


def test_only_traces_without_a_right_summary_are_lost(finished_demo: Project) -> None:
    lost = {(row["problem_id"], row["seed"]) for row in rows(finished_demo, f"{QWQ}/dropped/merge_summaries")}
    useless = expected()["without_summary"]["cot-qwq"]
    assert lost == {(problem_id(name), seed) for name, seeds in useless.items() for seed in seeds}


def test_no_cut_solution_gets_a_summary(finished_demo: Project) -> None:
    unfinished = {(row["id"], row["seed"]) for row in rows(finished_demo, f"{QWQ}/judged") if not row["finished"]}
    assert unfinished
    assert not unfinished & {(row["id"], row["seed"]) for row in rows(finished_demo, f"{QWQ}/summarized")}


def test_proven_answers_are_sent_to_the_model_only_to_measure_it(finished_demo: Project) -> None:
    asked = {row["id"] for row in rows(finished_demo, f"{QWQ}/replies/judge_answers")}
    settled = [row for row in rows(finished_demo, f"{QWQ}/comparisons") if row["settled_by"] == "symbolic"]
    audited = Counter(row["comparison"] for row in settled if row["id"] in asked)
    # Two of each kind in each of two shards.
    assert audited == {"equal": 4, "different": 4}
    assert len(settled) > 8
    counts = [
        orjson.loads(path.read_bytes()) for path in finished_demo.path(f"{QWQ}/counts/merge_judgements").iterdir()
    ]
    assert [count["audit"] for count in counts] == [{"equal": {"yes": 2}, "different": {"no": 2}}] * 2
    judged = Counter(row["judged_by"] for row in rows(finished_demo, f"{QWQ}/judged"))
    assert judged["symbolic"] > judged["llm"] > 0
