"""What stages did, for a card: read from the table of a recipe (`stages.json`), or from counts of stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from omr.errors import UserError
from omr.files.jsonl import open_for_reading
from omr.training.figures import read_json


class StageSum(NamedTuple):
    """A stage's counts, summed over its shards."""

    stage: str
    read: int
    passed: int
    written: int
    dropped: Mapping[str, int]


def read_table(path: Path) -> list[dict[str, Any]]:
    """The stages of a recipe and of all that is before it, as check_counts.py wrote them. Raises UserError for a file
    that holds no such table."""
    with open_for_reading(path) as handle:
        try:
            stages = orjson.loads(handle.read())
        except orjson.JSONDecodeError:
            stages = None
    if not isinstance(stages, list) or not all(isinstance(stage, dict) and "stage" in stage for stage in stages):
        raise UserError("not a table of stages", file=path, remedy="delete this file and run again")
    return stages


def sum_stages(paths: Iterable[Path]) -> list[StageSum]:
    """The counts files of CPU stages, shards of a stage summed, stages in the order of the files.

    Raises UserError for a file that is no counts file.
    """
    found = []
    for path in paths:
        counts = read_json(path)
        try:
            found.append(_sum(counts))
        except (KeyError, TypeError) as error:
            raise UserError(f"not the counts of a stage ({error})", file=path, remedy="name counts files") from error
    return merged(found)


def stage_sums(table: Sequence[Mapping[str, Any]]) -> list[StageSum]:
    """The CPU stages of a table that led to its rows; those of several recipes that are the same are summed."""
    return merged(_sum(stage) for stage in table if "requests" not in stage)


def _sum(counts: Mapping[str, Any]) -> StageSum:
    return StageSum(counts["stage"], counts["read"], counts["passed"], counts["written"], Counter(counts["dropped"]))


def merged(sums: Iterable[StageSum]) -> list[StageSum]:
    """Sums of the same stage as one, in the order in which stages first come."""
    total: dict[str, StageSum] = {}
    for one in sums:
        known = total.get(one.stage, StageSum(one.stage, 0, 0, 0, {}))
        dropped = Counter(known.dropped) + Counter(one.dropped)
        total[one.stage] = StageSum(
            one.stage,
            known.read + one.read,
            known.passed + one.passed,
            known.written + one.written,
            dict(sorted(dropped.items())),
        )
    return list(total.values())
