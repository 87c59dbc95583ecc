"""What the report of a recipe tells, from the run's counts and the figures of its rows (omr/training/figures.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omr.asking.prompts import Prompt, load_prompt
from omr.config.recipes import Recipes
from omr.config.row_models import Authored, authored, row_models, summary_models
from omr.config.settings import Settings
from omr.config.stages import unused_by_problems, unused_by_recipe
from omr.files.jsonl import Row
from omr.models.model import ModelSpec
from omr.report.words import PROBLEM_STEPS, RECIPE_STEPS, SELECTION_STEPS, Step
from omr.runs.costs import gpu_hours, usd
from omr.runs.counts import PROBLEM_STAGES, Counts, ModelUse, RunCounts, read_counts, summed
from omr.solutions.solution_figures import SolutionFigures, length_step
from omr.training.figures import Figures, read_figures

#: How reasons of comparisons begin to which there is no reply.
_NO_REPLY = ("no_reply", "request_failed_")


@dataclass
class Product:
    """Figures of the training rows, and a few of them: the same ones for the same ids, however often they are made."""

    rows: int = 0
    problems: int = 0
    lengths: Counter[int] = field(default_factory=Counter)  # characters of the solution, to two digits -> rows
    problem_types: Counter[str] = field(default_factory=Counter)
    samples: list[Row] = field(default_factory=list)
    dropped: Mapping[str, Sequence[Row]] = field(default_factory=dict)  # by reason, see omr/training/dropped_samples.py


@dataclass(frozen=True)
class Cost:
    """A model stage with its cost; None where nobody knows: config has no price or no speed, or others own the GPUs."""

    use: ModelUse
    gpu_hours: float | None
    usd: float | None
    is_authored: bool = False  # people wrote what a server repeats


@dataclass(frozen=True)
class Compared:
    """A recipe of the run beside the others, as far as it was made; None is not known, or not made yet.

    `solutions` counts replies, `right` those that were judged right; of a recipe that compares solutions its choices.
    """

    recipe: str
    mode: str
    model: str
    problems: int | None
    solutions: int | None
    right: int | None
    rows: int | None
    costs: Sequence[Cost]


@dataclass(frozen=True)
class ReportData:
    """Everything on the page. Stages that have not run, and files that are not there, are None or empty."""

    run: str
    recipe: str
    settings: dict[str, Any]  # the recipe's part of config
    model: ModelSpec
    steps: list[tuple[Step, Counts]]
    stages: dict[str, Counts]  # all CPU stages, also those that are no step
    costs: list[Cost]
    contamination: dict[str, Any] | None
    planted: dict[str, Any] | None  # what planted instructions did, see measure_instructions.py
    solutions: SolutionFigures | None
    product: Product | None
    compared: Sequence[Compared]
    prompts: Sequence[Prompt]
    authored: Authored
    summary_models: Mapping[str, str]  # of a recipe that compares solutions, by the recipes that they are of

    @property
    def is_selection(self) -> bool:
        """Whether the recipe compares solutions of others."""
        return bool(self.settings["mode"] == "genselect")

    @property
    def starts_from_problems(self) -> bool:
        """Whether problems were given, so that there were no threads."""
        return "read_problems" in self.stages

    @property
    def origin(self) -> str:
        """What the rows were made of, in words."""
        return "given mathematics problems" if self.starts_from_problems else "forum threads about mathematics"

    @property
    def problems_asked(self) -> int | None:
        """The problems that the recipe's model was asked to solve; None where nobody has counted them."""
        voted = self.stages.get("fill_majority_answer")
        return None if voted is None else asked_of(voted)


def collect(
    folder: Path, recipe: str, settings: Settings, recipes: Recipes, prompts: Sequence[Path], samples: int
) -> ReportData:
    """Read everything about a recipe of the run in `folder`; `samples` rows of the product are kept."""
    counts = RunCounts(folder, settings, recipes)
    stages: dict[str, Counts | None] = {}
    for name in (step.stage for step in PROBLEM_STEPS):
        stages[name] = counts.stage(name)
    own = SELECTION_STEPS if recipes.is_selection(recipe) else RECIPE_STEPS
    for name in (*(step.stage for step in own), "select_judgements", "select_summary_judgements"):
        stages[name] = counts.stage(name, recipe)
    unused = unused_by_problems(settings) | unused_by_recipe(recipes, recipe)
    found = {name: stage for name, stage in stages.items() if stage is not None and name not in unused}
    if recipes.is_selection(recipe):
        of_sources = _of_sources(counts, "merge_wrong_summaries", recipes[recipe])
        found |= {} if of_sources is None else {"merge_wrong_summaries": of_sources}
    report, planted = folder / "contamination" / "report.json", folder / "planted" / "report.json"
    paths = [folder / recipe / "figures" / f"{shard}.json" for shard in recipes.shards(recipe)]
    figures = read_figures(paths) if all(path.exists() for path in paths) else None
    return ReportData(
        run=settings.run,
        recipe=recipe,
        settings=dict(recipes[recipe]),
        model=recipes.model(recipe, recipes.model_stages(recipe)[0]),
        steps=[(step, found[step.stage]) for step in (*PROBLEM_STEPS, *own) if step.stage in found],
        stages=found,
        costs=list(_costs(counts, recipe, settings, recipes)),
        contamination=read_counts(report) if report.exists() else None,
        planted=read_counts(planted) if settings.plants_instructions and planted.exists() else None,
        solutions=None if figures is None else figures.solutions,
        product=None if figures is None else product_of(figures, samples),
        compared=[_compared(counts, name, settings, recipes) for name in _compared_recipes(recipe, recipes)],
        prompts=[load_prompt(path) for path in prompts],
        authored=authored(row_models(settings, recipes, recipe)),
        summary_models=summary_models(recipes, recipe),
    )


