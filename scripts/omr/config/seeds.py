"""How many solutions a recipe asks for, as its config says: one number, or a table; at once, or in rounds."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from omr.stages.seeds import SeedTable

Recipe = Mapping[str, Any]


def seed_table(recipe: Recipe) -> SeedTable:
    """The table of a recipe; one number is a table that gives it to every problem."""
    seeds = recipe["seeds"]
    if isinstance(seeds, Mapping):
        return SeedTable.from_config({"table": [], **seeds})
    return SeedTable.from_config({"table": [], "no_rate": {"extracted": seeds, "majority": seeds}})


def as_config(recipe: Recipe) -> dict[str, Any]:
    """The table in the form of config, for a command line."""
    seeds = recipe["seeds"]
    if isinstance(seeds, Mapping):
        return {"table": list(seeds.get("table", [])), "no_rate": dict(seeds["no_rate"])}
    return {"table": [], "no_rate": {"extracted": seeds, "majority": seeds}}


def measure_of(recipe: Recipe) -> str | None:
    """The recipe whose pass rates the table goes by, or None."""
    seeds = recipe["seeds"]
    return seeds.get("measure") if isinstance(seeds, Mapping) else None


def most_seeds(recipe: Recipe) -> int:
    """The most solutions that a problem may get."""
    return seed_table(recipe).most


def ends_of_rounds(recipe: Recipe) -> list[int]:
    """How many solutions a problem may have after each round; one round if config names none.

    `seeds` says how many there may be in all: rounds beyond that are cut off, and a last one takes what is left.
    """
    most = most_seeds(recipe)
    ends = [end for end in accumulate(recipe.get("rounds") or [most]) if end < most]
    return [*ends, most]


def is_planned(recipe: Recipe) -> bool:
    """Whether problems get different numbers of solutions, so that there is a plan that says how many."""
    return isinstance(recipe["seeds"], Mapping) or len(ends_of_rounds(recipe)) > 1


def fault_of_seeds(name: str, recipe: Recipe, recipes: Mapping[str, Recipe]) -> str | None:
    """What is wrong with a recipe's numbers of solutions, as a phrase behind its name, or None."""
    table, most = seed_table(recipe), most_seeds(recipe)
    bounds = [to for to, _ in table.rows]
    if bounds != sorted(set(bounds)) or (bounds and bounds[-1] != 1.0):
        return "has a table in `seeds` whose `to` do not rise to 1.0"
    if (measure_of(recipe) is None) != (not bounds):
        return "has a table in `seeds`, or a `measure` for it, without the other"
    if most < 1:
        return "asks for no solution of any problem"
    if len(ends_of_rounds(recipe)) > 1 and not recipe.get("enough"):
        return "has `rounds`, but does not say what is `enough`"
    return _fault_of_measures(name, recipe, recipes)


def _fault_of_measures(name: str, recipe: Recipe, recipes: Mapping[str, Recipe]) -> str | None:
    """Measures must be recipes, and none may wait for itself."""
    way, measure = [name], measure_of(recipe)
    while measure is not None:
        if measure not in recipes or recipes[measure]["mode"] == "genselect":
            return f"goes by the pass rates of {measure!r}, which is no recipe that solves problems"
        if measure in way:
            return f"goes by pass rates that wait for its own: {' <- '.join([*way, measure])}"
        way.append(measure)
        measure = measure_of(recipes[measure])
    return None
