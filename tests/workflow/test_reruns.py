"""Dry runs, partial runs, and what is made again after a change."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from omr.config.code import files_of
from workflow.projects import NOUNS, Project, clean_environment

pytestmark = pytest.mark.workflow
DEMO = ("--configfile", "config/demo.yaml")
AFTER_MERGE = {
    "deduplicate": 1,
    "search_lexical": 3,
    "pair_candidates": 1,
    "check_contamination": 1,
    "decontaminate": 1,
    "check_problems": 1,
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
    assert planned == {"keep_prompt": 1, "check_contamination": 1, "decontaminate": 1, "check_problems": 1}


def test_a_prompt_that_is_edited_while_a_run_works_is_for_the_next_command(
    project: Project, finished_demo: Project
) -> None:
    target, stage = "results/demo/problems.jsonl", "results/demo/replies/extract_problems"
    command = [sys.executable, "-m", "snakemake", target, "--cores", "1", "--quiet", "all"]
    with subprocess.Popen(command, cwd=project.folder, env=clean_environment()) as run:
        while run.poll() is None and not list(project.path(stage).glob("shard-*.jsonl")):
            time.sleep(0.02)
        assert run.poll() is None  # the other shard is still to come
        prompt = project.path("prompts/extract_problems.yaml").read_text()
        project.edit_prompt("extract_problems")
    assert run.returncode == 0
    asked = {path.name: path.read_bytes() for path in project.path(stage).glob("shard-*.jsonl")}
    for name, replies in asked.items():
        assert keys(replies) == keys(finished_demo.path(f"{stage}/{name}").read_bytes())
    assert len(asked) == 2

    # Both are asked again, and where the prompt is put back before that, none.
    edited = project.path("prompts/extract_problems.yaml").read_text()
    assert project.planned(target) == {"keep_prompt": 1, "extract_problems": 2, "parse_problems": 1}
    project.path("prompts/extract_problems.yaml").write_text(prompt)
    assert "Nothing to be done" in project.make("-n", target)
    project.path("prompts/extract_problems.yaml").write_text(edited)
    project.make(target)
    again = {path.name: path.read_bytes() for path in project.path(stage).glob("shard-*.jsonl")}
    assert all(not keys(again[name]) & keys(asked[name]) for name in asked)

    # What the first prompt was answered is not asked again.
    project.path("prompts/extract_problems.yaml").write_text(prompt)
    project.make(target)
    assert {name: keys(project.path(f"{stage}/{name}").read_bytes()) for name in asked} == {
        name: keys(replies) for name, replies in asked.items()
    }
    logs = [
        path.read_text() for path in project.path("results/demo/logs/extract_problems").glob("shard-???-of-???.log")
    ]
    assert all(re.findall(r"(\d+) of \d+ requests have no reply yet", log)[-1] == "0" for log in logs)


def keys(replies: bytes) -> set[str]:
    """What replies are stored under, which follows from all that they were asked."""
    return {json.loads(line)["key"] for line in replies.splitlines()}


def test_edited_replies_and_chat_templates_ask_their_models_again(demo: Project) -> None:
    template = demo.path("tests/data/demo/chat_template.jinja")
    template.write_text(template.read_text() + "{# another #}")
    planned = demo.planned("results/demo/tir-openmath/votes/shard-000-of-001.jsonl", *DEMO)
    assert planned.keys() >= {"keep_model_texts", "generate_solutions"}
    assert "extract_problems" not in planned
    replies = demo.path("tests/data/demo/replies/check_contamination.yaml")
    replies.write_text(replies.read_text() + "# another\n")
    assert {"keep_model_texts", "check_contamination"} <= set(demo.planned("results/demo/decontaminated.jsonl", *DEMO))


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


def test_other_bounds_on_problems_are_tried_on_what_is_made_of_them_and_make_no_solution_again(demo: Project) -> None:
    looser = demo.overlay("looser.yaml", {"gates": {"canary_recall": 0.5}})
    planned = set(demo.planned(*DEMO, looser))
    assert "write_dataset" in planned
    assert not planned & {"check_problems", "generate_solutions", "fill_majority_answer", "prepare_sft"}


def test_a_lost_shard_of_solutions_is_made_again_alone_whatever_became_of_their_check(demo: Project) -> None:
    lost = "results/demo/cot-qwq/solutions/seed-02-to-03/shard-001-of-002.jsonl"
    demo.path(lost).unlink()
    others = [f"results/demo/cot-qwq/judged/shard-00{shard}-of-002.jsonl" for shard in range(2)]
    of_a_shard = ("generate_solutions", "fill_majority_answer", "match_answers", "settle_votes")
    of_a_shard += ("select_judgements", "judge_answers", "merge_judgements")
    alone = dict.fromkeys(of_a_shard, 1)
    assert demo.planned(lost, *others, *DEMO) == alone
    # Another bound, other code, and all that a check could leave.
    looser = demo.overlay("looser.yaml", {"gates": {"canary_recall": 0.5}})
    assert demo.planned(lost, *others, *DEMO, looser) == alone
    script = demo.path("scripts/check_problems.py")
    script.write_text(script.read_text() + "\n# a change\n")
    shutil.rmtree(demo.path("results/demo/contamination"))
    demo.path("results/demo/logs/check_problems.log").unlink()
    assert demo.planned(lost, *others, *DEMO) == alone
    assert demo.planned(lost, *others, *DEMO, looser) == alone


def test_a_lost_shard_and_another_bound_plan_all_that_follows_from_either(demo: Project) -> None:
    demo.path("results/demo/cot-qwq/solutions/seed-02-to-03/shard-001-of-002.jsonl").unlink()
    alone = demo.planned(*DEMO)
    looser = demo.overlay("looser.yaml", {"gates": {"canary_recall": 0.5}})
    assert alone["generate_solutions"] < len(list(demo.path("results/demo").glob("*/solutions/*/*.jsonl")))
    assert demo.planned(*DEMO, looser) == alone


def test_problems_beyond_another_bound_are_not_solved_and_nothing_is_lost(demo: Project) -> None:
    demo.edit_prompt("solve_cot")
    stricter = demo.overlay("stricter.yaml", {"gates": {"repost_recall": 0.99}})
    wanted = "results/demo/cot-qwq/judged/shard-000-of-002.jsonl"
    before = {path: path.stat().st_mtime_ns for path in demo.path("results/demo").glob("*.jsonl")}
    logs = {path: path.read_bytes() for path in demo.path("results/demo/cot-qwq/logs").rglob("shard-*.log")}
    assert logs
    for further in (["-n"], ["--keep-going", "--retries", "3"]):
        failed = demo.snakemake(wanted, *DEMO, stricter, *further)
        assert failed.returncode == 1
        assert failed.stdout.count("no solution is asked for, since of planted copies of the run's own problems") == 1
    assert {path: path.read_bytes() for path in logs} == logs
    assert {path: path.stat().st_mtime_ns for path in before} == before
    planned = demo.planned(wanted, *DEMO)
    assert planned["generate_solutions"] == 2  # the four seeds of the shard
    assert "check_problems" not in planned


def test_problems_beyond_a_bound_are_told_once_and_not_solved(demo: Project) -> None:
    """Also where all that can go on does, and jobs are started again: no solution waits for its GPUs to say the same."""
    demo.edit_prompt("solve_cot")
    demo.path("results/demo/decontaminated.jsonl").unlink()
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
    # What was found clean is there still.
    planned = demo.planned(wanted, *DEMO)
    assert planned["check_problems"] == 1
    assert "decontaminate" not in planned
    demo.make(wanted, *DEMO)
    assert all(path.read_bytes() != before[path] for path in asked if path.name.startswith("shard-000"))
