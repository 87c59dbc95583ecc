"""How many solutions a recipe asks for, as its config says: one number, or a table; at once, or in rounds; and which
of them each job asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from omr.stages.seeds import SeedTable

Recipe = Mapping[str, Any]

_FOLDER = re.compile(r"seed-(\d+)(?:-to-(\d+))?")
#: Solutions of a problem at most: seeds are two digits in paths.
MOST_SEEDS = 100


class SeedBlock(NamedTuple):
    """Seeds that one job asks for, in one file per shard: their `name` in paths, behind `seed-`; the seeds themselves;
    and the number of their round, from 1.

    The name says which seeds there is room for (`04-to-07`; of one alone `04`), however many the recipe has: one more
    solution goes into the file in which it would have been from the beginning, beside those that are stored.
    """

    name: str
    seeds: range
    round: int


def seed_table(recipe: Recipe) -> SeedTable:
    """The table of a recipe; one number is a table that gives it to every problem."""
    seeds = recipe["seeds"]
    if isinstance(seeds, Mapping):
        return SeedTable.from_config({"table": [], **seeds})
    return SeedTable.from_config({"table": [], "no_rate": {"extracted": seeds, "majority": seeds}})


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


def seed_blocks(recipe: Recipe) -> list[SeedBlock]:
    """Which seeds each job of a shard asks for; none spans two rounds."""
    given, ends, sizes = list(accumulate(recipe.get("rounds") or [])), ends_of_rounds(recipe), seeds_per_job(recipe)
    blocks = list[SeedBlock]()
    for number, (begin, end) in enumerate(pairwise([0, *ends]), 1):
        size = sizes[number - 1]
        # The last round may be cut off by `seeds`, or take more than config names for it.
        room = given[number - 1] if number <= len(given) else MOST_SEEDS
        for first in range(begin, end, size):
            stop = min(first + size, room)
            name = f"{first:02d}" if stop == first + 1 else f"{first:02d}-to-{stop - 1:02d}"
            blocks.append(SeedBlock(name, range(first, min(stop, end)), number))
    return blocks


def seeds_per_job(recipe: Recipe) -> list[int]:
    """How many seeds a job of each round asks for; the last number of a list is for all further rounds too."""
    given = recipe.get("seeds_per_job") or 1
    numbers = [given] if isinstance(given, int) else list(given)
    rounds = len(ends_of_rounds(recipe))
    return [*numbers, *[numbers[-1]] * rounds][:rounds]


def seeds_in(folder: str) -> range:
    """The seeds that a folder of solutions has room for, by its name: `seed-03`, `seed-04-to-07`; none by any other."""
    match = _FOLDER.fullmatch(folder)
    return range(0) if match is None else range(int(match[1]), int(match[2] or match[1]) + 1)


def rounds_apart(recipe: Recipe) -> int:
    """How many rounds are voted on and judged each for itself, in files with their number: all of a recipe that has
    `rounds`, the last one too, so that nothing of it changes when another follows. What is left to ask about all
    solutions comes behind them. None of any other recipe."""
    return len(ends_of_rounds(recipe)) if recipe.get("rounds") else 0


def is_planned(recipe: Recipe) -> bool:
    """Whether problems may get different numbers of solutions, so that there is a plan that says how many."""
    return isinstance(recipe["seeds"], Mapping) or rounds_apart(recipe) > 0


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
