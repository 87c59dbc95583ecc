"""Dry runs, partial runs, and what is made again after a change."""

from __future__ import annotations

import os
import re

import pytest
from omr.config.code import files_of
from workflow.projects import NOUNS, Project

pytestmark = pytest.mark.workflow
DEMO = ("--configfile", "config/demo.yaml")
AFTER_MERGE = {
    "deduplicate": 1,
    "search_lexical": 3,
    "pair_candidates": 1,
    "check_contamination": 1,
    "decontaminate": 1,
}


def test_a_dry_run_shows_the_whole_graph_before_anything_exists(project: Project) -> None:
    planned = project.planned(*DEMO)
    assert planned["extract_problems"] == 2
    assert {"parse_problems", "merge_data", "decontaminate", "check_counts"} <= set(planned)
    assert not project.path("results").exists()


def test_the_full_configuration_can_be_planned_without_network_or_data(project: Project) -> None:
    planned = project.planned()
    assert (planned["extract_problems"], planned["download_model"]) == (5, 5)
    assert {"download_raw_data", "download_tokenizer", "search_embeddings"} <= set(planned)


def test_a_target_file_makes_just_what_it_needs(project: Project) -> None:
    project.make("results/demo/classified.jsonl")
    made = {name for name in NOUNS if project.path(f"results/demo/{name}.jsonl").exists()}
    assert made == {"raw_aops_data", "problems", "classified"}


def test_a_finished_run_plans_nothing(demo: Project) -> None:
    assert "Nothing to be done" in demo.make("-n", *DEMO)


def test_touching_prompts_scripts_and_config_plans_nothing(demo: Project) -> None:
    for path in [*demo.path("prompts").iterdir(), *demo.path("config").iterdir(), demo.path("scripts/generate.py")]:
        os.utime(path)
    assert "Nothing to be done" in demo.make("-n", *DEMO)


def test_an_edited_prompt_plans_its_stage_and_what_follows(demo: Project) -> None:
    demo.edit_prompt("extract_answers")
    planned = set(demo.planned(*DEMO))
    assert planned & {"extract_answers", "parse_answers", "merge_data", *AFTER_MERGE} == {
        "extract_answers",
        "parse_answers",
        "merge_data",
        *AFTER_MERGE,
    }
    assert not planned & {"prepare_raw_data", "extract_problems", "classify_problems", "convert_proofs", "parse_proofs"}


def test_an_edited_last_prompt_plans_only_the_end(demo: Project) -> None:
    demo.edit_prompt("check_contamination")
    planned = demo.planned("results/demo/decontaminated.jsonl", *DEMO)
    assert planned == {"check_contamination": 1, "decontaminate": 1}


def test_another_number_of_concurrent_requests_plans_nothing(demo: Project) -> None:
    config = demo.path("config/demo.yaml")
    config.write_text(config.read_text().replace("concurrency: 16", "concurrency: 4"))
    assert "Nothing to be done" in demo.make("-n", *DEMO)


def test_another_temperature_plans_the_stage_that_uses_it(demo: Project) -> None:
    config = demo.path("config/config.yaml")
    before = "convert_proofs:     {model: null, shards: 4, temperature: 0.0"
    assert before in config.read_text()
    config.write_text(config.read_text().replace(before, before.replace("0.0", "0.3")))
    planned = set(demo.planned(*DEMO))
    assert {"convert_proofs", "parse_conversions"} <= planned
    assert not planned & {"extract_problems", "classify_problems", "extract_answers"}


