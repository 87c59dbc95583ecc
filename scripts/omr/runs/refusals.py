"""Why Slurm refuses a submission, read from what `sbatch` says. Standard library only, for scripts/slurm_command.py."""

from __future__ import annotations

import re

#: What Slurm's commands say when their controller (or who vouches for them) is not there.
AWAY = re.compile(
    r"unable to (?:contact|reach|connect)|connect(?:ion)? (?:failure|refused|reset|timed out)|timed out|time-?out"
    r"|zero bytes were|transport endpoint|backup controller|standby|no route to host|network is unreachable"
    r"|communication (?:connection|shutdown) failure|connection failure|munge|authentication (?:error|fail)"
    r"|unexpected message|slurmctld.{0,30}(?:not responding|down|unavailable)|controller not responding"
    r"|name resolution|failed to connect",
    re.IGNORECASE,
)
#: After these, it may have done what it was asked to.
LOST_ANSWER = re.compile(r"timed out|time-?out|zero bytes|reset|transport endpoint|unexpected message", re.IGNORECASE)
#: A limit on how many jobs there may be: it passes. Slurm's reasons (`QOSMaxSubmitJobPerUserLimit`) name it.
_LIMIT = re.compile(
    r"\wSubmitJob|queue(?: is)? full|temporarily un(?:able|available)|rate limit|too many (?:jobs|submi)",
    re.IGNORECASE,
)
#: What the job needs is there, but takes no job for now: a partition or its nodes in maintenance, a reservation in use,
#: a controller whose disk is full or that is just upgraded.
_CLOSED = re.compile(
    r"partition not available|(?:down|drain(?:ed)?|inactive)(?:,| or) (?:drain(?:ed)?|reserved)|reservation is in use"
    r"|I/O error writing|incompatible versions",
    re.IGNORECASE,
)
#: May be such a limit, or one that this job will always exceed.
_PERHAPS_LIMIT = re.compile(
    r"job submit limit|(?:reach|exceed|maximum|at most|more than|limit)\w{0,40}\b.{0,60}\b(?:jobs?|submi\w+)"
    r"|\b(?:jobs?|submi\w+)\b.{0,60}\b(?:limit|maximum|exceed)",
    re.IGNORECASE,
)
_REASON = re.compile(r"\b(?:QOS|Assoc)[A-Z]\w+")
_PREFIX = re.compile(r"batch job submission failed:", re.IGNORECASE)


def kind_of(err: str) -> str | None:
    """Why a submission was refused: `away`, `limit`, `perhaps` a limit, `closed`; None for what no waiting mends."""
    shown = _PREFIX.sub("", err)
    reasons = _REASON.findall(shown)
    if any("Submit" in reason for reason in reasons) or (not reasons and _LIMIT.search(shown)):
        return "limit"
    if reasons:
        return None  # a size or a time that the job must not ask for
    if _CLOSED.search(shown):
        return "closed"
    if _PERHAPS_LIMIT.search(shown):
        return "perhaps"
    return "away" if AWAY.search(shown) else None
