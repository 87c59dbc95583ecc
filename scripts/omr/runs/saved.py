"""Which of a run's files are its own by the config that it saved: others were left by an earlier config.

A run whose config cannot be read has all files that are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from omr.config.files import read_config
from omr.config.recipes import Recipes
from omr.config.seeds import seed_blocks
from omr.config.settings import Settings
from omr.config.stages import unused_by_problems, unused_by_recipe
from omr.errors import UserError
from omr.runs.counts import PROBLEM_STAGES, RECIPE_STAGES

#: Files of rows, or folders with shards of them, by the stages of which one makes them: those of the problems, ...
_BY_PROBLEMS = {
    "raw_aops_data": ("prepare_raw_data",),
    "origins": ("prepare_raw_data",),
    "classified": ("parse_classes",),
    "answers": ("parse_answers",),
    "converted": ("parse_conversions",),
    "proofs": ("parse_proofs",),
}
#: ... and those of recipes. Whatever is not here is made in every run, or where it is asked for by name.
_BY_RECIPES = {
    "solutions": ("fill_majority_answer",),
    "votes": ("fill_majority_answer",),
    "undecided": ("fill_majority_answer",),
    "matches": ("fill_majority_answer",),
    "majority": ("settle_votes",),
    "comparisons": ("select_judgements", "write_comparisons"),
    "judgements": ("select_judgements",),
    "judged": ("merge_judgements",),
    "cleaned": ("clean_code_solutions",),
    "fragments": ("cut_fragments",),
    "selected": ("select_by_code", "parse_selections"),
    "traces": ("select_traces",),
    "summary_candidates": ("select_summary_judgements",),
    "summary_comparisons": ("select_summary_judgements",),
    "summary_judgements": ("select_summary_judgements",),
    "summarized": ("merge_summaries", "merge_selection_summaries"),
    "wrong_traces": ("select_wrong_traces",),
    "wrong_summarized": ("merge_wrong_summaries",),
    "groups": ("form_groups",),
}
_NETS = frozenset({"exact", "ngrams", "tfidf", "embeddings"})
_SHARD, _PART = (re.compile(form) for form in (r"shard-\d+-of-(\d+)", r"part-\d+-of-(\d+)"))
_SEED = "seed-"
_PARTS_OF = {"generate_wrong_summaries": "wrong_parts"}


def _number(form: re.Pattern[str], parts: Iterable[str]) -> int | None:
    return next((int(found[1]) for part in parts if (found := form.match(part))), None)


class Saved:
    """The saved config of a run; `settings` are None where it cannot be read, and `fault` says why."""

    def __init__(self, settings: Settings | None, fault: str = "") -> None:
        """Raises KeyError, TypeError or AttributeError for a config that is not of this version's form."""
        self.settings, self.fault = settings, fault
        self.recipes = None if settings is None else Recipes(settings)
        #: Stages that there are not, of the problems and of every recipe.
        self._unused = frozenset[str]() if settings is None else unused_by_problems(settings)
        self._unused_by: dict[str, frozenset[str]] = {}
        self._known: dict[str, bool] = {}
        if self.recipes is not None:
            for name in self._recipes:
                models = frozenset(RECIPE_STAGES).difference(self.recipes.model_stages(name))
                self._unused_by[name] = unused_by_recipe(self.recipes, name) | models

    @classmethod
    def of(cls, run: Path) -> Saved:
        """That of the run in a folder."""
        path = run / "config.yaml"
        try:
            stat = path.stat()
        except OSError:
            return cls(None, f"{path}: there is no such file")
        return _read(path, stat.st_mtime_ns, stat.st_size)

    @property
    def _recipes(self) -> Mapping[str, Mapping[str, Any]]:
        return {} if self.settings is None else self.settings.config["recipes"]

    @property
    def to_run(self) -> frozenset[str] | None:
        """The recipes that the run makes if no target is named; None where nobody knows."""
        return None if self.settings is None else frozenset(self.settings.config["recipes_to_run"])

    def knows(self, recipe: str) -> bool:
        """Whether the config has the recipe; one that was renamed is there no longer, but its files may be."""
        return self.settings is None or recipe in self._recipes

    def requires_reasoning(self, recipe: str) -> bool:
        """Whether solutions without reasoning are no training rows of a recipe."""
        return bool(self._recipes.get(recipe, {}).get("sft", {}).get("require_reasoning", True))

    def compares(self, recipe: str) -> bool | None:
        """Whether a recipe compares solutions of others; None where nobody knows."""
        return self._recipes[recipe]["mode"] == "genselect" if recipe in self._recipes else None

    def has_stage(self, stage: str, recipe: str | None = None) -> bool:
        """Whether the run (or one of its recipes) has a stage. Of a recipe that the config lacks nobody knows it."""
        if recipe is None:
            return stage not in self._unused
        return stage not in self._unused_by.get(recipe, ())

    def has_file(self, path: str) -> bool:
        """Whether a file, by its path in the run, is one that the config asks for: of a stage that there is, and of as
        many shards, seeds and parts. Of a recipe that the config lacks nobody knows it: see `knows`."""
        if self.settings is None:
            return True
        if path not in self._known:
            first, *rest = path.removesuffix(".journal").split("/")
            of_recipe = bool(rest) and first in self._recipes
            self._known[path] = self._of_recipe(first, rest) if of_recipe else self._of_problems([first, *rest])
        return self._known[path]

    def _of_problems(self, parts: list[str]) -> bool:
        assert self.settings is not None
        names = [part.removesuffix(".jsonl") for part in parts]
        if names[0] == "problems":
            return self.settings.classifies
        if names[0] == "contamination" and names[1:] and names[1] in _NETS:
            return names[1] in self.settings.config["decontaminate"]["nets"]
        if names[0] == "replies" and names[1:] and names[1] in PROBLEM_STAGES:
            shards = _number(_SHARD, names)
            is_asked = names[1] in self.settings.asking_stages
            return is_asked and shards in (None, len(self.settings.shards(names[1])))
        stages = (names[1],) if names[0] == "dropped" and names[1:] else _BY_PROBLEMS.get(names[0], ())
        return not stages or any(map(self.has_stage, stages))

    def _of_recipe(self, recipe: str, parts: list[str]) -> bool:
        settings, names = self._recipes[recipe], [part.removesuffix(".jsonl") for part in parts]
        stages: tuple[str, ...] = _BY_RECIPES.get(names[0], ())
        if names[0] in ("dropped", "replies") and names[1:]:
            stages = (names[1],)
        if stages and not any(self.has_stage(stage, recipe) for stage in stages):
            return False
        seeds = next((name for name in names if name.startswith(_SEED)), None)
        if seeds is not None and seeds.removeprefix(_SEED) not in {block.name for block in seed_blocks(settings)}:
            return False
        part = _number(_PART, names)
        if part is not None and part != settings["summaries"].get(_PARTS_OF.get(names[1], "parts"), 1):
            return False
        return _number(_SHARD, names) in (None, settings["shards"])


@lru_cache(8)
def _read(path: Path, mtime_ns: int, size: int) -> Saved:
    """The config in a file as it is at that time."""
    try:
        return Saved(Settings(read_config([path])))
    except UserError as error:
        return Saved(None, str(error))
    except (KeyError, TypeError, AttributeError) as error:  # of another version, or edited by hand
        return Saved(None, f"{path}: this config lacks something, or has it in another form: {error}")
