"""Ids, and files that are read in step with the problems."""

from __future__ import annotations

from pathlib import Path

import pytest
from contamination_files import write_problems, write_rows
from hypothesis import given
from hypothesis import strategies as st
from omr.contamination.benchmarks import BenchmarkRow
from omr.contamination.steps import (
    MatchFiles,
    RowsInStep,
    canary_id,
    is_canary,
    named_paths,
    pair_id,
    read_problems,
)
from omr.errors import UserError
from omr.threads.posts import thread_id

CANARY = {"kind": "verbatim", "benchmark": "math", "row": 3, "problem": "p"}


def match(problem_id: str, row: int = 0) -> dict[str, object]:
    return {"id": problem_id, "benchmark": "math", "row": row, "score": 0.5}


def test_the_ids_of_a_benchmark_with_hyphens_are_unambiguous() -> None:
    one, other = BenchmarkRow("math-500", 1, ""), BenchmarkRow("math", 5001, "")
    assert pair_id("0123456789abcdef-1", one, "ab") == "0123456789abcdef-1~math-500-1~ab"
    assert canary_id("verbatim", one) != canary_id("verbatim", other)
    assert pair_id("x-1", one, "ba").split("~")[1].rpartition("-") == ("math-500", "-", "1")


@given(st.text(max_size=20))
def test_no_problem_of_a_thread_has_the_id_of_a_canary(post: str) -> None:
    assert not is_canary(f"{thread_id(post, [])}-1")
    assert is_canary(canary_id("renumbered", BenchmarkRow("math", 0, post)))


def test_problems_come_first_and_canaries_last(tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "merged.jsonl", {"b": "1", "a": "2"})
    canaries = write_rows(tmp_path / "canaries.jsonl", [{"id": "canary-verbatim-math-3", **CANARY}])
    assert [row["id"] for row in read_problems(problems, canaries)] == ["b", "a", "canary-verbatim-math-3"]
    assert [row["id"] for row in read_problems(problems, None)] == ["b", "a"]


def test_a_problem_with_the_id_of_a_canary_is_refused(tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "merged.jsonl", {"canary-verbatim-math-3": "1"})
    with pytest.raises(UserError, match="the id of a canary"):
        list(read_problems(problems, None))


def test_a_canary_without_the_id_of_one_is_refused(tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "merged.jsonl", {"a": "1"})
    canaries = write_rows(tmp_path / "canaries.jsonl", [{"id": "b", **CANARY}])
    with pytest.raises(UserError, match="not the id of a canary"):
        list(read_problems(problems, canaries))


def test_two_neighbours_of_one_id_are_refused(tmp_path: Path) -> None:
    row = {"id": "a", "problem": "p"}
    with pytest.raises(UserError, match="problem before it"):
        list(read_problems(write_rows(tmp_path / "merged.jsonl", [row, row]), None))


def test_rows_are_taken_by_the_problem_they_belong_to(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "m.jsonl", [match("a", 1), match("a", 2), match("c", 3)])
    with RowsInStep(path, {}) as rows:
        assert [[row["row"] for row in rows.take(name)] for name in "abc"] == [[1, 2], [], [3]]


@pytest.mark.parametrize("order", ["ab", "ac", ""])
def test_rows_of_other_problems_or_in_another_order_are_an_error_and_not_lost(tmp_path: Path, order: str) -> None:
    path = write_rows(tmp_path / "m.jsonl", [match("b"), match("a")])

    def take_all() -> None:
        with MatchFiles({"exact": path}) as files:
            for name in order:
                files.take(name)

    with pytest.raises(UserError, match="not among the problems"):
        take_all()


def test_matches_of_nets_that_found_nothing_are_left_out(tmp_path: Path) -> None:
    paths = {"exact": write_rows(tmp_path / "e.jsonl", []), "tfidf": write_rows(tmp_path / "t.jsonl", [match("a")])}
    with MatchFiles(paths) as files:
        assert {net: [tuple(found) for found in matches] for net, matches in files.take("a").items()} == {
            "tfidf": [("math", 0, 0.5)]
        }


@pytest.mark.parametrize("items", [["exact"], ["=x"], ["exact="], ["a=1", "a=2"]])
def test_match_files_without_a_net_or_with_one_twice_are_refused(items: list[str]) -> None:
    with pytest.raises(UserError, match="--matches"):
        named_paths(items)
