"""How many files (and sockets) this process may have open, shared out among what needs many of them.

Shells give a process a soft limit, which it may raise itself up to a hard one: 256 on macOS and 1,024 on Linux are less
than the requests that a job may have in flight.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

#: For the files of a job, its logs, pipes and libraries.
_SPARE = 100
_set_aside: list[int] = []


@contextmanager
def set_aside(wanted: int) -> Iterator[int]:
    """While the body runs, so many files are kept for one purpose beside what others have set aside.

    Raises the soft limit as far as it takes. Yields how many there are: fewer than `wanted` where the hard limit is in
    the way, perhaps none.
    """
    taken = _SPARE + sum(_set_aside)
    found = max(0, min(wanted, _limit_for(taken + wanted) - taken))
    _set_aside.append(found)
    try:
        yield found
    finally:
        _set_aside.remove(found)


def _limit_for(needed: int) -> int:
    """The soft limit, raised to `needed` if it was lower and the system lets it; at most `needed`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return needed
    limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    except (OSError, ValueError):  # some systems have a limit below that hard one
        return soft
    return limit
