"""Which solutions of a problem each job asks for, and what their files are called."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omr.config.seeds import MOST_SEEDS, ends_of_rounds, seed_blocks, seeds_in

ROUNDS = st.none() | st.lists(st.integers(1, 40), min_size=1, max_size=4)
PER_JOB = st.none() | st.integers(1, 30) | st.lists(st.integers(1, 30), min_size=1, max_size=3)


def names(seeds: int, rounds: list[int] | None, per_job: Any) -> list[str]:
    return [block.name for block in seed_blocks({"seeds": seeds, "rounds": rounds, "seeds_per_job": per_job})]


@pytest.mark.parametrize(
    ("seeds", "rounds", "per_job", "expected"),
    [
        (3, None, None, ["00", "01", "02"]),
        (3, None, 1, ["00", "01", "02"]),
        (4, None, 2, ["00-to-01", "02-to-03"]),
        (3, None, 2, ["00-to-01", "02-to-03"]),  # with room for a fourth
        (8, [4, 4], [1, 4], ["00", "01", "02", "03", "04-to-07"]),
        (8, [4, 4], 3, ["00-to-02", "03", "04-to-06", "07"]),  # no job spans two rounds
        (6, [4, 4], [2, 4], ["00-to-01", "02-to-03", "04-to-07"]),
        (6, [1, 1], [1, 1, 4], ["00", "01", "02-to-05"]),  # what rounds leave is one more
        (4, [9], [4], ["00-to-03"]),
        (100, None, 64, ["00-to-63", "64-to-99"]),  # two digits, always
    ],
)
def test_the_files_of_jobs_are_named_by_the_seeds_they_have_room_for(
    seeds: int, rounds: list[int] | None, per_job: Any, expected: list[str]
) -> None:
    assert names(seeds, rounds, per_job) == expected


@given(st.integers(1, MOST_SEEDS), ROUNDS, PER_JOB)
def test_every_seed_is_asked_by_one_job_of_its_round(seeds: int, rounds: list[int] | None, per_job: Any) -> None:
    recipe = {"seeds": seeds, "rounds": rounds, "seeds_per_job": per_job}
    blocks = seed_blocks(recipe)
    assert [seed for block in blocks for seed in block.seeds] == list(range(seeds))
    of_round = [range(begin, end) for begin, end in pairwise([0, *ends_of_rounds(recipe)])]
    assert all(seed in of_round[block.round - 1] for block in blocks for seed in block.seeds)
    assert all(set(block.seeds) <= set(seeds_in(f"seed-{block.name}")) for block in blocks)


@given(st.integers(1, MOST_SEEDS - 1), ROUNDS, PER_JOB)
def test_one_more_seed_renames_no_file(seeds: int, rounds: list[int] | None, per_job: Any) -> None:
    before, after = names(seeds, rounds, per_job), names(seeds + 1, rounds, per_job)
    assert after[: len(before)] == before
    assert len(after) - len(before) in (0, 1)


@pytest.mark.parametrize("folder", ["seed-", "seed-x", "seed-1-2", "seed-1-to-", "shard-000", "seed-00.old"])
def test_other_folders_have_room_for_no_seed(folder: str) -> None:
    assert not seeds_in(folder)
