"""Inputs of prepare_sft.py for tests: a problem with a handful of judged solutions, and the same with summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import prepare_sft
from omr.files.jsonl import dumps, read_rows
from omr.solutions.traces import origin_of
from omr.threads.origins import COLUMN_OF
from omr.training.row_files import read_all

ROOT = Path(__file__).parents[1]
MODEL = "owner/some-model@abc"
Row = dict[str, Any]


#: A row that nothing is told of where it comes from.
NO_ORIGIN = dict.fromkeys(COLUMN_OF.values())


def problem(problem_id: str, **fields: Any) -> Row:
    row = {"id": problem_id, "thread_id": problem_id.rpartition("-")[0], "problem": f"What is {{{{ {problem_id} }}}}?"}
    return row | {"expected_answer": "7", "problem_type": "has_answer_extracted"} | fields


def solution(problem_id: str, seed: int, judgement: str = "yes", *, reasoning: str | None = None, **reply: Any) -> Row:
    """A solution with its verdict, `yes`, `no`, or a reason of `unjudged`; keyword arguments change its reply."""
    reasoning = f"I think {seed}." if reasoning is None else reasoning
    text = f"<think>{reasoning}</think>It is \\boxed{{7}}." if reasoning else "It is \\boxed{7}."
    fields: Row = {"id": problem_id, "prompt": "solve_cot", "seed": seed, "key": f"key-{problem_id}-{seed}"}
    fields |= {"text": text, "reasoning": None, "finish_reason": "stop", "usage": {"completion_tokens": 100 + seed}}
    return {"judgement": judgement, "reply": fields | {"error": None, "model": MODEL, "latency_s": 1.0} | reply}


def judged_row(row: Row) -> Row:
    is_judged = row["judgement"] in ("yes", "no")
    fields: Row = {"id": row["reply"]["id"], "seed": row["reply"]["seed"], "predicted_answer": "7", "finished": True}
    votes = {"answer_source": "majority", "majority_votes": 3, "total_votes": 4, "majority_agrees": None}
    verdict = {
        "judgement": row["judgement"] if is_judged else "unjudged",
        "judged_by": "llm" if is_judged else None,
        "unjudged_reason": None if is_judged else row["judgement"],
    }
    return fields | {"error": None, "expected_answer": "7.0"} | votes | verdict


def write_lines(path: Path, rows: Sequence[Row]) -> Path:
    path.write_bytes(b"".join(map(dumps, rows)))
    return path


@dataclass
class Prepared:
    """What prepare_sft.py made."""

    rows: list[Row]
    dropped: dict[str, str]
    counts: Row


@dataclass
class Inputs:
    """The files of one shard. `summaries` maps a solution's id to its new summary; None: no summaries at all."""

    folder: Path
    problems: list[Row] = field(default_factory=lambda: [problem("aa-1")])
    solutions: list[Row] = field(default_factory=list)
    summaries: dict[str, str] | None = None
    shards: int = 1

    def arguments(self) -> list[str]:
        """Write the files; the flags that name them, and the outputs."""
        self.folder.mkdir(exist_ok=True)
        arguments = [f"--problems={write_lines(self.folder / 'problems', self.problems)}", "--shard=0"]
        judged = write_lines(self.folder / "judged", [judged_row(row) for row in self.solutions])
        arguments += [f"--shards={self.shards}", f"--judged={judged}", f"--prompt={ROOT / 'prompts/solve_cot.yaml'}"]
        # Replies lie in the order of their arrival.
        replies = [row["reply"] for row in reversed(self.solutions)]
        files = [[reply for reply in replies if reply["seed"] % 2 == part] for part in range(2)]
        arguments += ["--solutions", *(str(write_lines(self.folder / f"r{n}", rows)) for n, rows in enumerate(files))]
        if self.summaries is not None:
            arguments += self._summary_arguments(self.summaries)
        return [*arguments, *(f"--{name}={self.folder / name}" for name in ("output", "figures", "dropped", "counts"))]

    def _summary_arguments(self, summaries: dict[str, str]) -> list[str]:
        traces, summarized, untraced = [], [], []
        for row in self.solutions:
            seat = {"problem_id": row["reply"]["id"], "seed": row["reply"]["seed"]}
            row_id = f"{seat['problem_id']}-{seat['seed']}"
            if row["judgement"] != "yes" or "<think>" not in row["reply"]["text"]:
                reason = "empty_reasoning" if row["judgement"] == "yes" else "wrong"
                untraced.append({"id": seat["problem_id"], "seed": seat["seed"], "reason": reason})
                continue
            reply = origin_of(row["reply"])._asdict()
            traces.append({"id": row_id, **seat, "solution": f"trimmed {seat['seed']}", "reply": reply})
            if row_id in summaries:
                fields = {"summary": summaries[row_id], "summary_candidate": 2, "summary_judged_by": "solution"}
                summarized.append(judged_row(row) | fields)
        files = {"traces": traces, "summarized": summarized, "untraced": untraced}
        names = [f"--{name}={write_lines(self.folder / name, rows)}" for name, rows in files.items()]
        return [*names, "--summary-model=owner/summarizer"]

    def prepare(self, *options: str) -> Prepared:
        """Run the script."""
        assert prepare_sft.main([*self.arguments(), *options]) == 0
        dropped = {row["id"]: row["reason"] for row in read_rows(self.folder / "dropped")}
        counts = orjson.loads((self.folder / "counts").read_bytes())
        return Prepared(list(read_all([self.folder / "output"])), dropped, counts)


def training_rows(folder: Path, count: int, *, per_problem: int = 2) -> list[Row]:
    """Training rows, as prepare_sft.py makes them."""
    ids = [f"{n:04x}-1" for n in range(-(-count // per_problem))]
    solutions = [solution(ids[n // per_problem], n % per_problem) for n in range(count)]
    return Inputs(folder, [problem(one) for one in ids], solutions).prepare().rows
