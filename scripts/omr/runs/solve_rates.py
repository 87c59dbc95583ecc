"""What a recipe gets for its solutions: how many it asks for, and how many problems and rows come of them.

Problems differ in how often a model solves them. With a distribution of these rates, tables and rounds can be worked
out exactly: a problem's right solutions are binomial, and every rule of stopping looks at their number alone. Two
things are simplified. A measure's pass rate is taken to be drawn from the very rate that the recipe's model has; and
solutions without a known answer vote for the right one or for answers that all differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

from omr.stages.seeds import AGREEING, Enough, SeedTable

#: Points that stand for a continuous distribution: its quantiles, evenly spaced.
_POINTS = 80


class Rate(NamedTuple):
    """Problems of which a share `weight` is solved with the probability `rate` per solution."""

    rate: float
    weight: float


@dataclass(frozen=True)
class Population:
    """Problems: those with a known answer (a share `known_share`), and those whose solutions vote on it."""

    known: Sequence[Rate]
    voted: Sequence[Rate]
    known_share: float

    @classmethod
    def beta(cls, mean: float, concentration: float, known_share: float) -> Population:
        """Rates that follow a beta distribution of this mean; a `concentration` of 1 or less has most problems near 0
        or near 1, as the pass rates of strong models on contest problems lie."""
        rates = beta_rates(mean, concentration)
        return cls(rates, rates, known_share)

    @property
    def mean(self) -> float:
        """The share of right ones if every problem gets the same number of solutions."""
        shares = (self.known_share, 1 - self.known_share)
        return sum(part * _mean(rates) for part, rates in zip(shares, (self.known, self.voted), strict=True))


def _mean(rates: Iterable[Rate]) -> float:
    return sum(rate * weight for rate, weight in rates)


def beta_rates(mean: float, concentration: float) -> list[Rate]:
    """The middles of equally likely parts of a beta distribution."""
    # Imported here: it takes a third of a second, and most commands ask for no distribution.
    from scipy.special import betaincinv

    mean = min(max(mean, 1e-3), 1 - 1e-3)
    a, b = mean * concentration, (1 - mean) * concentration
    return [Rate(float(betaincinv(a, b, (i + 0.5) / _POINTS)), 1 / _POINTS) for i in range(_POINTS)]


@dataclass(frozen=True)
class Asking:
    """How a recipe asks: a table (one number is a table, too), solutions after each round, and what is enough.

    `measured` is how many solutions of a problem the pass rates of the table rest on, `least_votes` how many must agree
    where no answer is known.
    """

    table: SeedTable
    ends: Sequence[int]
    enough: Enough | None = None
    measured: int | None = None
    least_votes: int = AGREEING


class Yield(NamedTuple):
    """Per problem: solutions asked for, right ones, problems solved, and right ones that are kept."""

    solutions: float
    right: float
    solved: float
    kept: float

    def plus(self, other: Yield, weight: float) -> Yield:
        return Yield(*(mine + weight * theirs for mine, theirs in zip(self, other, strict=True)))


_NOTHING = Yield(0.0, 0.0, 0.0, 0.0)


def expected_yield(asking: Asking, problems: Population, keep: int) -> Yield:
    """What a problem is worth on average, where at most `keep` of its right solutions are kept."""
    total = _NOTHING
    for known, asked, right, likely in _outcomes(asking, problems):
        solved = right >= (1 if known else asking.least_votes)
        total = total.plus(Yield(asked, right, solved, min(right, keep) if solved else 0), likely)
    return total


def asked_shares(asking: Asking, problems: Population) -> list[float]:
    """For each seed, the share of problems that are asked for that solution."""
    shares = [0.0] * asking.table.most
    for _, asked, _, likely in _outcomes(asking, problems):
        for seed in range(asked):
            shares[seed] += likely
    return [min(share, 1.0) for share in shares]


class _Outcome(NamedTuple):
    """How asking about a problem may end, and how likely that is."""

    known: bool
    asked: int
    right: int
    likely: float


def _outcomes(asking: Asking, problems: Population) -> Iterator[_Outcome]:
    kinds = (True, problems.known, problems.known_share), (False, problems.voted, 1 - problems.known_share)
    for known, rates, share in kinds:
        for rate, weight in rates:
            for number, likely in _numbers(asking, rate, known):
                for asked, right, ending in _of_problem(asking, rate, known, number):
                    yield _Outcome(known, asked, right, share * weight * likely * ending)


def _numbers(asking: Asking, rate: float, known: bool) -> Iterator[tuple[int, float]]:
    """(solutions that the table gives, how likely that is): the measure's own solutions are a draw as well."""
    if asking.measured is None or not asking.table.rows:
        yield asking.table.number(None, known), 1.0
        return
    for right, likely in enumerate(_binomial(asking.measured, rate)):
        yield asking.table.number(right / asking.measured, known), likely


def _of_problem(asking: Asking, rate: float, known: bool, number: int) -> Iterator[tuple[int, int, float]]:
    """(solutions asked for, right ones, how likely that is) of a problem that the table gives `number` solutions."""
    going, before = {0: 1.0}, 0
    for rounds, end in enumerate(asking.ends, 1):
        asked = min(end, number)
        drawn = _binomial(asked - before, rate)
        after: dict[int, float] = {}
        for right, likely in going.items():
            for more, share in enumerate(drawn):
                after[right + more] = after.get(right + more, 0.0) + likely * share
        before, going = asked, {}
        for right, likely in after.items():
            if rounds == len(asking.ends) or _is_done(asking.enough, known, rounds, right, asked):
                yield asked, right, likely
            else:
                going[right] = likely


def _is_done(enough: Enough | None, known: bool, rounds: int, right: int, asked: int) -> bool:
    return enough is not None and enough.why(known, rounds, right, right, right / max(asked, 1)) is not None


def _binomial(tries: int, rate: float) -> list[float]:
    """The probabilities of 0 .. `tries` right ones."""
    return [comb(tries, right) * rate**right * (1 - rate) ** (tries - right) for right in range(tries + 1)]
