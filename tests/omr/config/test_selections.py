"""What recipes that compare solutions take from others."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omr.config.files import read_config
from omr.config.recipes import Recipes
from omr.config.selections import Selections
from omr.config.settings import Settings
from omr.errors import UserError
from omr.stages.shards import shard_of

CONFIG = Path(__file__).parents[3] / "config"
FULL = read_config([CONFIG / "config.yaml", CONFIG / "models.yaml", CONFIG / "benchmarks.yaml"])
NAME = "genselect-qwq"


def selections(**changes: dict[str, Any]) -> Selections:
    """Of the full configuration with changed recipes; `_` stands for `-` in their names."""
    recipes = dict(FULL["recipes"])
    for name, change in changes.items():
        key = name.replace("_", "-")
        recipes[key] = recipes[key] | change
    settings = Settings(FULL | {"recipes": recipes})
    return Selections(settings, Recipes(settings))


def shard(number: int, shards: int) -> Any:
    return SimpleNamespace(run="full", recipe=NAME, shard=f"{number:03d}", shards=f"{shards:03d}")


@pytest.mark.parametrize("ours", [1, 3, 10, 12, 20])
@pytest.mark.parametrize("theirs", [1, 4, 10, 15])
def test_every_problem_of_a_shard_is_in_the_files_that_the_shard_reads(ours: int, theirs: int) -> None:
    found = selections(cot_qwq={"shards": theirs})
    for number in range(200):
        row_id = f"problem-{number}"
        names = found.source_shards("cot-qwq", shard_of(row_id, ours), ours)
        assert f"shard-{shard_of(row_id, theirs):03d}-of-{theirs:03d}" in names


def test_a_shard_reads_only_files_that_share_problems_with_it() -> None:
    found = selections(cot_qwq={"shards": 10})
    assert found.source_shards("cot-qwq", 13, 20) == ["shard-003-of-010"]
    assert found.source_shards("cot-qwq", 1, 4) == [f"shard-00{number}-of-010" for number in (1, 3, 5, 7, 9)]


def test_files_come_with_the_name_of_their_recipe() -> None:
    path = "results/full/cot-qwq/summarized/shard-001-of-004.jsonl"
    assert selections().rows("summarized")(shard(13, 20)) == [path]
    assert selections().named_rows("summarized")(shard(13, 20)) == f"cot-qwq={path}"


def test_what_fits_the_summarizing_model_is_what_config_says_of_it() -> None:
    assert (
        selections().context_flags(shard(0, 20)) == "--max-model-len 32768 --max-input-tokens 24580 --max-tokens 2048"
    )


@pytest.mark.parametrize(
    ("source", "change", "fault"),
    [
        ("cot-nobody", {}, "is not in config"),
        (NAME, {}, "makes no solutions itself"),
        ("cot-r1", {}, "has no wrong candidates"),
        ("tir-limo", {}, "has no new summaries"),
    ],
)
def test_a_source_without_candidates_is_an_error_that_says_why(source: str, change: Any, fault: str) -> None:
    candidates = FULL["recipes"][NAME]["candidates"] | {"from": [source]}
    with pytest.raises(UserError, match=fault):
        selections(genselect_qwq={"candidates": candidates})


def test_a_recipe_that_is_not_to_run_may_have_such_sources_until_its_files_are_wanted() -> None:
    off = FULL["recipes"]["cot-qwq"]["summaries"] | {"wrong_per_problem": 0}
    recipes = FULL["recipes"] | {"cot-qwq": FULL["recipes"]["cot-qwq"] | {"summaries": off}}
    settings = Settings(FULL | {"recipes": recipes, "recipes_to_run": ["cot-qwq"]})
    idle = Selections(settings, Recipes(settings))
    with pytest.raises(UserError, match="has no wrong candidates"):
        idle.rows("summarized")(shard(0, 20))
