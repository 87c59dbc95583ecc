"""Bounds of config that nothing is within: a least value above the greatest, more votes than there are solutions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from omr.config.seeds import seed_table


def fault_of_bounds(section: Mapping[str, Any], *names: str, place: str = "") -> str | None:
    """What is wrong with the pairs `min_<name>`, `max_<name>` of a section, as a phrase behind what it is of, or None.

    A bound that is null or left out bounds nothing; both together may be one value. `place` stands before their names.
    """
    for name in names:
        low, high = section.get(f"min_{name}"), section.get(f"max_{name}")
        if low is not None and high is not None and low > high:
            return f"has a `{place}min_{name}` above its `{place}max_{name}`"
    return None


def faults_of_votes(recipe: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each number of votes that a valid recipe which solves problems wants and no answer can have.

    Where a recipe asks for no solution of problems without a known answer, or for one only (a first try), nothing is
    voted on: the answers that are known are what it is about.
    """
    table, majority = seed_table(recipe), recipe["majority"]
    given = [table.no_rate, *(numbers for _, numbers in table.rows)]
    wanted = [("majority", majority, max(numbers.majority for numbers in given))]
    if majority.get("repair") is not None:
        wanted.append(("majority.repair", majority["repair"], max(numbers.extracted for numbers in given)))
    for key, section, most in wanted:
        if 1 < most < (votes := section["min_votes"]):
            yield f"{key}.min_votes: no answer can have {votes} votes: `seeds` gives a problem at most {most} solutions"
