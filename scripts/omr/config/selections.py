"""What the rules that compare solutions ask of the config: whose solutions, which of their files, what is shown.

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

from math import gcd
from typing import Any, Protocol

from omr.config.recipes import Recipes
from omr.config.settings import Settings, flags, shard_names
from omr.config.wildcards import InRecipe
from omr.errors import UserError


class InShard(Protocol):
    """The wildcards of rules that make one file per shard."""

    run: str
    recipe: str
    shard: str
    shards: str


class Selections:
    """Recipes of `mode: genselect`. Raises UserError where one that is to run has sources with nothing to compare."""

    def __init__(self, settings: Settings, recipes: Recipes) -> None:
        self._settings = settings
        self._recipes = recipes
        for name in recipes.to_run:
            if recipes.is_selection(name):
                self._check(name)

    def _check(self, name: str) -> None:
        for source in self.sources(name):
            fault = self._fault_of_source(source)
            if fault is not None:
                what = f"the recipe {name!r} takes candidates from {source!r}, which {fault}"
                remedy = f"mend `candidates.from` or the recipe {source!r}, or leave {name!r} out of `recipes_to_run`"
                raise UserError(what, remedy=remedy)

    def _fault_of_source(self, source: str) -> str | None:
        if source not in self._settings.config["recipes"]:
            return "is not in config"
        if self._recipes.is_selection(source):
            return "makes no solutions itself"
        if not self._recipes[source]["summaries"]["enabled"]:
            return "has no new summaries: set `summaries.enabled`"
        if not self._recipes.wrong_per_problem(source):
            return "has no wrong candidates: set `summaries.wrong_per_problem`"
        return None

    def sources(self, name: str) -> list[str]:
        """The recipes whose solutions a recipe compares."""
        return list(self._recipes[name]["candidates"]["from"])

    # ---- inputs ------------------------------------------------------------------------------------------------

    def source_shards(self, source: str, shard: int, shards: int) -> list[str]:
        """The shards of a source recipe that may hold problems of one shard of ours.

        A problem's shard is its hash modulo the number of shards, so shards j of m and k of n share problems exactly if
        j and k are equal modulo the greatest common divisor of m and n.
        """
        names = shard_names(self._recipes[source]["shards"])
        common = gcd(len(names), shards)
        return [name for number, name in enumerate(names) if number % common == shard % common]

    def rows(self, folder: str) -> Any:
        """Input of a rule: the files of `folder` of all sources that may hold problems of the shard."""
        return lambda wildcards: [path for _, path in self._paths(folder, wildcards)]

    def _paths(self, folder: str, wildcards: InShard) -> list[tuple[str, str]]:
        """(source, file) pairs, in the order of the sources."""
        self._check(wildcards.recipe)
        return [
            (source, f"results/{wildcards.run}/{source}/{folder}/{shard}.jsonl")
            for source in self.sources(wildcards.recipe)
            for shard in self.source_shards(source, int(wildcards.shard), int(wildcards.shards))
        ]

    def named_rows(self, folder: str) -> Any:
        """A param of a rule: `recipe=file` for each of those files."""
        return lambda wildcards: " ".join(f"{source}={path}" for source, path in self._paths(folder, wildcards))

    def summaries(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: the summaries of a shard's comparisons, a file for each part."""
        folder = (
            "results/{{run}}/{{recipe}}/replies/generate_selection_summaries/{}/shard-{{shard}}-of-{{shards}}.jsonl"
        )
        return [folder.format(part) for part in self._recipes.parts(wildcards.recipe)]

    # ---- knobs -------------------------------------------------------------------------------------------------

    def tokenizer(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: what counts the tokens of candidates, where a recipe bounds them and the model has one."""
        if self._recipes[wildcards.recipe]["candidates"]["max_tokens"] is None:
            return []
        return self._settings.tokenizer_file(self._recipes.model(wildcards.recipe, "select_solutions").tokenizer)

    def group_flags(self, wildcards: InRecipe) -> str:
        """A param of a rule: which groups are formed, as flags of form_groups.py."""
        rules = dict(self._recipes[wildcards.recipe]["candidates"])
        sources = " ".join(rules.pop("answer_sources"))
        del rules["from"]
        return f"{flags(rules)} --answer-sources {sources}"

    def tokenizer_flag(self, wildcards: InRecipe, input: Any) -> str:
        """A param of a rule: what counts tokens, as a flag, apart from the limits, which Snakemake shall compare."""
        return flags({"tokenizer": input.tokenizer or None})

    def context_flags(self, wildcards: InRecipe) -> str:
        """A param of a rule: what fits the model that summarizes comparisons, as flags of select_comparisons.py."""
        model = self._recipes.model(wildcards.recipe, "generate_selection_summaries")
        limits = {"max_model_len": model.max_model_len, "max_input_tokens": model.max_input_tokens}
        wanted = self._recipes[wildcards.recipe]["summaries"]["max_tokens"]
        return flags(limits | {"max_tokens": wanted})

    def summary_model(self, wildcards: InRecipe) -> str:
        """A param of a rule: whose summaries they are."""
        return self._recipes.model(wildcards.recipe, "generate_selection_summaries").identity
