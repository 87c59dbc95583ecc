"""What the rules of the solution stages ask of the config: each recipe's files, shards and knobs.

A recipe (`cot-qwq`, ...) is a key of `recipes` in config and the wildcard `{recipe}` of its rules, so that any file of
any recipe is a target by its path. Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from omr.config.kept import kept_prompt
from omr.config.preparation import conda_env, served_manifest
from omr.config.recipe_faults import MODES, fault_of_recipe
from omr.config.seeds import SeedBlock, measure_of, rounds_apart, seed_blocks
from omr.config.settings import DOWNLOADS, Settings, as_json, flags, model_flags, shard_names
from omr.config.wildcards import InRecipe, OfRecipe
from omr.errors import UserError
from omr.models.model import ModelSpec, model_spec
from omr.models.resources import Lent, resources_of
from omr.sandbox.settings import site_settings

#: Where a model stage's settings stand in its recipe; the recipe itself holds those of the stage that it is about.
_SECTIONS = {
    "match_answers": ("judge",),
    "judge_answers": ("judge",),
    "judge_code": ("code_filter", "novelty"),
    "generate_summaries": ("summaries",),
    "judge_summaries": ("judge",),
    "generate_wrong_summaries": ("summaries",),
    "generate_selection_summaries": ("summaries",),
}
#: Stages whose replies are verdicts, and are asked again where they cannot be read.
_LABELLING = frozenset({"judge_answers", "judge_code", "judge_summaries", "match_answers"})
#: What prepare_sandbox.py writes.
SANDBOX = f"results/{DOWNLOADS}/sandbox.json"
#: The model stages of a recipe that pass rates come from.
_RATED = ("generate_solutions", "match_answers", "judge_answers")
Knob = Callable[..., Any]


class Recipes:
    """The recipes of a validated config. Raises UserError for what a schema cannot see."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._config = settings.config
        self._recipes: Mapping[str, Mapping[str, Any]] = self._config["recipes"]
        for name, recipe in self._recipes.items():
            fault = fault_of_recipe(name, recipe, self._recipes)
            if fault is not None:
                raise UserError(f"the recipe {name!r} {fault}", remedy="mend it under `recipes` in config")
        unknown = [name for name in self._config["recipes_to_run"] if name not in self._recipes]
        if unknown:
            what = f"`recipes_to_run` names {', '.join(unknown)}, which `recipes` lacks"
            raise UserError(what, remedy=f"there are: {', '.join(self._recipes) or 'none'}")

    @property
    def names(self) -> list[str]:
        """All recipes of config, whether a run makes them or not."""
        return list(self._recipes)

    @property
    def to_run(self) -> list[str]:
        """The recipes that a run makes if no target is named, without those that are left out."""
        return [name for name in self._config["recipes_to_run"] if self.no_sandbox is None or not self.runs_code(name)]

    @cached_property
    def stages_asked(self) -> dict[str, tuple[str, ...]]:
        """The recipes whose models a run of everything asks, each with its model stages.

        Those that it makes, and those that they, or products, take candidates or pass rates from.
        """
        found: dict[str, tuple[str, ...]] = {}
        for name in self.to_run:
            self._add_asked(name, self.model_stages(name), found)
        measures = self._config["difficulty"]["from"] or []
        for name in [measures] if isinstance(measures, str) else measures:
            self._add_asked(name, _RATED, found)
        return found

    def _add_asked(self, name: str, stages: tuple[str, ...], found: dict[str, tuple[str, ...]]) -> None:
        if set(stages) <= set(found.get(name, ())):
            return
        is_new = name not in found
        found[name] = stages
        if self.is_selection(name):
            for source in self[name]["candidates"]["from"]:
                self._add_asked(source, self.model_stages(source), found)
        elif (measure := measure_of(self[name])) is not None:
            self._add_asked(measure, _RATED, found)
        if is_new:
            found[name] = found.pop(name)  # behind what it needs

    @cached_property
    def no_sandbox(self) -> str | None:
        """Why recipes with code are left out of the run: `sandbox.required` is off, and the machine can run none."""
        if self._config["sandbox"]["required"] or not any(map(self.runs_code, self._config["recipes_to_run"])):
            return None
        from omr.sandbox.checks import unavailable  # most runs ask for none of it

        site = self._config["sandbox"]
        # Without both, Snakemake is yet to make its environment.
        is_known = site["python"] is not None or site["container"]
        return unavailable(site_settings(site, site["python"])) if is_known else None

    @property
    def settled_config(self) -> dict[str, Any]:
        """The config as a run uses it: whether code can be run is found out once, when it starts, and not by every job
        and report, which may be on other machines."""
        config = dict(self._config)
        if any(map(self.runs_code, self._config["recipes_to_run"])):
            config |= {"recipes_to_run": self.to_run, "sandbox": {**self._config["sandbox"], "required": True}}
        return config

    @property
    def solving(self) -> list[str]:
        """Those of them that solve problems, and do not compare solutions of others."""
        return [name for name in self.to_run if not self.is_selection(name)]

    @property
    def pattern(self) -> str:
        """A regular expression for the wildcard `{recipe}`; matches nothing if there are no recipes."""
        return self.pattern_of(*MODES)

    def pattern_of(self, *modes: str) -> str:
        """The same for the recipes of some modes: what a rule serves, so that no two rules claim one path."""
        return self.pattern_where(lambda recipe: recipe["mode"] in modes)

    def pattern_where(self, holds: Callable[[Mapping[str, Any]], bool]) -> str:
        """The same for the recipes of which something holds."""
        return "|".join(re.escape(name) for name, recipe in self._recipes.items() if holds(recipe)) or r"(?!)"

    def of_mode(self, mode: str) -> list[str]:
        """The recipes of a mode, whether a run makes them or not."""
        return [name for name, recipe in self._recipes.items() if recipe["mode"] == mode]

    @property
    def with_wrong_summaries(self) -> str:
        """The same for the recipes whose wrong solutions get summaries."""
        return "|".join(re.escape(name) for name in self._recipes if self.wrong_per_problem(name)) or r"(?!)"

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """The settings of a recipe. Raises UserError for an unknown one."""
        if name not in self._recipes:
            raise UserError(
                f"the recipe {name!r} is not in config (known: {', '.join(self._recipes) or 'none'})",
                remedy="add it under `recipes`",
            )
        return self._recipes[name]

    # ---- files -------------------------------------------------------------------------------------------------

    def seeds(self, name: str) -> list[str]:
        """The names in paths of the seeds that a recipe's jobs ask for: `00`, `01`, ..., `04-to-07`, ..."""
        return [block.name for block in seed_blocks(self[name])]

    def block(self, wildcards: InRecipe) -> SeedBlock:
        """The seeds that a job asks for. Raises UserError for those that no job of the recipe asks for."""
        for block in seed_blocks(self[wildcards.recipe]):
            if block.name == wildcards.seed:
                return block
        known = ", ".join(self.seeds(wildcards.recipe))
        raise UserError(f"no job of the recipe {wildcards.recipe!r} asks for the seeds {wildcards.seed}", remedy=known)

    def shards(self, name: str) -> list[str]:
        """The names of a recipe's shards: `shard-000-of-010`, ...; every stage of a recipe has the same ones."""
        return shard_names(self[name]["shards"])

    def parts(self, name: str) -> list[str]:
        """The names of the parts in which each shard's summaries are asked for: `part-00-of-32`, ..."""
        parts = self[name]["summaries"]["parts"]
        return [f"part-{part:02d}-of-{parts:02d}" for part in range(parts)]

    def wrong_parts(self, name: str) -> list[str]:
        """The names of the parts in which the summaries of a shard's wrong solutions are asked for."""
        parts = self[name]["summaries"].get("wrong_parts", 1)
        return [f"part-{part:02d}-of-{parts:02d}" for part in range(parts)]

    def wrong_per_problem(self, name: str) -> int:
        """How many wrong solutions of a problem get summaries, which only recipes that compare solutions need."""
        summaries = self[name]["summaries"]
        return int(summaries.get("wrong_per_problem", 0)) if summaries.get("enabled") else 0

    def final_rows(self, name: str) -> str:
        """The folder whose rows become training rows: `summarized`, or `kept_rows` for a recipe without summaries."""
        return "summarized" if self.has_summaries(name) else self.kept_rows(name)

    def kept_rows(self, name: str) -> str:
        """The folder with the rows of the solutions that go on once they are judged.

        `judged` has all of them, `cleaned` and `selected` those whose code is as a recipe wants it.
        """
        if self[name]["mode"] != "tir":
            return "judged"
        return "selected" if self.votes_on_code(name) else "cleaned"

    def kept_by(self, name: str) -> str:
        """The stage whose rows these are."""
        stages = {"cleaned": "clean_code_solutions", "selected": "select_by_code"}
        return stages.get(self.kept_rows(name), "merge_judgements")

    def votes_on_code(self, name: str) -> bool:
        """Whether a model says of a recipe's code if it was worth running."""
        recipe = self[name]
        return recipe["mode"] == "tir" and bool(recipe["code_filter"]["novelty"]["enabled"])

    def has_summaries(self, name: str) -> bool:
        """Whether texts are written anew; of comparisons they always are."""
        return self.is_selection(name) or bool(self[name]["summaries"]["enabled"])

    def is_selection(self, name: str) -> bool:
        """Whether a recipe compares solutions of others, instead of solving problems."""
        return bool(self[name]["mode"] == "genselect")

    def solutions(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: the solutions of one shard, a file for the seeds of each job."""
        folder = "results/{{run}}/{{recipe}}/solutions/seed-{}/shard-{{shard}}-of-{{shards}}.jsonl"
        return [folder.format(seed) for seed in self.seeds(wildcards.recipe)]

    def judged(self, wildcards: OfRecipe) -> list[str]:
        """Input of a rule: the judged rows of all shards of a recipe, in order."""
        folder = f"results/{wildcards.run}/{wildcards.recipe}/judged"
        return [f"{folder}/{shard}.jsonl" for shard in self.shards(wildcards.recipe)]

    def summaries(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: the candidate summaries of one shard, a file for each part."""
        folder = "results/{{run}}/{{recipe}}/replies/generate_summaries/{}/shard-{{shard}}-of-{{shards}}.jsonl"
        return [folder.format(part) for part in self.parts(wildcards.recipe)]

    def wrong_summaries(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: the candidate summaries of the wrong solutions of one shard, a file for each part."""
        folder = "results/{{run}}/{{recipe}}/replies/generate_wrong_summaries/{}/shard-{{shard}}-of-{{shards}}.jsonl"
        return [folder.format(part) for part in self.wrong_parts(wildcards.recipe)]

    def prompt(self, wildcards: InRecipe) -> str:
        """Input of a rule: the prompt that the recipe's solutions, or comparisons, are asked with."""
        return kept_prompt(self[wildcards.recipe]["prompt"])

    def model_inputs(self, stage: str) -> dict[str, Callable[[InRecipe], list[str]]]:
        """The rule inputs with what the model of a stage needs; see `Settings.inputs_for`."""
        return {name: self._input(name, stage) for name in ("model", "tokenizer", "texts")}

    def _input(self, name: str, stage: str) -> Callable[[InRecipe], list[str]]:
        solves = stage == "generate_solutions"

        def found(of: InRecipe) -> list[str]:
            return self._settings.inputs_for(self.model(of.recipe, stage), solves and self.runs_code(of.recipe))[name]

        return found

    def conda_env(self, stage: str) -> Knob:
        """The environment of a model stage's jobs; see `Settings.conda_env`."""
        return lambda wildcards: conda_env(self._config, self.model(wildcards.recipe, stage))

    @property
    def manifests(self) -> list[str]:
        """The manifests of all models that a run's recipes ask, each once."""
        pairs = [(name, stage) for name, stages in self.stages_asked.items() for stage in stages]
        found = (path for pair in pairs for path in served_manifest(self._config, self.model(*pair)))
        return list(dict.fromkeys(found))

    def all_solutions(self, run: str) -> list[str]:
        """The raw solutions of all recipes that a run makes, as far as they solve problems."""
        return [
            f"results/{run}/{name}/{folder}/{shard}.jsonl"
            for name in self.solving
            for folder in self.reply_folders(name, "generate_solutions")
            for shard in self.shards(name)
        ]

    def all_replies(self, run: str) -> list[str]:
        """Every file of raw replies of a run's recipes: asked for by name, a deleted one is made again."""
        return [
            f"results/{run}/{name}/{folder}/{shard}.jsonl"
            for name, stages in self.stages_asked.items()
            for stage in stages
            for folder in self.reply_folders(name, stage)
            for shard in self.shards(name)
        ]

    def reply_folders(self, name: str, stage: str) -> list[str]:
        """The folders of a recipe, each with a file of replies per shard, that a model stage fills."""
        if stage == "generate_solutions":
            return [f"solutions/seed-{seed}" for seed in self.seeds(name)]
        if stage in ("generate_summaries", "generate_selection_summaries"):
            return [f"replies/{stage}/{part}" for part in self.parts(name)]
        if stage == "generate_wrong_summaries":
            return [f"replies/{stage}/{part}" for part in self.wrong_parts(name)]
        if stage == "judge_answers":
            apart = range(1, rounds_apart(self[name]) + 1)
            return [*(f"replies/{stage}/round-{number:02d}" for number in apart), f"replies/{stage}"]
        return [f"replies/{stage}"]

    def model_stages(self, name: str) -> tuple[str, ...]:
        """The model stages of a recipe, in their order."""
        if self.is_selection(name):
            return ("select_solutions", "generate_selection_summaries")
        summaries = ("generate_summaries", "judge_summaries") if self.has_summaries(name) else ()
        wrong = ("generate_wrong_summaries",) if self.wrong_per_problem(name) else ()
        code = ("judge_code",) if self.votes_on_code(name) else ()
        return ("generate_solutions", "match_answers", "judge_answers", *code, *summaries, *wrong)

    def all_judged(self, run: str) -> list[str]:
        """The judged rows of all recipes that a run makes, as far as they solve problems."""
        return [f"results/{run}/{name}/judged/{shard}.jsonl" for name in self.solving for shard in self.shards(name)]

    # ---- knobs -------------------------------------------------------------------------------------------------

    def model(self, name: str, stage: str) -> ModelSpec:
        """The model that a stage of a recipe asks; judging and summarizing are left to the labelling model."""
        return model_spec(self._config, self._section(name, stage)["model"] or self._config["labelling_model"])

    def knob(self, *keys: str) -> Knob:
        """A param of a rule: the value at a path of keys in the recipe of its wildcards."""

        def value(wildcards: InRecipe) -> Any:
            found: Any = self[wildcards.recipe]
            for key in keys:
                found = found[key]
            return found

        return value

    def repair(self, wildcards: InRecipe) -> str:
        """A param of a rule: when votes replace answers of the forum, as flags; nothing where they never do."""
        repair = self[wildcards.recipe]["majority"].get("repair")
        return flags({"repair_votes": repair["min_votes"], "repair_share": repair["min_share"]}) if repair else ""

    def candidates(self, wildcards: InRecipe) -> str:
        """A param of a rule: flags that ask for every candidate summary of a part, `--seed 0 1 2 3 --shard 7 ...`.

        A part takes its share by the ids of traces, which have nothing to do with the problems' shards.
        """
        seeds = " ".join(map(str, range(self[wildcards.recipe]["summaries"]["candidates"])))
        return f"--seed {seeds} --shard {int(wildcards.part)} --shards {int(wildcards.parts)}"

    def resources(self, stage: str) -> dict[str, Knob]:
        """Resources of a model stage's rule: what its model's server needs, and the code that runs beside it."""
        of_model = resources_of(
            lambda wildcards: self.model(wildcards.recipe, stage),
            lambda wildcards: self._lent(wildcards.recipe, stage),
            self._settings.default_resources,
        )
        return of_model | {"run_config": lambda wildcards: self._settings.config_file}

    def _lent(self, name: str, stage: str) -> Lent | None:
        if stage != "generate_solutions" or not self.runs_code(name):
            return None
        return Lent(self._config["sandbox"]["cores"], self._config["sandbox"]["memory_gb"])

    def runs_code(self, name: str) -> bool:
        """Whether a recipe's solutions run code."""
        return "code" in self[name]

    def sandbox(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: what says where code runs, for a recipe that runs some and a site that does not say it."""
        is_known = self._config["sandbox"]["python"] is not None or self._config["sandbox"]["container"]
        return [SANDBOX] if self.runs_code(wildcards.recipe) and not is_known else []

    def share(self, wildcards: InRecipe) -> str:
        """A param of a rule: which solutions a job makes, and how they run code."""
        seeds = " ".join(f"{seed:02d}" for seed in self.block(wildcards).seeds)
        share = f"--shard {wildcards.shard} --shards {wildcards.shards} --seed {seeds}"
        if not self.runs_code(wildcards.recipe):
            return share
        return f"{share} {flags({'code': as_json(self[wildcards.recipe]['code'])})}"

    def solution_files(self, wildcards: InRecipe, input: Any) -> str:
        """A param of a rule: the files besides rows and prompts that solutions are made with, as flags.

        Apart from what config says of them: Snakemake does not compare params that depend on inputs.
        """
        sandbox = flags({"sandbox": str(input.sandbox) if input.sandbox else None})
        model = self.model(wildcards.recipe, "generate_solutions")
        return f"{model_flags(self._config, model, input)} {sandbox}".strip()

    def asked(self, stage: str) -> dict[str, Knob]:
        """Params of a model stage's rule, see `Settings.asked`: what determines its replies (a change re-runs it)."""
        return {
            "stage": lambda wildcards: stage,
            "model": lambda wildcards: self.model(wildcards.recipe, stage).name,
            "identity": lambda wildcards: self.model(wildcards.recipe, stage).fingerprint,
            "temperature": lambda wildcards: self._section(wildcards.recipe, stage)["temperature"],
            "top_p": lambda wildcards: self._section(wildcards.recipe, stage)["top_p"],
            "max_tokens": lambda wildcards: self._section(wildcards.recipe, stage)["max_tokens"],
            "sampling": lambda wildcards: as_json(self._section(wildcards.recipe, stage)["sampling"]),
            "files": lambda of, input: model_flags(self._config, self.model(of.recipe, stage), input),
            "branch": lambda wildcards: "",
            "again": lambda wildcards: self._settings.again if stage in _LABELLING else "",
        }

    def _section(self, name: str, stage: str) -> Mapping[str, Any]:
        section: Mapping[str, Any] = self[name]
        for key in _SECTIONS.get(stage, ()):
            section = section[key]
        return section
