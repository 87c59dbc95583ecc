"""Which rows of a shard get one more solution: those that a plan, or a table of numbers, gives it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from omr.errors import UserError
from omr.files.jsonl import Row
from omr.stages.seeds import SeedTable, read_plan, read_shares


def planned(plan: Path, seed: int) -> Callable[[Row], bool]:
    """Whether a row gets the solution number `seed` by a plan of plan_solutions.py.

    Raises UserError for a row that the plan lacks.
    """
    numbers = read_plan(plan)

    def wanted(row: Row) -> bool:
        number = numbers.get(row["id"])
        if number is None:
            remedy = "it was made from other problems: delete it and run again"
            raise UserError(f"the problem {row['id']!r} is not in the plan", file=plan, remedy=remedy)
        return number > seed

    return wanted


def in_table(table: Mapping[str, Any], pass_rates: Path | None, shard: int, shards: int) -> Callable[[Row], bool]:
    """Whether the number that a table in the form of config has for a row is not 0."""
    numbers, shares = SeedTable.from_config(table), read_shares(pass_rates, shard, shards)
    return lambda row: numbers.number(shares.get(row["id"]), row["expected_answer"] is not None) > 0
