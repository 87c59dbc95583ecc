"""CPU seconds and memory of the search for reposts, for n problems and for 2n of the kind.

    python benchmarks/deduplicate.py --problems 100000

Problems are made from the words, formulas and numbers of authored ones, so that they are as long and as alike as real
ones; one in ten is a copy of another in other spelling. Prints one line per size: problems, CPU seconds, peak MB of
the process, groups found.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from omr.contamination.near_misses import respell  # noqa: E402
from omr.contamination.rewording import renumber  # noqa: E402

_SAMPLES = sorted((ROOT / "tests" / "data" / "demo" / "benchmarks").glob("*.jsonl"))


def made_problems(number: int) -> Iterator[str]:
    """As many problems: authored ones with other numbers, with a sentence of another behind them."""
    texts = [json.loads(line)["problem"] for file in _SAMPLES for line in file.read_text().splitlines()]
    random, last = Random(number), texts[0]
    for place in range(number):
        if place % 10 == 9:
            yield respell(last, random) or last
            continue
        text = f"{random.choice(texts)} {random.choice(texts).split('. ')[0]} with $k={place}$."
        last = renumber(text, random) or text
        yield last


def measure(number: int) -> str:
    """One run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with (path / "merged.jsonl").open("w") as file:
            for place, text in enumerate(made_problems(number)):
                answer = str(place % 1000) if place % 2 else None
                row = {
                    "id": f"{place:016x}-1",
                    "thread_id": f"{place:016x}",
                    "problem": text,
                    "expected_answer": answer,
                }
                file.write(json.dumps(row) + "\n")
        flags = [f"--{name}={path / name}" for name in ("output", "dropped", "counts", "groups", "report")]
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(
            [sys.executable, ROOT / "scripts/deduplicate.py", "--problems", path / "merged.jsonl", *flags], check=True
        )
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads((path / "report").read_text())
    seconds, megabytes = used.ru_utime - before, used.ru_maxrss / 1024
    return f"{number:>9,} problems  {seconds:>7.1f} CPU s  {megabytes:>6.0f} MB  {found['groups']:>8,} groups"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=100_000, metavar="N", help="the smaller size")
    number = parser.parse_args(argv).problems
    for size in (number, 2 * number):
        print(measure(size), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
