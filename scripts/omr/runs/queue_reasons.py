"""Why Slurm lets jobs wait, in its own words (`squeue %r`), and what mends those that will never start by themselves.

Standard library only: scripts/slurm_command.py runs without any package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Waiting(NamedTuple):
    """A job that waits: its number, and Slurm's reason."""

    number: str
    reason: str


class _Stays(NamedTuple):
    pattern: re.Pattern[str]
    what: str
    remedy: str  # `{jobs}` stands for their numbers


def _stays(pattern: str, what: str, remedy: str) -> _Stays:
    return _Stays(re.compile(pattern, re.IGNORECASE), what, remedy)


#: Jobs that wait in a queue as they should.
_USUAL = re.compile(
    r"(?:none|priority|resources|begintime|dependency|cleaning|prolog|jobarraytasklimit|\(null\)|)$", re.I
)
#: A job that is cancelled counts as one that failed.
_ANEW = "`scancel {jobs}`, after which the run submits it anew"
#: What no waiting mends. Slurm's versions write these with blanks, underscores or in one word.
_STAY = (
    _stays(
        r"launch.?failed.?requeued.?held",
        "held by Slurm since a launch failed",
        "say `scontrol release {jobs}`",
    ),
    _stays(
        r"jobholdmaxrequeue|requeued.?too.?many.?times",
        "held by Slurm after too many starts",
        "say `scontrol release {jobs}`",
    ),
    _stays(r"requeued.?in.?held|requeuehold", "requeued to be held", "say `scontrol release {jobs}`"),
    _stays(r"jobhelduser", "held by the owner", "say `scontrol release {jobs}`"),
    _stays(
        r"jobheldadmin",
        "held by an administrator",
        f"ask why, since only an administrator can release it, or say {_ANEW}",
    ),
    _stays(
        r"dependency.?never.?satisfied",
        "behind a job that did not end as it should",
        "say `scontrol update JobId={jobs} Dependency=`",
    ),
    _stays(
        r"partitiontimelimit|MaxWall",
        "more time is asked for than is allowed there",
        "say `scontrol update JobId={jobs} TimeLimit=MINUTES`, and lower `runtime_min` of the model (of CPU stages, "
        "`runtime` in a profile)",
    ),
    _stays(
        r"badconstraints|partitionnodelimit|(?:qos|assoc)(?:max|min)\w{0,40}per(?:job|node)",
        "no node there has what is asked for, or a job may not have so much",
        "mend the model's sizes, or `slurm` in config, stop the run and start it again",
    ),
    _stays(
        r"accountnotallowed|invalidaccount|invalidqos|qosnotallowed|usernotallowed",
        "the account or QOS may not be used there",
        "mend `account`, `qos` or `partition` in config, stop the run and start it again",
    ),
    _stays(
        r"reservationdeleted|invalidreservation",
        "the reservation is gone",
        "say `scontrol update JobId={jobs} ReservationName=`",
    ),
)
_MOST_NAMED, _MOST_CHARACTERS = 8, 200


def is_usual(reason: str) -> bool:
    """Whether a job that waits for this is only waiting for its turn."""
    return _USUAL.match(reason.strip()) is not None


def stays(reason: str) -> bool:
    """Whether a job that waits for this waits for ever unless somebody does something."""
    return _cause(reason) is not None


def _cause(reason: str) -> _Stays | None:
    return next((cause for cause in _STAY if cause.pattern.search(reason)), None)


def sentences(waiting: Iterable[Waiting]) -> Iterator[str]:
    """One for each reason of jobs that wait for something else than their turn, with what mends it."""
    by_reason: dict[str, list[str]] = {}
    for number, reason in waiting:
        if not is_usual(reason):
            by_reason.setdefault(reason, []).append(number)
    for reason, numbers in sorted(by_reason.items(), key=lambda item: (not stays(item[0]), item[0])):
        yield _sentence(reason, numbers)


def _sentence(reason: str, numbers: list[str]) -> str:
    cause, shown = _cause(reason), " ".join(reason.split())[:_MOST_CHARACTERS]
    more = f" and {len(numbers) - _MOST_NAMED} more" if len(numbers) > _MOST_NAMED else ""
    named = f"{'job' if len(numbers) == 1 else 'jobs'} {', '.join(numbers[:_MOST_NAMED])}{more}"
    if cause is None:
        return f"{named}: Slurm lets {'it' if len(numbers) == 1 else 'them'} wait ({shown}); that may pass by itself"
    further = ",..." if len(numbers) > _MOST_NAMED else ""
    remedy = cause.remedy.replace("{jobs}", ",".join(numbers[:_MOST_NAMED]) + further)
    return f"{named} will not start without help: {cause.what} ({shown}); {remedy}"
