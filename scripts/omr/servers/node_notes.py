"""What a Slurm job says of the node that it runs on: a note of a line, by which a bad node is told from bad work.

In: the folder that Snakemake's process names in a variable, which jobs inherit (omr/runs/patient_slurm.py); where there
is none, nothing is noted. Out: `<folder>/<job>`, JSON with `kind` and `why`, and `<folder>/<job>.<node>` of one node
among several. It is read by omr/runs/job_watch.py. A job that leaves no note came to nothing on its node: not even
Python and this project were there. Standard library only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from omr.errors import UserError

#: Names the folder of notes.
OF_NOTES = "OMR_NODE_NOTES"
#: The workflow runs on the node: whatever fails from here on is the work's fault, unless said otherwise.
BEGUN = "begun"
#: The server is ready, or it could not be started, or it died for good after it had been ready.
SERVED, START, DIED = "served", "start", "died"
_MOST_CHARACTERS = 160


def note(kind: str, why: str = "", node: str = "") -> None:
    """Leave a note of this job, in place of an earlier one; of one `node` of it if there are several. A note that
    cannot be written is not worth a job."""
    folder, job = os.environ.get(OF_NOTES), os.environ.get("SLURM_JOB_ID")
    if not folder or not job:
        return
    path = Path(folder) / (f"{job}.{node}" if node else job)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        beside.write_text(json.dumps({"kind": kind, "why": _short(why)}))
        beside.rename(path)


@contextmanager
def starting(is_started_here: bool = True, node: str = "") -> Iterator[None]:
    """While the body starts a server on this job's node: note it if that fails. What it raises goes on.

    A server that is not `is_started_here` says nothing of the node, nor does one that knows not its own arguments.
    """
    try:
        yield
    except (UserError, OSError) as error:
        if is_started_here and not getattr(error, "is_of_arguments", False):
            note(START, _why(error), node)
        raise


@contextmanager
def serving() -> Iterator[None]:
    """While the body has a server that died started again: note if that is given up."""
    try:
        yield
    except (UserError, OSError) as error:
        note(DIED, _why(error))
        raise


def _why(error: UserError | OSError) -> str:
    """What happened, and the last error that a server's log names."""
    what = error.what if isinstance(error, UserError) else str(error)
    lines = [line.strip() for line in getattr(error, "tail", "").splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if "error" in line.lower()), "")
    return f"{what.partition('; the end of its log')[0]}{': ' if last else ''}{last}"


def _short(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}..."
