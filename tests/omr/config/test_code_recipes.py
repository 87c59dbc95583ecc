"""What rules ask of recipes that run code."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
from omr.config.code_recipes import CodeRecipes
from omr.config.files import read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from sft_files import ROOT

FULL = read_config(ROOT / f"config/{name}.yaml" for name in ("config", "models", "benchmarks"))


def recipes(**novelty: Any) -> Recipes:
    """The recipes of the full config, with changes to `code_filter.novelty` of tir-limo."""
    config = copy.deepcopy(FULL)
    config["recipes"]["tir-limo"]["code_filter"]["novelty"] |= novelty
    return Recipes(Settings(config))


def of(recipe: str) -> Any:
    return SimpleNamespace(recipe=recipe, shard="003", shards="010", run="full")


def test_solutions_go_on_from_the_last_filter_that_a_recipe_uses() -> None:
    ours = recipes()
    rows = {name: ours.kept_rows(name) for name in ("cot-qwq", "tir-openmath", "tir-limo")}
    assert rows == {"cot-qwq": "judged", "tir-openmath": "cleaned", "tir-limo": "selected"}
    assert recipes(enabled=False).kept_rows("tir-limo") == "cleaned"
    code = CodeRecipes(ours)
    assert code.kept(of("cot-qwq")) == []
    assert code.kept(of("tir-limo")) == [code.kept_or_judged(of("tir-limo"))]
    assert [code.kept_by(of(name)) for name in rows] == ["merge_judgements", "clean_code_solutions", "select_by_code"]


def test_the_rows_that_go_on_are_a_target() -> None:
    config = copy.deepcopy(FULL)
    config["recipes_to_run"] = ["cot-qwq", "tir-limo", "genselect-qwq"]
    files = CodeRecipes(Recipes(Settings(config))).all_kept("full")
    folders = dict.fromkeys(file.rpartition("/")[0] for file in files)
    assert list(folders) == ["results/full/cot-qwq/judged", "results/full/tir-limo/selected"]


def test_votes_are_a_model_stage_where_they_are_asked_for() -> None:
    assert "judge_code" in recipes().model_stages("tir-limo")
    assert "judge_code" not in recipes(enabled=False).model_stages("tir-limo")
    assert "judge_code" not in recipes().model_stages("tir-openmath")
    asked = recipes(temperature=0.3).asked("judge_code")
    assert asked["temperature"](of("tir-limo")) == 0.3
    assert CodeRecipes(recipes(votes=3, votes_needed=2)).votes(of("tir-limo")) == "--seed 0 1 2"


def test_filters_and_forms_of_rows_become_flags() -> None:
    code = CodeRecipes(recipes())
    assert code.cleaning(of("tir-limo")) == "--max-blocks 2"
    assert code.cleaning(of("tir-openmath")) == ""
    assert code.keep_rule(of("tir-limo")) == "--votes 8 --votes-needed 8 --moderate-share more_than_half"
    assert code.row_prompt(of("tir-limo")) == "results/{run}/prompts/solve_cot.yaml"
    assert code.row_prompt(of("cot-qwq")) == code.row_prompt(of("cot-r1")) == "results/{run}/prompts/solve_cot.yaml"
    files = SimpleNamespace(kept="kept.jsonl", row_prompt="p.yaml")
    assert code.row_files(of("tir-limo"), files) == "--kept kept.jsonl --row-prompt p.yaml"
    assert code.row_flags(of("tir-limo")) == "--end-at-answer"
    assert code.row_flags(of("cot-qwq")) == code.row_files(of("cot-qwq"), files) == ""


def test_rows_cannot_end_at_the_answer_and_go_on_with_a_summary() -> None:
    config = copy.deepcopy(FULL)
    config["recipes"]["tir-limo"]["summaries"]["enabled"] = True
    with pytest.raises(UserError, match="are to end at the answer"):
        CodeRecipes(Recipes(Settings(config)))


def test_more_votes_than_there_are_cannot_be_needed() -> None:
    with pytest.raises(UserError, match="needs 9 readable votes of 8"):
        CodeRecipes(recipes(votes_needed=9))


def test_a_recipe_with_code_cannot_be_asked_in_batches() -> None:
    config = copy.deepcopy(FULL)
    model = config["recipes"]["tir-limo"]["model"]
    config["models"][model] = {"path": "some/model", "server": "batch", "base_url": "http://host/v1"}
    config["recipes_to_run"] = ["cot-qwq"]
    CodeRecipes(Recipes(Settings(config)))
    config["recipes_to_run"] = ["tir-limo"]
    with pytest.raises(UserError, match=r"turn by turn; its model .* is asked in batches") as caught:
        CodeRecipes(Recipes(Settings(config)))
    assert "`server: endpoint`" in str(caught.value)
