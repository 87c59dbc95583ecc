"""How a recipe lets solutions run code: the keys of its `code`, as far as they concern asking."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from omr.errors import UserError


class CodeSettings(NamedTuple):
    """`tags`: how a block is written; `min_budget` to `max_budget` blocks may run, and `show_budget` says what is left;
    a block has `timeout_s` CPU seconds, `output_chars` are shown of each of its streams, a session has `memory_mb`."""

    tags: str
    min_budget: int
    max_budget: int
    show_budget: bool
    timeout_s: float
    output_chars: int
    memory_mb: int

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> CodeSettings:
        """From the keys of a recipe's `code`. Raises UserError if they are not these."""
        names = set(cls._fields)
        if set(given) != names:
            raise UserError(f"`code` needs the keys {', '.join(sorted(names))}; it has {', '.join(sorted(given))}")
        return cls(**given)

    def executions_allowed(self, name: str) -> int:
        """How many blocks a solution may run, from what it answers: the same on every machine and after every kill."""
        draw = int.from_bytes(blake2b(f"{name}/executions".encode(), digest_size=8).digest())
        return self.min_budget + draw % (self.max_budget - self.min_budget + 1)

    @property
    def asked(self) -> list[Any]:
        """What of these the model sees, so that another value makes other replies.

        Not the limits of time and memory: their effect is in the stored outputs, and a site may have to change them.
        """
        return [self.tags, self.show_budget, self.output_chars]
