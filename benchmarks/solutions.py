"""The CPU stages between solutions and training rows, on generated data: rows per CPU second and peak memory.

`python benchmarks/solutions.py` runs 2,000 problems x 16 seeds with solutions of 20 KB (0.7 GB of temporary files);
`--problems 20000` is the full size (7 GB). Every stage runs in a process of its own. CPU seconds are those of the stage
and the processes that compare answers for it; peak memory is given for both, the second for one such process.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import random
import resource
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from omr.jsonl import AtomicFile, dumps, read_rows

#: Rows per CPU second and MB of quick sketches of the same stages without checks, on the same kind of data.
SKETCHES = {
    "fill_majority_answer": "24,000-27,000 @ 36 (string vote, 8 seeds)",
    "merge_summaries": "17,000 @ 24",
}
CANDIDATES = 4
WORKERS = 2
_STEP = (
    "Let me set $a_{%d} = \\frac{%d}{n+1}$ and use the inequality $\\sum_{k=1}^{n} \\left(x_k - \\bar{x}\\right)^2 \\ge 0$."
    " Then \\[ \\int_0^1 x^{%d}\\,dx = \\frac{1}{%d}, \\] so the bound is \"tight\" — wait, let me check that again.\n\n"
)  # fmt: skip


class Figures(NamedTuple):
    """What a stage took."""

    cpu_s: float
    peak_mb: float
    worker_peak_mb: float


# ---- data ------------------------------------------------------------------------------------------------------------


def spellings(rng: random.Random) -> list[str]:
    """A right answer in some spellings, as models vary them; most are integers."""
    kind = rng.random()
    p, q = rng.randint(2, 99), rng.randint(2, 30)
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


def problems(count: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(count):
        right = spellings(rng)
        known = right[0] if rng.random() < 0.35 else None
        text = f"Problem {number}. " + "Let $ABC$ be a triangle with $AB = 13$. " * 10
        yield {"id": f"{number:016x}-1", "problem": text, "expected_answer": known, "right": right}


def reply(row_id: str, prompt: str, seed: int, text: str) -> bytes:
    usage = {"prompt_tokens": 200, "completion_tokens": len(text) // 3}
    head = {"id": row_id, "prompt": prompt, "seed": seed, "key": "0" * 16, "text": text, "reasoning": None}
    return dumps(head | {"finish_reason": "stop", "usage": usage, "error": None, "model": "m", "latency_s": 1.0})


def reasoning_of(size: int, rng: random.Random) -> str:
    step = [_STEP % tuple(rng.randint(1, 99) for _ in range(4)) for _ in range(20)]
    return "".join(step[number % 20] for number in range(size // len(step[0])))


def write_solutions(folder: Path, rows: list[dict[str, Any]], seeds: int, size: int, rng: random.Random) -> list[Path]:
    """One file per seed: most right, in varied spellings, some wrong, few cut or without a box."""
    paths = [folder / "solutions" / f"seed-{seed:02d}.jsonl" for seed in range(seeds)]
    chances = {row["id"]: rng.uniform(0.2, 1.0) for row in rows}
    wrong = {row["id"]: [spellings(rng)[0] for _ in range(6)] for row in rows}
    fillers = [reasoning_of(size, rng) for _ in range(50)]
    for seed, path in enumerate(paths):
        with AtomicFile(path) as file:
            for row in rng.sample(rows, len(rows)):
                right = rng.random() < chances[row["id"]]
                answer = rng.choices(row["right"], [8, 2, 1])[0] if right else rng.choice(wrong[row["id"]])
                box = "" if rng.random() < 0.02 else f"\\boxed{{{answer}}}"
                text = (
                    f"<think>\n{rng.choice(fillers)}So it is {box}.\n\nLet me check.\n</think>\n\nThe answer is {box}."
                )
                file.write(reply(row["id"], "solve_cot", seed, text))
    return paths


def write_verdicts(questions: Path, path: Path) -> None:
    with AtomicFile(path) as file:
        for row in read_rows(questions):
            file.write(reply(row["id"], "judge_answers", 0, "They differ in value.\nJudgement: No"))


def write_summaries(traces: Path, path: Path, rng: random.Random) -> None:
    with AtomicFile(path) as file:
        for row in read_rows(traces):
            for candidate in range(CANDIDATES):
                answer = row["predicted_answer"] if rng.random() < 0.9 else "0"
                text = "Note that $x^2 \\ge 0$. " * rng.randint(50, 150) + f"So \\boxed{{{answer}}}."
                file.write(reply(row["id"], "summarize_solution", candidate, text))


# ---- measuring -------------------------------------------------------------------------------------------------------


def _run(pipe: Connection, script: str, argv: list[str]) -> None:
    status = importlib.import_module(script).main(argv)
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    pipe.send((status, Figures(cpu_s, own.ru_maxrss / 1024, others.ru_maxrss / 1024)))


def measure(script: str, flags: dict[str, Any]) -> Figures:
    """Run a stage in a fresh process."""
    argv: list[str] = []
    for name, value in flags.items():
        argv += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, script, argv))
    process.start()
    theirs.close()  # so that a stage that fails ends the wait
    status, figures = ours.recv()
    process.join()
    if status != 0:
        raise SystemExit(f"{script} failed")
    return Figures(*figures)


class Bench:
    """Runs the stages in order in one folder and prints a line for each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stage(self, script: str, rows: int, output: str, **flags: Any) -> Path:
        """Run a stage that writes `output`; `rows` is what its speed is counted in."""
        path = self.folder / f"{output}.jsonl"
        figures = measure(
            script,
            flags | {"output": path, "dropped": f"{path}.dropped", "counts": f"{path}.counts"},
        )
        speed = rows / figures.cpu_s
        print(
            f"| {script} | {rows:,} | {figures.cpu_s:.1f} | {speed:,.0f} | {figures.peak_mb:.0f} "
            f"| {figures.worker_peak_mb:.0f} | {SKETCHES.get(script, '')} |",
            flush=True,
        )
        return path


