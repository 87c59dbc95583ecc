"""Classes of answers, by verdicts that are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations

from omr.answers.classes import Comparing, Pair, classes_of
from omr.answers.verdict import Verdict


def by(*, equal: str, different: str = "") -> Comparing:
    """Pairs of letters that are the same, and that are not; no other is known to be either."""

    def compare(pairs: Iterable[Pair]) -> Iterator[Verdict]:
        for pair in pairs:
            letters = "".join(sorted(pair))
            is_equal, is_different = letters in equal.split(), letters in different.split()
            yield Verdict.EQUAL if is_equal else Verdict.DIFFERENT if is_different else Verdict.UNKNOWN

    return compare


def test_an_answer_that_differs_from_one_of_a_class_does_not_join_it_in_any_order() -> None:
    for order in permutations("abc"):
        numbers = dict(zip(order, classes_of(order, by(equal="ab ac", different="bc")), strict=True))
        assert numbers == {"a": 0, "b": 0, "c": 1}


def test_an_answer_joins_the_first_class_that_takes_it() -> None:
    assert classes_of("abcd", by(equal="ac bd ad", different="cd ab")) == [0, 1, 0, 1]
    assert classes_of("abcd", by(equal="ac bd ad", different="ab")) == [0, 1, 0, 0]


def test_what_is_the_same_as_a_later_member_alone_joins_nothing() -> None:
    assert classes_of("abc", by(equal="ab bc")) == [0, 0, 1]
