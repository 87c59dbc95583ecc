"""How runs begin and end, in the real workflow: what is refused at once, and what is said last."""

from __future__ import annotations

import pytest
from workflow.projects import Project

pytestmark = pytest.mark.workflow
DEMO = ("results/demo/problems.jsonl", "--configfile", "config/demo.yaml")


def test_a_prompt_of_another_tool_is_refused_before_anything_is_asked(project: Project) -> None:
    prompt = project.path("prompts/extract_problems.yaml")
    prompt.write_text(prompt.read_text().replace("{{ forum_post }}", "{forum_post}"))
    done = project.snakemake(*DEMO)
    assert done.returncode != 0
    assert "extract_problems.yaml: '{forum_post}' inserts nothing" in done.stdout
    assert "Traceback" not in done.stdout
    assert not project.path("results/demo/replies").exists()


def test_a_dry_run_refuses_what_prompts_of_its_jobs_would_send_as_it_stands(project: Project) -> None:
    solve, extract = project.path("prompts/solve_cot.yaml"), project.path("prompts/extract_problems.yaml")
    solve.write_text("user: |\n  Solve the problem.\n")
    assert "extract_problems" in project.planned(*DEMO)  # its jobs send another prompt
    extract.write_text(extract.read_text().replace("{{ forum_post }}", "{forum_post}"))
    for options in ((), ("--quiet", "rules", "progress")):
        done = project.snakemake("-n", *DEMO, *options)
        assert done.returncode == 1
        assert "error: prompts/extract_problems.yaml: '{forum_post}' inserts nothing" in done.stdout
        assert "File " not in done.stdout.rpartition("error: ")[2]
    done = project.snakemake("-n", "results/demo/cot-r1/sft.jsonl", *DEMO[1:])
    assert done.returncode == 1
    assert "error: prompts/" in done.stdout


def test_a_fault_of_config_is_told_without_a_place_in_our_code(project: Project) -> None:
    done = project.snakemake("-n", *DEMO, project.overlay("mine.yaml", {"raw_data": {"limt": 3}}))
    assert done.returncode == 1
    said = "error: the config has faults:\n  - raw_data: unknown key 'limt'; did you mean 'limit'?\n"
    assert said in done.stdout
    assert done.stdout.rpartition(said)[2].startswith("  remedy: ")
    assert ".smk" not in done.stdout


def test_a_key_that_stands_twice_in_an_overlay_is_told_with_file_and_line(project: Project) -> None:
    project.path("mine.yaml").write_text("run: mine\nrecipes: {}\nrun: other\n")
    done = project.snakemake("-n", *DEMO, "mine.yaml")
    assert done.returncode == 1
    assert "mine.yaml:3: the key 'run' stands here again, after line 1\n" in done.stdout
    assert ".smk" not in done.stdout


def test_a_failed_run_says_how_to_go_on_and_then_the_same_command_says_what_it_made(project: Project) -> None:
    replies = project.path("tests/data/demo/replies/extract_problems.yaml")
    aside = replies.rename(replies.with_suffix(".aside"))
    done = project.snakemake(*DEMO)
    assert done.returncode == 1
    ending = done.stdout.rpartition("The run did not finish")[2]
    assert "extract_problems (shard 000)\n" in ending
    assert "error: " in ending
    assert "log: results/demo/logs/extract_problems/shard-000-of-002.log\n" in ending
    assert (
        "the same command goes on:\n  snakemake --cores 2 results/demo/problems.jsonl --configfile config/demo.yaml\n"
        in ending
    )
    aside.rename(replies)
    assert "made:           results/demo/problems.jsonl\n" in project.make(*DEMO)
