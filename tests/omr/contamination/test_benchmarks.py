"""The pool of benchmark problems."""

from __future__ import annotations

from pathlib import Path

import pytest
from contamination_files import DIVISORS, SHORT, TRIANGLE, write_benchmark, write_rows
from omr.contamination.benchmarks import Pool, check_benchmark_name
from omr.errors import UserError


def test_rows_that_differ_in_spelling_only_are_one_text_of_several_rows(tmp_path: Path) -> None:
    other_spelling = TRIANGLE.replace("\\frac", "\\dfrac").replace("$", "")
    math = write_benchmark(tmp_path, "math", [DIVISORS, TRIANGLE])
    math_500 = write_benchmark(tmp_path, "math-500", [other_spelling])
    pool = Pool([math, math_500])
    assert len(pool.texts) == 2
    assert [row[:2] for row in pool.rows_of(pool.text_of("math-500", 0))] == [("math", 1), ("math-500", 0)]
    assert pool.sizes == {"math": 2, "math-500": 1}


def test_rows_without_any_word_are_told_apart_by_what_they_are(tmp_path: Path) -> None:
    pool = Pool([write_benchmark(tmp_path, "odd", ["...", "$$", "..."])])
    assert pool.members == [[0, 2], [1]]


def test_an_empty_benchmark_is_an_error_and_not_a_benchmark_that_never_matches(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no rows"):
        Pool([write_benchmark(tmp_path, "math", [SHORT]), write_benchmark(tmp_path, "hmmt", [])])


def test_two_files_of_one_benchmark_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="share a file or a name"):
        Pool([write_benchmark(tmp_path / "a", "math", [SHORT]), write_benchmark(tmp_path / "b", "math", [DIVISORS])])


def test_two_rows_of_one_number_are_refused(tmp_path: Path) -> None:
    row = {"id": "math-0", "benchmark": "math", "row": 0, "problem": SHORT}
    with pytest.raises(UserError, match="same number"):
        Pool([write_rows(tmp_path / "math.jsonl", [row, row])])


def test_a_row_that_no_benchmark_has_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="row 7"):
        Pool([write_benchmark(tmp_path, "math", [SHORT])]).text_of("math", 7)


@pytest.mark.parametrize("name", ["math", "math-500", "gaokao2023en", "omni-math", "a.b_c-1"])
def test_names_of_benchmarks_may_have_hyphens_dots_and_digits(name: str) -> None:
    check_benchmark_name(name)


@pytest.mark.parametrize("name", ["", "Math", "a b", "a~b", "../x", ".hidden", "a/b", "-x", "math\n"])
def test_names_that_cannot_stand_in_ids_and_paths_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot be the name"):
        check_benchmark_name(name)
