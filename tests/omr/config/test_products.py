"""What the rules of datasets ask of the config."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import run_files
from omr.config.products import Products
from omr.config.recipes import Recipes
from omr.config.settings import Settings

RECIPE: Any = SimpleNamespace(recipe=run_files.RECIPE)


def products(**models: Any) -> Products:
    config = run_files.config()
    config["models"] = config["models"] | models
    settings = Settings(config)
    return Products(settings, Recipes(settings))


def test_cards_are_told_of_authored_replies_whichever_stage_they_are_of() -> None:
    assert (products().authored(RECIPE), products().all_authored) == ("", "")
    solver = {"path": "authored", "server": "replay", "replies": "replies"}
    found = products(solver=solver)
    assert (found.authored(RECIPE), found.all_authored) == ("--authored", "--authored")
    assert "generate_solutions=authored" in found.models(RECIPE)


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
