"""Small files for the tests of the solution stages: problems, replies, and runs of each stage's script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from omr.training.row_files import read_all

Row = dict[str, Any]


class Made(NamedTuple):
    """What a stage wrote: its rows, the rows it dropped, its counts, and other files by the name of their flag."""

    rows: list[Row]
    dropped: list[Row]
    counts: Row
    path: Path
    others: dict[str, Path]


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(dict(row)) + b"\n" for row in rows))
    return path


def read_lines(path: Path) -> list[Row]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def problem(number: str, expected: str | None = None) -> Row:
    return {"id": number, "problem": f"The problem {number}.", "expected_answer": expected}


def reply(row_id: str, text: str | None, *, prompt: str = "solve_cot", seed: int = 0, **fields: Any) -> Row:
    """A stored reply that ended by itself, unless `fields` say otherwise."""
    whole = {"id": row_id, "prompt": prompt, "seed": seed, "key": "0" * 16, "text": text, "reasoning": None}
    whole |= {"finish_reason": "stop", "usage": {"completion_tokens": 7}, "error": None, "model": "m", "latency_s": 1.0}
    return whole | fields


def boxed(answer: str) -> str:
    return f"<think>\nSo it is \\boxed{{{answer}}}.\n</think>\n\nThe answer is $\\boxed{{{answer}}}$."


def cut(text: str) -> Row:
    """The fields of a reply that was cut at the token limit."""
    return {"text": text, "finish_reason": "length"}


def failed(kind: str) -> Row:
    """The fields of a request that failed for good."""
    return {"text": None, "finish_reason": None, "error": {"kind": kind, "status": 400, "message": "no"}}


def run_stage(script: str, output: Path, flags: Mapping[str, object], *, files: Iterable[str] = ()) -> Made:
    """Run a script's `main` on flags; `files` are flags that name further outputs."""
    given: list[str] = []
    for name, value in flags.items():
        given += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    paths = {name: output.with_suffix(f".{name}") for name in ("dropped", "counts", *files)}
    for name, path in paths.items():
        given += [f"--{name}", str(path)]
    status: int = import_module(script).main([*given, "--output", str(output)])
    assert status == 0
    counts: Row = orjson.loads(paths["counts"].read_bytes())
    others = {name: paths[name] for name in files}
    rows = read_lines(output) if output.is_file() else list(read_all([output]))
    return Made(rows, read_lines(paths["dropped"]), counts, output, others)


def write_seeds(folder: Path, solutions: Mapping[str, list[Any]]) -> list[Path]:
    """One file per seed from {problem id: [what each seed answered]}: an answer to box, or fields of the reply."""
    seeds = max((len(of_problem) for of_problem in solutions.values()), default=0)
    files = []
    for seed in range(seeds):
        rows = [solution(problem_id, seed, of_problem[seed]) for problem_id, of_problem in solutions.items()]
        files.append(write_rows(folder / f"seed-{seed:02d}.jsonl", rows))
    return files


def solution(problem_id: str, seed: int, given: str | Row) -> Row:
    return reply(problem_id, boxed(given) if isinstance(given, str) else "", seed=seed) | (
        {} if isinstance(given, str) else given
    )


def fill(folder: Path, problems: list[Row], solutions: Mapping[str, list[Any]], /, **flags: object) -> Made:
    """Run fill_majority_answer on one shard that holds all problems."""
    files = write_seeds(folder, solutions)
    given = {
        "problems": write_rows(folder / "problems.jsonl", problems),
        "shard": 0,
        "shards": 1,
        "solutions": files,
        "seeds": len(files),
    }
    return run_stage("fill_majority_answer", folder / "majority.jsonl", given | flags)


def select(folder: Path, majority: Path, audits: int = 0, asked: Sequence[Path] = ()) -> Made:
    """Run select_judgements on the problems that `fill` wrote."""
    given = {"problems": folder / "problems.jsonl", "majority": majority, "workers": 1, "audits": audits}
    given |= {"asked": list(asked)} if asked else {}
    return run_stage("select_judgements", folder / "comparisons.jsonl", given, files=["questions"])


def judge(
    folder: Path, majority: Made, verdict: Mapping[str, str | Row], default: str = "Judgement: No", audits: int = 0
) -> Made:
    """Run select_judgements and merge_judgements; the model answers by predicted answer."""
    compared = select(folder, majority.path, audits)
    replies = write_rows(
        folder / "verdicts.jsonl",
        (
            answer_question(question, verdict.get(question["predicted_answer"], default))
            for question in read_lines(compared.others["questions"])
        ),
    )
    given = {"majority": majority.path, "comparisons": compared.path, "replies": replies}
    return run_stage("merge_judgements", folder / "judged.jsonl", given)


def answer_question(question: Row, given: str | Row) -> Row:
    text = given if isinstance(given, str) else ""
    return reply(question["id"], text, prompt="judge_answers") | ({} if isinstance(given, str) else given)
