"""Which canaries are planted, and that the same seed plants the same ones."""

from __future__ import annotations

from pathlib import Path

import plant_canaries
from contamination_files import APPLES, DIVISORS, SHORT, TRIANGLE, read_json_lines, write_benchmark
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.contamination.benchmark_text import normal_text
from omr.contamination.benchmarks import BenchmarkRow
from omr.contamination.rewording import changed_share

PROBLEMS = [TRIANGLE, APPLES, DIVISORS, SHORT, "$$", "$x^2 = 4$"]
ROWS = [BenchmarkRow(name, row, text) for name in ("math", "math-500") for row, text in enumerate(PROBLEMS)]


def run(tmp_path: Path, files: list[Path], *options: str) -> list[dict[str, object]]:
    output = tmp_path / "canaries.jsonl"
    assert plant_canaries.main(["--benchmarks", *map(str, files), *options, "--output", str(output)]) == 0
    return read_json_lines(output)


def test_every_kind_is_planted_for_every_benchmark_from_rows_that_lend_themselves_to_it(tmp_path: Path) -> None:
    files = [write_benchmark(tmp_path, "math", PROBLEMS), write_benchmark(tmp_path, "math-500", PROBLEMS)]
    canaries = run(tmp_path, files, "--per-benchmark", "3")
    assert [(row["kind"], row["benchmark"]) for row in canaries] == [
        (kind, name)
        for kind in ("verbatim", "paraphrased", "renumbered")
        for name in ("math", "math-500")
        for _ in range(3)
    ]
    for canary in canaries:
        assert canary["id"] == f"canary-{canary['kind']}-{canary['benchmark']}-{canary['row']}"
        original, planted = PROBLEMS[int(str(canary["row"]))], str(canary["problem"])
        assert (planted == original) == (canary["kind"] == "verbatim")
        assert canary["kind"] != "paraphrased" or changed_share(original, planted) >= 0.1
        assert normal_text(planted)


def test_a_benchmark_too_small_for_so_many_canaries_has_fewer(tmp_path: Path) -> None:
    canaries = run(tmp_path, [write_benchmark(tmp_path, "odd", ["$x^2 = 4$", "$$"])], "--per-benchmark", "5")
    assert [row["kind"] for row in canaries] == ["verbatim", "renumbered"]


def test_no_canaries_can_be_asked_for(tmp_path: Path) -> None:
    assert run(tmp_path, [write_benchmark(tmp_path, "math", PROBLEMS)], "--per-benchmark", "0") == []


def test_the_seed_decides_which_rows_are_planted() -> None:
    rows = [BenchmarkRow("math", row, f"Find {row + 20} apples.") for row in range(200)]
    planted = {
        tuple(canary["row"] for canary in plant_canaries.plant(rows, seed, 5) if canary["kind"] == "verbatim")
        for seed in range(4)
    }
    assert len(planted) == 4


@settings(max_examples=20, deadline=None)
@given(rows=st.permutations(ROWS), seed=st.integers(0, 99))
def test_the_order_of_the_benchmarks_and_of_their_rows_does_not_matter(rows: list[BenchmarkRow], seed: int) -> None:
    assert list(plant_canaries.plant(rows, seed, 2)) == list(plant_canaries.plant(ROWS, seed, 2))
