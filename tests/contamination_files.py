"""Small files for the tests of decontamination: benchmarks, problems, matches, replies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

TRIANGLE = (
    r"Let $ABC$ be a triangle with $AB = 13$, $BC = 14$ and $CA = 15$. Suppose that $D$ lies on $BC$ with "
    r"$\frac{BD}{DC} = \frac{3}{4}$. Find the length of $AD$."
)
APPLES = (
    "Anna has 12 apples and buys 7 more in a shop. She gives 3 apples to each of her two friends. "
    "How many apples does Anna have in total?"
)
DIVISORS = r"Find the smallest positive integer $n$ such that $n^2 + 1$ has exactly 6 positive divisors and $n > 40$."
SHORT = "Compute $7!$."
CLEAN = "The roots of $x^2 - 5x + 6 = 0$ are $r$ and $s$. Evaluate $r^3 + s^3$ without solving the equation."


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write a JSONL file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(dict(row)) + b"\n" for row in rows))
    return path


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """All rows of a JSONL file."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def write_benchmark(folder: Path, name: str, problems: Iterable[str]) -> Path:
    """Write a benchmark file of these problems."""
    rows = [
        {"id": f"{name}-{row}", "benchmark": name, "row": row, "problem": problem}
        for row, problem in enumerate(problems)
    ]
    return write_rows(folder / f"{name}.jsonl", rows)


def write_problems(path: Path, problems: Mapping[str, str]) -> Path:
    """Write merged problems by their ids."""
    return write_rows(path, ({"id": key, "problem": text} for key, text in problems.items()))
