"""One view of a whole run: all its model stages, what Snakemake does, what is spent, and what it will take.

Everything is read from small files: counts of finished shards, what jobs say of themselves, the estimate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from omr.asking.budget import Budget, bounds_of
from omr.config.files import CONFIG_FILES, merge, read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from omr.live.estimated import Estimated, read_estimate
from omr.live.jobs_file import JobsSeen, read_jobs
from omr.live.signs import AskedQueue, Signs
from omr.live.stage import STATES, StageProgress, StageReader
from omr.models.model import ModelSpec
from omr.runs.costs import is_free
from omr.runs.counts import PROBLEM_STAGES, RunCounts
from omr.runs.failed_nodes import told_of_nodes
from omr.runs.queue_reasons import sentences
from omr.runs.run_folder import check_run
from omr.runs.spent import Spent, spent_besides, summed_by_model, usd_of


class Otherwise(NamedTuple):
    """What went into shards that config does not ask for any more."""

    gpu_hours: float = 0.0
    usd: float | None = 0.0


@dataclass
class RunProgress:
    """A run at one moment. Money and hours are None where they are not known. What is spent is all that the run has
    ever spent, also `spent_otherwise`."""

    run: str
    stages: list[StageProgress]
    jobs: JobsSeen | None
    budget: dict[str, float]
    used_up: str | None
    gpu_hours: float
    usd: float | None
    estimated: Estimated | None
    costs_nothing: bool  # asking its models takes neither GPUs nor money, as in the demo
    taken_at: float
    spent_otherwise: Otherwise = field(default_factory=Otherwise)
    queue: dict[str, int] = field(default_factory=dict)  # Slurm's jobs of the run by their states
    waits: list[str] = field(default_factory=list)  # what its jobs in the queue wait for, where it is not their turn
    nodes: list[str] = field(default_factory=list)  # on which nodes its jobs failed, and what follows from it
    faults: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return all(stage.is_complete for stage in self.stages)

    @property
    def gpus(self) -> int:
        """GPUs that model jobs hold now."""
        return sum(stage.gpus for stage in self.stages)

    def requests(self, stage: StageProgress) -> tuple[int | None, bool]:
        """(requests of all shards of a stage, whether that is a guess): by its other shards, or by the estimate; None
        where nothing tells."""
        known = stage.shards.total() - stage.unknown_shards
        if not stage.unknown_shards:
            return stage.total, False
        if known:
            return round(stage.total * stage.shards.total() / known), True
        guess = self.estimated.requests(stage.stage, stage.recipe) if self.estimated is not None else None
        return guess, True

    def left_s(self, stage: StageProgress) -> float | None:
        """Seconds until a stage is done, at the speed of now; before it begins, with as many GPUs as the run holds now,
        or as fast as its model answers other stages now. None if that is unknown."""
        if stage.is_complete:
            return 0.0
        total, _ = self.requests(stage)
        if total is not None and stage.rows_per_s > 0:
            return max(0, total - stage.done) / stage.rows_per_s
        if self.estimated is None:
            return None
        share = 1.0 if not total else max(0, total - stage.done) / total
        hours = self.estimated.gpu_hours(stage.stage, stage.recipe)
        if hours and self.gpus:
            return hours * share * 3600 / self.gpus
        tokens = self.estimated.completion_tokens(stage.stage, stage.recipe)
        speed = sum(other.tokens_per_s for other in self.stages if other.model == stage.model)
        return tokens * share / speed if tokens is not None and speed > 0 else None

    @property
    def all_left_s(self) -> tuple[float, bool]:
        """(seconds until the last model stage is done, if one follows the other; whether stages are left out because
        theirs is unknown)."""
        left = [self.left_s(stage) for stage in self.stages]
        return sum(one or 0.0 for one in left), any(one is None for one in left)

    def as_json(self) -> dict[str, Any]:
        left, more = self.all_left_s
        return {
            "run": self.run,
            "taken_at": self.taken_at,
            "is_complete": self.is_complete,
            "stages": [self._stage(stage) for stage in self.stages],
            "spent": {"gpu_hours": self.gpu_hours, "usd": self.usd},
            "spent_otherwise": self.spent_otherwise._asdict(),
            "estimate": None
            if self.estimated is None
            else {"gpu_hours": self.estimated.total("gpu_hours"), "usd": self.estimated.total("usd")},
            "budget": self.budget,
            "budget_used_up": self.used_up,
            "left_s": None if more else left,
            "snakemake": None if self.jobs is None else asdict(self.jobs),
            "slurm": self.queue,
            "slurm_waits": self.waits,
            "nodes": self.nodes,
            "faults": self.faults,
        }

    def _stage(self, stage: StageProgress) -> dict[str, Any]:
        total, is_guess = self.requests(stage)
        return {
            "stage": stage.stage,
            "recipe": stage.recipe,
            "model": stage.model,
            "shards": {state: stage.shards[state] for state in STATES},
            "requests": {"done": stage.done, "total": total, "total_is_a_guess": is_guess},
            "rows_per_s": stage.rows_per_s,
            "tokens_per_s": stage.tokens_per_s,
            "failed": dict(stage.failed),
            "retried_shards": stage.retried,
            "gpu_hours": stage.gpu_s / 3600,
            "left_s": self.left_s(stage),
            "open_shards": [asdict(shard) for shard in stage.open],
        }


class Watched:
    """The run in a folder, to be looked at again and again. Raises UserError if there is none."""

    def __init__(self, folder: Path, config: Mapping[str, Any] | None = None) -> None:
        """`config`: whole; by default that of the command that began last in this folder, which is saved there."""
        check_run(folder)
        self.folder = folder
        self._config = _config_of(folder / "config.yaml") if config is None else config
        self._settings = Settings(self._config)
        self._recipes = Recipes(self._settings)
        self._counts = RunCounts(folder, self._settings, self._recipes)

    @property
    def budget(self) -> dict[str, float]:
        return bounds_of(self._config)

    def look(self, signs: Signs | None = None, asks_queue: bool = True) -> RunProgress:
        """The run as it is now. Slurm is asked where it is there."""
        asked = AskedQueue()
        if asks_queue:
            asked.start(self.folder.stat().st_uid)
        signs = signs or Signs()
        faults: list[str] = []
        jobs = read_jobs(self.folder, signs, faults)
        reader = StageReader(self.folder, signs)
        stages = [reader.read(stage, files) for stage, files in self._stages()]
        if asks_queue:
            signs.queue = asked.read()
        reader.settle()
        if jobs is not None:
            jobs.settle(signs)
        for stage in stages:
            faults += stage.faults
        otherwise = summed_by_model(spent_besides(self.folder, reader.told, faults))
        own = [stage.spent for stage in stages]
        queue_name = jobs.run_id if jobs is not None else ""
        queue = dict(signs.queue.by_name.get(queue_name, {})) if queue_name else {}
        waiting = signs.queue.waiting.get(queue_name, []) if queue_name else []
        return RunProgress(
            run=self._settings.run,
            stages=stages,
            jobs=jobs,
            budget=self.budget,
            used_up=Budget(self._config).used_up(),
            gpu_hours=_gpu_hours([*own, *otherwise]),
            usd=usd_of(self._settings, [*own, *otherwise]),
            spent_otherwise=Otherwise(_gpu_hours(otherwise), usd_of(self._settings, otherwise)),
            estimated=read_estimate(self.folder, faults),
            costs_nothing=all(is_free(self._settings.model_named(stage.model)) for stage in stages),
            taken_at=signs.now,
            queue=queue,
            waits=list(sentences(waiting)),
            nodes=told_of_nodes(self.folder),
            faults=faults + ([signs.queue.fault] if signs.queue.fault and (reader.saw_slurm or queue_name) else []),
        )

    def _stages(self) -> Iterator[tuple[StageProgress, Any]]:
        settings = self._settings
        # In the order in which they run.
        asking = set(settings.asking_stages)
        for stage in (stage for stage in PROBLEM_STAGES if stage in asking):
            spec = settings.model(stage)
            yield _stage(stage, None, spec), self._counts.shard_files(stage, None)
        for recipe, stages in self._recipes.stages_asked.items():
            for stage in stages:
                yield _stage(stage, recipe, self._recipes.model(recipe, stage)), self._counts.shard_files(stage, recipe)


def _gpu_hours(parts: list[Spent]) -> float:
    return sum(part.gpu_s for part in parts) / 3600


def _stage(name: str, recipe: str | None, spec: ModelSpec) -> StageProgress:
    return StageProgress(name, recipe, spec.name, spec.gpus * spec.nodes)


def _config_of(path: Path) -> Mapping[str, Any]:
    """The config of a run; keys that its version did not have are as they are now."""
    config = read_config([path])
    here = [file for file in CONFIG_FILES if Path(file).is_file()]
    try:
        config = merge(read_config(here), config)
    except UserError:  # somebody is editing them
        return config
    return config
