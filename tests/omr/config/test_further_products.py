"""What the config asks of further products: their inputs and flags, and what a schema cannot refuse."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omr.config.files import read_config
from omr.config.further_products import PAIRING, SOLVING, FurtherProducts
from omr.config.recipes import Recipes
from omr.config.rounds import Rounds
from omr.config.settings import Settings
from omr.errors import UserError

CONFIG = Path(__file__).parents[3] / "config"
FULL = read_config(CONFIG / f"{name}.yaml" for name in ("config", "models", "benchmarks"))
QWQ: Any = SimpleNamespace(run="full", recipe="cot-qwq")


def products(**changes: dict[str, Any]) -> FurtherProducts:
    """Of the full configuration with changed products."""
    config = copy.deepcopy(FULL)
    for name, change in changes.items():
        config["products"][name] |= change
    settings = Settings(config)
    recipes = Recipes(settings)
    return FurtherProducts(settings, recipes, Rounds(config, recipes))


def test_problems_are_chosen_by_the_pass_rates_of_the_recipe_itself_or_of_the_measure() -> None:
    assert products().rl_rates(QWQ) == "results/full/cot-qwq/pass_rates.jsonl"
    measured = products(
        rl={"measure": "tir-limo", "below_pass_rate": 0.75, "answer_sources": ["extracted", "majority"]}
    )
    assert measured.rl_rates(QWQ) == "results/full/tir-limo/pass_rates.jsonl"
    flags = "--measure tir-limo --above 0.0 --below 0.75 --answer-sources extracted majority"
    assert measured.rl_flags(QWQ) == flags


def test_a_recipe_that_compares_solutions_has_no_such_product() -> None:
    assert products().folders("rl", *SOLVING) == [
        f"results/full/{name}/rl" for name in ("cot-qwq", "cot-r1", "tir-openmath")
    ]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"above_pass_rate": 0.5, "below_pass_rate": 0.5}, "no pass rate lies between"),
        ({"measure": "genselect-qwq"}, "it has no pass rates"),
        ({"measure": "no-such"}, "'no-such' is not in config"),
    ],
)
def test_what_no_problem_can_pass_is_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(UserError, match=what):
        products(rl=change)


def test_pairs_are_of_all_shards_of_a_recipe_without_code_each_with_its_counts() -> None:
    found = products()
    assert found.folders("preferences", *PAIRING) == [
        f"results/full/{name}/preferences" for name in ("cot-qwq", "cot-r1")
    ]
    assert found.pairs(QWQ)[1] == "results/full/cot-qwq/pairs/shard-001-of-004.jsonl"
    assert found.pair_counts(QWQ)[3] == "results/full/cot-qwq/counts/prepare_preferences/shard-003-of-004.json"


def of_subset(name: str) -> Any:
    return SimpleNamespace(run="full", recipe="cot-qwq", subset=name)


def test_a_subset_asks_what_config_says_of_the_recipes_that_it_names() -> None:
    asked = {"recipes": ["cot-r1"], "min_tokens": 10, "sources": ["a b", "c"], "solutions_per_problem": 2}
    found = products(subsets={"few": asked})
    assert "results/full/cot-r1/subsets/few/dataset" in found.subsets
    assert "results/full/cot-qwq/subsets/few/dataset" not in found.subsets
    assert found.subset_flags(of_subset("few")) == "--min-tokens 10 --solutions-per-problem 2 --sources 'a b' c"
    assert found.subset_words(of_subset("few")) == "`min_tokens` 10; `sources` a b, c; `solutions_per_problem` 2"
    assert found.tokenizer(of_subset("few")) == ["results/downloads/tokenizers/Qwen--QwQ-32B.json"]


def test_a_subset_that_bounds_no_length_needs_no_tokenizer() -> None:
    assert products(subsets={"easy": {"min_pass_rate": 0.9}}).tokenizer(of_subset("easy")) == []


def test_a_subset_with_a_tokenizer_counts_with_it_and_has_files_by_length() -> None:
    asked = {"tokenizer": "Qwen/Qwen3-8B", "length_buckets": [4096, 16384]}
    found = products(subsets={"long": asked, "by_model": {"length_buckets": [4096]}, "own": {"tokenizer": "a/b.json"}})
    assert found.subset_flags(of_subset("long")) == "--length-buckets 4096 16384 --count-all"
    assert found.tokenizer(of_subset("long")) == ["results/downloads/tokenizers/Qwen--Qwen3-8B.json"]
    assert found.tokenizer(of_subset("own")) == ["a/b.json"]
    assert found.tokenizer(of_subset("by_model")) == ["results/downloads/tokenizers/Qwen--QwQ-32B.json"]
    assert found.subset_flags(of_subset("by_model")) == "--length-buckets 4096"
    assert found.subset_words(of_subset("long")) == "`tokenizer` Qwen/Qwen3-8B; `length_buckets` 4096, 16384"


@pytest.mark.parametrize("verdicts", [["no", "yes"], [False, True]], ids=["words", "truth values, as YAML reads them"])
def test_a_subset_of_other_verdicts_is_made_of_rows_of_its_own(verdicts: list[Any]) -> None:
    found = products(subsets={"both": {"verdicts": verdicts}, "right": {"verdicts": [True]}})
    assert found.verdict_pattern == "both"
    assert found.verdict_flags(of_subset("both")) == "--verdicts yes no"
    assert found.rows_of_shard(of_subset("both")).startswith("results/{run}/{recipe}/subsets/{subset}/all/shard-")
    assert found.rows_of_shard(of_subset("right")).startswith("results/{run}/{recipe}/sft/shard-")
    assert found.subset_flags(of_subset("both")) == ""
    assert found.subset_words(of_subset("both")) == "`verdicts` yes, no"
    stages = [path.split("/")[4] for path in found.subset_counts(of_subset("both"))]
    assert list(dict.fromkeys(stages)) == ["prepare_verdicts", "select_subset"]
    made = [path.split("/")[2] for path in found.subsets if "/both/" in path]
    assert "genselect-qwq" not in made
    assert "cot-qwq" in made


@pytest.mark.parametrize(
    ("subset", "what"),
    [
        ({"recipes": ["no-such"]}, "'no-such' is not in config"),
        ({"min_tokens": 9, "max_tokens": 8}, "has a `min_tokens` above its `max_tokens`"),
        ({"min_pass_rate": 0.9, "max_pass_rate": 0.8}, "has a `min_pass_rate` above its `max_pass_rate`"),
        ({"length_buckets": [9, 8]}, "do not ascend"),
        ({"recipes": ["cot-r1", "genselect-qwq"], "verdicts": ["no"]}, "asks for verdicts of genselect-qwq"),
        ({"min_pass_rate": 0.9, "measure": "cot-r1"}, "`difficulty.from` does not name it"),
    ],
)
def test_a_subset_that_nothing_can_be_in_is_refused(subset: dict[str, Any], what: str) -> None:
    with pytest.raises(UserError, match=what):
        products(subsets={"odd": subset})
