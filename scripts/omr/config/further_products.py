"""What the rules of further products ask of the config: rows for reinforcement learning, preferences, named subsets.

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omr.config.recipes import OfRecipe, Recipes
from omr.config.settings import Settings, flags
from omr.errors import UserError

#: Modes of recipes that solve problems themselves.
SOLVING = ("cot", "tir")
#: Those of which pairs are made: two solutions with code may have been asked with different prompts.
PAIRING = ("cot",)


class FurtherProducts:
    """Products besides the training rows. Raises UserError for what a schema cannot see."""

    def __init__(self, settings: Settings, recipes: Recipes) -> None:
        self._settings = settings
        self._recipes = recipes
        products: Mapping[str, Any] = settings.config["products"]
        self._rl: Mapping[str, Any] = products["rl"]
        self._check_rl()

    def _check_rl(self) -> None:
        above, below = self._rl["above_pass_rate"], self._rl["below_pass_rate"]
        if above >= below:
            what = f"no pass rate lies between `above_pass_rate` {above} and `below_pass_rate` {below}"
            raise UserError(what, remedy="mend `products.rl` in config")
        measure = self._rl["measure"]
        if measure is not None and self._recipes[measure]["mode"] not in SOLVING:
            what = f"`products.rl.measure` is {measure!r}, which compares solutions: it has no pass rates"
            raise UserError(what, remedy="name a recipe that solves problems, or null")

    def _to_run(self, *modes: str) -> list[str]:
        return [name for name in self._recipes.to_run if self._recipes[name]["mode"] in modes]

    def folders(self, product: str, *modes: str) -> list[str]:
        """The folders of a product, of all recipes of these modes that a run makes."""
        return [f"results/{self._settings.run}/{name}/{product}" for name in self._to_run(*modes)]

    # ---- reinforcement learning --------------------------------------------------------------------------------

    def _measure(self, recipe: str) -> str:
        return self._rl["measure"] or recipe

    def rl_rates(self, wildcards: OfRecipe) -> str:
        """Input of a rule: the pass rates that problems for reinforcement learning are chosen by."""
        return f"results/{wildcards.run}/{self._measure(wildcards.recipe)}/pass_rates.jsonl"

    def rl_flags(self, wildcards: OfRecipe) -> str:
        """A param of a rule: which problems are chosen, as flags of prepare_rl.py."""
        chosen = {"measure": self._measure(wildcards.recipe)}
        bounds = {"above": self._rl["above_pass_rate"], "below": self._rl["below_pass_rate"]}
        return f"{flags(chosen | bounds)} --answer-sources {' '.join(self._rl['answer_sources'])}"

    # ---- preferences -------------------------------------------------------------------------------------------

    def pairs(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the pairs of all shards of a recipe, in order."""
        return self._of_shards(wildcards, "pairs", "jsonl")

    def pair_counts(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the counts that go with them."""
        return self._of_shards(wildcards, "counts/prepare_preferences", "json")

    def _of_shards(self, wildcards: OfRecipe, folder: str, ending: str) -> list[str]:
        place = f"results/{wildcards.run}/{wildcards.recipe}/{folder}"
        return [f"{place}/{shard}.{ending}" for shard in self._recipes.shards(wildcards.recipe)]
