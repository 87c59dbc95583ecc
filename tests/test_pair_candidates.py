"""Which matches are decisive, and about which the model is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pair_candidates
import pytest
from contamination_files import (
    APPLES,
    CLEAN,
    DIVISORS,
    SHORT,
    TRIANGLE,
    read_json_lines,
    write_benchmark,
    write_problems,
    write_rows,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.contamination.benchmarks import Pool
from omr.contamination.steps import Match
from omr.errors import UserError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("benchmarks")
    return [
        write_benchmark(folder, "math", [TRIANGLE, DIVISORS, APPLES]),
        write_benchmark(folder, "math-500", [SHORT, TRIANGLE]),
    ]


def match(problem_id: str, benchmark: str, row: int, score: float) -> dict[str, Any]:
    return {"id": problem_id, "benchmark": benchmark, "row": row, "score": score}


def run(
    tmp_path: Path, files: list[Path], matches: dict[str, list[dict[str, Any]]], *options: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    problems = write_problems(tmp_path / "merged.jsonl", {"a-1": "A", "b-1": "B", "c-1": CLEAN})
    nets = [f"{net}={write_rows(tmp_path / f'{net}.jsonl', rows)}" for net, rows in matches.items()]
    given = ["--problems", str(problems), "--benchmarks", *map(str, files), "--matches", *nets, *options]
    outputs = tmp_path / "pairs.jsonl", tmp_path / "decisive.jsonl"
    given += ["--output", str(outputs[0]), "--decisive-output", str(outputs[1])]
    assert pair_candidates.main(given) == 0
    pairs, decisive = map(read_json_lines, outputs)
    return pairs, decisive


def test_every_question_is_asked_in_both_orders(tmp_path: Path, files: list[Path]) -> None:
    pairs, decisive = run(tmp_path, files, {"tfidf": [match("b-1", "math-500", 0, 0.6)]})
    shared = {"problem_id": "b-1", "benchmark": "math-500", "row": 0}
    assert pairs == [
        {"id": "b-1~math-500-0~ab", **shared, "direction": "ab", "first": "B", "second": SHORT},
        {"id": "b-1~math-500-0~ba", **shared, "direction": "ba", "first": SHORT, "second": "B"},
    ]
    assert decisive == []


def decisive_for(tmp_path: Path, files: list[Path], problem: str, *options: str) -> list[dict[str, Any]]:
    """The decisive matches of one problem that every net takes for the first row of `math`."""
    problems = write_problems(tmp_path / "one.jsonl", {"a-1": problem})
    matches = {net: [match("a-1", "math", 0, 1.0)] for net in ("exact", "ngrams")}
    return run(tmp_path, files, matches, "--problems", str(problems), "--decisive", *options)[1]


@pytest.mark.parametrize("same", [TRIANGLE, TRIANGLE.replace("\\frac", "\\dfrac"), TRIANGLE.replace("$", " $ ")])
def test_a_problem_in_the_notation_of_a_benchmark_problem_needs_no_question(
    tmp_path: Path, files: list[Path], same: str
) -> None:
    expected = [{"id": "a-1", "net": "exact", "benchmark": "math", "row": 0, "score": 1.0}]
    assert decisive_for(tmp_path, files, same, "exact=1.0") == expected


@pytest.mark.parametrize(
    "other",
    [
        TRIANGLE.replace("$AD$", "$ad$"),
        TRIANGLE.replace("$D$", "$D'$"),
        TRIANGLE + " Then add 1 to it.",
        TRIANGLE.replace("BC = 14", r"\\vec{BC} = 14"),
        TRIANGLE.replace("13", "1, 3"),
    ],
)
def test_whatever_differs_by_a_mark_that_may_mean_something_is_a_question(
    tmp_path: Path, files: list[Path], other: str
) -> None:
    assert decisive_for(tmp_path, files, other, "exact=1.0", "ngrams=1.0") == []


def test_a_phrase_is_a_question_even_if_it_is_equal(tmp_path: Path, files: list[Path]) -> None:
    problems = write_problems(tmp_path / "one.jsonl", {"a-1": SHORT})
    matches = {"exact": [match("a-1", "math-500", 0, 1.0)]}
    given = ["--problems", str(problems), "--decisive", "exact=1.0"]
    assert run(tmp_path, files, matches, *given)[1] == []
    assert len(run(tmp_path, files, matches, *given, "--decisive-words", "2")[1]) == 1


def test_the_order_of_thresholds_decides_which_net_is_named(tmp_path: Path, files: list[Path]) -> None:
    (found,) = decisive_for(tmp_path, files, TRIANGLE, "ngrams=1.0", "exact=0.5")
    assert found["net"] == "ngrams"


def test_benchmark_problems_that_only_nets_take_for_equal_are_asked_about_apart(tmp_path: Path) -> None:
    benchmark = write_benchmark(tmp_path, "amc", ["Given $b = 2$, find $a$.", "Given $b = 2$, find $A$."])
    pairs, _ = run(tmp_path, [benchmark], {"exact": [match("a-1", "amc", 0, 1.0)]})
    assert [pair["row"] for pair in pairs] == [0, 0, 1, 1]


def test_the_best_of_every_net_is_asked_about_before_the_second_best_of_any(files: list[Path]) -> None:
    matches = {
        "tfidf": [Match("math", 0, 0.9), Match("math-500", 1, 0.9), Match("math", 1, 0.8)],
        "embeddings": [Match("math", 2, 0.6), Match("math", 1, 0.5)],
    }
    pool = Pool(files)
    chosen = [row[:2] for row in pair_candidates.choose_candidates(matches, pool, 9)]
    # Row 1 of math-500 is row 0 of math in the same spelling, and is not asked about twice.
    assert chosen == [("math", 0), ("math", 2), ("math", 1)]
    assert (
        pair_candidates.choose_candidates(matches, pool, 2) == pair_candidates.choose_candidates(matches, pool, 9)[:2]
    )


@settings(max_examples=50, deadline=None)
@given(st.permutations(["exact", "ngrams", "tfidf", "embeddings"]))
def test_the_order_of_the_nets_does_not_matter(files: list[Path], order: list[str]) -> None:
    matches = {
        "exact": [],
        "ngrams": [Match("math", 1, 0.6)],
        "tfidf": [Match("math", 0, 0.9), Match("math", 1, 0.8)],
        "embeddings": [Match("math-500", 0, 0.6), Match("math", 2, 0.5)],
    }
    chosen = pair_candidates.choose_candidates({net: matches[net] for net in order}, Pool(files), 3)
    assert chosen == pair_candidates.choose_candidates(matches, Pool(files), 3)


def test_no_matches_make_no_pairs(tmp_path: Path, files: list[Path]) -> None:
    assert run(tmp_path, files, {"exact": [], "tfidf": []}) == ([], [])


def test_matches_of_other_problems_are_an_error_and_nothing_is_written(tmp_path: Path, files: list[Path]) -> None:
    with pytest.raises(UserError, match="'z-1'"):
        run(tmp_path, files, {"tfidf": [match("a-1", "math", 0, 0.6), match("z-1", "math", 0, 0.6)]})
    assert not (tmp_path / "pairs.jsonl").exists()
    assert not (tmp_path / "decisive.jsonl").exists()


@pytest.mark.parametrize("threshold", ["exact", "exact=high", "embeddings=0.9"])
def test_a_threshold_of_another_form_or_of_a_net_without_matches_is_refused(
    tmp_path: Path, files: list[Path], threshold: str
) -> None:
    with pytest.raises(UserError, match="--decisive"):
        run(tmp_path, files, {"exact": []}, "--decisive", threshold)
