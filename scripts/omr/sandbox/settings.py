"""What a site lends to the sandbox, and what a block of code may use up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: From the weakest up: rules of Landlock alone; a root folder, network and processes of its own; both. System calls are
#: filtered in each.
TIERS = ("landlock", "namespaces", "full")
#: Packages without which most blocks of solutions fail.
NEEDED = ("numpy", "sympy", "scipy", "mpmath", "networkx")


@dataclass(frozen=True)
class SandboxSettings:
    """`python`: the interpreter of envs/sandbox.yaml. `slots`: cores lent, so many blocks run at once.

    Of one block: `cpu_s` of computing, then `grace_s` to react to the interrupt; `wall_factor` times `cpu_s` by the
    clock, for those that sleep or starve; `output_chars` kept of each stream. Of one session: `memory_mb` beyond what
    all share, `scratch_mb` of files, `idle_cpu_s` of computing between blocks, after which it is stopped. Of all:
    `memory_total_mb`, `max_sessions` (more can be open; the longest idle ones are then rebuilt when they go on).

    `tier`: the least isolation that the site accepts (one of `TIERS`; None takes what the machine offers).
    `container`: words before the interpreter's command line, `("apptainer", "exec", "math.sif")` say, for a machine
    that offers no isolation by itself; stdin must reach the command as it is.
    `preload`: what is imported once for all sessions; None for all that solutions use, with sympy's caches filled.
    """

    python: Path
    slots: int = field(default_factory=lambda: os.cpu_count() or 1)
    cpu_s: float = 10.0
    wall_factor: float = 3.0
    grace_s: float = 1.0
    output_chars: int = 1000
    memory_mb: int = 2048
    scratch_mb: int = 16
    idle_cpu_s: float = 0.5
    memory_total_mb: int = 16_384
    max_sessions: int = 1024
    tier: str | None = None
    container: tuple[str, ...] = ()
    preload: tuple[str, ...] | None = None

    @property
    def wall_s(self) -> float:
        return self.cpu_s * self.wall_factor

    @property
    def life_cpu_s(self) -> int:
        """CPU seconds after which the kernel ends a session; no recipe runs a hundred blocks up to their limit."""
        return int(100 * (self.cpu_s + self.grace_s)) + 1


def site_settings(site: Mapping[str, Any], python: str | None, **limits: Any) -> SandboxSettings:
    """The settings of a site (`sandbox` in config), with the interpreter where that is found out, and a recipe's
    limits."""
    return SandboxSettings(
        python=Path(python or "python3"),
        slots=site["cores"],
        memory_total_mb=site["memory_gb"] * 1000,
        tier=site["tier"],
        container=tuple(site["container"]),
        preload=None if site.get("preload") is None else tuple(site["preload"]),
        **limits,
    )
