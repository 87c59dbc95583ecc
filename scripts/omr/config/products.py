"""What the rules of training rows and datasets ask of the config: their inputs, bounds, and what a card names.

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from omr.config.recipes import InRecipe, OfRecipe, Recipes
from omr.config.settings import Settings, flags
from omr.errors import UserError
from omr.models.model import ModelSpec

_SHARD = "results/{{run}}/{{recipe}}/{}/shard-{{shard}}-of-{{shards}}.jsonl"
_SUMMARY_PROMPT, _SELECTION_SUMMARY_PROMPT = "prompts/summarize_solution.yaml", "prompts/summarize_selection.yaml"
_VOTE_PROMPTS = ("prompts/judge_novelty.yaml", "prompts/judge_significance.yaml")
_PROOF_STAGES = frozenset({"parse_conversions", "parse_proofs", "convert_proofs", "classify_converted"})
#: CPU stages that drop rows, in the order of the recipe: of the problems, of the solutions, of their summaries.
_PROBLEM_COUNTS = (
    "prepare_raw_data", "parse_problems", "parse_classes", "parse_answers", "parse_conversions", "parse_proofs",
    "merge_data", "decontaminate",
)  # fmt: skip
_SOLUTION_COUNTS = ("fill_majority_answer", "settle_votes", "merge_judgements")
_CODE_COUNTS = ("clean_code_solutions",)
_VOTE_COUNTS = ("cut_fragments", "select_by_code")
_SUMMARY_COUNTS = ("select_traces", "merge_summaries")
_WRONG_COUNTS = ("select_wrong_traces", "merge_wrong_summaries")
_SELECTION_COUNTS = (
    "form_groups", "parse_selections", "select_comparisons", "merge_selection_summaries", "prepare_selections",
)  # fmt: skip
#: Model stages in the order of the recipe, with the prompts that they ask.
_PROBLEM_PROMPTS = {
    "extract_problems": ("extract_problems",),
    "classify_problems": ("classify_proof", "classify_mcq", "classify_binary", "classify_invalid"),
    "extract_answers": ("extract_answers",),
    "convert_proofs": ("convert_proofs",),
    "classify_converted": (),
    "check_contamination": ("check_contamination",),
}


#: Model stages of a recipe that its own rows owe nothing to.
_FOR_OTHERS = frozenset({"generate_wrong_summaries"})


class Products:
    """Training rows and datasets of the recipes. Raises UserError for what a schema cannot see."""

    def __init__(self, settings: Settings, recipes: Recipes) -> None:
        self._settings = settings
        self._recipes = recipes
        self._publish: Mapping[str, Any] = settings.config["publish"]
        repo = self._publish["repo"]
        if repo is not None and "{recipe}" not in repo and len(recipes.to_run) > 1:
            raise UserError(
                f"`publish.repo` is {repo!r} for {len(recipes.to_run)} recipes: each would replace the one before",
                remedy="write `{recipe}` into its name, or publish with one recipe in `recipes_to_run`",
            )

    # ---- training rows -----------------------------------------------------------------------------------------

    def traces(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: the shard's traces; none for a recipe without summaries."""
        return [_SHARD.format("traces")] if self._has_summaries(wildcards.recipe) else []

    def summarized(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: the shard's summarized rows; none for a recipe without summaries."""
        return [_SHARD.format("summarized")] if self._has_summaries(wildcards.recipe) else []

    def tokenizer(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: what counts the tokens of solutions, where a recipe bounds them."""
        if self._recipes[wildcards.recipe]["sft"]["max_tokens"] is None:
            return []
        return self._settings.tokenizer_file(self._recipes.model(wildcards.recipe, "generate_solutions").tokenizer)

    def summary_flags(self, wildcards: InRecipe, input: Any) -> str:
        """A param of a rule: the new summaries that prepare_sft.py takes."""
        if not self._has_summaries(wildcards.recipe):
            return ""
        return flags({"traces": input.traces, "summarized": input.summarized})

    def summary_model(self, wildcards: InRecipe) -> str:
        """A param of a rule: who wrote them, as a flag."""
        if not self._has_summaries(wildcards.recipe):
            return ""
        return flags({"summary_model": self._recipes.model(wildcards.recipe, "generate_summaries").identity})

    def bounds(self, wildcards: InRecipe) -> str:
        """A param of a rule: which solutions become training rows, as flags of prepare_sft.py."""
        bounds = dict(self._recipes[wildcards.recipe]["sft"])
        reasoning = "--require-reasoning " if bounds.pop("require_reasoning") else ""
        reasoning += "--require-checkable " if bounds.pop("require_checkable", False) else ""
        return reasoning + flags(bounds)

    def tokenizer_flag(self, wildcards: InRecipe, input: Any) -> str:
        """A param of a rule: `--tokenizer FILE`, or nothing."""
        return f"--tokenizer {input.tokenizer}" if input.tokenizer else ""

    def shards(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the training rows of all shards of a recipe, in order."""
        folder = f"results/{wildcards.run}/{wildcards.recipe}/sft"
        return [f"{folder}/{shard}.jsonl" for shard in self._recipes.shards(wildcards.recipe)]

    # ---- datasets ----------------------------------------------------------------------------------------------

    def counts(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the counts of all CPU stages that led to a recipe's rows, in order."""
        run = f"results/{wildcards.run}"
        return [f"{run}/counts/{stage}.json" for stage in self._problem_counts()] + [
            f"{run}/{recipe}/counts/{stage}/{shard}.json"
            for recipe, stage in self._cpu_stages(wildcards.recipe)
            for shard in self._recipes.shards(recipe)
        ]

    def _cpu_stages(self, recipe: str) -> list[tuple[str, str]]:
        """(recipe, stage) of the CPU stages that led to a recipe's rows; solutions that are compared are of others."""
        if self._recipes.is_selection(recipe):
            found = [pair for source in self._sources(recipe) for pair in self._cpu_stages(source)]
            made = [(name, stage) for name, stage in found if stage != "prepare_sft"]
            wrong = [(source, stage) for source in self._sources(recipe) for stage in _WRONG_COUNTS]
            return [*made, *wrong, *((recipe, stage) for stage in _SELECTION_COUNTS)]
        code = _CODE_COUNTS if self._recipes[recipe]["mode"] == "tir" else ()
        votes = _VOTE_COUNTS if self._recipes.votes_on_code(recipe) else ()
        summaries = _SUMMARY_COUNTS if self._has_summaries(recipe) else ()
        return [(recipe, stage) for stage in (*_SOLUTION_COUNTS, *code, *votes, *summaries, "prepare_sft")]

    def models(self, wildcards: OfRecipe) -> list[str]:
        """A param of a rule: `stage=model` for every model stage, in order; `recipe/stage=model` of other recipes."""
        return [f"{stage}={model.identity}" for stage, model in self._models(wildcards.recipe).items()]

    def authored(self, wildcards: OfRecipe) -> str:
        """A param of a rule: a flag where people authored the replies that rows were made of."""
        return "--authored" if self._is_authored(wildcards.recipe) else ""

    @property
    def all_authored(self) -> str:
        """The same for the joined dataset, if that is so of any recipe."""
        return "--authored" if any(map(self._is_authored, self._recipes.to_run)) else ""

    def _is_authored(self, recipe: str) -> bool:
        return any(model.server == "replay" for model in self._models(recipe).values())

    def _models(self, recipe: str) -> dict[str, ModelSpec]:
        models = {stage: self._settings.model(stage) for stage in self._problem_prompts()}
        for source in self._sources(recipe):
            models |= {
                f"{source}/{stage}": self._recipes.model(source, stage) for stage in self._recipes.model_stages(source)
            }
        own = [stage for stage in self._recipes.model_stages(recipe) if stage not in _FOR_OTHERS]
        return models | {stage: self._recipes.model(recipe, stage) for stage in own}

    def prompts(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the prompt files of all model stages, in order."""
        names = [name for of_stage in self._problem_prompts().values() for name in of_stage]
        files = [f"prompts/{name}.yaml" for name in names]
        for recipe in (*self._sources(wildcards.recipe), wildcards.recipe):
            files += self._own_prompts(recipe)
        return list(dict.fromkeys(files))

    def _own_prompts(self, recipe: str) -> list[str]:
        own = f"prompts/{self._recipes[recipe]['prompt']}.yaml"
        if self._recipes.is_selection(recipe):
            return [own, _SELECTION_SUMMARY_PROMPT]
        votes = _VOTE_PROMPTS if self._recipes.votes_on_code(recipe) else ()
        return [own, "prompts/match_answers.yaml", "prompts/judge_answers.yaml", *votes] + [
            _SUMMARY_PROMPT
        ] * self._has_summaries(recipe)

    @property
    def joined(self) -> list[str]:
        """The folder that joins the datasets of all recipes of a run, as a list of inputs: empty without recipes."""
        return [f"results/{self._settings.run}/dataset"] if self._recipes.to_run else []

    def datasets(self, wildcards: object) -> list[str]:
        """Input of a rule: the dataset folders of all recipes of a run."""
        return [f"results/{self._settings.run}/{recipe}/dataset" for recipe in self._recipes.to_run]

    def subsets(self, wildcards: object) -> list[str]:
        """A param of a rule: `subset/recipe=folder` for each of them; a subset is what a mode makes."""
        modes = {recipe: self._recipes[recipe]["mode"] for recipe in self._recipes.to_run}
        return [f"{mode}/{recipe}=results/{self._settings.run}/{recipe}/dataset" for recipe, mode in modes.items()]

    def card_license(self, wildcards: OfRecipe) -> str:
        """A param of a rule: `--license NAME`, or nothing."""
        return flags({"license": self._publish["license"]})

    def gates(self, wildcards: OfRecipe, input: Any) -> str:
        """A param of a rule: bounds on what was measured, and what planted instructions did, as flags of
        write_dataset.py."""
        return flags(self._settings.config["gates"] | {"planted": str(input.planted) if input.planted else None})

    def repo_flags(self, wildcards: OfRecipe) -> str:
        """A param of a rule: where a recipe's dataset is published, and who may read it."""
        repo = self._publish["repo"]
        name = None if repo is None else repo.replace("{recipe}", wildcards.recipe)
        return flags({"repo": name}) + ("" if self._publish["private"] else " --public")

    def published(self, wildcards: object) -> list[str]:
        """Input of a rule: the receipts of all recipes that a run makes.

        Raises UserError if repository or token are missing: before the first job, not after the last.
        """
        if self._publish["repo"] is None:
            raise UserError("no repository is named", remedy="set `publish: {repo: owner/name-{recipe}}` in config")
        name = self._publish["token_env"]
        if not os.environ.get(name, "").strip():
            raise UserError(
                f"there is no token: the environment variable {name} is not set",
                remedy=f"set {name} to a hub token that may write; `snakemake publish_plan` needs none",
            )
        run = self._settings.run
        return [f"results/{run}/{recipe}/published.json" for recipe in self._recipes.to_run]

    def _has_summaries(self, recipe: str) -> bool:
        return self._recipes.has_summaries(recipe)

    def _sources(self, recipe: str) -> list[str]:
        """The recipes whose solutions a recipe compares; none for one that solves problems itself."""
        return list(self._recipes[recipe]["candidates"]["from"]) if self._recipes.is_selection(recipe) else []

    def _problem_counts(self) -> list[str]:
        if self._settings.starts_from_problems:
            return ["read_problems", "decontaminate"]
        left_out = frozenset() if self._settings.config["problems"]["use_converted_proofs"] else _PROOF_STAGES
        return [stage for stage in _PROBLEM_COUNTS if stage not in left_out]

    def _problem_prompts(self) -> dict[str, tuple[str, ...]]:
        asked = self._settings.asking_stages
        return {stage: names for stage, names in _PROBLEM_PROMPTS.items() if stage in asked}
