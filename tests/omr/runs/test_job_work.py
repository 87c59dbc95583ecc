"""Work of a stage that lies unevenly on its jobs: hours, tries and starts, computed by hand."""

from __future__ import annotations

import pytest
from omr.runs.job_work import JobWork, folder_shares, job_work

#: Two rounds: of two seeds that all problems are asked for, and of four that a quarter is asked for.
ASKED = (1.0, 1.0, 0.25, 0.25, 0.25, 0.25)
RECIPE = {"seeds": 6, "rounds": [2, 4]}


def test_the_longest_job_is_one_of_the_first_round_and_starts_are_those_of_all_jobs() -> None:
    # 45 hours on two shards: seeds of 7.5 h a job, then of 1.875 h, in tries of which two hours are work.
    found = job_work(45.0, ASKED, 2, 2.5, 0.5)
    assert found == JobWork(mean_h=3.75, longest_h=7.5, tries=4, starts=2 * (2 * 4 + 4 * 1))


def test_a_start_that_takes_all_of_the_time_limit_is_not_mended_by_any_number_of_tries() -> None:
    assert job_work(45.0, ASKED, 2, 0.5, 0.5) == JobWork(3.75, 7.5, None, 12)


def test_equal_jobs_are_all_the_longest_and_jobs_without_work_start_nothing() -> None:
    assert job_work(12.0, [1.0], 4, 2.0, 0.0) == JobWork(3.0, 3.0, 2, 8)
    assert job_work(12.0, [1.0, 0.0], 4, 2.0, 0.0).starts == 4 * 2


def test_work_of_unknown_length_is_taken_to_be_done_in_one_try() -> None:
    assert job_work(None, ASKED, 2, 2.5, 0.5) == JobWork(None, None, 1, 12)


@pytest.mark.parametrize(
    ("stage", "asked", "folders", "shares"),
    [
        ("generate_solutions", ASKED, 6, list(ASKED)),
        ("judge_answers", ASKED, 3, [2.0, 1.0, 0.0]),  # a folder for each round, and one for what is left
        ("generate_summaries", ASKED, 3, [1.0, 1.0, 1.0]),  # parts are equal
        ("generate_solutions", (0.0,) * 6, 6, [1.0] * 6),  # nothing is asked: no job is longer
        ("select_solutions", (), 1, [1.0]),
    ],
)
def test_rounds_part_the_work_of_solutions_and_their_judges(
    stage: str, asked: tuple[float, ...], folders: int, shares: list[float]
) -> None:
    assert folder_shares(stage, RECIPE, asked, folders) == shares


def test_a_job_that_asks_for_several_seeds_has_the_work_of_all_of_them() -> None:
    recipe = RECIPE | {"seeds_per_job": [1, 3]}
    assert folder_shares("generate_solutions", recipe, ASKED, 4) == [1.0, 1.0, 0.75, 0.25]
