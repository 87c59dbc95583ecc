"""The index of the pages to look around in: rows per CPU second, bytes a row, peak memory; and what pages take.

`python benchmarks/browse.py` makes runs of 2,000 and 4,000 problems x 16 seeds with solutions of 20 KB (2 GB of
temporary files). CPU seconds and peak memory are those of `scripts/browse.py --only-index`, start included; a row is a
solution, which has a line in the solutions, the votes, the verdicts and the drops. Pages are made in this process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from omr.browse.pages import Pages, State  # noqa: E402
from omr.stages.shards import shard_of  # noqa: E402

SEEDS, SHARDS, RECIPE = 16, 4, "cot-bench"
_TEXT = "Let $a_n = \\frac{1}{n+1}$ and use $\\sum_k (x_k - \\bar x)^2 \\ge 0$, so the bound is tight. "


def problem_id(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15 & (1 << 64) - 1:016x}-1"


def write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def of_shard(shard: int, problems: int) -> list[int]:
    return [n for n in range(problems) if shard_of(problem_id(n), SHARDS) == shard]


def statement(number: int) -> dict[str, Any]:
    text = f"Problem {number}: " + "find all $x$ with $x^2 + 1 = 0$ in the triangle $ABC$. " * 6
    return {"id": problem_id(number), "thread_id": problem_id(number)[:16], "problem": text, "expected_answer": "7"}


def verdict(number: int, seed: int) -> dict[str, Any]:
    judged = {"judgement": ("yes", "no", "unjudged")[(number + seed) % 3], "judged_by": "symbolic"}
    votes = {"majority_votes": 9, "total_votes": 16, "expected_answer": "7", "answer_source": "extracted"}
    return {"id": problem_id(number), "seed": seed, "predicted_answer": str(seed % 3), **votes, **judged}


def drop(number: int, seed: int) -> dict[str, Any]:
    return {"id": problem_id(number), "seed": seed, "reason": ("wrong", "over_limit")[seed % 2]}


def make_run(run: Path, problems: int, size: int) -> None:
    text = _TEXT * (size // len(_TEXT))
    for name in ("problems", "merged", "decontaminated"):
        write(run / f"{name}.jsonl", map(statement, range(problems)))
    home = run / RECIPE
    for shard in range(SHARDS):
        name, mine = f"shard-{shard:03d}-of-{SHARDS:03d}.jsonl", of_shard(shard, problems)
        for seed in range(SEEDS):
            reply = {"prompt": "solve_cot", "seed": seed, "key": "0" * 16, "text": text, "finish_reason": "stop"}
            rows = ({"id": problem_id(n), **reply} for n in mine)
            write(home / f"solutions/seed-{seed:02d}" / name, rows)
        for stage in ("majority", "judged"):
            write(home / stage / name, (verdict(n, seed) for n in mine for seed in range(SEEDS)))
        drops = (
            {"id": problem_id(n), "seed": s, "reason": ("wrong", "over_limit")[s % 2]}
            for n in mine
            for s in range(SEEDS)
        )
        write(home / "dropped/prepare_sft" / name, drops)


def measure(run: Path, rows: int, what: str) -> None:
    command = [sys.executable, str(ROOT / "scripts/browse.py"), "--run", str(run), "--only-index"]
    process = os.spawnv(os.P_NOWAIT, sys.executable, command)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"browse.py ended with status {status}")
    cpu_s, size = usage.ru_utime + usage.ru_stime, (run / "browse.sqlite").stat().st_size
    print(
        f"{what:12} {rows:9,} {cpu_s:7.1f} {rows / cpu_s:11,.0f} {size / rows:8.0f} {usage.ru_maxrss / 1024:8.0f}",
        flush=True,
    )


def time_pages(run: Path) -> None:
    pages = Pages(run, run / "browse.sqlite", State())
    story = {"id": problem_id(1)}
    for path, query in [
        ("/", {}),
        ("/problems", {}),
        ("/problems", {"q": "triangle x^2", "verdict": "no", "low": "30"}),
        ("/solutions", {"recipe": RECIPE, "verdict": "no"}),
        ("/drops", {"reason": "wrong"}),
        ("/problem", story),
        ("/solution", story | {"recipe": RECIPE, "seed": "3"}),
    ]:
        pages.all[path](query)
        begun = time.process_time()
        pages.all[path](query)
        print(f"  {path} {query}: {1000 * (time.process_time() - begun):.0f} ms of CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--size", type=int, default=20_000, help="bytes of a solution")
    args = parser.parse_args()
    print(f"{'index':12} {'rows':>9} {'CPU s':>7} {'rows/CPU s':>11} {'bytes':>8} {'peak MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for problems in (args.problems, 2 * args.problems):
            run, rows = Path(folder) / str(problems), problems * SEEDS
            make_run(run, problems, args.size)
            measure(run, rows, "whole")
            measure(run, rows, "nothing new")
            time_pages(run)


if __name__ == "__main__":
    main()
