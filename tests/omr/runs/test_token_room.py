"""A run says at its start which stages may write more than their models hold."""

from __future__ import annotations

from typing import Any

import pytest
import run_files
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.runs.planned import Asking, Planned
from omr.runs.token_room import crowded

PLANNED = Planned(
    asking={
        Asking("classify_problems", ("p",)): None,
        Asking("generate_solutions", ("p",), run_files.RECIPE): None,
        Asking("judge_answers_of_round", ("p",), run_files.RECIPE): None,
        Asking("prepare_sft", ("p",), run_files.RECIPE): None,
    }
)


def said(max_model_len: int | None) -> list[str]:
    config: dict[str, Any] = run_files.config()
    config["models"]["solver"] = config["models"]["solver"] | {"max_model_len": max_model_len}
    config["problems"]["classify_problems"]["max_tokens"] = 100
    config["recipes"][run_files.RECIPE] = config["recipes"][run_files.RECIPE] | {"max_tokens": 5000}
    config["recipes"][run_files.RECIPE]["judge"] = config["recipes"][run_files.RECIPE]["judge"] | {"max_tokens": 200}
    settings = Settings(config)
    return list(crowded(PLANNED, settings, Recipes(settings)))


@pytest.mark.parametrize(("holds", "stages"), [(None, 0), (5001, 0), (5000, 1), (200, 2), (100, 3)])
def test_stages_that_their_models_cannot_hold_are_named(holds: int | None, stages: int) -> None:
    assert len(said(holds)) == stages


def test_stage_recipe_model_and_numbers_are_told() -> None:
    (line,) = said(4096)
    assert f"generate_solutions of {run_files.RECIPE} may write 5,000 tokens, but solver holds 4,096" in line
