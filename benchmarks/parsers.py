"""The CPU stages between forum threads and merged problems: rows per CPU second and peak memory.

`python benchmarks/parsers.py --rows 20000` makes threads of about 2.6 KB and replies to them (ten shards, in an order
of arrival), runs each script in a process of its own, and prints one table. CPU seconds are user + system of that
process, start included. A row of a stage is a row of its first input; classification reads four replies for each.
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

SCRIPTS = Path(__file__).parent.parent / "scripts"
SHARDS = 10
#: Requests in flight: how far from the order of the rows a reply may arrive.
IN_FLIGHT = 512
CLASSES = ("proof", "mcq", "binary", "invalid")
PROBLEM = (
    "Let $n \\ge {n}$ be an integer and let $a_1, a_2, \\dots, a_n$ be positive real numbers with "
    "$a_1 + a_2 + \\cdots + a_n = {n}$. {task} of $\\sum_{{i=1}}^{{n}} \\frac{{a_i^2}}{{a_i + a_{{i+1}}}}$, where "
    "$a_{{n+1}} = a_1$, and determine when equality holds."
)
POST = "Hello everyone, I found this in my notes and could not finish it. Any hint is welcome, thanks in advance! "


def threads(rows: int) -> Iterator[dict[str, Any]]:
    for n in range(rows):
        post = POST * 2 + PROBLEM.format(n=n, task="Find the smallest possible value")
        posts = [f"Post {k}:\n{PROBLEM.format(n=n + k, task='By symmetry, look at the value')}" for k in range(1, 7)]
        yield {
            "id": f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}",
            "forum_post": post,
            "forum_discussions": "\n\n".join(posts),
        }


def extraction(row: dict[str, Any], n: int) -> str:
    """One problem nearly always; now and then two, none, or an unreadable reply."""
    task = "Prove the lower bound" if n % 3 == 0 else "Find the smallest possible value"
    first = f"Problem 1: {PROBLEM.format(n=n, task=task)}"
    if n % 20 == 7:
        return f"{first}\n\nProblem 2: {PROBLEM.format(n=n, task='Find the largest possible value')}"
    return {3: "No problems identified.", 5: "The post is about notation."}.get(n % 40, first)


def verdict(row: dict[str, Any], label: str, n: int) -> str:
    is_so = label == "proof" and "Prove" in row["problem"]
    text = label if is_so else f"not {label}"
    return f"**{text.capitalize()}.**" if n % 10 == 9 else text


def answer(row: dict[str, Any], n: int) -> str:
    return "The posts give hints only.\nAnswer not found." if n % 4 == 0 else f"Post 2 says so.\nAnswer: ${n}/2$"


def conversion(row: dict[str, Any], n: int) -> str:
    return PROBLEM.format(n=n, task="Find the greatest lower bound")


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from map(orjson.loads, file)


def reply(row_id: str, prompt: str, text: str) -> dict[str, Any]:
    fields = {"id": row_id, "prompt": prompt, "seed": 0, "key": row_id[:16], "text": text, "reasoning": None}
    usage = {"prompt_tokens": 1234, "completion_tokens": 56}
    return fields | {"finish_reason": "stop", "usage": usage, "error": None, "model": "m@1", "latency_s": 1.234}


def write_replies(folder: Path, replies: Iterable[dict[str, Any]]) -> list[str]:
    """Ten shards, each in an order of arrival: every reply a random way off its row's place."""
    folder.mkdir()
    paths = [folder / f"shard-{shard:03d}-of-{SHARDS:03d}.jsonl" for shard in range(SHARDS)]
    files = [path.open("wb", buffering=1 << 18) for path in paths]
    draw = random.Random(0)
    waiting: list[dict[str, Any]] = []
    for number, one in enumerate(replies):
        waiting.append(one)
        if number >= IN_FLIGHT:
            place = draw.randrange(len(waiting))
            waiting[place], waiting[-1] = waiting[-1], waiting[place]
            write_reply(files, waiting.pop())
    for one in waiting:
        write_reply(files, one)
    for file in files:
        file.close()
    return [str(path) for path in paths]


def write_reply(files: list[Any], one: dict[str, Any]) -> None:
    files[int(one["id"][:8], 16) % SHARDS].write(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))


def count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def measure(stage: str, folder: Path, rows: int, *arguments: str) -> Path:
    """Run a script and print its line of the table. Returns its output."""
    output = folder / f"{stage}.out.jsonl"
    command = [sys.executable, str(SCRIPTS / f"{stage}.py"), *arguments, "--output", str(output)]
    command += ["--dropped", str(folder / f"{stage}.dropped"), "--counts", str(folder / f"{stage}.counts")]
    process = os.spawnv(os.P_NOWAIT, sys.executable, command)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{stage} ended with status {status}")
    cpu_s = usage.ru_utime + usage.ru_stime
    written = count_lines(output)
    print(f"{stage:18} {rows:9,} {written:9,} {cpu_s:8.2f} {rows / cpu_s:10,.0f} {usage.ru_maxrss / 1024:8.1f}")
    return output


def run(rows: int, folder: Path) -> None:
    print(f"{'stage':18} {'rows':>9} {'written':>9} {'CPU s':>8} {'rows/CPU s':>10} {'peak MB':>8}")
    raw = folder / "raw.jsonl"
    write_lines(raw, threads(rows))

    texts = (reply(row["id"], "extract_problems", extraction(row, n)) for n, row in enumerate(read_lines(raw)))
    shards = write_replies(folder / "extract_problems", texts)
    problems = measure("parse_problems", folder, rows, "--threads", str(raw), "--replies", *shards)

    shards = write_replies(folder / "classify_problems", classifications(problems))
    count = count_lines(problems)
    classified = measure("parse_classes", folder, count, "--problems", str(problems), "--replies", *shards)

    branches = {"extract_answers": answer, "convert_proofs": conversion}
    shards_of = {
        prompt: write_replies(
            folder / prompt,
            (
                reply(row["id"], prompt, make(row, n))
                for n, row in enumerate(read_lines(classified))
                if row["is_proof"] == (prompt == "convert_proofs")
            ),
        )
        for prompt, make in branches.items()
    }
    of_classified = ("--classified", str(classified), "--replies")
    answers = measure("parse_answers", folder, count, *of_classified, *shards_of["extract_answers"])
    converted = measure("parse_conversions", folder, count, *of_classified, *shards_of["convert_proofs"])

    shards = write_replies(folder / "classify_converted", classifications(converted))
    count_converted = count_lines(converted)
    proofs = measure("parse_proofs", folder, count_converted, "--converted", str(converted), "--replies", *shards)
    inputs = ("--classified", str(classified), "--answers", str(answers), "--proofs", str(proofs))
    measure("merge_data", folder, count, *inputs)


def classifications(problems: Path) -> Iterator[dict[str, Any]]:
    for n, row in enumerate(read_lines(problems)):
        for label in CLASSES:
            yield reply(row["id"], f"classify_{label}", verdict(row, label, n))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000], help="numbers of threads (default: 20000)")
    for rows in parser.parse_args().rows:
        with tempfile.TemporaryDirectory() as folder:
            run(rows, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
