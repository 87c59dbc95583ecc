"""Sketches of stages without a check: the least work on the same files, for the tables of the benchmarks.

They take every reply for readable, every answer for what it looks like, and any amount of memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb", buffering=1 << 20) as file:
        yield from map(orjson.loads, file)


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for place in range(start + 6, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 7 : place]
    return None


def classes(problems: Path, replies: Sequence[Path], output: Path) -> None:
    """`parse_classes`: a verdict is `not` or not."""
    found: dict[str, dict[str, bool]] = {}
    for path in replies:
        for reply in _rows(path):
            is_so = not reply["text"].lstrip("*").casefold().startswith("not")
            found.setdefault(reply["id"], {})[reply["prompt"].replace("classify", "is")] = is_so
    _write(output, (row | found[row["id"]] for row in _rows(problems)))


def votes(problems: Path, solutions: Sequence[Path], output: Path) -> None:
    """`fill_majority_answer`: the commonest spelling of a last box."""
    answers: dict[str, list[tuple[int, str | None]]] = {}
    for path in solutions:
        for reply in _rows(path):
            answers.setdefault(reply["id"], []).append((reply["seed"], _boxed(reply["text"])))

    def filled() -> Iterator[dict[str, Any]]:
        for row in _rows(problems):
            given = answers[row["id"]]
            counted = Counter(answer for _, answer in given if answer is not None)
            best, count = counted.most_common(1)[0] if counted else (None, 0)
            for seed, answer in given:
                expected = row["expected_answer"] or best
                fields = {"predicted_answer": answer, "expected_answer": expected, "majority_votes": count}
                yield {"id": row["id"], "seed": seed, **fields}

    _write(output, filled())


def summaries(traces: Path, replies: Path, output: Path) -> None:
    """`merge_summaries`: the longest summary with the solution's own spelling of the answer."""
    texts: dict[str, list[str]] = {}
    for reply in _rows(replies):
        texts.setdefault(reply["id"], []).append(reply["text"])

    def merged() -> Iterator[dict[str, Any]]:
        for row in _rows(traces):
            right = [text for text in texts[row["id"]] if _boxed(text) == row["predicted_answer"]]
            if right:
                row["solution"] = None
                yield row | {"summary": max(right, key=len), "right_summaries": len(right)}

    _write(output, merged())


def selection_summaries(traces: Path, replies: Path, output: Path) -> None:
    """`merge_selection_summaries`: the longest review that ends in the selected number."""
    texts: dict[str, list[str]] = {}
    for reply in _rows(replies):
        texts.setdefault(reply["id"], []).append(reply["text"])

    def merged() -> Iterator[dict[str, Any]]:
        for row in _rows(traces):
            right = [text for text in texts[row["id"]] if text.rsplit(None, 1)[1] == str(row["selected"])]
            if right:
                yield {"id": row["id"], "summary": max(right, key=len), "right_summaries": len(right)}

    _write(output, merged())
