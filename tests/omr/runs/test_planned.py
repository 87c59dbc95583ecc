"""What Snakemake's plan says of jobs that ask a model again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from omr.runs.planned import planned_jobs

PROMPT = "prompts/extract_problems.yaml"


@pytest.mark.parametrize(
    ("params_changed", "updated", "is_anew"),
    [(True, set[str](), True), (False, {PROMPT}, True), (False, {"rows.jsonl"}, False), (False, set[str](), False)],
)
def test_another_model_prompt_or_parameter_asks_anew_and_other_rows_need_not(
    params_changed: bool, updated: set[str], is_anew: bool
) -> None:
    named: dict[str, Any] = {"prompts": PROMPT, "rows": "rows.jsonl"}
    inputs = type("Inputs", (list,), named)(named.values())
    job = SimpleNamespace(rule=SimpleNamespace(name="extract_problems"), output=["x.jsonl", "x.json"], input=inputs)
    job.wildcards = SimpleNamespace()
    reason = SimpleNamespace(params_changed=params_changed, updated_input=updated)
    assert planned_jobs([job], lambda _: reason).anew == ({"x.jsonl", "x.json"} if is_anew else set())
