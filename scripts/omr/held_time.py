"""How long jobs held their machines for one file of replies, over all of their tries."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import orjson

from omr.jsonl import AtomicFile


class HeldTime:
    """Seconds since this process began, and those of earlier tries, which are kept in a file beside the replies.

    A try that is killed cannot say how long it took: `write` is to be called now and then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._began = time.monotonic()
        self._earlier_s = 0.0

    def read(self) -> None:
        """Take over what earlier tries wrote; without a readable file there were none."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            self._earlier_s = float(orjson.loads(self.path.read_bytes())["held_s"])

    def forget(self) -> None:
        """Earlier tries were for something else."""
        self._earlier_s = 0.0

    @property
    def seconds(self) -> float:
        return self._earlier_s + time.monotonic() - self._began

    def write(self) -> None:
        """Raises OSError."""
        with AtomicFile(self.path) as file:
            file.write(orjson.dumps({"held_s": round(self.seconds, 3)}))
