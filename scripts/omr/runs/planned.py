"""The jobs that a command is about to run, as far as it matters before the first of them starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omr.asking.prompt_fields import ROW_FIELDS

#: What stages write beside their rows.
_BESIDE_ROWS = re.compile(r"/(?:counts|dropped)/")
#: Rules whose log is what they are for.
_PAGES = frozenset({"try_server"})


@dataclass(frozen=True)
class Asking:
    """Jobs of a rule that put rows into prompts; `recipe` is None for labelling stages."""

    rule: str
    prompts: tuple[str, ...]
    recipe: str | None = None


@dataclass
class Planned:
    """`files`: rule -> what its jobs make; `asking`: what its jobs put into prompts, each with one of the files of rows
    that they read; `last`: files of rows and pages that no other job of the command reads; `pages`: logs that are what
    people asked for; `anew`: what jobs make that ask with another model, prompt or parameters than before, so that no
    stored reply serves them."""

    files: dict[str, list[str]] = field(default_factory=dict)
    asking: dict[Asking, str | None] = field(default_factory=dict)
    last: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    anew: set[str] = field(default_factory=set)


def planned_jobs(jobs: Iterable[Any], reason: Callable[[Any], Any] | None = None) -> Planned:
    """What Snakemake's jobs are going to do; `reason` is Snakemake's own for each of them."""
    planned, read = Planned(), set[str]()
    for job in jobs:
        if job.output:  # what makes nothing is a name for files that people ask for
            read.update(map(str, job.input))
        if job.rule.name in _PAGES:
            planned.pages += map(str, job.log)
        planned.files.setdefault(job.rule.name, []).extend(map(str, job.output))
        # Training rows may have another prompt than their solutions were asked with.
        prompts = _paths(getattr(job.input, "prompts" if job.rule.name in ROW_FIELDS else "row_prompt", ()))
        if reason is not None and _asks_otherwise(reason(job), prompts):
            planned.anew.update(map(str, job.output))
        if prompts:
            asking = Asking(job.rule.name, prompts, getattr(job.wildcards, "recipe", None))
            planned.asking.setdefault(asking, next(iter(_paths(getattr(job.input, "rows", ()))), None))
    made = (file for files in planned.files.values() for file in files)
    planned.last = [file for file in made if file not in read and not _BESIDE_ROWS.search(file)]
    return planned


def _asks_otherwise(reason: Any, prompts: Iterable[str]) -> bool:
    """Whether a job runs again for what decides what is asked. Changed rows are none of it: most may be the same."""
    # A prompt that is copied for the first time may be what was asked with.
    updated = {*map(str, reason.updated_input), *map(str, reason.updated_input_run)}
    return bool(reason.params_changed) or any(Path(prompt).exists() for prompt in updated.intersection(prompts))


def _paths(named: Any) -> tuple[str, ...]:
    return (str(named),) if isinstance(named, str) else tuple(map(str, named))
