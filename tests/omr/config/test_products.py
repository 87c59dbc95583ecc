"""What the rules of datasets ask of the config."""

from __future__ import annotations

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
