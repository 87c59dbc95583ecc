"""The demo's recipe with code, end to end through the sandbox: every solution ends as the table says."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from demo_tables import WITH_CODE, code_fragments, code_solutions, problem_id
from omr.files.jsonl import read_rows
from omr.training.code_rows import told_budget
from workflow.projects import Project

pytestmark = pytest.mark.workflow
#: Reasons of prepare_sft that only repeat what an earlier stage found.
REPEATED = ("code_filtered", "no_summary", "unfinished")


@pytest.fixture
def folder(finished_demo: Project) -> Path:
    path = finished_demo.path(f"results/demo/{WITH_CODE}")
    if not path.exists():
        pytest.skip("no code can be run on this machine: the demo has left the recipe out")
    return path


def rows(folder: Path) -> list[dict[str, Any]]:
    return list(chain.from_iterable(map(read_rows, sorted(folder.glob("shard-*.jsonl")))))


def ends(folder: Path) -> dict[tuple[str, int], str]:
    """How each solution ended: the first reason that is not a repetition, or `row`."""
    found: dict[tuple[str, int], str] = {}
    for stage in ("clean_code_solutions", "select_by_code", "merge_summaries", "prepare_sft"):
        for row in rows(folder / "dropped" / stage):
            problem = row.get("problem_id", row["id"])
            if row["reason"] not in REPEATED:
                found.setdefault((problem, row["seed"]), row["reason"])
    return found | {(row["problem_id"], row["seed"]): "row" for row in read_rows(folder / "sft.jsonl")}


def test_every_solution_ends_as_the_table_says(folder: Path) -> None:
    assert ends(folder) == {(problem_id(name), seed): end for name, seed, end in code_solutions()}


def test_the_blocks_that_show_a_result_are_voted_on(folder: Path) -> None:
    voted = {row["id"] for row in rows(folder / "replies/judge_code")}
    assert voted == set(code_fragments())


def test_training_rows_are_in_the_published_form(folder: Path) -> None:
    kept = list(read_rows(folder / "sft.jsonl"))
    assert {row["inference_mode"] for row in kept} == {"tir"}
    assert all(told_budget(row["generated_solution"]) == row["code_budget"] for row in kept)
    assert all(row["generated_solution"].count("<tool_call>") == row["code_blocks"] for row in kept)
    assert sum(row["code_failures"] for row in kept) == 2
    assert all(row["messages_with_tools"][-1]["role"] == "assistant" for row in kept)


def test_the_report_shows_code_and_what_became_of_it(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert "<h2>Code</h2>" in page
    assert '<pre class="code">' in page
