"""What a run has spent, whatever its config asks for now: read from the small files that lie beside all its replies.

A shard that is done has counts; one that was begun a progress file; and how long its jobs held their machines is kept
beside its replies, also where those are gone. Nobody gets back what went into seeds, recipes or shards that are asked
for no longer. Replies are never read.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from omr.config.settings import Settings
from omr.errors import UserError
from omr.files.numbers import number, read_object, whole
from omr.replies.progress_file import JobProgress, progress_path, read_progress
from omr.runs.costs import usd
from omr.runs.counts import PROBLEM_STAGES, RECIPE_STAGES, gpu_seconds

_TOKENS = ("prompt_tokens", "completion_tokens")
_COUNTS, _PROGRESS, _HELD = ".json", ".jsonl.progress", ".jsonl.held"


class Spent(NamedTuple):
    """What went into one shard, or into several of one model."""

    model: str = ""
    gpu_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    without_usage: int = 0  # replies whose tokens nobody counted

    @property
    def is_nothing(self) -> bool:
        return not any(self[1:])

    def plus(self, other: Spent) -> Spent:
        """Both, of this one's model."""
        prompt, completion = (getattr(self, kind) + getattr(other, kind) for kind in _TOKENS)
        without = self.without_usage + other.without_usage
        return Spent(self.model, self.gpu_s + other.gpu_s, prompt, completion, without)


def spent_by_counts(counts: Mapping[str, Any]) -> Spent:
    """By the counts of a shard that is done: also for replies that are no longer wanted."""
    parts, gpus = (counts, _superseded(counts)), number(counts, "gpus")
    gpu_s = gpu_seconds(parts[0], "wall_s", gpus) + gpu_seconds(parts[1], "held_s", gpus)
    prompt, completion, without = (sum(whole(of, kind) for of in parts) for kind in (*_TOKENS, "without_usage"))
    model = counts.get("model")
    return Spent(model if isinstance(model, str) else "", gpu_s, prompt, completion, without)


def spent_by_progress(found: JobProgress) -> Spent:
    """By what a job says of itself."""
    return Spent(found.model, found.gpu_s, found.prompt_tokens, found.completion_tokens, found.without_usage)


def spent_by_held(held: Mapping[str, Any], gpus: int = 0) -> Spent:
    """By the time that is kept beside replies; `gpus` of a job where an older version wrote it."""
    parts = (held, _superseded(held))
    return Spent("", sum(gpu_seconds(part, "held_s", gpus) for part in parts))


def _superseded(found: Mapping[str, Any]) -> Mapping[str, Any]:
    before = found.get("superseded")
    return before if isinstance(before, dict) else {}


def read_held(replies: Path) -> Mapping[str, Any]:
    """The time that is kept beside a file of replies; nothing where it cannot be read."""
    try:
        return read_object(replies.with_name(replies.name + ".held")) or {}
    except OSError:
        return {}


def spent_besides(folder: Path, known: Collection[str], faults: list[str]) -> Iterator[Spent]:
    """What went into each shard of a run's folder but those whose counts files are `known`. What cannot be read is
    added to `faults`."""
    for counts, replies, names in _shards(folder):
        if str(counts) not in known:
            yield _spent(counts, replies, names, faults)


def _shards(folder: Path) -> Iterator[tuple[Path, Path, set[str]]]:
    """Of each shard that any config has asked for its counts file, its replies file, and which kinds of files of it are
    there."""
    recipes = sorted(_folders(folder))
    for home, stages in ((folder, PROBLEM_STAGES), *((folder / name, RECIPE_STAGES) for name in recipes)):
        for stage in stages:
            counts, replies = home / "counts" / stage, home / "replies" / stage
            if stage == "generate_solutions":
                replies = home / "solutions"
            # Seeds, parts and rounds have folders of their own.
            for part in ("", *sorted({*_folders(counts), *_folders(replies)})):
                yield from _shards_of(counts / part, replies / part)


def _shards_of(counts: Path, replies: Path) -> Iterator[tuple[Path, Path, set[str]]]:
    found: dict[str, set[str]] = {}
    for folder, kinds in ((counts, (_COUNTS,)), (replies, (_PROGRESS, _HELD))):
        for name in _names(folder):
            for kind in kinds:
                if name.endswith(kind) and not name.startswith("."):
                    found.setdefault(name.removesuffix(kind), set()).add(kind)
    for name, there in sorted(found.items()):
        yield counts / f"{name}.json", replies / f"{name}.jsonl", there


def _spent(counts: Path, replies: Path, there: set[str], faults: list[str]) -> Spent:
    try:
        if _COUNTS in there:
            found = read_object(counts)
            if found is not None:
                return spent_by_counts(found)
            faults.append(f"{counts}: holds no counts")
        if _PROGRESS in there:
            said = read_progress(progress_path(replies))
            if said is not None:
                return spent_by_progress(said)
    except FileNotFoundError:
        pass  # a job begins or ends just now; what it held is told
    except OSError as error:
        faults.append(f"{error.filename}: cannot be read: {error.strerror}")
    return spent_by_held(read_held(replies))


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:  # there is none
        return []


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def summed_by_model(parts: Iterable[Spent]) -> list[Spent]:
    """One sum for each model that spent something."""
    sums: dict[str, Spent] = {}
    for part in (part for part in parts if not part.is_nothing):
        sums[part.model] = sums.get(part.model, Spent(part.model)).plus(part)
    return list(sums.values())


def usd_of(settings: Settings, parts: Iterable[Spent]) -> float | None:
    """Money by the prices of config; None if one that matters is not there, or tokens are not counted."""
    total = 0.0
    for part in (part for part in parts if not part.is_nothing):
        try:
            spec = settings.model_named(part.model)
        except UserError:  # config does not have it any more
            return None
        price = usd(spec, part.prompt_tokens, part.completion_tokens, part.gpu_s / 3600)
        if price is None or (part.without_usage and not spec.is_started):
            return None
        total += price
    return total
