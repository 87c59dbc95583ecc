"""What a training row says of its problem's difficulty: the pass rates of other recipes."""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.files.jsonl import Row
from omr.stages.seeds import read_shares


def add_measures(parser: argparse.ArgumentParser) -> None:
    """Adds `--pass-rates` and `--pass-rate-72b-tir`."""
    add = parser.add_argument
    add("--pass-rates", nargs="+", default=[], metavar="RECIPE=FILE", help="pass rates by recipes, which rows carry")
    add("--pass-rate-72b-tir", metavar="RECIPE", help="the one of them that is the published measure of this name")


class Measured:
    """The pass rates of a shard's problems by other recipes, as the command line names them."""

    def __init__(self, args: argparse.Namespace, shard: int = 0, shards: int = 1) -> None:
        named = dict(entry.split("=", 1) for entry in args.pass_rates)
        self._shares = {name: read_shares(Path(path), shard, shards) for name, path in named.items()}
        self._published = args.pass_rate_72b_tir

    @property
    def names(self) -> list[str]:
        """The recipes whose pass rates rows carry."""
        return list(self._shares)

    def columns(self, problem_id: str) -> Row:
        """`pass_rates` and `pass_rate_72b_tir` of a problem: unknown is null, or `n/a` as the published column says."""
        shares = {name: of_problem.get(problem_id) for name, of_problem in self._shares.items()}
        published = shares.get(self._published)
        return {
            "pass_rates": shares or None,
            "pass_rate_72b_tir": "n/a" if published is None else str(float(published)),
        }
