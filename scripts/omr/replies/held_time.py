"""What jobs held their machines for, for one file of replies, over all of their tries; and what of it was for replies
that are no longer wanted.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from omr.files.jsonl import AtomicFile
from omr.servers.full_load import FullLoad


class HeldTime:
    """Seconds since this process began, and those of earlier tries, which are kept in a file beside the replies.

    `full_load` is what servers did in all tries; this one's is to be added to it. `starts` of servers took `start_s`
    seconds in all. `superseded` ("held_s" and tokens, see `Usage.tokens`) was spent on requests that are made no longer
    and is in none of these. A try that is killed cannot say anything any more: `write` is to be called now and then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.full_load = FullLoad()
        self.starts, self.start_s = 0, 0.0
        self.superseded = Counter[str]()
        self._began = time.monotonic()
        self._earlier_s = 0.0
        self._writing = threading.Lock()

    def read(self) -> None:
        """Take over what earlier tries wrote; without a readable file there were none."""
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            found = orjson.loads(self.path.read_bytes())
            self._earlier_s = float(found["held_s"])
            self.full_load.add(FullLoad.read(found.get("full_load")))
            self.starts, self.start_s = int(found.get("starts", 0)), float(found.get("start_s", 0.0))
            self.superseded.update({name: max(0, number) for name, number in found.get("superseded", {}).items()})

    def forget(self) -> None:
        """Earlier tries were for something else."""
        self.superseded["held_s"] += round(self._earlier_s, 3)  # type: ignore[assignment]
        self._earlier_s = 0.0
        self.full_load = FullLoad()
        self.starts, self.start_s = 0, 0.0

    def note_start(self, seconds: float) -> None:
        """A server is ready after so long."""
        self.starts += 1
        self.start_s += seconds

    @property
    def seconds(self) -> float:
        return self._earlier_s + time.monotonic() - self._began

    def write(self) -> None:
        """May be called by several threads. Raises OSError."""
        content: dict[str, Any] = {"held_s": round(self.seconds, 3), "full_load": self.full_load.as_json()}
        content |= {"starts": self.starts, "start_s": round(self.start_s, 3), "superseded": self.superseded}
        with self._writing, AtomicFile(self.path) as file:
            file.write(orjson.dumps(content))
