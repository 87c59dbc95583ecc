"""What Snakemake's plan says of jobs that ask a model again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omr.runs.planned import planned_jobs

PROMPT = "results/demo/prompts/extract_problems.yaml"


@pytest.mark.parametrize(
    ("params_changed", "updated", "is_kept", "is_anew"),
    [
        (True, set[str](), True, True),
        (False, {PROMPT}, True, True),
        (False, {PROMPT}, False, False),  # a run that was begun before its prompts were kept
        (False, {"rows.jsonl"}, True, False),
        (False, set[str](), True, False),
    ],
)
@pytest.mark.parametrize("kind", ["updated_input", "updated_input_run"])  # a file, and one that a job is to make again
def test_another_model_prompt_or_parameter_asks_anew_and_other_rows_need_not(
    params_changed: bool,
    updated: set[str],
    is_kept: bool,
    is_anew: bool,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if is_kept:
        Path(PROMPT).parent.mkdir(parents=True)
        Path(PROMPT).touch()
    named: dict[str, Any] = {"prompts": PROMPT, "rows": "rows.jsonl"}
    inputs = type("Inputs", (list,), named)(named.values())
    job = SimpleNamespace(rule=SimpleNamespace(name="extract_problems"), output=["x.jsonl", "x.json"], input=inputs)
    job.wildcards = SimpleNamespace()
    reason = SimpleNamespace(params_changed=params_changed, updated_input=set[str](), updated_input_run=set[str]())
    setattr(reason, kind, updated)
    assert planned_jobs([job], lambda _: reason).anew == ({"x.jsonl", "x.json"} if is_anew else set())
