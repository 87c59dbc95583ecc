"""What is typed finds what is written, whatever the spelling of formulas."""

from __future__ import annotations

import sqlite3

import pytest
from omr.browse.database import create_words
from omr.browse.words import indexed, query

TEXTS = {
    1: r"Find all $x$ with $\left(\frac{x+1}{2}\right)^2 = 9$ in the triangle.",
    2: r"Find all $x$ with $x-1 = \sqrt{2}$, für $f'(x) < 0$.",
    3: "W trójkącie dane są boki; triangles and 100 % of $a_{n}$",
}


@pytest.fixture
def db() -> sqlite3.Connection:
    found = sqlite3.connect(":memory:")
    create_words(found, 1)
    rows = [(number, indexed(text)) for number, text in TEXTS.items()]
    found.executemany("INSERT INTO words_1 (rowid, text) VALUES (?,?)", rows)
    return found


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("find all", {1, 2}),
        ("all FIND", {1, 2}),
        ('"all find"', set()),
        ("x+1", {1}),
        ("$x + 1$", {1}),
        ("x-1", {2}),
        (r"\frac{x+1}{2}", {1}),
        (r"(\frac{x+1}{2})^2", {1}),
        (r"\sqrt2 x", set()),
        (r"\sqrt{2} x", {2}),
        ("fur", {2}),
        ("trojkacie", {3}),
        ("triangle", {1}),
        ("triangle*", {1, 3}),
        ("f'(x)", {2}),
        ("a_n", {3}),
        ("100 %", {3}),
    ],
)
def test_words_and_formulas_are_found(db: sqlite3.Connection, typed: str, numbers: set[int]) -> None:
    found = db.execute("SELECT rowid FROM words_1 WHERE words_1 MATCH ?", (query(typed),))
    assert {number for (number,) in found} == numbers


@pytest.mark.parametrize(
    "typed",
    ['"', "'", '" OR 1 --', "NEAR(a b)", "a AND", "*", "-x", "col:x", "(", "^", "\0", "x" * 5000, '"' * 99, "$$"],
)
def test_nothing_that_is_typed_is_a_fault_of_the_query(db: sqlite3.Connection, typed: str) -> None:
    wanted = query(typed)
    found = (
        [] if wanted is None else db.execute("SELECT rowid FROM words_1 WHERE words_1 MATCH ?", (wanted,)).fetchall()
    )
    assert len(found) <= len(TEXTS)


@pytest.mark.parametrize("typed", ["", "   ", '""', "$ $", "{}"])
def test_a_query_without_a_word_is_none(typed: str) -> None:
    assert query(typed) is None
