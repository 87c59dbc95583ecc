"""The CPU stages between solutions and training rows: rows per CPU second and peak memory, on generated data.

`python benchmarks/solutions.py` makes 2,000 problems x 16 seeds with solutions of 20 KB (0.7 GB of temporary files);
`--problems 20000` is the full size (10 GB). Each script runs in a process of its own. CPU seconds are user + system of
that process and of those that compare answers for it, start included; peak memory is that of the largest of them. A row
is a solution, for summaries a trace with its four candidates.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson

SCRIPTS = Path(__file__).parent.parent / "scripts"
CANDIDATES = 4
WORKERS = 2
#: Requests in flight: how far from the order of the rows a reply may arrive.
IN_FLIGHT = 512
#: Rows per CPU second and MB of sketches without checks: the least work that the stage can be.
SKETCHES = {"fill_majority_answer": "24,000-27,000 @ 36 (string vote)", "merge_summaries": "17,000 @ 24"}
_STEP = (
    "Let me set $a_{%d} = \\frac{%d}{n+1}$ and use $\\sum_{k=1}^{n} \\left(x_k - \\bar{x}\\right)^2 \\ge 0$. Then"
    ' \\[ \\int_0^1 x^{%d}\\,dx = \\frac{1}{%d}, \\] so the bound is "tight" — wait, let me check that again.\n\n'
)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from map(orjson.loads, file)


def spellings(kind: float, draw: random.Random) -> list[str]:
    """An answer of a kind (from 0 to 1; most are integers) in three spellings."""
    p, q = draw.randint(2, 99), draw.randint(2, 30)
    if kind < 0.55:
        return [str(p * q), f"{p * q}.", f"x = {p * q}"]
    if kind < 0.75:
        value = Fraction(p, q)
        short = f"{value.numerator}/{value.denominator}"
        return [f"\\frac{{{value.numerator}}}{{{value.denominator}}}", short, f"\\dfrac{{{3 * p}}}{{{3 * q}}}"]
    if kind < 0.87:
        return [f"{p}\\sqrt{{{q}}}", f"\\sqrt{{{p * p * q}}}", f"{p} \\cdot {q}^{{1/2}}"]
    if kind < 0.96:
        return [f"({p}, {q})", f"\\left({p},{q}\\right)", f"x={p}, y={q}"]
    return [f"\\text{{the {p}th day}}", f"{p}th day", f"\\text{{day {p}}}"]


def problems(count: int, draw: random.Random) -> list[dict[str, Any]]:
    """A third has a known answer. `right` are its spellings, `wrong` other answers, `chance` that of a right one."""
    rows = []
    for n in range(count):
        kind = draw.random()
        right, wrong = spellings(kind, draw), [spellings(kind, draw)[0] for _ in range(4)]
        text = f"Problem {n}. " + "Let $ABC$ be a triangle with $AB = 13$. " * 10
        row = {"id": f"{n:016x}-1", "problem": text, "expected_answer": right[0] if n % 3 == 0 else None}
        rows.append(row | {"right": right, "wrong": wrong, "chance": draw.uniform(0.2, 1.0)})
    return rows


def reply(row_id: str, prompt: str, seed: int, text: str) -> dict[str, Any]:
    fields = {"id": row_id, "prompt": prompt, "seed": seed, "key": row_id[:16], "text": text, "reasoning": None}
    usage = {"prompt_tokens": 200, "completion_tokens": len(text) // 3}
    return fields | {"finish_reason": "stop", "usage": usage, "error": None, "model": "m@1", "latency_s": 1.234}


def arriving(rows: list[dict[str, Any]], draw: random.Random) -> Iterator[dict[str, Any]]:
    """The rows in an order of arrival: each a random way off its place."""
    waiting: list[dict[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) > IN_FLIGHT:
            yield waiting.pop(draw.randrange(len(waiting)))
    yield from waiting


def write_solutions(folder: Path, rows: list[dict[str, Any]], seeds: int, size: int, draw: random.Random) -> list[str]:
    """One file per seed; now and then a solution has no box."""
    folder.mkdir()
    paths = [folder / f"seed-{seed:02d}.jsonl" for seed in range(seeds)]
    reasonings = []
    for _ in range(50):
        steps = [_STEP % tuple(draw.randint(1, 99) for _ in range(4)) for _ in range(20)]
        reasonings.append("".join(steps[n % 20] for n in range(size // len(steps[0]))))
    for seed, path in enumerate(paths):
        write_lines(path, (solution(row, seed, draw, reasonings) for row in arriving(rows, draw)))
    return [str(path) for path in paths]


def solution(row: dict[str, Any], seed: int, draw: random.Random, reasonings: list[str]) -> dict[str, Any]:
    is_right = draw.random() < row["chance"]
    answer = draw.choices(row["right"], [8, 2, 1])[0] if is_right else draw.choices(row["wrong"], [6, 3, 2, 1])[0]
    box = "" if draw.random() < 0.02 else f"\\boxed{{{answer}}}"
    reasoning = f"{draw.choice(reasonings)}So it is {box}.\n\nLet me check."
    return reply(row["id"], "solve_cot", seed, f"<think>\n{reasoning}\n</think>\n\nThe answer is {box}.")


def write_verdicts(questions: Path, path: Path) -> None:
    text = "They differ in value.\nJudgement: No"
    write_lines(path, (reply(row["id"], "judge_answers", 0, text) for row in read_lines(questions)))


def write_summaries(traces: Path, path: Path, draw: random.Random) -> None:
    def candidates() -> Iterator[dict[str, Any]]:
        for row in read_lines(traces):
            for number in range(CANDIDATES):
                answer = row["predicted_answer"] if draw.random() < 0.9 else "0"
                text = "Note that $x^2 \\ge 0$. " * draw.randint(50, 150) + f"So \\boxed{{{answer}}}."
                yield reply(row["id"], "summarize_solution", number, text)

    write_lines(path, candidates())


def measure(stage: str, folder: Path, rows: int, *arguments: object) -> Path:
    """Run a script and print its line of the table. Returns its output."""
    output = folder / f"{stage}.jsonl"
    command = [sys.executable, str(SCRIPTS / f"{stage}.py"), *map(str, arguments), "--output", str(output)]
    command += ["--dropped", str(folder / f"{stage}.dropped"), "--counts", str(folder / f"{stage}.counts")]
    process = os.spawnv(os.P_NOWAIT, sys.executable, command)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{stage} ended with status {status}")
    cpu_s, peak_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    print(
        f"{stage:26} {rows:9,} {cpu_s:8.1f} {rows / cpu_s:10,.0f} {peak_mb:8.0f}  {SKETCHES.get(stage, '')}", flush=True
    )
    return output


def run(folder: Path, count: int, seeds: int, size: int) -> None:
    draw = random.Random(0)
    rows, total = problems(count, draw), count * seeds
    known = ("id", "problem", "expected_answer")
    decontaminated = folder / "decontaminated.jsonl"
    write_lines(decontaminated, ({field: row[field] for field in known} for row in rows))
    files = write_solutions(folder / "solutions", rows, seeds, size, draw)
    print(f"{'stage':26} {'rows':>9} {'CPU s':>8} {'rows/CPU s':>10} {'peak MB':>8}  sketch")

    shard = ("--problems", decontaminated, "--shard", 0, "--shards", 1, "--seeds", seeds, "--workers", WORKERS)
    majority = measure("fill_majority_answer", folder, total, *shard, "--solutions", *files)
    asked = ("--workers", WORKERS, "--questions", folder / "questions.jsonl")
    of_majority = ("--problems", decontaminated, "--majority", majority)
    comparisons = measure("select_judgements", folder, total, *of_majority, *asked)
    write_verdicts(folder / "questions.jsonl", folder / "verdicts.jsonl")
    verdicts = ("--comparisons", comparisons, "--replies", folder / "verdicts.jsonl")
    judged = measure("merge_judgements", folder, total, "--majority", majority, *verdicts)

    of_judged = ("--problems", decontaminated, "--judged", judged, "--prompt-name", "solve_cot")
    traces = measure("select_traces", folder, total, *of_judged, "--solutions", *files)
    write_summaries(traces, folder / "summaries.jsonl", draw)
    kept = sum(1 for _ in read_lines(traces))
    of_traces = ("--traces", traces, "--summaries", folder / "summaries.jsonl", "--candidates", CANDIDATES)
    comparisons = measure("select_summary_judgements", folder, kept, *of_traces, *asked)
    write_verdicts(folder / "questions.jsonl", folder / "verdicts.jsonl")
    verdicts = ("--comparisons", comparisons, "--replies", folder / "verdicts.jsonl")
    measure("merge_summaries", folder, kept, *of_traces, *verdicts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, nargs="+", default=[2000], help="numbers of problems (default: 2000)")
    parser.add_argument("--seeds", type=int, default=16, help="solutions per problem (default: 16)")
    parser.add_argument("--solution-bytes", type=int, default=20_000, help="length of a solution (default: 20000)")
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    args = parser.parse_args()
    for count in args.problems:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            run(Path(folder), count, args.seeds, args.solution_bytes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
