"""What a recipe's solutions will yield: from measured pass rates, else from an assumed distribution of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omr.config.recipes import Recipes
from omr.config.seeds import ends_of_rounds, measure_of, seed_table
from omr.files.jsonl import Fields, read_rows
from omr.runs.counts import RunCounts
from omr.runs.published_ratios import CONCENTRATION
from omr.runs.ratios import Ratios
from omr.runs.solve_rates import Asking, Population, Rate, Yield, asked_shares, expected_yield
from omr.stages.seeds import Enough

_RATES: Fields = {"id": str, "share": (float, int, None), "solutions": int, "answer_source": str}
#: Rates are gathered in so many steps: a run has half a million problems.
_STEPS = 64
#: Solutions of a problem that a measure is taken to have where it has not run.
_ASSUMED_MEASURE = 8


@dataclass(frozen=True)
class RecipeYield:
    """What a recipe makes. `gpu_hours` is of all its stages, None if unknown; `uniform` is what as many solutions of
    every problem as the recipe asks for at most would yield."""

    recipe: str
    problems: float
    keep: int
    of_problem: Yield
    uniform: Yield
    kept_share: float  # of right solutions, those that become rows
    asked: tuple[float, ...] = ()  # for each seed, the share of problems that are asked for that solution
    gpu_hours: float | None = None
    solution_gpu_hours: float | None = None

    @property
    def solved(self) -> float:
        return self.problems * self.of_problem.solved

    @property
    def kept(self) -> float:
        """Training rows, at most `keep` of a problem."""
        return self.problems * self.of_problem.kept * self.kept_share

    @property
    def uniform_gpu_hours(self) -> float | None:
        """GPU-hours if every problem got the most: the stages after the solutions grow with what is right."""
        if self.gpu_hours is None or self.solution_gpu_hours is None or not self.of_problem.solutions:
            return None
        rest = self.gpu_hours - self.solution_gpu_hours
        more = self.uniform.solutions / self.of_problem.solutions
        return self.solution_gpu_hours * more + rest * self.uniform.right / max(self.of_problem.right, 1e-9)

    def as_json(self) -> dict[str, Any]:
        hours = self.gpu_hours
        return {
            "solutions": round(self.problems * self.of_problem.solutions),
            "solutions_per_problem": round(self.of_problem.solutions, 3),
            "right": round(self.problems * self.of_problem.right),
            "problems_solved": round(self.solved),
            "rows_kept": round(self.kept),
            "rows_per_problem_at_most": self.keep,
            "gpu_hours": hours,
            "gpu_hours_per_problem_solved": None if hours is None or not self.solved else hours / self.solved,
            "gpu_hours_per_row_kept": None if hours is None or not self.kept else hours / self.kept,
            "gpu_hours_for_most_of_all": self.uniform_gpu_hours,
        }


def recipe_yield(
    name: str, problems: float, recipes: Recipes, ratios: Ratios, runs: Sequence[RunCounts], keep: int
) -> RecipeYield:
    """The yield of a recipe that solves problems; rows that later stages lose are not yet taken off."""
    recipe = recipes[name]
    population = measured_population([name, *filter(None, [measure_of(recipe)])], runs, ratios) or Population.beta(
        ratios.ratio("right", name), ratios.assume(CONCENTRATION), ratios.ratio("known")
    )
    asking = asking_of(recipe, recipes)
    most = seed_table({"seeds": asking.table.most})
    uniform = expected_yield(replace(asking, table=most, ends=[most.most], enough=None), population, keep)
    asked = tuple(asked_shares(asking, population))
    return RecipeYield(name, problems, keep, expected_yield(asking, population, keep), uniform, 1.0, asked)


def asking_of(recipe: Mapping[str, Any], recipes: Recipes) -> Asking:
    """How a recipe asks, as its config says."""
    measure = measure_of(recipe)
    measured = None if measure is None else min(_ASSUMED_MEASURE, seed_table(recipes[measure]).most)
    enough = Enough(**recipe["enough"]) if recipe.get("enough") else None
    return Asking(seed_table(recipe), ends_of_rounds(recipe), enough, measured, recipe["majority"]["min_votes"])


def measured_population(names: Sequence[str], runs: Sequence[RunCounts], ratios: Ratios) -> Population | None:
    """The pass rates of the first of these recipes that one of the runs has measured; None if none has."""
    for name in names:
        for run in runs:
            path = run.folder / name / "pass_rates.jsonl"
            if path.is_file() and (found := _population(path)) is not None:
                ratios.remember(
                    f"share of right solutions, by the pass rates of {name}", found.mean, f"seen in {run.folder}"
                )
                return found
    return None


def _population(path: Path) -> Population | None:
    counted = {"extracted": Counter[int](), "majority": Counter[int]()}
    for row in read_rows(path, _RATES):
        if row["share"] is not None:
            counted[row["answer_source"]][round(row["share"] * _STEPS)] += 1
    total = sum(rates.total() for rates in counted.values())
    if not total:
        return None
    known, voted = (
        [Rate(step / _STEPS, n / rates.total()) for step, n in sorted(rates.items())] for rates in counted.values()
    )
    return Population(known or voted, voted or known, counted["extracted"].total() / total)
