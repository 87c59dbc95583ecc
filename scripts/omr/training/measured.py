"""What a training row says of its problem's difficulty: the pass rates of other recipes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from omr.files.jsonl import Row
from omr.stages.seeds import read_rates

if TYPE_CHECKING:
    from omr.answers.equivalence import EquivalenceChecker


def add_measures(parser: argparse.ArgumentParser) -> None:
    """Adds `--pass-rates` and `--pass-rate-72b-tir`."""
    add = parser.add_argument
    add("--pass-rates", nargs="+", default=[], metavar="RECIPE=FILE", help="pass rates by recipes, which rows carry")
    add("--pass-rate-72b-tir", metavar="RECIPE", help="the one of them that is the published measure of this name")


class Measures:
    """Pass rates of a shard's problems by recipes. A context manager: leaving it ends what compared answers.

    A recipe that judged a problem's solutions by another answer (two votes may differ) has measured another problem:
    its rate is unknown where that answer counts.
    """

    def __init__(self, paths: Mapping[str, Path], shard: int = 0, shards: int = 1) -> None:
        self._rates = {recipe: read_rates(path, shard, shards) for recipe, path in paths.items()}
        self._checker: EquivalenceChecker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._checker is not None:
            self._checker.close()

    @property
    def recipes(self) -> list[str]:
        """The recipes whose rates these are."""
        return list(self._rates)

    def share(self, recipe: str, problem_id: str, answer: str | None) -> float | None:
        """The share of a recipe's solutions that is right, if it took `answer` for the right one; None if unknown."""
        rate = self._rates[recipe].get(problem_id)
        return rate.share if rate is not None and self._is_same(rate.answer, answer) else None

    def _is_same(self, one: str | None, other: str | None) -> bool:
        if one == other or one is None or other is None:
            return one == other
        from omr.answers.equivalence import EquivalenceChecker, Verdict  # next to all answers are spelled alike

        if self._checker is None:
            self._checker = EquivalenceChecker(workers=1)
        return self._checker.compare(one, other) is Verdict.EQUAL


class Measured(Measures):
    """The pass rates of a shard's problems by other recipes, as the command line names them. A context manager."""

    def __init__(self, args: argparse.Namespace, shard: int = 0, shards: int = 1) -> None:
        named = dict(entry.split("=", 1) for entry in args.pass_rates)
        super().__init__({name: Path(path) for name, path in named.items()}, shard, shards)
        self._published = args.pass_rate_72b_tir

    def columns(self, problem_id: str, answer: str | None) -> Row:
        """`pass_rates` and `pass_rate_72b_tir` of a problem with this answer: unknown is null, `n/a` in the column of
        the published dataset."""
        shares = {recipe: self.share(recipe, problem_id, answer) for recipe in self.recipes}
        published = shares.get(self._published)
        return {
            "pass_rates": shares or None,
            "pass_rate_72b_tir": "n/a" if published is None else str(float(published)),
        }
