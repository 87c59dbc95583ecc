"""Runs CPU stages on small files: replies as the client stores them, and what a stage made of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

Row = dict[str, Any]
Main = Callable[[list[str] | None], int]

#: Replies that no parser should trust; each may come for any row.
HOSTILE_TEXTS = [
    "",
    " \n\t",
    "\r\n",
    "<think>",
    "<think>\nProblem 1: unfinished\nproof\nAnswer: 3\nJudgement: Yes",
    "</think>",
    "Problem 1:",
    "Problem 1: \n\nProblem 2:",
    "Problem 1: x\n\nProblem 1: y",
    "Problem 0001: x = 1",
    "Problem 1: " + "9" * 20_000,
    "**" * 5_000,
    "No problems identified.\n\nProblem 1: x = 1",
    "proof\nnot proof",
    "not",
    "Answer:",
    "Answer: 1\nAnswer: 2",
    "Answer: " + "{" * 3_000,
    "Answer: $",
    "Prove that $1 = 1$.",
    "Here is the new problem:\n\nFind $x$.",
    "I cannot help with that.",
    '{"label": "proof"}',
    "\x00\x01\x7f\u202e\u2028\ufeff",
    "🙂" * 100,
    "ＰＲＯＢＬＥＭ １： ｘ",
    "\\boxed{" * 500,
]


def reply(row_id: str, prompt: str, text: str | None, **fields: Any) -> Row:
    """A stored reply; a text of None stands for a request that failed for good."""
    error = {"kind": "context_overflow", "status": 400, "message": "too long"} if text is None else None
    stored = {"id": row_id, "prompt": prompt, "seed": 0, "key": "0123456789abcdef", "text": text, "reasoning": None}
    stored |= {"finish_reason": None if text is None else "stop", "usage": None, "error": error}
    return stored | {"model": "sample@1", "latency_s": 0.1} | fields


def hostile_replies(ids: Iterable[str], prompts: Sequence[str]) -> list[Row]:
    """A hostile reply to each request: odd texts, failures, cut texts, and now and then none at all."""
    replies = []
    requests = [(row_id, prompt) for row_id in ids for prompt in prompts]
    for number, (row_id, prompt) in enumerate(requests):
        turn = number % (len(HOSTILE_TEXTS) + 3)
        if turn < len(HOSTILE_TEXTS):
            replies.append(reply(row_id, prompt, HOSTILE_TEXTS[turn]))
        elif turn == len(HOSTILE_TEXTS):
            replies.append(reply(row_id, prompt, None))
        elif turn == len(HOSTILE_TEXTS) + 1:
            replies.append(reply(row_id, prompt, "Problem 1: cut at the tok", finish_reason="length"))
    return replies


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(dict(row)) + b"\n" for row in rows))
    return path


def read_rows(path: Path) -> list[Row]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


class StageRun(NamedTuple):
    """The three files of a stage, as bytes and read."""

    files: dict[str, bytes]
    rows: list[Row]
    dropped: list[Row]
    counts: Row

    @property
    def said(self) -> tuple[bytes, bytes, Row]:
        """All that it made, but for the bytes that it read: what is read with a reply depends on where it lies."""
        return self.files["output"], self.files["dropped"], without_reads(self.counts)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each dropped row was dropped, by id."""
        return {row["id"]: row["reason"] for row in self.dropped}


def run_stage(
    main: Main,
    folder: Path,
    inputs: Mapping[str, Iterable[Mapping[str, Any]]],
    replies: Iterable[Row] | None = None,
    shards: int = 1,
) -> StageRun:
    """Run a stage; `inputs` are rows by flag, `replies` are spread over so many files."""
    arguments = []
    for flag, rows in inputs.items():
        arguments += [f"--{flag}", str(write_rows(folder / f"{flag}.jsonl", rows))]
    if replies is not None:
        arguments += ["--replies", *map(str, write_shards(folder / "replies", list(replies), shards))]
    outputs = {name: folder / "results" / name for name in ("output", "dropped", "counts")}
    for name, path in outputs.items():
        arguments += [f"--{name}", str(path)]
    assert main(arguments) == 0
    files = {name: path.read_bytes() for name, path in outputs.items()}
    return StageRun(files, read_rows(outputs["output"]), read_rows(outputs["dropped"]), orjson.loads(files["counts"]))


def write_shards(folder: Path, replies: list[Row], shards: int) -> list[Path]:
    return [write_rows(folder / f"shard-{shard}.jsonl", replies[shard::shards]) for shard in range(shards)]


def same_for_any_order(
    main: Main, folder: Path, inputs: Mapping[str, Iterable[Mapping[str, Any]]], replies: list[Row]
) -> StageRun:
    """Run a stage with its replies shuffled and sharded in several ways; the files must be equal to the byte."""
    inputs = {flag: list(rows) for flag, rows in inputs.items()}
    first = run_stage(main, folder / "0", inputs, replies)
    for number, shards in enumerate((1, 3, 7), 1):
        shuffled = random.Random(number).sample(replies, len(replies))
        assert run_stage(main, folder / str(number), inputs, shuffled, shards).said == first.said
    return first


def without_reads(counts: Row) -> Row:
    """Counts but for the bytes that were read."""
    return {name: value for name, value in counts.items() if name != "bytes_read"}


def assert_conserved(run: StageRun) -> None:
    """Every row that was read is written or dropped, and every dropped row has its line."""
    counts = run.counts
    assert counts["read"] == counts["passed"] + sum(counts["dropped"].values())
    assert len(run.rows) == counts["written"]
    assert len(run.dropped) == sum(counts["dropped"].values()) + sum(counts.get("dropped_parts", {}).values())
