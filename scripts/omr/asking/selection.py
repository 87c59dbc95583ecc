"""How many solutions each row of a shard gets, as a plan, or a table of numbers, says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from omr.errors import UserError
from omr.files.jsonl import Row
from omr.stages.seeds import SeedTable, read_plan, read_shares


def planned(plan: Path) -> Callable[[Row], int]:
    """How many solutions a row gets by a plan of plan_solutions.py. Raises UserError for a row that the plan lacks."""
    numbers = read_plan(plan)

    def number_of(row: Row) -> int:
        number = numbers.get(row["id"])
        if number is None:
            remedy = "it was made from other problems: delete it and run again"
            raise UserError(f"the problem {row['id']!r} is not in the plan", file=plan, remedy=remedy)
        return number

    return number_of


def in_table(
    table: Mapping[str, Any], first: int, pass_rates: Path | None, shard: int, shards: int
) -> Callable[[Row], int]:
    """How many solutions a row gets by a table in the form of config that counts them from the seed `first`."""
    numbers, shares = SeedTable.from_config(table), read_shares(pass_rates, shard, shards)
    return lambda row: first + numbers.number(shares.get(row["id"]), row["expected_answer"] is not None)
