"""Which files of a run are its own by the config that it saved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import run_files
from code_run_files import RECIPE as CODED
from code_run_files import code_config
from omr.config.files import read_config
from omr.runs.saved import Saved
from run_files import RECIPE, ROOT, write_config
from selection_runs import HOME, selection_config

SHARD = "shard-000-of-001.jsonl"


def saved(folder: Path, **changes: Any) -> Saved:
    write_config(folder, **changes)
    return Saved.of(folder)


def recipe(**changes: Any) -> dict[str, Any]:
    return {"recipes": {RECIPE: run_files.config()["recipes"][RECIPE] | changes}}


@pytest.mark.parametrize(
    ("path", "is_there"),
    [
        ("merged.jsonl", True),
        ("contamination/pairs.jsonl", True),
        (f"{RECIPE}/judged/{SHARD}", True),
        (f"{RECIPE}/judged/shard-000-of-002.jsonl", False),
        (f"{RECIPE}/sft/shard-000-of-001/part.parquet", True),
        (f"{RECIPE}/sft/shard-001-of-002/part.parquet", False),
        (f"{RECIPE}/sft.jsonl", True),
        (f"{RECIPE}/solutions/seed-01/{SHARD}.journal", True),
        (f"{RECIPE}/solutions/seed-02/{SHARD}", False),
        (f"{RECIPE}/replies/generate_summaries/part-00-of-32/{SHARD}", True),
        (f"{RECIPE}/replies/generate_summaries/part-00-of-31/{SHARD}", False),
        (f"{RECIPE}/replies/judge_answers/round-01/{SHARD}", True),
        (f"{RECIPE}/replies/judge_code/{SHARD}", False),
        (f"{RECIPE}/dropped/cut_fragments/{SHARD}", False),
        (f"{RECIPE}/dropped/prepare_rl.jsonl", True),
        (f"{RECIPE}/groups/{SHARD}", False),
        ("replies/extract_problems/shard-000-of-001.jsonl", True),
        ("replies/extract_problems/shard-000-of-003.jsonl", False),
        ("dropped/read_problems.jsonl", False),
        ("unknown/judged/shard-000-of-009.jsonl", True),
    ],
)
def test_files_of_a_run_with_threads_and_summaries(tmp_path: Path, path: str, is_there: bool) -> None:
    summaries = run_files.config()["recipes"][RECIPE]["summaries"] | {"parts": 32}
    assert saved(tmp_path, **recipe(summaries=summaries)).has_file(path) == is_there


@pytest.mark.parametrize("left", ["traces", "summarized", "dropped/merge_summaries", "replies/judge_summaries", "wrong_traces"])  # fmt: skip
def test_without_summaries_there_are_no_files_of_them(tmp_path: Path, left: str) -> None:
    summaries = run_files.config()["recipes"][RECIPE]["summaries"]
    assert saved(tmp_path, **recipe(summaries=summaries)).has_file(f"{RECIPE}/{left}/{SHARD}")
    without = recipe(summaries=summaries | {"enabled": False})
    assert not saved(tmp_path, **without).has_file(f"{RECIPE}/{left}/{SHARD}")


@pytest.mark.parametrize("given", [None, {"classify": False}, {"classify": True}])
def test_where_a_run_begins_says_which_stages_of_the_problems_there_are(
    tmp_path: Path, given: dict[str, Any] | None
) -> None:
    section = run_files.config()["problems_from"]
    found = saved(tmp_path, problems_from=section if given is None else section | given | {"path": "x.jsonl"})
    assert found.has_file("raw_aops_data.jsonl") == found.has_file("answers.jsonl") == (given is None)
    assert found.has_file("dropped/read_problems.jsonl") == (given is not None)
    classifies = given != {"classify": False}
    for path in ("problems.jsonl", "classified.jsonl", "proofs.jsonl", "dropped/merge_data.jsonl"):
        assert found.has_file(path) == classifies


def test_nets_and_branches_that_are_switched_off_leave_nothing(tmp_path: Path) -> None:
    base = run_files.config()
    off = {"decontaminate": base["decontaminate"] | {"nets": ["exact"]}}
    off |= {"problems": base["problems"] | {"use_converted_proofs": False}}
    found = saved(tmp_path, **off)
    assert found.has_file("contamination/exact.jsonl")
    for path in ("contamination/tfidf.jsonl", "converted.jsonl", "dropped/parse_proofs.jsonl", f"replies/convert_proofs/{SHARD}"):  # fmt: skip
        assert not found.has_file(path)


def test_what_a_mode_does_not_make_is_none_of_its_recipes(tmp_path: Path) -> None:
    coded = saved(tmp_path / "code", **code_config())
    assert coded.has_file(f"{CODED}/selected/{SHARD}")
    assert coded.has_file(f"{CODED}/dropped/clean_code_solutions/{SHARD}")
    comparing = saved(tmp_path / "selection", **selection_config())
    assert comparing.has_file(f"{HOME}/selected/{SHARD}")
    for left in ("solutions/seed-00", "judged", "dropped/prepare_sft", "traces"):
        assert not comparing.has_file(f"{HOME}/{left}/{SHARD}")
    assert comparing.compares(HOME)
    assert comparing.compares(RECIPE) is False


def test_every_recipe_that_comes_with_the_project_has_its_own_files(tmp_path: Path) -> None:
    names = ("config.yaml", "models.yaml", "benchmarks.yaml")
    found = saved(tmp_path, **read_config([ROOT / "config" / name for name in names]))
    assert found.recipes is not None
    assert found.settings is not None
    for name in found.settings.config["recipes"]:
        for shard in found.recipes.shards(name):
            assert found.has_file(f"{name}/sft/{shard}/rows.parquet")
            for stage in found.recipes.model_stages(name):
                for folder in found.recipes.reply_folders(name, stage):
                    assert found.has_file(f"{name}/{folder}/{shard}.jsonl"), (name, folder)
    for stage in found.settings.asking_stages:
        assert all(found.has_file(f"replies/{stage}/{shard}.jsonl") for shard in found.settings.shards(stage))


@pytest.mark.parametrize("text", [None, "run: [", "run: small\n", "- 1\n", "", "recipes: null\n"])
def test_a_run_without_a_readable_config_has_every_file(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.yaml").write_text(text)
    found = Saved.of(tmp_path)
    assert found.settings is None
    assert found.fault
    assert found.has_file(f"any/dropped/merge_summaries/{SHARD}")
    assert found.has_stage("merge_summaries", "any")
    assert found.knows("any")
    assert found.requires_reasoning("any")
    assert found.to_run is None


def test_a_config_that_changed_is_read_again(tmp_path: Path) -> None:
    assert saved(tmp_path).knows(RECIPE)
    path = write_config(tmp_path, recipes={}, recipes_to_run=[])
    os.utime(path, ns=(1, 1))
    assert not Saved.of(tmp_path).knows(RECIPE)
