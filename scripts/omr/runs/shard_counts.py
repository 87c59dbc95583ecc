"""The counts of a recipe's stages, one file per shard: which of them belong to the recipe as config has it now.

What an earlier config made stays beside it: other numbers of shards, seeds that are not asked for any more, rounds and
summaries that were switched off. `Made` says what there is by now; without one (a command typed by hand) the newest
file of a stage names the number of shards.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from omr.errors import UserError
from omr.runs.counts import read_counts, summed

Counts = dict[str, Any]


class Made(NamedTuple):
    """What a recipe makes: `shards`, the `folders` of counts (`<stage>`, or `<stage>/<seed, part or round>`), stages
    that config can switch off and has `off`, and the number of `rounds` that have plans."""

    shards: int
    folders: list[str]
    off: list[str]
    rounds: int

    @classmethod
    def read(cls, text: str) -> dict[str, Made]:
        """From the JSON of a command line, by recipe. Raises UserError for anything else."""
        try:
            return {recipe: cls(**about) for recipe, about in orjson.loads(text).items()}
        except (orjson.JSONDecodeError, AttributeError, TypeError) as error:
            raise UserError(f"--made does not say what recipes make: {error}", remedy="see rules/report.smk") from error


class ShardCounts:
    """The counts in a recipe's folder."""

    def __init__(self, folder: Path, made: Made | None = None) -> None:
        self.folder = folder
        self._counts = folder / "counts"
        self._made = made

    def paths(self, stage: str, under: Path | None = None) -> list[Path]:
        """The files of a stage's shards, in the order of their names; `under` is where they are, if not in counts/."""
        home = self._counts / stage if under is None else under
        if self._made is None:
            return _newest(home)
        if stage in self._made.off:
            return []
        of_stage = [name for name in self._made.folders if name == stage or name.startswith(f"{stage}/")]
        folders = [home] if under is not None or not of_stage else [self._counts / name for name in of_stage]
        found = (path for folder in folders for path in folder.glob(f"shard-*-of-{self._made.shards:03d}.json"))
        return sorted(found)

    def shards(self, stage: str) -> list[Counts]:
        """The counts of a stage's shards."""
        return list(map(read_counts, self.paths(stage)))

    def of_stage(self, stage: str) -> Counts | None:
        """The sums of a CPU stage's shards, or None unless all are there: stages that others need may still be
        running."""
        paths = self.paths(stage)
        if not paths or len(paths) < int(paths[0].stem.rpartition("-of-")[2]):
            return None
        total: Counts = {"stage": stage} | summed(map(read_counts, paths))
        return total | {"dropped": dict(sorted(total["dropped"].items()))}

    def of_model(self, stage: str) -> Counts | None:
        """The sums of a model stage's shards, or None if it has none."""
        sums, failed, again = Counter[str](), Counter[str](), Counter[str]()
        for shard in (shards := self.shards(stage)):
            failed.update(shard["failed"])
            again.update(shard.get("asked_again", {}))
            sums.update({key: shard[key] for key in ("requests", "answered", "prompt_tokens", "completion_tokens")})
        if not shards:
            return None
        tried = {"asked_again": dict(again)} if again["replies"] else {}
        rows = {"stage": stage, "read": sums["requests"], "written": sums["answered"], "dropped": dict(failed)}
        return dict(sums) | tried | rows

    def last_plan(self) -> tuple[Path, list[Counts]] | None:
        """The folder of the last round, and the counts of its plan; None where nothing was planned."""
        rounds = sorted(path for path in (self.folder / "rounds").glob("*") if path.is_dir())
        if self._made is not None:
            rounds = [path for path in rounds if path.name == f"{self._made.rounds:02d}"]
        if not rounds:
            return None
        plans = self.paths("plan_solutions", rounds[-1] / "counts" / "plan_solutions")
        return (rounds[-1], list(map(read_counts, plans))) if plans else None


def _newest(folder: Path) -> list[Path]:
    """The files of a stage's shards of the number of shards that the newest of them names."""
    shards = sorted(folder.rglob("shard-*.json"))
    newest = max(shards, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        return []
    of = newest.stem.rpartition("-of-")[2]
    return [path for path in shards if path.stem.endswith(f"-of-{of}")]