def run(bench: Bench, count: int, seeds: int, size: int) -> None:
    rng = random.Random(0)
    rows = list(problems(count, rng))
    folder, solutions = bench.folder, count * seeds
    decontaminated = folder / "decontaminated.jsonl"
    with AtomicFile(decontaminated) as file:
        for row in rows:
            file.write(dumps({key: value for key, value in row.items() if key != "right"}))
    files = write_solutions(folder, rows, seeds, size, rng)
    print(
        "| stage | rows | CPU s | rows / CPU s | peak MB | of a comparing process | sketch |\n|---|---|---|---|---|---|---|"
    )
    questions, asked = folder / "questions.jsonl", folder / "asked.jsonl"
    majority = bench.stage(
        *("fill_majority_answer", solutions, "majority"),
        **{"problems": decontaminated, "shard": 0, "shards": 1, "solutions": files, "seeds": seeds, "workers": WORKERS},
    )
    comparisons = bench.stage(
        *("select_judgements", solutions, "comparisons"),
        **{"problems": decontaminated, "majority": majority, "workers": WORKERS, "questions": questions},
    )
    write_verdicts(questions, folder / "verdicts.jsonl")
    judged = bench.stage(
        *("merge_judgements", solutions, "judged"),
        **{"majority": majority, "comparisons": comparisons, "replies": folder / "verdicts.jsonl"},
    )
    traces = bench.stage(
        *("select_traces", solutions, "traces"),
        **{"problems": decontaminated, "judged": judged, "solutions": files, "prompt-name": "solve_cot"},
    )
    summaries = folder / "summaries.jsonl"
    write_summaries(traces, summaries, rng)
    kept = sum(1 for _ in read_rows(traces))
    of_summaries = {"traces": traces, "summaries": summaries, "candidates": CANDIDATES}
    compared = bench.stage(
        *("select_summary_judgements", kept, "summary_comparisons"),
        **of_summaries | {"workers": WORKERS, "questions": asked},
    )
    write_verdicts(asked, folder / "summary_verdicts.jsonl")
    bench.stage(
        *("merge_summaries", kept, "summarized"),
        **of_summaries | {"comparisons": compared, "replies": folder / "summary_verdicts.jsonl"},
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--solution-bytes", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, help="where the temporary files go")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        run(Bench(Path(name)), args.problems, args.seeds, args.solution_bytes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
