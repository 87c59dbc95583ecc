"""Canaries: benchmark problems that travel with the training problems through decontamination, to be caught there.

In: benchmark files. Out: {"id": "canary-<kind>-<benchmark>-<row>", "kind", "benchmark", "row", "problem"}; kinds are
`verbatim`, `paraphrased` (other words, the same formulas) and `renumbered` (other numbers). How many of them each net
and the model caught is what the report says about recall. Step: decontaminate, which never lets one into its output.
The same seed makes the same canaries, in whatever order the benchmarks are named.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from random import Random

from omr.contamination.benchmark_text import normal_text
from omr.contamination.benchmarks import BenchmarkRow, Pool
from omr.contamination.rewording import paraphrase, renumber
from omr.contamination.steps import CANARY_KINDS, canary_id
from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile, Row, dumps


def plant(rows: Iterable[BenchmarkRow], seed: int, per_benchmark: int) -> Iterator[Row]:
    """Up to `per_benchmark` canaries of every kind for every benchmark, by kind, benchmark and row.

    Rows are drawn by a hash of the seed and themselves; one that a kind cannot be made of is passed over for the next.
    """
    drawn = sorted(rows, key=lambda row: (row.benchmark, _number(seed, "row", row), row.row))
    for kind in CANARY_KINDS:
        planted: Counter[str] = Counter()
        canaries = []
        for row in drawn:
            if planted[row.benchmark] < per_benchmark and (problem := _canary(kind, seed, row)) is not None:
                planted[row.benchmark] += 1
                canaries.append((row, problem))
        for row, problem in sorted(canaries):
            yield {"id": canary_id(kind, row), "kind": kind, **row._asdict(), "problem": problem}


def _canary(kind: str, seed: int, row: BenchmarkRow) -> str | None:
    """The problem of a canary, or None where the row lends itself to no such canary."""
    if not normal_text(row.problem):
        return None
    random = Random(_number(seed, kind, row))
    if kind == "verbatim":
        return row.problem
    return paraphrase(row.problem, random) if kind == "paraphrased" else renumber(row.problem, random)


def _number(seed: int, purpose: str, row: BenchmarkRow) -> int:
    """A number that looks random but is the same for the same seed, purpose and row, on any machine."""
    name = f"{seed}/{purpose}/{row.benchmark}/{row.row}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def _parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmarks", required=True, nargs="+", help="benchmark files")
    parser.add_argument("--per-benchmark", type=int, default=5, help="canaries of a kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--output", required=True, help="canary file to write")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command. Raises UserError."""
    arguments = _parse_arguments(argv)
    pool = Pool(arguments.benchmarks)
    planted: Counter[str] = Counter()
    with AtomicFile(arguments.output) as output:
        for canary in plant(pool.rows, arguments.seed, arguments.per_benchmark):
            planted[canary["kind"]] += 1
            output.write(dumps(canary))
    wanted = arguments.per_benchmark * len(pool.sizes)
    for kind in CANARY_KINDS:
        print(f"{kind}: {planted[kind]} canaries of {wanted} wanted", file=sys.stderr)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
