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

    `gpu_s` are each try's seconds times the GPUs that it held. `full_load` is what servers did in all tries; this one's
    is to be added to it. `starts` of servers took `start_s` seconds in all. These servers had as many GPUs as
    `measured_gpus` and `started_gpus` say: more than one number where tries were on different ones. `superseded`
    ("held_s", "gpu_s" and tokens, see `Usage.tokens`) was spent on requests that are made no longer and is in none of
    these. A try that is killed cannot say anything any more: `write` is to be called now and then.
    """

    def __init__(self, path: Path, gpus: int = 0) -> None:
        """`gpus`: those that this try holds."""
        self.path = path
        self.gpus = gpus
        self.full_load = FullLoad()
        self.starts, self.start_s = 0, 0.0
        self.started_gpus = set[int]()
        self.superseded = Counter[str]()
        self._began = time.monotonic()
        self._earlier_s = self._earlier_gpu_s = self._earlier_load_s = 0.0
        self._earlier_measured_gpus = set[int]()
        self._writing = threading.Lock()

    def read(self) -> None:
        """Take over what earlier tries wrote; without a readable file there were none."""
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            found = orjson.loads(self.path.read_bytes())
            self._earlier_s = float(found["held_s"])
            # A file of an older version does not tell GPUs: they were as many as now, as far as anybody knows.
            self._earlier_gpu_s = float(found.get("gpu_s", self._earlier_s * self.gpus))
            self.full_load.add(FullLoad.read(found.get("full_load")))
            self._earlier_load_s = self.full_load.seconds
            self.starts, self.start_s = int(found.get("starts", 0)), float(found.get("start_s", 0.0))
            before = {name: max(0, number) for name, number in found.get("superseded", {}).items()}
            self.superseded.update({"gpu_s": before.get("held_s", 0.0) * self.gpus} | before)
            if self._earlier_load_s:
                self._earlier_measured_gpus.update(map(int, found.get("measured_gpus", [self.gpus])))
            if self.starts:
                self.started_gpus.update(map(int, found.get("started_gpus", [self.gpus])))

    def forget(self) -> None:
        """Earlier tries were for something else."""
        self.superseded["held_s"] += round(self._earlier_s, 3)  # type: ignore[assignment]
        self.superseded["gpu_s"] += round(self._earlier_gpu_s, 3)  # type: ignore[assignment]
        self._earlier_s = self._earlier_gpu_s = self._earlier_load_s = 0.0
        self.full_load = FullLoad()
        self._earlier_measured_gpus.clear()
        self.starts, self.start_s = 0, 0.0
        self.started_gpus.clear()

    def note_start(self, seconds: float) -> None:
        """A server is ready after so long."""
        self.starts += 1
        self.start_s += seconds
        self.started_gpus.add(self.gpus)

    @property
    def _own_s(self) -> float:
        return time.monotonic() - self._began

    @property
    def seconds(self) -> float:
        return self._earlier_s + self._own_s

    @property
    def gpu_s(self) -> float:
        return self._earlier_gpu_s + self._own_s * self.gpus

    @property
    def measured_gpus(self) -> set[int]:
        has_measured = self.full_load.seconds > self._earlier_load_s
        return self._earlier_measured_gpus | ({self.gpus} if has_measured else set())

    def write(self) -> None:
        """May be called by several threads. Raises OSError."""
        content: dict[str, Any] = {"held_s": round(self.seconds, 3), "gpu_s": round(self.gpu_s, 3)}
        content |= {"full_load": self.full_load.as_json(), "measured_gpus": sorted(self.measured_gpus)}
        content |= {"starts": self.starts, "start_s": round(self.start_s, 3), "started_gpus": sorted(self.started_gpus)}
        content["superseded"] = self.superseded
        with self._writing, AtomicFile(self.path) as file:
            file.write(orjson.dumps(content))
