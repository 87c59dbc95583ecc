"""Prompts are looked at before a run starts, by the rows of the jobs that would use them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import run_files
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from omr.runs.planned import planned_jobs
from omr.runs.prompt_checks import check_prompts

RECIPES = Recipes(Settings(run_files.config()))


class Inputs(list[str]):
    """The inputs of a job, as Snakemake has them: a list with names."""

    def __init__(self, named: dict[str, Any]) -> None:
        super().__init__(path for paths in named.values() for path in ([paths] if isinstance(paths, str) else paths))
        vars(self).update(named)


def job(rule: str, output: str = "out", recipe: str | None = None, **inputs: Any) -> Any:
    wildcards = SimpleNamespace(**({"recipe": recipe} if recipe else {}))
    outputs = [output] if output else []
    return SimpleNamespace(rule=SimpleNamespace(name=rule), output=outputs, wildcards=wildcards, input=Inputs(inputs))


def write(path: Path, user: str) -> str:
    path.write_text(f"user: '{user}'\n")
    return str(path)


def test_shards_of_a_rule_are_looked_at_once_and_all_their_files_are_told() -> None:
    jobs = [job("generate_solutions", f"shard-{k}", "cot-small", prompts="p.yaml", rows="r") for k in range(3)]
    planned = planned_jobs([*jobs, job("merge_data", "merged.jsonl")])
    assert planned.files == {"generate_solutions": ["shard-0", "shard-1", "shard-2"], "merge_data": ["merged.jsonl"]}
    assert [(asking.rule, asking.prompts) for asking in planned.asking] == [("generate_solutions", ("p.yaml",))]


def test_the_last_files_are_those_that_no_job_reads_but_a_name_for_people() -> None:
    jobs = [
        job("parse", "rows.jsonl"),
        job("parse", "run/counts/parse.json"),
        job("merge", "merged.jsonl", r="rows.jsonl"),
    ]
    assert planned_jobs([*jobs, job("problems", "", r="merged.jsonl")]).last == ["merged.jsonl"]


def test_a_prompt_is_held_against_the_fields_of_its_own_stage(tmp_path: Path) -> None:
    prompt = write(tmp_path / "p.yaml", "{{ first }} {{ second }}")
    check_prompts(planned_jobs([job("check_contamination", prompts=prompt, rows="nowhere")]), RECIPES)
    with pytest.raises(UserError, match="'first', 'second', which its rows lack"):
        check_prompts(planned_jobs([job("judge_answers", prompts=[prompt], rows="nowhere")]), RECIPES)


def test_a_field_that_stands_in_the_file_of_rows_may_be_used(tmp_path: Path) -> None:
    prompt, rows = write(tmp_path / "p.yaml", "{{ problem }} {{ hint }}"), tmp_path / "rows.jsonl"
    planned = planned_jobs([job("generate_solutions", recipe="cot-small", prompts=prompt, rows=str(rows))])
    with pytest.raises(UserError, match="'hint'"):
        check_prompts(planned, RECIPES)
    rows.write_text('{"id": "a", "problem": "x", "hint": "y"}\n')
    check_prompts(planned, RECIPES)


def test_the_prompt_of_training_rows_is_looked_at_too_and_names_for_a_card_are_not(tmp_path: Path) -> None:
    prompt = write(tmp_path / "p.yaml", "Solve {problem}")
    check_prompts(planned_jobs([job("write_dataset", prompts=[prompt], rows="sft.jsonl")]), RECIPES)
    with pytest.raises(UserError, match="inserts nothing"):
        check_prompts(planned_jobs([job("prepare_sft", recipe="cot-small", row_prompt=prompt)]), RECIPES)


def test_an_edited_copy_is_told_unless_it_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source, copy = Path("prompts/judge_answers.yaml"), Path("results/demo/prompts/judge_answers.yaml")
    for path in (source, copy):
        path.parent.mkdir(parents=True)
        write(path, "{{ problem }}")
    asks = job("judge_answers", prompts=str(copy), rows="nowhere")
    check_prompts(planned_jobs([asks]), RECIPES)
    write(copy, "Be brief. {{ problem }}")
    with pytest.raises(UserError, match=r"this copy of prompts/judge_answers\.yaml was edited") as caught:
        check_prompts(planned_jobs([asks]), RECIPES)
    assert str(copy) in str(caught.value)
    check_prompts(planned_jobs([asks, job("keep_prompt", str(copy))]), RECIPES)
    copy.unlink()
    check_prompts(planned_jobs([asks]), RECIPES)
