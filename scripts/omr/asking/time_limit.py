"""Stops a job over several nodes in time before Slurm does.

A job on one node is warned by Slurm (omr/models/resources.py). Over several nodes that signal would go to the server's
processes, or to the batch shell alone, so here the job itself asks Slurm how long it may still run.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.models.resources import WARNING_S
from omr.servers.allocation import slurm_output

#: A limit may be raised or lowered while the job runs.
ASK_EVERY_S = 600.0
#: At the end there is no time to wait for a busy controller: then what it said before holds.
_ANSWER_WITHIN_S = 15.0
_TIME_LEFT = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)")


@asynccontextmanager
async def watched_time_limit(
    spec: ModelSpec,
    stop: Callable[[], object],
    say: Callable[[str], None],
    *,
    warning_s: float = WARNING_S,
    ask_every_s: float = ASK_EVERY_S,
) -> AsyncIterator[None]:
    """While the body runs in a Slurm job with a model of several nodes: `stop` it `warning_s` before the time limit.

    A Slurm that does not answer is only told to `say`.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or spec.nodes == 1:
        yield
        return
    watch = asyncio.create_task(_stop_in_time(job, stop, say, warning_s, ask_every_s))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _stop_in_time(
    job: str, stop: Callable[[], object], say: Callable[[str], None], warning_s: float, ask_every_s: float
) -> None:
    end = math.inf  # as far as is known, on the monotonic clock
    while True:
        try:
            end = time.monotonic() + seconds_left(await _time_left(job))
        except UserError as error:
            say(f"warning: {error.what}")
        left = end - time.monotonic()
        if left <= warning_s:
            say(f"Slurm ends job {job} in {left:.0f} s")
            stop()
            return
        await asyncio.sleep(min(left - warning_s, ask_every_s))


def seconds_left(text: str) -> float:
    """Seconds in squeue's `[[days-]hours:]minutes:seconds`, infinity without a limit. Raises UserError for others."""
    if text == "UNLIMITED":
        return math.inf
    found = _TIME_LEFT.fullmatch(text)
    if found is None:
        # NOT_SET or INVALID, of a job that has not begun or is past its limit: neither is a time.
        raise UserError(f"squeue does not say when the job ends: {text!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


async def _time_left(job: str) -> str:
    question = ("squeue", "--noheader", f"--jobs={job}", "--format=%L")
    return await asyncio.to_thread(slurm_output, *question, timeout_s=_ANSWER_WITHIN_S)
