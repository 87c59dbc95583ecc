"""What the rules of further products ask of the config: rows for reinforcement learning, preferences, named subsets.

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from omr.config.bounds import fault_of_bounds
from omr.config.recipes import Recipes
from omr.config.rounds import Rounds
from omr.config.settings import Settings, flags
from omr.config.wildcards import OfRecipe
from omr.errors import UserError

#: Modes of recipes that solve problems themselves.
SOLVING = ("cot", "tir")
#: YAML takes the words for these verdicts for truth values.
_VERDICTS = {True: "yes", False: "no"}
#: Of a subset's keys those that say whose rows they are, and by what tokens are counted: select_subset.py asks others.
_NOT_ASKED = frozenset({"recipes", "tokenizer", "verdicts"})
#: Those that compare solutions of others.
COMPARING = ("genselect",)
#: Those of which pairs are made: two solutions with code may have been asked with different prompts.
PAIRING = ("cot",)


class OfSubset(OfRecipe, Protocol):
    """The wildcards of rules that make one file per subset of a recipe's rows."""

    subset: str


class FurtherProducts:
    """Products besides the training rows. Raises UserError for what a schema cannot see."""

    def __init__(self, settings: Settings, recipes: Recipes, rounds: Rounds) -> None:
        self._settings = settings
        self._recipes = recipes
        products: Mapping[str, Any] = settings.config["products"]
        self._rl: Mapping[str, Any] = products["rl"]
        self._subsets: Mapping[str, Mapping[str, Any]] = products["subsets"]
        self._check_rl()
        for name in self._subsets:
            fault = self._fault_of_subset(name, rounds.measures)
            if fault is not None:
                raise UserError(f"the subset {name!r} {fault}", remedy="mend it under `products.subsets` in config")

    def _check_rl(self) -> None:
        above, below = self._rl["above_pass_rate"], self._rl["below_pass_rate"]
        if above >= below:
            what = f"no pass rate lies between `above_pass_rate` {above} and `below_pass_rate` {below}"
            raise UserError(what, remedy="mend `products.rl` in config")
        measure = self._rl["measure"]
        if measure is not None and self._recipes[measure]["mode"] not in SOLVING:
            what = f"`products.rl.measure` is {measure!r}, which compares solutions: it has no pass rates"
            raise UserError(what, remedy="name a recipe that solves problems, or null")

    def _fault_of_subset(self, name: str, measures: Sequence[str]) -> str | None:
        subset = self._subsets[name]
        for recipe in subset.get("recipes") or ():
            self._recipes[recipe]  # raises UserError for an unknown one
        if (fault := fault_of_bounds(subset, "tokens", "pass_rate")) is not None:
            return fault
        buckets = subset.get("length_buckets") or []
        if buckets != sorted(buckets):
            return f"has `length_buckets` {buckets}, which do not ascend"
        if self._verdicts(name) != ["yes"]:
            comparing = [one for one in subset.get("recipes") or () if self._recipes[one]["mode"] not in SOLVING]
            if comparing:
                return f"asks for verdicts of {', '.join(comparing)}, whose rows are comparisons that chose a right one"
        measure = subset.get("measure")
        if measure is not None and measure not in measures:
            return f"goes by pass rates of {measure!r}, which rows do not carry: `difficulty.from` does not name it"
        return None

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

    def of_shards(self, folder: str) -> Callable[[OfRecipe], list[str]]:
        """Input of a rule: the files of a stage of all shards of a recipe, in order."""
        return lambda wildcards: self._of_shards(wildcards, folder, ".jsonl")

    # ---- preferences -------------------------------------------------------------------------------------------

    def pairs(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the pairs of all shards of a recipe, in order."""
        return self._of_shards(wildcards, "pairs", ".jsonl")

    def pair_counts(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the counts that go with them."""
        return self._of_shards(wildcards, "counts/prepare_preferences", ".json")

    def _of_shards(self, wildcards: OfRecipe, folder: str, ending: str = "") -> list[str]:
        place = f"results/{wildcards.run}/{wildcards.recipe}/{folder}"
        return [f"{place}/{shard}{ending}" for shard in self._recipes.shards(wildcards.recipe)]

    # ---- subsets -----------------------------------------------------------------------------------------------

    @property
    def subset_pattern(self) -> str:
        """A regular expression for the wildcard `{subset}`; matches nothing if there are none."""
        return "|".join(map(re.escape, self._subsets)) or r"(?!)"

    @property
    def subsets(self) -> list[str]:
        """The folders of all subsets, of the recipes that they name, or else of all that a run makes."""
        return [
            f"results/{self._settings.run}/{recipe}/subsets/{name}/dataset"
            for name, subset in self._subsets.items()
            for recipe in subset.get("recipes") or self._to_run(*SOLVING, *self._comparing(name))
        ]

    def _comparing(self, name: str) -> tuple[str, ...]:
        """The other modes of which a subset takes rows where it names no recipes: none if it asks for verdicts."""
        return ("genselect",) if self._verdicts(name) == ["yes"] else ()

    def _verdicts(self, name: str) -> list[str]:
        """Of which verdicts a subset takes solutions, in a fixed order."""
        asked = {_VERDICTS.get(verdict, verdict) for verdict in self._subsets[name].get("verdicts") or ["yes"]}
        return [verdict for verdict in ("yes", "no", "unjudged") if verdict in asked]

    @property
    def verdict_pattern(self) -> str:
        """A regular expression for the subsets that ask for other verdicts than `yes`; matches nothing if none does."""
        return "|".join(re.escape(name) for name in self._subsets if self._verdicts(name) != ["yes"]) or r"(?!)"

    def verdict_flags(self, wildcards: OfSubset) -> str:
        """A param of a rule: these verdicts, as a flag of prepare_sft.py."""
        return f"--verdicts {' '.join(self._verdicts(wildcards.subset))}"

    def rows_of_shard(self, wildcards: OfSubset) -> str:
        """Input of a rule: the rows of a shard that a subset is chosen from: the recipe's, or those of its verdicts."""
        own = "" if self._verdicts(wildcards.subset) == ["yes"] else "subsets/{subset}/all/"
        return f"results/{{run}}/{{recipe}}/{own or 'sft/'}shard-{{shard}}-of-{{shards}}"

    def subset_rows(self, wildcards: OfSubset) -> list[str]:
        """Input of a rule: the folders of a subset's rows of all shards, in order."""
        return self._of_shards(wildcards, f"subsets/{wildcards.subset}/sft")

    def subset_figures(self, wildcards: OfSubset) -> list[str]:
        """Input of a rule: the figures of these rows."""
        return self._of_shards(wildcards, f"subsets/{wildcards.subset}/figures", ".json")

    def subset_counts(self, wildcards: OfSubset) -> list[str]:
        """Input of a rule: the counts that go with them, of the stages behind those of the recipe."""
        stages = (
            ["select_subset"] if self._verdicts(wildcards.subset) == ["yes"] else ["prepare_verdicts", "select_subset"]
        )
        return [
            path
            for stage in stages
            for path in self._of_shards(wildcards, f"counts/{stage}/{wildcards.subset}", ".json")
        ]

    def tokenizer(self, wildcards: OfSubset) -> list[str]:
        """Input of a rule: what counts the tokens of solutions, where a subset names it or asks for lengths."""
        subset = self._subsets[wildcards.subset]
        if subset.get("tokenizer") is not None:
            return self._settings.tokenizer_file(subset["tokenizer"])
        if not any(subset.get(key) is not None for key in ("min_tokens", "max_tokens", "length_buckets")):
            return []
        return self._settings.tokenizer_file(self._recipes.model(wildcards.recipe, "generate_solutions").tokenizer)

    def subset_flags(self, wildcards: OfSubset) -> str:
        """A param of a rule: what a subset asks of its rows, as flags of select_subset.py."""
        asked = self._asked(wildcards.subset)
        several = {key: value for key, value in asked.items() if isinstance(value, list)}
        words = [f"--{key.replace('_', '-')} {shlex.join(map(str, value))}" for key, value in several.items()]
        words += ["--count-all"] if self._subsets[wildcards.subset].get("tokenizer") is not None else []
        return " ".join([flags({key: value for key, value in asked.items() if key not in several}), *words]).strip()

    def subset_words(self, wildcards: OfSubset) -> str:
        """A param of a rule: the same for the card."""
        asked = dict(self._subsets[wildcards.subset])
        if asked.get("verdicts") is not None:
            asked["verdicts"] = self._verdicts(wildcards.subset)
        told = [
            f"`{key}` {', '.join(map(str, value)) if isinstance(value, list) else value}"
            for key, value in asked.items()
            if key != "recipes" and value is not None
        ]
        return "; ".join(told) or "all of them"

    def _asked(self, name: str) -> dict[str, Any]:
        subset = self._subsets[name]
        return {key: value for key, value in subset.items() if key not in _NOT_ASKED and value is not None}
