"""What a session may use up: memory, files, descriptors, computing time. Limits of the kernel."""

from __future__ import annotations

import resource
from dataclasses import dataclass

_MB = 1 << 20
#: Kept free above the soft limit, so that the runner can still report a MemoryError.
SPARE = 64 * _MB
MEMORY = (resource.RLIMIT_AS, resource.RLIMIT_DATA)


@dataclass(frozen=True)
class Limits:
    """Of one session: megabytes of memory beyond what was loaded before, megabytes of files, CPU seconds of its whole
    life, characters kept of each stream of a call."""

    memory_mb: int
    scratch_mb: int
    life_cpu_s: int
    output_chars: int


def apply(limits: Limits, base: tuple[int, int]) -> None:
    """Limit this process. `base`: address space and data in bytes that it came with."""
    for what, before in zip(MEMORY, base, strict=True):
        soft = before + limits.memory_mb * _MB
        resource.setrlimit(what, (soft, soft + SPARE))
    for what, value in {
        resource.RLIMIT_FSIZE: limits.scratch_mb * _MB,
        resource.RLIMIT_NOFILE: 32,  # also bounds what the buffers of pipes and sockets hold
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 64,  # they are counted per user, and other processes of the user need theirs
        resource.RLIMIT_CPU: limits.life_cpu_s,
    }.items():
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))


class MemoryRoom:
    """Lowers the memory limit for foreign code and lifts it again for the runner, which reports what happened."""

    def __init__(self) -> None:
        self._pairs = {what: resource.getrlimit(what) for what in MEMORY}
        self._set = resource.setrlimit

    def lower(self) -> None:
        for what, pair in self._pairs.items():
            self._set(what, pair)

    def lift(self) -> None:
        for what, (_, hard) in self._pairs.items():
            self._set(what, (hard, hard))
