"""A net finds, for each of any number of problems, the benchmark problems it resembles.

A net holds the pool of benchmark problems only; the problems it searches stream through in blocks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from omr.contamination.benchmarks import Pool
from omr.files.jsonl import AtomicFile, Row, dumps

_LINE_EVERY_S = 60.0


class Hit(NamedTuple):
    """A text of the pool that a net found near a problem."""

    text: int  # number in Pool.texts
    score: float  # from 0 to 1


class Net(Protocol):
    """What a search runs over blocks of problems."""

    def search(self, texts: Sequence[str]) -> list[list[Hit]]:
        """For each text its hits, best first, equal scores in the pool's order."""


def best(hits: list[Hit], top_k: int) -> list[Hit]:
    """The best `top_k` hits; equal scores in the pool's order, so that the choice never depends on chance."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.text))[:top_k]


def write_matches(path: str | Path, problems: Iterable[Row], net: Net, pool: Pool, block_rows: int) -> None:
    """Search a stream of problems, holding one block of it at a time, and write the match file of the net.

    Rows are {"id", "benchmark", "row", "score"}, in the order of the problems: every benchmark row of every text found.
    """
    with AtomicFile(path) as file:
        for row in _matches(problems, net, pool, block_rows):
            file.write(dumps(row))


def _matches(problems: Iterable[Row], net: Net, pool: Pool, block_rows: int) -> Iterator[Row]:
    stream = iter(problems)
    searched, last_line = 0, time.monotonic()
    while block := list(islice(stream, block_rows)):
        for problem, hits in zip(block, net.search([row["problem"] for row in block]), strict=True):
            for hit in hits:
                yield from _match_rows(problem["id"], hit, pool)
        searched += len(block)
        if time.monotonic() - last_line > _LINE_EVERY_S:
            print(f"{searched} problems searched", file=sys.stderr, flush=True)
            last_line = time.monotonic()


def _match_rows(problem_id: str, hit: Hit, pool: Pool) -> Iterator[Row]:
    for row in pool.rows_of(hit.text):
        yield {"id": problem_id, "benchmark": row.benchmark, "row": row.row, "score": round(hit.score, 4)}
