"""What tables and rounds yield, worked out and compared with draws."""

from __future__ import annotations

from random import Random

import pytest
from omr.config.seeds import seed_table
from omr.runs.solve_rates import Asking, Population, Rate, Yield, asked_shares, expected_yield
from omr.stages.seeds import Enough, SeedTable

TABLE = SeedTable.from_config(
    {
        "table": [{"to": 0.4, "extracted": 9, "majority": 6}, {"to": 1.0, "extracted": 4, "majority": 3}],
        "no_rate": {"extracted": 5, "majority": 5},
    }
)
SOME = Population([Rate(0.1, 0.25), Rate(0.6, 0.75)], [Rate(0.5, 1.0)], 0.4)
WAYS = {
    "all at once": Asking(seed_table({"seeds": 6}), [6]),
    "table": Asking(TABLE, [9], None, 4),
    "rounds": Asking(seed_table({"seeds": 9}), [2, 5, 9], Enough(2, 3, 0.6, None)),
    "rounds that give up": Asking(seed_table({"seeds": 9}), [2, 5, 9], Enough(2, 3, 0.6, 1)),
    "both": Asking(TABLE, [3, 9], Enough(2, 2, 0.6, 2), 4),
}


def drawn(asking: Asking, problems: Population, keep: int, draws: int) -> Yield:
    """The mean yield of simulated problems, asked solution by solution."""
    draw, total = Random(7), [0.0, 0.0, 0.0, 0.0]
    for _ in range(draws):
        known = draw.random() < problems.known_share
        rates = problems.known if known else problems.voted
        rate = draw.choices([one.rate for one in rates], [one.weight for one in rates])[0]
        share = None
        if asking.measured is not None:
            share = sum(draw.random() < rate for _ in range(asking.measured)) / asking.measured
        number = asking.table.number(share, known)
        asked = right = 0
        for rounds, end in enumerate(asking.ends, 1):
            right += sum(draw.random() < rate for _ in range(min(end, number) - asked))
            asked = min(end, number)
            if asking.enough and asking.enough.why(known, rounds, right, right, right / max(asked, 1)):
                break
        solved = right >= (1 if known else 2)
        for place, value in enumerate((asked, right, solved, min(right, keep) if solved else 0)):
            total[place] += value / draws
    return Yield(*total)


@pytest.mark.parametrize("way", WAYS)
def test_expectations_are_the_means_of_draws(way: str) -> None:
    worked_out, simulated = expected_yield(WAYS[way], SOME, 3), drawn(WAYS[way], SOME, 3, 40_000)
    assert list(worked_out) == pytest.approx(list(simulated), rel=0.03)


@pytest.mark.parametrize("way", WAYS)
def test_seeds_are_asked_of_as_many_problems_as_solutions_are_counted(way: str) -> None:
    shares = asked_shares(WAYS[way], SOME)
    assert sum(shares) == pytest.approx(expected_yield(WAYS[way], SOME, 3).solutions)
    assert shares == sorted(shares, reverse=True)


def test_one_number_of_all_has_right_ones_by_the_mean_of_the_rates() -> None:
    problems = Population.beta(0.6, 1.0, 0.35)
    found = expected_yield(Asking(seed_table({"seeds": 10}), [10]), problems, 100)
    assert problems.mean == pytest.approx(0.6, abs=0.002)
    assert (found.solutions, found.right) == pytest.approx((10, 10 * problems.mean))


def test_rounds_keep_more_rows_per_solution_than_the_most_of_every_problem() -> None:
    problems = Population.beta(3.2 / 5.2, 1.0, 0.35)
    rounds = expected_yield(Asking(seed_table({"seeds": 32}), [4, 12, 32], Enough(8, 6, 0.8, 2)), problems, 8)
    everything = expected_yield(Asking(seed_table({"seeds": 32}), [32]), problems, 8)
    assert rounds.kept / rounds.solutions > 1.3 * everything.kept / everything.solutions
