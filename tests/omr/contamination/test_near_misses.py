from __future__ import annotations

from random import Random

import pytest
from omr.contamination.near_misses import COPIES, NEAR_MISSES, Planted, exchange, reask, recount, resign, respell

PROBLEM = "Let $x+y\\le 3$ and $\\frac{x}{y}=2$. Find the largest sum $x+2y$ of positive $x,y$."


def test_respelling_changes_no_more_than_the_spelling() -> None:
    other = respell(PROBLEM, Random(1))
    assert other is not None
    assert other != PROBLEM
    assert "\\(x+y\\leq  3\\)" in other
    assert "\\dfrac " in other
    assert respell("Find it.", Random(1)) is None


def test_another_sign_is_put_in_one_place_of_a_formula() -> None:
    others = {resign(PROBLEM, Random(seed)) for seed in range(20)}
    assert "Let $x+y\\ge 3$ and $\\frac{x}{y}=2$. Find the largest sum $x+2y$ of positive $x,y$." in others
    assert "Let $x+y\\le 3$ and $\\frac{x}{y}=2$. Find the largest sum $x-2y$ of positive $x,y$." in others
    assert all(other is not None and sum(map(str.__ne__, other, PROBLEM)) == 1 for other in others)
    assert resign("Find - or + in prose, and $x$.", Random(1)) is None


def test_another_quantity_is_asked_in_prose_alone() -> None:
    others = {reask(PROBLEM, Random(seed)) for seed in range(30)}
    assert {other.replace("$", "") for other in others if other} == {
        PROBLEM.replace("$", "").replace(*pair)
        for pair in (("largest", "smallest"), ("sum", "product"), ("positive", "negative"))
    }
    assert reask("Find $sum$.", Random(1)) is None


SEATS = "If $5$ men and 3 women sit in $8$ chairs, $x \\le 12$, find $x+5$."


def test_two_numbers_change_places_but_those_of_one_formula_do_not() -> None:
    others = {exchange(SEATS, Random(seed)) for seed in range(60)}
    assert SEATS.replace("5$ m", "3$ m").replace("3 w", "5 w") in others
    assert all(other is not None and sorted(other) == sorted(SEATS) and other != SEATS for other in others)
    assert exchange("Find $3+5$ of [asy] 7 [/asy].", Random(1)) is None
    assert exchange("Find $5$ of $5$.", Random(1)) is None


def test_two_things_that_are_counted_change_places() -> None:
    others = {recount(SEATS, Random(seed)) for seed in range(30)}
    assert others == {
        SEATS.replace("men", "?").replace("wo?", "men").replace("?", "women"),
        SEATS.replace("men", "?", 1).replace("chairs", "men").replace("?", "chairs"),
        SEATS.replace("women", "?").replace("chairs", "women").replace("?", "chairs"),
    }
    for text in ("Take 5 men and 5 women.", "Take 5 men and 3 men.", "If 3 and 5 such numbers.", ""):
        assert recount(text, Random(1)) is None


def test_of_a_table_of_numbers_only_so_many_pairs_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_from: list[int] = []
    random = Random(1)
    monkeypatch.setattr(random, "choice", lambda pairs: drawn_from.append(len(pairs)) or pairs[-1])
    table = " and ".join(f"${number}$ {'cups' if number % 2 else 'pans'}" for number in range(3000))
    for change in NEAR_MISSES.values():
        change(table, random)
    assert len(drawn_from) == 2
    assert max(drawn_from) < 10_000


def test_all_respelled_copies_are_found_and_no_near_miss_is_taken_for_one() -> None:
    planted = Planted(20)
    for number in range(50):
        text = f"Let $a+{number}b\\le 3$ and $\\frac{{a}}{{b}}={number + 7}$. Find the largest area of {number + 1} rows and ${number + 4}$ columns."
        planted.note({"id": f"p-{number}", "problem": text, "expected_answer": "42"})
    found = planted.measure()
    assert found["copies"]["respelled"] == {"planted": 20, "found": 20}
    assert set(found["copies"]) == set(COPIES)
    assert set(found["near_misses"]) == set(NEAR_MISSES)
    assert all(of == {"planted": 20, "taken_for_copies": 0} for of in found["near_misses"].values())


def test_the_same_problems_are_drawn_whatever_their_order() -> None:
    rows = [
        {"id": f"p-{number}", "problem": f"Find ${number}+x$ and the sum.", "expected_answer": None}
        for number in range(40)
    ]
    drawn = []
    for order in (rows, rows[::-1]):
        planted = Planted(3)
        for row in order:
            planted.note(row)
        drawn.append((planted.measure(), sorted(planted._sample)))
    assert drawn[0] == drawn[1]
