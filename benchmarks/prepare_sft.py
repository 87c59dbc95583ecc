"""Training rows from solutions: rows per CPU second and peak memory of prepare_sft.py, on generated data.

`python benchmarks/prepare_sft.py` makes 2,000 problems x 16 seeds with solutions of 20 KB (0.7 GB of temporary files);
`--problems 20000` is the full size (10 GB). Half of the solutions are right. The script runs once without summaries and
once with a new summary for each right solution. A row is a solution that was judged; CPU seconds are user + system of
the script's process, start included. A sketch without checks makes 23,000 rows of short solutions a second in 28 MB.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parent.parent
MODEL = "owner/model@1"
#: Requests in flight: how far from the order of the rows a reply may arrive.
IN_FLIGHT = 512
_STEP = 'Let $a_{%d} = \\frac{%d}{n+1}$, so that \\[ \\int_0^1 x^{2}\\,dx = \\frac{1}{3}, \\] which is "tight".\n\n'


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    return path


def problems(count: int) -> Iterator[dict[str, Any]]:
    text = "Let $ABC$ be a triangle with $AB = 13$. " * 10
    for n in range(count):
        row = {"id": f"{n:016x}-1", "thread_id": f"{n:016x}", "problem": f"Problem {n}. {text}"}
        yield row | {"expected_answer": "7", "problem_type": "has_answer_extracted"}


def judged(count: int, seeds: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    for n in range(count):
        for seed in range(seeds):
            is_right = draw.random() < 0.5
            row = {"id": f"{n:016x}-1", "seed": seed, "predicted_answer": "7" if is_right else "8", "finished": True}
            votes = {"answer_source": "extracted", "majority_votes": seeds, "total_votes": seeds}
            judgement = {"judgement": "yes" if is_right else "no", "judged_by": "symbolic", "unjudged_reason": None}
            yield row | {"error": None, "expected_answer": "7", "majority_agrees": True} | votes | judgement


def replies(count: int, seed: int, reasonings: list[str], draw: random.Random) -> Iterator[dict[str, Any]]:
    order = sorted(range(count), key=lambda n: n + draw.random() * IN_FLIGHT)
    for n in order:
        text = f"<think>\nSeed {seed}.\n{draw.choice(reasonings)}</think>\n\nIt is \\boxed{{7}}."
        fields = {"id": f"{n:016x}-1", "prompt": "solve_cot", "seed": seed, "key": f"{n:016x}", "text": text}
        usage = {"prompt_tokens": 200, "completion_tokens": len(text) // 3}
        end = {"finish_reason": "stop", "usage": usage, "error": None, "model": MODEL, "latency_s": 1.0}
        yield fields | {"reasoning": None} | end


def make(folder: Path, count: int, seeds: int, size: int) -> tuple[list[object], list[object]]:
    """Generate all inputs. Returns the flags of the script without and with summaries."""
    draw = random.Random(0)
    one = len(_STEP % (10, 10))
    reasonings = ["".join(_STEP % (draw.randint(10, 99), n % 100) for n in range(size // one)) for _ in range(50)]
    rows = list(judged(count, seeds, draw))
    right = [row for row in rows if row["judgement"] == "yes"]
    flags: list[object] = ["--problems", write_lines(folder / "decontaminated.jsonl", problems(count))]
    flags += ["--judged", write_lines(folder / "judged.jsonl", rows), "--shard", 0, "--shards", 1]
    flags += ["--prompt", ROOT / "prompts" / "solve_cot.yaml", "--require-reasoning", "--solutions"]
    for seed in range(seeds):
        flags.append(write_lines(folder / f"seed-{seed:02d}.jsonl", replies(count, seed, reasonings, draw)))
    traces = (
        row | {"id": f"{row['id']}-{row['seed']}", "problem_id": row["id"], "solution": draw.choice(reasonings)}
        for row in right
    )
    summary = {"summary": "So it is \\boxed{7}. " * 100, "summary_candidate": 0, "summary_judged_by": "symbolic"}
    summaries: list[object] = ["--traces", write_lines(folder / "traces.jsonl", traces)]
    summaries += ["--summarized", write_lines(folder / "summarized.jsonl", (row | summary for row in right))]
    return flags, [*flags, *summaries]


def measure(name: str, folder: Path, rows: int, flags: list[object]) -> None:
    """Run the script and print its line of the table."""
    outputs = [f"--{flag}={folder / flag}" for flag in ("output", "dropped", "counts")]
    command = [sys.executable, str(ROOT / "scripts" / "prepare_sft.py"), *map(str, flags), *outputs]
    process = os.spawnv(os.P_NOWAIT, sys.executable, command)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"prepare_sft ended with status {status}")
    cpu_s, peak_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    written = orjson.loads((folder / "counts").read_bytes())["written"]
    print(f"{name:18} {rows:10,} {written:10,} {cpu_s:8.1f} {rows / cpu_s:10,.0f} {peak_mb:8.0f}", flush=True)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--size", type=int, default=20_000, help="characters of a solution")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder, rows = Path(name), args.problems * args.seeds
        without, with_summaries = make(folder, args.problems, args.seeds, args.size)
        print(f"{'':18} {'judged':>10} {'written':>10} {'CPU s':>8} {'rows/CPU s':>10} {'peak MB':>8}")
        measure("without summaries", folder, rows, without)
        measure("with summaries", folder, rows, with_summaries)
    return 0


if __name__ == "__main__":
    sys.exit(main())
