"""Comparing solutions: solutions per CPU second and peak memory of the CPU stages, on generated data.

`python benchmarks/genselect.py` makes 40,000 and 80,000 summaries of 2.5 KB, 16 of each problem, half of them right,
and runs the stages from groups to training rows on them, with replies of 12 KB that always choose a right candidate.
CPU seconds are user + system of a stage's process and its children, start included. The reference's preparation does
800 solutions a second in 2.4 GB (40,000) and 4.2 GB (80,000), see its scripts/genselect: form_groups and
write_comparisons do that work here.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).parent))

from measuring import Row, read_lines, write_lines

ROOT = Path(__file__).parent.parent
SEEDS = 16
_STEP = 'Let $a_{%d} = \\frac{%d}{n+1}$, so that \\[ \\int_0^1 x^{2}\\,dx = \\frac{1}{3}, \\] which is "tight".\n\n'


def problems(count: int) -> Iterator[Row]:
    for n in range(count):
        row = {"id": f"{n:016x}-1", "thread_id": f"{n:016x}", "problem": f"Problem {n}. " + "Let $ABC$ be given. " * 15}
        yield row | {"expected_answer": "7", "problem_type": "has_answer_extracted"}


def summaries(count: int, *, right: bool) -> Iterator[Row]:
    """Every second seed of every problem."""
    for n in range(count):
        for seed in range(0 if right else 1, SEEDS, 2):
            answer = "7" if right else str(8 + seed % 5)
            text = "".join(_STEP % (seed, (n + step) % 90) for step in range(23)) + f"So it is \\boxed{{{answer}}}."
            row = {"id": f"{n:016x}-1", "seed": seed, "predicted_answer": answer, "expected_answer": "7"}
            row |= {"answer_source": "extracted", "majority_votes": 8, "total_votes": 16, "majority_agrees": True}
            row |= {"judgement": "yes" if right else "no", "judged_by": "symbolic", "unjudged_reason": None}
            yield row | {"summary": text, "summary_answer": answer, "summary_candidate": 0}


def judged(count: int) -> Iterator[Row]:
    for right in (True, False):
        for row in summaries(count, right=right):
            yield {name: row[name] for name in ("id", "seed", "judgement", "unjudged_reason")}


def replies(rows: Path, prompt: str, seeds: int, text_of: Callable[[Row], str]) -> Iterator[Row]:
    for row in read_lines(rows):
        for seed in range(seeds):
            fields = {"id": row["id"], "prompt": prompt, "seed": seed, "key": "0" * 16, "text": text_of(row)}
            end = {"finish_reason": "stop", "usage": {"completion_tokens": 3000}, "error": None, "model": "m@1"}
            yield fields | {"reasoning": None, "latency_s": 1.0} | end


def comparison(group: Row) -> str:
    index = next(index for index, shown in enumerate(group["candidates"]) if shown["right"])
    return f"<think>\n{(_STEP % (1, 2)) * 110}</think>\n\nIt is sound, and complete.\n\nJudgment: {index}"


def measure(stage: str, folder: Path, solutions: int, **flags: object) -> Path:
    """Run a stage, print its line of the table, return its rows."""
    outputs = {name: folder / f"{stage}.{name}" for name in ("output", "dropped", "counts")}
    command = [sys.executable, str(ROOT / "scripts" / f"{stage}.py")]
    for name, value in {**flags, **outputs}.items():
        command += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    _, status, usage = os.wait4(os.spawnv(os.P_NOWAIT, sys.executable, command), 0)
    if status:
        raise SystemExit(f"{stage} ended with status {status}")
    cpu_s, peak_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    written = orjson.loads(outputs["counts"].read_bytes())["written"]
    print(f"{stage:26} {solutions:9,} {written:8,} {cpu_s:7.1f} {solutions / cpu_s:10,.0f} {peak_mb:8.0f}", flush=True)
    return outputs["output"]


def run(folder: Path, solutions: int) -> None:
    """All stages on so many solutions."""
    count = solutions // SEEDS
    files = {
        "summarized": write_lines(folder / "right.jsonl", summaries(count, right=True)),
        "wrong_summarized": write_lines(folder / "wrong.jsonl", summaries(count, right=False)),
    }
    sources = {name: [f"cot={path}"] for name, path in files.items()}
    shard = {"problems": write_lines(folder / "decontaminated.jsonl", problems(count)), "shard": 0, "shards": 1}
    rules = {"groups": 8, "max_size": 16, "min_pool": 4, "max_right_share": 0.5, "max_chars": 4000}
    rules |= {"answer_sources": ["extracted"]}
    verdicts = [f"cot={write_lines(folder / 'judged.jsonl', judged(count))}"]
    groups = measure("form_groups", folder, solutions, **shard, **sources, judged=verdicts, **rules)
    shown = measure("write_comparisons", folder, solutions, **shard, **sources, groups=groups)
    chosen = write_lines(folder / "selections.jsonl", replies(groups, "select_solution", 1, comparison))
    asked = {"replies": [chosen], "prompt_name": "select_solution"}
    selected = measure("parse_selections", folder, solutions, groups=groups, **asked)
    limits = {"max_tokens": 2048, "summary_prompt": ROOT / "prompts/summarize_selection.yaml"}
    traces = measure("select_comparisons", folder, solutions, selected=selected, comparisons=shown, **asked, **limits)
    reviews = write_lines(
        folder / "reviews.jsonl",
        replies(selected, "summarize_selection", 4, lambda row: f"{_STEP * 10}\n\nJudgment: {row['selected']}"),
    )
    merged = measure("merge_selection_summaries", folder, solutions, traces=traces, summaries=[reviews], candidates=4)
    prompt = {"prompt": ROOT / "prompts/select_solution.yaml", "summary_model": "m@1", "figures": folder / "figures"}
    measure("prepare_selections", folder, solutions, **shard, comparisons=shown, summarized=merged, **prompt)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--solutions", type=int, nargs="+", default=[40_000, 80_000])
    args = parser.parse_args(argv)
    print(f"{'stage':26} {'solutions':>9} {'written':>8} {'CPU s':>7} {'sol./CPU s':>10} {'peak MB':>8}")
    for solutions in args.solutions:
        with tempfile.TemporaryDirectory() as name:
            run(Path(name), solutions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
