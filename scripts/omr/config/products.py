"""What the rules of training rows and datasets ask of the config: their inputs, bounds, and what a card names.

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import orjson

from omr.config.kept import kept_prompt
from omr.config.recipes import Recipes
from omr.config.row_models import authored, problem_prompts, row_models, run_models, sources_of
from omr.config.seeds import ends_of_rounds, is_planned
from omr.config.settings import Settings, flags
from omr.config.stages import unused_by_recipe
from omr.config.wildcards import InRecipe, OfRecipe
from omr.errors import UserError
from omr.models.model import ModelSpec

_SHARD = "results/{{run}}/{{recipe}}/{}/shard-{{shard}}-of-{{shards}}.jsonl"
_SUMMARY_PROMPT, _SELECTION_SUMMARY_PROMPT = "summarize_solution", "summarize_selection"
_VOTE_PROMPTS = ("judge_novelty", "judge_significance")
#: Stages whose counts of an earlier config check_counts.py would take for this one's.
_SWITCHED_OFF = ("select_traces", "merge_summaries", "select_wrong_traces", "merge_wrong_summaries")


class Products:
    """Training rows and datasets of the recipes. Raises UserError for what a schema cannot see."""

    def __init__(self, settings: Settings, recipes: Recipes) -> None:
        self._settings = settings
        self._recipes = recipes
        self._publish: Mapping[str, Any] = settings.config["publish"]
        texts = settings.config["products"]["text_columns"]
        if not {"generated_solution", "messages"} & set(texts):
            what = "`products.text_columns` names neither `generated_solution` nor `messages`"
            raise UserError(what, remedy="name one of them: only rows with code have the others")
        #: A param of the rules of training rows: the columns with whole texts that these have.
        self.text_columns = f"--text-columns {' '.join(texts)}"
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

    def untraced(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: the shard's solutions that have no trace; none for a recipe without summaries."""
        return [_SHARD.format("dropped/select_traces")] if self._has_summaries(wildcards.recipe) else []

    def tokenizer(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: what counts the tokens of solutions, where a recipe bounds them."""
        if self._recipes[wildcards.recipe]["sft"]["max_tokens"] is None:
            return []
        return self._settings.tokenizer_file(self._recipes.model(wildcards.recipe, "generate_solutions").tokenizer)

    def summary_flags(self, wildcards: InRecipe, input: Any) -> str:
        """A param of a rule: the new summaries that prepare_sft.py takes."""
        if not self._has_summaries(wildcards.recipe):
            return ""
        return flags({"traces": input.traces, "summarized": input.summarized, "untraced": input.untraced})

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
        """Input of a rule: the folders of training rows of all shards of a recipe, in order."""
        return self._of_shards(wildcards, "sft/{}")

    def lines(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the same rows as files of JSON Lines."""
        return self._of_shards(wildcards, "sft_lines/{}.jsonl")

    def figures(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the figures of these rows."""
        return self._of_shards(wildcards, "figures/{}.json")

    def _of_shards(self, wildcards: OfRecipe, *patterns: str) -> list[str]:
        folder, shards = f"results/{wildcards.run}/{wildcards.recipe}", self._recipes.shards(wildcards.recipe)
        return [f"{folder}/{pattern.format(shard)}" for pattern in patterns for shard in shards]

    # ---- datasets ----------------------------------------------------------------------------------------------

    def sources(self, wildcards: OfRecipe) -> str:
        """A param of a rule: the recipes whose solutions a recipe compares, and where these go on from, as a flag of
        check_counts.py."""
        found = [f"{name}={self._recipes.kept_by(name)}" for name in self._sources(wildcards.recipe)]
        return f"--sources {' '.join(found)}" if found else ""

    def made(self, wildcards: OfRecipe) -> str:
        """A param of a rule: what a recipe and those whose solutions it compares make by now, as JSON for
        check_counts.py: files of an earlier config lie beside theirs."""
        names = (*self._sources(wildcards.recipe), wildcards.recipe)
        return orjson.dumps({name: self._made(name) for name in names}).decode()

    def _made(self, recipe: str) -> dict[str, Any]:
        recipes, folders = self._recipes, list[str]()
        for stage in recipes.model_stages(recipe):
            names = (path.rpartition("/")[2] for path in recipes.reply_folders(recipe, stage))
            folders += [stage if name == stage else f"{stage}/{name}" for name in names]
        off, rounds = list[str](), 0
        if not recipes.is_selection(recipe):
            unused = unused_by_recipe(recipes, recipe)
            off = [stage for stage in _SWITCHED_OFF if stage in unused]
            rounds = len(ends_of_rounds(recipes[recipe])) if is_planned(recipes[recipe]) else 0
        return {"shards": len(recipes.shards(recipe)), "folders": folders, "off": off, "rounds": rounds}

    def measured(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the counts of the stages that say how a recipe's solutions were judged."""
        return self._of_shards(wildcards, "counts/settle_votes/{}.json", "counts/merge_judgements/{}.json")

    def sources_measured(self, wildcards: OfRecipe) -> list[str]:
        """The same of the recipes whose solutions a recipe compares."""
        sources = self._sources(wildcards.recipe)
        found = (self.measured(SimpleNamespace(run=wildcards.run, recipe=source)) for source in sources)
        return [path for paths in found for path in paths]

    def models(self, wildcards: OfRecipe) -> list[str]:
        """A param of a rule: `stage=model` for every model stage, in order; `recipe/stage=model` of other recipes."""
        return [f"{stage}={model.identity}" for stage, model in self._models(wildcards.recipe).items()]

    def authored(self, wildcards: OfRecipe) -> str:
        """A param of a rule: a flag where people authored the replies that rows were made of, see row_models.py."""
        return authored(self._models(wildcards.recipe)).flag

    @property
    def all_authored(self) -> str:
        """The same for the joined dataset."""
        return authored(run_models(self._settings, self._recipes)).flag

    def _models(self, recipe: str) -> dict[str, ModelSpec]:
        return row_models(self._settings, self._recipes, recipe)

    def prompts(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the prompts of all model stages, in order."""
        names = [name for of_stage in problem_prompts(self._settings).values() for name in of_stage]
        for recipe in (*self._sources(wildcards.recipe), wildcards.recipe):
            names += self._own_prompts(recipe)
        return [kept_prompt(name) for name in dict.fromkeys(names)]

    def _own_prompts(self, recipe: str) -> list[str]:
        own = self._recipes[recipe]["prompt"]
        if self._recipes.is_selection(recipe):
            return [own, _SELECTION_SUMMARY_PROMPT]
        votes = _VOTE_PROMPTS if self._recipes.votes_on_code(recipe) else ()
        return [own, "match_answers", "judge_answers", *votes] + [_SUMMARY_PROMPT] * self._has_summaries(recipe)

    @property
    def of_recipes(self) -> list[str]:
        """What a run makes of each recipe. The rows as one file are for people who asked for it by that name: nothing
        reads it, so nothing waits for it."""
        files = ("sft.jsonl", "dataset", "stages.txt", "report.html")
        return [f"results/{self._settings.run}/{recipe}/{file}" for recipe in self._recipes.to_run for file in files]

    @property
    def joined(self) -> list[str]:
        """The folder that joins the datasets of all recipes of a run, as a list of inputs: empty without recipes."""
        return [f"results/{self._settings.run}/dataset"] if self._recipes.to_run else []

    def datasets(self, wildcards: object) -> list[str]:
        """Input of a rule: the dataset folders of all recipes of a run."""
        return [f"results/{self._settings.run}/{recipe}/dataset" for recipe in self._recipes.to_run]

    def all_figures(self, wildcards: object) -> list[str]:
        """Input of a rule: the figures of the rows of all recipes of a run."""
        run = self._settings.run
        found = (self.figures(SimpleNamespace(run=run, recipe=recipe)) for recipe in self._recipes.to_run)
        return [path for paths in found for path in paths]

    def subsets(self, wildcards: object) -> list[str]:
        """A param of a rule: `subset/recipe=folder` for each of them; a subset is what a mode makes."""
        modes = {recipe: self._recipes[recipe]["mode"] for recipe in self._recipes.to_run}
        return [f"{mode}/{recipe}=results/{self._settings.run}/{recipe}/dataset" for recipe, mode in modes.items()]

    def card_license(self, wildcards: OfRecipe) -> str:
        """A param of a rule: `--license NAME`, or nothing."""
        return flags({"license": self._publish["license"]})

    def gates(self, wildcards: OfRecipe) -> str:
        """A param of a rule: bounds on what was measured, and what planted instructions did, as flags of the commands
        that make products.

        The report is named by config, not by the rule's input: Snakemake does not compare params that depend on inputs,
        and a bound that was tightened would let a dataset stand that it forbids.
        """
        planted = next(iter(self._settings.planted_report), None)
        return flags(self._settings.config["gates"] | {"planted": planted})

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
        return sources_of(self._recipes, recipe)