def asked_of(first: Counts) -> int:
    """The problems that a recipe's model was asked about, by the counts of what reads its solutions first."""
    return int(first["read"] - first["dropped"].get("not_asked", 0))


def _of_sources(counts: RunCounts, stage: str, settings: Mapping[str, Any]) -> Counts | None:
    """The counts of a stage, summed over the recipes whose solutions are compared; None unless it has run in all."""
    parts = [counts.stage(stage, source) for source in settings["candidates"]["from"]]
    return None if None in parts else summed(part for part in parts if part is not None)


def _compared_recipes(recipe: str, recipes: Recipes) -> list[str]:
    return list(dict.fromkeys([*recipes.to_run, recipe]))


def _compared(counts: RunCounts, name: str, settings: Settings, recipes: Recipes) -> Compared:
    recipe, stages = recipes[name], recipes.model_stages(name)
    if recipes.is_selection(name):
        first, judged = counts.stage("form_groups", name), counts.stage("parse_selections", name) or {}
        solutions, right = (choices_of(judged), judged["passed"]) if judged else (None, None)
        last = counts.stage("prepare_selections", name)
    else:
        first, judged = counts.stage("fill_majority_answer", name), counts.stage("merge_judgements", name) or {}
        solutions, last = None if first is None else solutions_of(first), counts.stage("prepare_sft", name)
        right = judged.get("judgement", {}).get("yes", 0) if judged else None
    return Compared(
        recipe=name,
        mode=recipe["mode"],
        model=recipes.model(name, stages[0]).path,
        problems=None if first is None else asked_of(first),
        solutions=solutions,
        right=right,
        rows=None if last is None else last["written"],
        costs=[cost for cost in _costs(counts, name, settings, recipes) if cost.use.stage not in PROBLEM_STAGES],
    )


def solutions_of(majority: Counts) -> int:
    """The solutions of a recipe, from the counts of fill_majority_answer: replies, whole or cut. A request that failed
    for good has none."""
    endings: Mapping[str, int] = majority.get("solutions", {})
    return sum(n for ending, n in endings.items() if ending != "failed")


def choices_of(selections: Counts) -> int:
    """The choices of a recipe, from the counts of parse_selections: replies, also those that could not be read."""
    without: int = sum(n for reason, n in selections["dropped"].items() if reason.startswith(_NO_REPLY))
    return int(selections["read"]) - without


def _costs(counts: RunCounts, recipe: str, settings: Settings, recipes: Recipes) -> Iterator[Cost]:
    for stage in (*settings.asking_stages, *recipes.model_stages(recipe)):
        of_recipe = stage not in PROBLEM_STAGES
        use = counts.model_use(stage, recipe if of_recipe else None)
        if use is not None:
            yield cost_of(use, recipes.model(recipe, stage) if of_recipe else settings.model(stage))


def cost_of(use: ModelUse, spec: ModelSpec) -> Cost:
    """The cost of what a model did: GPU-hours as they were held, or from its speed where nothing says that."""
    hours = use.gpu_s / 3600 if use.gpu_s else gpu_hours(spec, use.prompt_tokens, use.completion_tokens)
    money = usd(spec, use.prompt_tokens, use.completion_tokens, hours)
    # A price per token says nothing of tokens that nobody counted.
    is_known = not use.without_usage or spec.is_started
    return Cost(use, hours if spec.is_started else None, money if is_known else None, spec.is_authored)


def product_of(figures: Figures, samples: int) -> Product:
    """Figures of training rows as the page has them, with so many samples at most."""
    lengths = Counter[int]()
    for length, rows in figures.characters.bins.items():
        step = length_step(length)
        lengths[length // step * step] += rows
    types = figures.values["problem_type"]
    return Product(figures.rows, figures.problems, lengths, types, figures.samples[:samples], figures.dropped)
