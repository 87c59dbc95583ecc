"""The demo's recipe with code, through the real sandbox; and the demo where no code can be run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from omr.replies.steps import steps_of
from omr.sandbox.checks import unavailable
from omr.sandbox.settings import SandboxSettings
from workflow.projects import SANDBOX, Project, copy_project

pytestmark = pytest.mark.workflow
RECIPE = "results/demo/tir-openmath"


@pytest.fixture(scope="module")
def isolated() -> None:
    why = unavailable(SandboxSettings(SANDBOX / "bin/python"))
    if why is not None:
        pytest.skip(why)


def rows(project: Project, pattern: str) -> Iterator[dict[str, Any]]:
    for path in sorted(project.path(RECIPE).glob(pattern)):
        yield from map(orjson.loads, path.read_bytes().splitlines())


@pytest.mark.usefixtures("isolated")
def test_the_demos_code_is_really_run(finished_demo: Project) -> None:
    solutions = [row for row in rows(finished_demo, "solutions/*/*.jsonl") if row["seed"] == 0]
    statuses = Counter(step.status for reply in solutions for step in steps_of(reply))
    assert set(statuses) == {"ok", "error", "timeout"}
    printed = {step.output(reply["text"]).strip() for reply in solutions for step in steps_of(reply)}
    assert {"66", "sqrt(109)/2", "13358", "'Friday'", "[-13, -3, -1, 9]"} <= printed
    assert Counter(reply["ended"] for reply in solutions) == {"stop": 13, "unclosed_block": 1}
    assert all(reply["sandbox"]["tier"] for reply in solutions if reply["executions"])
    assert not list(finished_demo.path(RECIPE).rglob("*.turns"))


@pytest.mark.usefixtures("isolated")
def test_what_code_prints_decides_no_answer(finished_demo: Project) -> None:
    # Its code prints a box, closing tags and a note, none of which is its answer or its budget.
    wanted = ("79dfb99d6185a4b0-1", 0)
    (reply,) = (row for row in rows(finished_demo, "solutions/*/*.jsonl") if (row["id"], row["seed"]) == wanted)
    (step,) = steps_of(reply)
    assert "\\boxed{1/2}" in step.output(reply["text"])
    (answer,) = (row for row in rows(finished_demo, "majority/*.jsonl") if (row["id"], row["seed"]) == (reply["id"], 0))
    assert answer["predicted_answer"] == "\\frac{3}{4}"


@pytest.mark.usefixtures("isolated")
def test_each_way_of_spoiling_a_solution_with_code_is_dropped_with_its_reason(finished_demo: Project) -> None:
    stages = orjson.loads(finished_demo.path(f"{RECIPE}/stages.json").read_bytes())
    (cleaned,) = (stage for stage in stages if stage["stage"] == "clean_code_solutions")
    assert {"box_before_code", "budget_overused", "block_not_run", "plotting", "wrong"} <= set(cleaned["dropped"])
    assert cleaned["written"] > 8
    (generated,) = (stage for stage in stages if stage["stage"] == "generate_solutions")
    assert (generated["read"], generated["written"]) == (28, 28)


def test_where_no_code_can_be_run_the_demo_leaves_that_recipe_out_and_says_so(tmp_path_factory: Any) -> None:
    project = copy_project(tmp_path_factory.mktemp("bare") / "project")
    overlay = project.overlay("bare.yaml", {"sandbox": {"python": "nowhere/python"}})
    said = project.make("--configfile", "config/demo.yaml", overlay, "-n", "--quiet", "rules")
    assert "recipes with code are left out" in said
    assert "nowhere/python" in said
    assert "clean_code_solutions" not in said
    bare = project.planned("--configfile", "config/demo.yaml", overlay)
    config = {"recipes_to_run": ["cot-qwq", "cot-r1", "cot-few", "genselect-qwq"]}
    assert bare == project.planned("--configfile", "config/demo.yaml", project.overlay("without.yaml", config))
