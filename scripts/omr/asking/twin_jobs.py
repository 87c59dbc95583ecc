"""A job that finds another one at work on its file waits behind it in Slurm's queue, and not on its GPUs.

A Snakemake that was killed leaves its jobs running; the next one submits them again. The second job of such a pair has
nothing to do until the first has ended, which may take hours: it asks Slurm to start it again after that.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from omr.errors import UserError
from omr.files.locks import Owner
from omr.models.model import ModelSpec
from omr.servers.allocation import slurm_output

#: Exit status of a job that was told to stop (SIGTERM, a time limit) or stands back, and kept what it had.
EXIT_STOPPED = 75
#: States of a job that has its nodes or will get them back.
_AT_WORK = {"RUNNING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING"}
#: The other one may be about to end. And so often Slurm is asked again whether it runs.
_PATIENCE_S = 60.0
#: Slurm kills a job so long after it was requeued: until then it must know behind which one.
_TRIES = 20


class PostponedError(Exception):
    """Slurm will start this job again when another has ended; until then there is nothing to do."""


@dataclass
class Queueing:
    """To be told while a job waits for a lock: by whom it is held, and how many seconds it has waited.

    Raises PostponedError when this job has been requeued. Where that is impossible it goes on waiting.
    """

    spec: ModelSpec
    say: Callable[[str], None]
    patience_s: float = _PATIENCE_S
    _ask_at_s: float = 0.0

    def __call__(self, owner: Owner, waited_s: float) -> None:
        ours, theirs = os.environ.get("SLURM_JOB_ID"), owner.get("job")
        if not (ours and theirs and ours != theirs and self.spec.gpus) or waited_s < self.patience_s + self._ask_at_s:
            return
        self._ask_at_s = waited_s
        try:
            # What Slurm does not know any more has ended, and leaves a lock that will soon be stale.
            if slurm_output("squeue", "--noheader", f"--jobs={theirs}", "--format=%T") not in _AT_WORK:
                return
            place = _requeue_behind(ours, theirs)
        except UserError as error:
            self.say(f"warning: cannot wait in the queue, so this job waits here: {error}")
            return
        raise PostponedError(f"Slurm job {theirs} is at work on this: this job is started again {place}")


def _requeue_behind(ours: str, theirs: str) -> str:
    """Requeue this job, to be started after another; says when that will be. Raises UserError if Slurm refuses."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which also commands that we start inherit
    try:
        slurm_output("scontrol", "requeue", ours)
    except UserError:
        signal.signal(signal.SIGTERM, before)  # this job stays, and must be told to stop as before
        raise
    refused = ""
    for _ in range(_TRIES):
        try:
            # It can be told only of a job that waits.
            slurm_output("scontrol", "update", f"JobId={ours}", f"Dependency=afterany:{theirs}")
            return "after it"
        except UserError as error:
            refused = error.what
            time.sleep(1)
    return f"in a few minutes, and looks again (it cannot be put behind the other: {refused})"
