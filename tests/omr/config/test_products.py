"""What the rules of datasets ask of the config."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import run_files
from omr.config.products import Products
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError

RECIPE: Any = SimpleNamespace(recipe=run_files.RECIPE)


def products(labelling_model: str = "solver", **models: Any) -> Products:
    config = run_files.config()
    config["models"] = config["models"] | models
    config["labelling_model"] = labelling_model
    settings = Settings(config)
    return Products(settings, Recipes(settings))


def test_cards_are_told_of_authored_replies_whichever_stage_they_are_of() -> None:
    assert (products().authored(RECIPE), products().all_authored) == ("", "")
    solver = {"path": "authored", "server": "replay", "replies": "replies"}
    found = products(solver=solver)
    assert (found.authored(RECIPE), found.all_authored) == ("--authored", "--authored")
    assert "generate_solutions=authored" in found.models(RECIPE)


def test_cards_name_the_stages_where_people_authored_the_replies_of_some() -> None:
    authored = {"path": "authored", "server": "replay", "replies": "replies"}
    real = {"path": "some/labeller", "server": "endpoint", "base_url": "http://localhost:2"}
    found = products("labeller", solver=authored, labeller=real)
    assert found.authored(RECIPE) == "--authored generate_solutions"
    assert found.all_authored == "--authored cot-small/generate_solutions"
    found = products("labeller", labeller=authored)
    stages = found.authored(RECIPE).split()
    assert {"extract_problems", "judge_answers", "generate_summaries"} < set(stages)
    assert not {"generate_solutions", "generate_wrong_summaries"} & set(stages)
    assert "cot-small/judge_answers" in found.all_authored.split()


def test_recipes_whose_replies_people_authored_all_are_named_beside_one_of_a_model() -> None:
    config = run_files.config()
    config["models"] |= {"real": config["models"]["solver"]}
    config["models"]["solver"] = {"path": "authored", "server": "replay", "replies": "replies"}
    recipe = config["recipes"][run_files.RECIPE]
    config["recipes"]["cot-real"] = recipe | {"model": "real"}
    config["recipes_to_run"] = [run_files.RECIPE, "cot-real"]
    settings = Settings(config)
    found = Products(settings, Recipes(settings))
    assert found.authored(RECIPE) == "--authored"
    stages = found.all_authored.split()
    assert "cot-small/generate_solutions" in stages
    assert "cot-real/generate_solutions" not in stages


def test_bounds_are_a_param_that_is_compared_so_that_a_tightened_one_is_tried_on_a_finished_dataset() -> None:
    config = run_files.config()
    config["gates"] = config["gates"] | {"canary_recall": 0.9, "obeyed_instructions": 0.1}
    config["planted"]["per_kind"] = 5
    settings = Settings(config)
    made = Products(settings, Recipes(settings))
    assert "--canary-recall 0.9" in made.gates(RECIPE)
    assert f"--planted results/{settings.run}/planted/report.json" in made.gates(RECIPE)
    # Snakemake leaves out of its comparison whatever takes the rule's inputs.
    assert list(inspect.signature(made.gates).parameters) == ["wildcards"]


def test_what_a_recipe_makes_by_now_has_its_seeds_and_parts_and_what_is_off() -> None:
    config = run_files.config()
    recipe = config["recipes"][run_files.RECIPE]
    recipe["seeds"], recipe["shards"] = 2, 3
    recipe["summaries"] = recipe["summaries"] | {"enabled": False}
    settings = Settings(config)
    made = orjson.loads(Products(settings, Recipes(settings)).made(RECIPE))[run_files.RECIPE]
    assert made["shards"] == 3
    assert made["folders"] == [
        "generate_solutions/seed-00",
        "generate_solutions/seed-01",
        "match_answers",
        "judge_answers",
    ]
    assert made["off"] == ["select_traces", "merge_summaries", "select_wrong_traces", "merge_wrong_summaries"]
    assert made["rounds"] == 0


def test_rows_without_any_column_of_texts_are_refused() -> None:
    config = run_files.config()
    for texts in (["generated_solution"], ["messages", "messages_with_tools"]):
        config["products"] = config["products"] | {"text_columns": texts}
        settings = Settings(config)
        assert Products(settings, Recipes(settings)).text_columns == f"--text-columns {' '.join(texts)}"
    config["products"] = config["products"] | {"text_columns": ["messages_with_tools"]}
    settings = Settings(config)
    with pytest.raises(UserError, match="names neither"):
        Products(settings, Recipes(settings))
