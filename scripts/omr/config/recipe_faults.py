"""What is wrong with a recipe that a schema cannot see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from omr.config.bounds import fault_of_bounds
from omr.config.seeds import MOST_SEEDS, fault_of_seeds, most_seeds

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
#: Folders of a run that hold something else than a recipe.
_TAKEN = frozenset({"benchmarks", "configs", "contamination", "counts", "dataset", "dropped", "logs", "replies"})
#: What recipes with code have besides.
_OF_CODE = ("code", "code_filter", "code_rows")
#: How a recipe makes its rows: by reasoning alone, with code that is run meanwhile, by comparing solutions.
MODES = ("cot", "tir", "genselect")


def fault_of_recipe(name: str, recipe: Mapping[str, Any], recipes: Mapping[str, Mapping[str, Any]]) -> str | None:
    """What is wrong with one of the `recipes`, as a phrase behind its name, or None."""
    return _fault(name, recipe) or _fault_of_numbers(name, recipe, recipes)


def _fault(name: str, recipe: Mapping[str, Any]) -> str | None:
    if not _NAME.fullmatch(name):
        return "needs a name of a-z, 0-9, `_` and `-`"
    if name in _TAKEN:
        return f"cannot be called so: results/<run>/{name}/ holds something else"
    if recipe["mode"] not in MODES:
        return f"has the mode {recipe['mode']!r}; there are: {', '.join(MODES)}"
    for key in _OF_CODE:
        if (recipe["mode"] == "tir") != (key in recipe):
            return f"has `{key}`, which only `mode: tir` takes" if key in recipe else f"runs code, but has no `{key}`"
    return fault_of_bounds(recipe.get("code", {}), "budget", place="code.") or fault_of_bounds(
        recipe.get("sft", {}), "pass_rate", place="sft."
    )


def _fault_of_numbers(name: str, recipe: Mapping[str, Any], recipes: Mapping[str, Mapping[str, Any]]) -> str | None:
    if recipe["mode"] == "genselect":
        return None
    if not 1 <= most_seeds(recipe) <= MOST_SEEDS:
        return f"needs from 1 to {MOST_SEEDS} seeds"
    return fault_of_seeds(name, recipe, recipes)