def test_an_edited_module_deep_in_the_package_plans_the_stages_that_reach_it_and_what_follows(demo: Project) -> None:
    path = "scripts/omr/answers/reading.py"
    module = demo.path(path)
    module.write_text(module.read_text() + "\n# Another edition.\n")
    said = demo.make("-n", *DEMO)
    jobs = re.findall(r"^(?:local)?rule (\w+):.*?^    reason: (.*?)$", said, re.MULTILINE | re.DOTALL)
    because_of_it = {rule for rule, reason in jobs if f"{rule}.py, with all that it uses" in reason}
    scripts = {script.stem for script in demo.path("scripts").glob("*.py")}
    users = {rule for rule in {rule for rule, _ in jobs} & scripts if path in files_of(rule)}
    # Those after the first user wait for what it makes: Snakemake names that as their reason.
    assert because_of_it == {"fill_majority_answer"}
    assert "select_judgements" in users
    assert users <= set(demo.planned(*DEMO))
    assert not set(demo.planned(*DEMO)) & {"prepare_raw_data", "parse_problems", "parse_classes", "merge_data"}


def test_a_better_parser_asks_no_model(demo: Project) -> None:
    script = demo.path("scripts/parse_problems.py")
    script.write_text(script.read_text() + "\n# a change\n")
    planned = set(demo.planned("results/demo/problems.jsonl", *DEMO))
    assert planned == {"parse_problems"}


def test_a_changed_parser_ends_in_the_same_files_without_a_request(demo: Project) -> None:
    """Snakemake runs the model stages below a changed parser again: they find every reply in their journals."""
    before = demo.nouns("demo")
    script = demo.path("scripts/parse_problems.py")
    script.write_text(script.read_text() + "\n# a change\n")
    demo.make(*DEMO)
    assert demo.nouns("demo") == before
    logs = demo.path("results/demo/logs/classify_problems").glob("*.log")
    last_lines = [path.read_text().strip().splitlines()[-1] for path in logs if ".server" not in path.name]
    assert last_lines
    assert all("0 of" in line for line in last_lines)


def test_a_run_over_its_budget_stops_before_the_first_request(project: Project) -> None:
    prices = {"gpus": 8, "tokens_per_second": 100.0, "usd_per_gpu_hour": 2.0}
    models = {name: dict(prices) for name in ("authored-replies", "authored-solutions-a", "authored-solutions-b")}
    mine = project.overlay("mine.yaml", {"budget": {"usd": 0.01}, "models": models})
    done = project.snakemake(*DEMO, mine)
    assert done.returncode != 0
    assert "the budget is" in done.stdout
    assert not project.path("results/demo/replies").exists()


def test_other_bounds_on_problems_and_a_check_that_is_gone_make_no_solution_again(demo: Project) -> None:
    looser = demo.overlay("looser.yaml", {"gates": {"canary_recall": 0.5}})
    planned = set(demo.planned(*DEMO, looser))
    assert "check_problems" in planned
    assert not planned & {"generate_solutions", "fill_majority_answer", "judge_answers", "prepare_sft"}
    demo.path("results/demo/contamination/checked.json").unlink()
    assert "Nothing to be done" in demo.make("-n", *DEMO)


def test_problems_beyond_a_bound_are_told_once_and_not_solved(demo: Project) -> None:
    """Also where all that can go on does, and jobs are started again: no solution waits for its GPUs to say the same."""
    demo.edit_prompt("solve_cot")
    stricter = demo.overlay("stricter.yaml", {"gates": {"repost_recall": 0.99}})
    wanted = "results/demo/cot-qwq/judged/shard-000-of-002.jsonl"
    asked = list(demo.path("results/demo/cot-qwq/logs/generate_solutions").rglob("*.log"))
    before = {path: path.read_bytes() for path in asked}
    assert before
    arguments = (wanted, *DEMO, stricter, "--keep-going", "--retries", "3")
    failed = demo.snakemake(*arguments)
    assert failed.returncode == 1
    jobs, _, ending = failed.stdout.partition("The run did not finish: 1 of its jobs failed")
    for told in (jobs, ending):
        assert told.count("no solution is asked for, since of planted copies of the run's own problems") == 1
    assert {path: path.read_bytes() for path in asked} == before
    demo.make(wanted, *DEMO)
    assert all(path.read_bytes() != before[path] for path in asked if path.name.startswith("shard-000"))
