"""What the estimate of a run said, as far as it is needed to tell how far the run is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omr.files.numbers import optional, read_object

FILE = "estimate.json"


@dataclass(frozen=True)
class Estimated:
    """An estimate, as `snakemake estimate` and the start of a run write it."""

    _stages: Mapping[tuple[str, str | None], Mapping[str, Any]]
    _total: Mapping[str, Any]

    def requests(self, stage: str, recipe: str | None) -> int | None:
        found = optional(self._stages.get((stage, recipe), {}), "requests")
        return None if found is None else round(found)

    def gpu_hours(self, stage: str, recipe: str | None) -> float | None:
        return optional(self._stages.get((stage, recipe), {}), "gpu_hours")

    def completion_tokens(self, stage: str, recipe: str | None) -> float | None:
        return optional(self._stages.get((stage, recipe), {}), "completion_tokens")

    def total(self, unit: str) -> float | None:
        """`gpu_hours` or `usd` of the whole run."""
        return optional(self._total, unit)


def read_estimate(folder: Path, faults: list[str]) -> Estimated | None:
    """The estimate of the run in a folder; None if there is none. What cannot be read is added to `faults`."""
    path = folder / FILE
    try:
        found = read_object(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
        return None
    stages, total = (found or {}).get("stages"), (found or {}).get("total")
    if not isinstance(stages, list) or not isinstance(total, dict):
        faults.append(f"{path}: is no estimate")
        return None
    rows = [row for row in stages if isinstance(row, dict) and isinstance(row.get("stage"), str)]
    named = {(row["stage"], row.get("recipe")): row for row in rows if isinstance(row.get("recipe"), str | None)}
    return Estimated(named, total)
