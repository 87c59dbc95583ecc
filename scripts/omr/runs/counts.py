"""The counts of a run, read back: of CPU stages (rows) and of model stages (requests, tokens, time), shards summed.

Which shards make up a stage is told by their names, which come from config: left-overs of another number of shards or
seeds do not count. What has not run yet is simply not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from omr.errors import UserError
from omr.files.jsonl import open_for_reading
from omr.files.numbers import number
from omr.replies.progress_file import progress_path, read_progress
from omr.servers.full_load import FullLoad

if TYPE_CHECKING:
    # With all that config knows of, which many who read counts never need.
    from omr.config.recipes import Recipes
    from omr.config.settings import Settings

Counts = dict[str, Any]

#: Model stages of recipes, in running order (which of them a recipe has, `Recipes.model_stages` says); those of the
#: problems are in `PROBLEM_STAGES`.
RECIPE_STAGES = (
    "generate_solutions",
    "match_answers",
    "judge_answers",
    "judge_code",
    "generate_summaries",
    "judge_summaries",
    "generate_wrong_summaries",
    "select_solutions",
    "generate_selection_summaries",
)
PROBLEM_STAGES = (
    "extract_problems",
    "classify_problems",
    "extract_answers",
    "convert_proofs",
    "classify_converted",
    "check_contamination",
    "extract_planted_problems",
    "extract_planted_answers",
)


def read_counts(path: Path) -> Counts:
    """A counts file. Raises UserError if it holds no JSON object."""
    with open_for_reading(path) as handle:
        try:
            counts = orjson.loads(handle.read())
        except orjson.JSONDecodeError:
            counts = None
    if not isinstance(counts, dict):
        raise UserError("a JSON object was expected", file=path, remedy="delete this file and run again")
    return counts


def summed(parts: Iterable[Mapping[str, Any]]) -> Counts:
    """The sum of counts: numbers are added, objects key by key; of anything else the first is kept."""
    total: Counts = {}
    for part in parts:
        for key, value in part.items():
            known = total.get(key)
            if isinstance(value, dict):
                total[key] = summed([known or {}, value])
            elif isinstance(value, int | float) and not isinstance(value, bool):
                total[key] = (known or 0) + value
            else:
                total.setdefault(key, value)
    return total


def gpu_seconds(found: Mapping[str, Any], seconds: str, gpus: float) -> float:
    """GPU seconds as counts or what lies beside replies tell them; of an older version's, its `seconds` on so many
    GPUs."""
    return number(found, "gpu_s") if "gpu_s" in found else number(found, seconds) * gpus


@dataclass
class ModelUse:
    """What one model did for one stage. `shards_done` of `shards` have finished."""

    stage: str
    model: str
    shards: int
    shards_done: int = 0
    requests: int = 0
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    finish_reasons: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0  # of the prompts', of solutions with code
    without_usage: int = 0
    code: Counts = field(default_factory=dict)  # of solutions with code, see omr/replies/usage.py
    wall_s: float = 0.0
    gpu_s: float = 0.0
    latency_s: float = 0.0
    reply_bytes: int = 0
    full_load: FullLoad = field(default_factory=FullLoad)
    starts: int = 0  # of servers, where the jobs say how long those took
    start_s: float = 0.0
    started_gpus: set[int] = field(default_factory=set)  # sizes of these servers
    measured_gpus: set[int] = field(default_factory=set)  # sizes of the servers that `full_load` is about
    #: Seconds ("held_s", "gpu_s") and tokens that went into replies which are asked anew since, in none of the above.
    superseded: Counts = field(default_factory=dict)

    def tokens(self, kind: str) -> tuple[int | None, bool]:
        """(tokens of a kind, `prompt_tokens` or `completion_tokens`; whether there were more that nobody counted).

        None where the server counted none: unknown is not zero.
        """
        counted = int(getattr(self, kind))
        return (None if self.without_usage and self.without_usage >= self.answered else counted), self.without_usage > 0

    @property
    def is_complete(self) -> bool:
        return self.shards_done == self.shards

    def add(self, counts: Counts, reply_bytes: int) -> None:
        """Add the counts of one shard, as generate.py writes them."""
        self.shards_done += 1
        self.reply_bytes += reply_bytes
        for name in ("requests", "answered", "prompt_tokens", "completion_tokens", "cached_tokens", "without_usage"):
            setattr(self, name, getattr(self, name) + counts.get(name, 0))
        self.code = summed([self.code, counts.get("code", {})])
        self.superseded = summed([self.superseded, counts.get("superseded", {})])
        self.failed.update(counts.get("failed", {}))
        self.finish_reasons.update(counts.get("finish_reasons", {}))
        self.wall_s += counts.get("wall_s", 0.0)
        self.gpu_s += gpu_seconds(counts, "wall_s", number(counts, "gpus"))
        self.latency_s += counts.get("latency_s", 0.0)
        if "starts" in counts:
            self.starts += counts["starts"]
            self.start_s += counts["start_s"]
            self.started_gpus.update(counts.get("started_gpus", [counts.get("gpus", 0)]))
        if "full_load" in counts:
            self.full_load.add(FullLoad.read(counts["full_load"]))
            self.measured_gpus.update(counts.get("measured_gpus", [counts.get("gpus", 0)]))


class Plan(NamedTuple):
    """Files that Snakemake is about to make, and those of them for which no stored reply serves."""

    files: frozenset[str] = frozenset()
    anew: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path) -> Plan:
        """From what `as_bytes` gave."""
        found = orjson.loads(path.read_bytes())
        return cls(frozenset(found["files"]), frozenset(found["anew"]))

    def as_bytes(self) -> bytes:
        return orjson.dumps({"files": sorted(self.files), "anew": sorted(self.anew)})


class Again(NamedTuple):
    """Finished shards of a model stage that are asked again, and how many of their requests no stored reply answers."""

    shards: int = 0
    requests: int = 0


class RunCounts:
    """The counts of the run in `folder`, as `settings` and `recipes` describe it; `plan` where Snakemake has one."""

    def __init__(self, folder: Path, settings: Settings, recipes: Recipes, plan: Plan | None = None) -> None:
        self.folder = folder
        self._plan = plan
        self._settings = settings
        self._recipes = recipes

    def knows(self, recipe: str | None) -> bool:
        """Whether this run's config has the recipe; another's need not."""
        return recipe is None or recipe in self._settings.config["recipes"]

    @property
    def merging_stage(self) -> str:
        """The stage that makes merged.jsonl in this run."""
        return self._settings.merging_stage

    def stage(self, name: str, recipe: str | None = None) -> Counts | None:
        """The counts of a CPU stage; None if it (or one of its shards) has not run."""
        if not self.knows(recipe):
            return None
        if recipe is None:
            path = self.folder / "counts" / f"{name}.json"
            return read_counts(path) if path.exists() else None
        single = self.folder / recipe / "counts" / f"{name}.json"
        if single.exists():
            return read_counts(single)
        paths = [self.folder / recipe / "counts" / name / f"{shard}.json" for shard in self._recipes.shards(recipe)]
        return summed(map(read_counts, paths)) if all(path.exists() for path in paths) else None

    def model_use(self, stage: str, recipe: str | None = None) -> ModelUse | None:
        """What the model of a stage did in the shards that have run; None if none has."""
        if not self.knows(recipe):
            return None
        pairs = self.shard_files(stage, recipe)
        done = [(counts, replies) for counts, replies in pairs if counts.exists()]
        if not done:
            return None
        read = [(read_counts(counts), replies) for counts, replies in done]
        use = ModelUse(stage, " + ".join(dict.fromkeys(counts["model"] for counts, _ in read)), len(pairs))
        for counts, replies in read:
            use.add(counts, replies.stat().st_size if replies.exists() else 0)
        return use

    def asked_again(self, stage: str, recipe: str | None, identity: str) -> Again:
        """What of a stage is done and yet to be asked again, now that its model is `identity`.

        Without a plan only the model tells: counts do not know their prompt and parameters.
        """
        shards = requests = 0
        for path in (counts for counts, _ in self.shard_files(stage, recipe) if counts.exists()):
            counts = read_counts(path)
            is_other = counts.get("served", identity) != identity
            is_planned = is_other if self._plan is None else str(path) in self._plan.files
            shards += is_planned
            if is_planned and (is_other or (self._plan is not None and str(path) in self._plan.anew)):
                requests += counts.get("requests", 0)
        return Again(shards, requests)

    def begun_requests(self, stage: str, recipe: str | None) -> int:
        """Requests of shards that are not done which have a reply already, as their jobs said."""
        begun = 0
        for counts, replies in self.shard_files(stage, recipe):
            if not counts.exists():
                with suppress(OSError):
                    found = read_progress(progress_path(replies))
                    begun += 0 if found is None else found.done
        return begun

    @cached_property
    def all_uses(self) -> list[ModelUse]:
        """What was done for all model stages of the run, as far as they have run."""
        asked: list[tuple[str, str | None]] = [(stage, None) for stage in PROBLEM_STAGES]
        recipes = self._recipes
        asked += [(stage, recipe) for recipe, stages in recipes.stages_asked.items() for stage in stages]
        return [use for stage, recipe in asked if (use := self.model_use(stage, recipe)) is not None]

    def shard_files(self, stage: str, recipe: str | None) -> Sequence[tuple[Path, Path]]:
        """(counts file, replies file) of every shard that config asks for."""
        if recipe is None:
            names = self._settings.shards(stage)
            folders = [(self.folder / "counts" / stage, self.folder / "replies" / stage)]
        else:
            home, names = self.folder / recipe, self._recipes.shards(recipe)
            replies = [home / folder for folder in self._recipes.reply_folders(recipe, stage)]
            # Seeds and parts have folders of their own, in the counts too.
            counts = home / "counts" / stage
            folders = [(counts / (path.name if path.name != stage else ""), path) for path in replies]
        return [(counts / f"{name}.json", replies / f"{name}.jsonl") for counts, replies in folders for name in names]
