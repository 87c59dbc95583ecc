"""Every command of the README is run, and every file it names is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow.projects import ROOT, Project

pytestmark = pytest.mark.workflow
README = (ROOT / "README.md").read_text()


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def commands() -> list[str]:
    lines = [line.split("  #")[0].strip() for block in blocks("bash") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def snakemake_commands() -> list[str]:
    return [line for line in commands() if line.startswith(".venv/bin/snakemake")]


def test_the_commands_are_those_that_tests_run() -> None:
    known = (".venv/bin/snakemake ", ".venv/bin/python ", "make demo", "make test", "export NVIDIA_API_KEY")
    assert commands()
    assert [line for line in commands() if not line.startswith(known)] == []


def test_make_demo_ends_with_the_table_and_says_where_the_files_are(make_demo: tuple[Project, str]) -> None:
    _, said = make_demo
    end = said[-3000:]
    assert "decontaminate" in end
    assert "results/demo/" in end


def test_ci_calls_the_test_command_of_the_readme() -> None:
    assert "make test" in commands()
    assert "make test" in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize("line", snakemake_commands())
def test_each_snakemake_command_can_be_planned(demo: Project, line: str) -> None:
    """What they do when they run for real is tested beside this: here, that they are right as they are printed."""
    if "mine.yaml" in line:
        demo.path("mine.yaml").write_text(blocks("yaml", README[: README.index(line)])[-1])
        demo.path("threads.jsonl").write_bytes(demo.path("tests/data/demo/threads.jsonl").read_bytes())
    arguments = [part for part in shlex.split(line)[1:] if part not in ("-n", "--cores", "1", "2")]
    demo.make(*arguments, "-n", NVIDIA_API_KEY="x")


def test_commands_need_no_activated_environment(project: Project) -> None:
    """`python` on this path, if there is one, has none of our packages."""
    project.make("results/demo/raw_aops_data.jsonl", PATH="/usr/bin:/bin")


def test_the_trace_and_the_estimate_of_the_readme_say_what_it_promises(demo: Project) -> None:
    (line,) = [line for line in commands() if "trace.py" in line]
    done = subprocess.run(
        [sys.executable, *shlex.split(line)[1:]], cwd=demo.folder, capture_output=True, text=True, check=True
    )
    assert "is in cot-qwq/sft/shard-" in done.stdout
    assert "GPU" in demo.make("estimate", "--configfile", "config/demo.yaml")


def test_the_status_of_the_readme_tells_of_a_run_that_is_over(demo: Project) -> None:
    (line,) = [line for line in commands() if "status.py" in line]
    done = subprocess.run(
        [sys.executable, *shlex.split(line)[1:]], cwd=demo.folder, capture_output=True, text=True, check=True
    )
    assert "extract_problems" in done.stdout
    assert "All model stages are done." in done.stdout


def test_the_pages_of_the_readme_are_made_of_a_run_that_is_over(demo: Project) -> None:
    (line,) = [line for line in commands() if "browse.py" in line]
    done = subprocess.run(
        [sys.executable, *shlex.split(line)[1:], "--only-index"],
        cwd=demo.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "files read" in done.stdout


def test_the_yaml_blocks_are_valid_config() -> None:
    for block in blocks("yaml"):
        assert isinstance(yaml.safe_load(block), dict)


def test_files_that_the_readme_names_exist(finished_demo: Project) -> None:
    named = re.findall(r"`((?:config|docs|envs|profiles|prompts|rules|scripts|tests)/[\w./-]+\.\w+)`", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [name for name in files_of_a_run() if not is_made(finished_demo.path("results/demo"), *name)] == []


#: What the demo has no recipe or no cluster for, what only targets of their own make, and what only runs have that cost
#: something.
NOT_IN_THE_DEMO = {
    "pass_rates.jsonl",
    "rounds/NN/",
    "models/",
    "nodes.json",
    "rl/",
    "preferences/",
    "subsets/",
    "estimate.json",
    "publish_plan.txt",
}


def files_of_a_run() -> list[tuple[str, bool]]:
    """(name, whether it lies in the folder of a recipe) of every file that the tables of the readme name."""
    cells = re.findall(r"^\| (`[^|]+`) \|", README[README.index("## The files of a run") :], re.M)
    found = []
    for cell in cells:
        # A name pattern of shards stands for their folder; behind the first name of a cell `<recipe>/` may be left out.
        plain = cell.replace("<recipe>/", "").replace("seed-SS/shard-KKK-of-NNN.jsonl", "")
        names = re.findall(r"[\w./-]+(?:\.(?:jsonl|json|yaml|txt|html)|/)(?=$|`|,)", plain)
        found += [(name, "<recipe>" in cell) for name in names if name != "/"]
    assert len(found) > 20
    return found


def is_made(run: Path, name: str, of_recipe: bool) -> bool:
    """Whether the demo made a file, of a recipe for any of them; on a machine that can run no code there is none of it."""
    recipes = [path.parent for path in run.glob("*/stages.txt")]
    if name in NOT_IN_THE_DEMO or (name == "cleaned/" and run / "tir-openmath" not in recipes):
        return True
    return any((folder / name).exists() for folder in (recipes if of_recipe else [run]))


def test_the_picture_is_committed_and_linked() -> None:
    assert "docs/rulegraph.svg" in README
    assert "<svg" in (ROOT / "docs/rulegraph.svg").read_text()
