"""Whose replies the rows of a recipe are made of, and which of these people authored.

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.models.model import ModelSpec

#: Model stages that make problems, in the order of the recipe, with the prompts that they ask.
PROBLEM_PROMPTS = {
    "extract_problems": ("extract_problems",),
    "classify_problems": ("classify_proof", "classify_mcq", "classify_binary", "classify_invalid"),
    "extract_answers": ("extract_answers",),
    "convert_proofs": ("convert_proofs",),
    "classify_converted": (),
    "check_contamination": ("check_contamination",),
}
#: Model stages of a recipe that its own rows owe nothing to.
_FOR_OTHERS = frozenset({"generate_wrong_summaries"})


class Authored(NamedTuple):
    """Whose replies people authored, of the stages that rows are made of: of all, of some, which are named, or none."""

    stages: tuple[str, ...] = ()
    is_all: bool = False

    @property
    def flag(self) -> str:
        """The same as a flag of the commands that write cards: nothing, `--authored`, or with the stages behind it."""
        return " ".join(["--authored", *self.stages]) if self.stages or self.is_all else ""

    @staticmethod
    def read(stages: Sequence[str] | None) -> Authored:
        """What that flag says: None where it is not there, no stages where it is alone."""
        return NONE if stages is None else Authored(tuple(stages), is_all=not stages)


NONE = Authored()


def add_authored(parser: argparse.ArgumentParser) -> None:
    """Adds `--authored`."""
    about = "people authored the replies of these stages (without any: of all), no model wrote them: the card says so"
    parser.add_argument("--authored", nargs="*", metavar="STAGE", help=about)


def authored(models: Mapping[str, ModelSpec]) -> Authored:
    """Which of these stages ask the server that repeats what people authored."""
    stages = tuple(stage for stage, model in models.items() if model.is_authored)
    return Authored(is_all=True) if stages and len(stages) == len(models) else Authored(stages)


def problem_prompts(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The model stages that make the problems of a run, with their prompts."""
    asked = settings.asking_stages
    return {stage: names for stage, names in PROBLEM_PROMPTS.items() if stage in asked}


def sources_of(recipes: Recipes, recipe: str) -> list[str]:
    """The recipes whose solutions a recipe compares; none for one that solves problems itself."""
    return list(recipes[recipe]["candidates"]["from"]) if recipes.is_selection(recipe) else []


def row_models(settings: Settings, recipes: Recipes, recipe: str) -> dict[str, ModelSpec]:
    """The models whose replies made a recipe's rows, by `stage` in order; those of other recipes by `recipe/stage`."""
    models = {stage: settings.model(stage) for stage in problem_prompts(settings)}
    for source in sources_of(recipes, recipe):
        models |= {f"{source}/{stage}": recipes.model(source, stage) for stage in recipes.model_stages(source)}
    return models | _own(recipes, recipe)


def run_models(settings: Settings, recipes: Recipes) -> dict[str, ModelSpec]:
    """The same of all rows of a run: what is a recipe's own stage is `recipe/stage` here too."""
    models: dict[str, ModelSpec] = {}
    for recipe in recipes.to_run:
        own = _own(recipes, recipe)
        models |= {
            f"{recipe}/{stage}" if stage in own else stage: model
            for stage, model in row_models(settings, recipes, recipe).items()
        }
    return models


def _own(recipes: Recipes, recipe: str) -> dict[str, ModelSpec]:
    stages = (stage for stage in recipes.model_stages(recipe) if stage not in _FOR_OTHERS)
    return {stage: recipes.model(recipe, stage) for stage in stages}


def summary_models(recipes: Recipes, recipe: str) -> dict[str, str]:
    """Of a recipe that compares solutions, who rewrote them: the model's identity, by the recipes that they are of."""
    return {source: recipes.model(source, "generate_summaries").identity for source in sources_of(recipes, recipe)}
