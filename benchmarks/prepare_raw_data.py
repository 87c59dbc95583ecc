"""scripts/prepare_raw_data.py over generated threads: rows per CPU second and peak memory, at two sizes.

`python benchmarks/prepare_raw_data.py` prints one table. CPU seconds are user and system time of the command and its
worker processes, start-up included. Memory is the peak of their summed resident sets, and of their proportional sets,
which count a shared page once. "Tokenising all" uses a tokenizer for which bytes are no bound on tokens.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

SCRIPT = Path(__file__).parent.parent / "scripts" / "prepare_raw_data.py"
SIZES = (20_000, 200_000)
SYLLABLES = (
    "an",
    "be",
    "con",
    "de",
    "er",
    "for",
    "gra",
    "hin",
    "ju",
    "ker",
    "lo",
    "mu",
    "nor",
    "on",
    "per",
    "qua",
    "ri",
)
FORMULAS = (
    r"$x^2+y^2\leq 2xy$",
    r"$\frac{a}{b}+\sqrt{c}$",
    r"\[\sum_{k=1}^{n}\binom{n}{k}=2^n-1\]",
    r"$\angle ABC=60^\circ$",
)


class Figures(NamedTuple):
    """What one run took."""

    cpu_s: float
    wall_s: float
    resident_mb: float
    proportional_mb: float


def make_threads(count: int, seed: int = 0) -> Iterator[dict[str, object]]:
    """Threads like those of a mathematics forum: a few posts of a few hundred characters, some quote, some are long."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(5_000)]
    # Zipf's law: a few words make up most of a text.
    weights = [1 / (rank + 3) for rank in range(len(words))]
    pool = rng.choices(words, weights, k=200_000)

    def text(length: int) -> str:
        start = rng.randrange(len(pool) - length)
        parts = pool[start : start + length]
        for position in range(5, length, 12):
            parts[position] = rng.choice(FORMULAS)
        return " ".join(parts) + "."

    def post(length: int) -> str:
        quote = f'[quote="{rng.choice(words)}"]{text(40)}[/quote]\n' if rng.random() < 0.2 else ""
        return quote + text(length)

    for number in range(count):
        posts = int(rng.paretovariate(1.5) * 1.5) % 200
        yield {
            "original_question": f"Problem {number}. " + text(rng.randint(20, 100)),
            "original_answers": [post(rng.randint(5, 100)) for _ in range(posts)],
        }


def write_threads(path: Path, count: int) -> None:
    with path.open("wb") as handle:
        for row in make_threads(count):
            handle.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def write_parquet(path: Path, jsonl: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("original_question", pa.string()), ("original_answers", pa.list_(pa.string()))])
    with jsonl.open("rb") as handle, pq.ParquetWriter(path, schema) as writer:
        while lines := handle.readlines(50_000_000):
            writer.write_table(pa.Table.from_pylist([orjson.loads(line) for line in lines], schema=schema))


def train_tokenizer(path: Path, *, bytes_are_bound: bool) -> None:
    """A small byte-level tokenizer; without NFC as its only normaliser, bytes are no bound on its tokens."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC() if bytes_are_bound else normalizers.Sequence([normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=8_000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator((str(row) for row in make_threads(2_000, seed=1)), trainer)
    tokenizer.save(str(path))


def measure(command: list[str]) -> Figures:
    """Run a command and sample the memory of its process tree."""
    peak = [0.0, 0.0]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(command)

    def sample() -> None:
        while process.poll() is None:
            sums = tree_memory_mb(process.pid)
            peak[:] = [max(pair) for pair in zip(peak, sums, strict=True)]
            time.sleep(0.1)

    sampler = threading.Thread(target=sample)
    sampler.start()
    sampler.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Figures(cpu_s, time.perf_counter() - start, *peak)


def tree_memory_mb(pid: int) -> tuple[float, float]:
    """Resident and proportional set of a process and its children, summed."""
    resident = proportional = 0
    for member in (pid, *children(pid)):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        resident += sizes.get("Rss", 0)
        proportional += sizes.get("Pss", 0)
    return resident / 1024, proportional / 1024


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def run_case(folder: Path, source: Path, rows: int, options: list[str], label: str) -> None:
    outputs = [f"--{name}={folder / name}" for name in ("output", "dropped", "counts")]
    figures = measure([sys.executable, str(SCRIPT), "--input", str(source), *options, *outputs])
    print(
        f"{label:44} {rows:>8,} {rows / figures.cpu_s:>10,.0f} {figures.wall_s:>7.1f} "
        f"{figures.resident_mb:>8.0f} {figures.proportional_mb:>8.0f}"
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args(argv)
    workers = f"--workers={arguments.workers}"
    print(f"{'case':44} {'rows':>8} {'rows/CPU s':>10} {'wall s':>7} {'RSS MB':>8} {'PSS MB':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bounded, unbounded = folder / "bounded.json", folder / "unbounded.json"
        train_tokenizer(bounded, bytes_are_bound=True)
        train_tokenizer(unbounded, bytes_are_bound=False)
        for rows in arguments.rows:
            jsonl, parquet = folder / "threads.jsonl", folder / "threads.parquet"
            write_threads(jsonl, rows)
            write_parquet(parquet, jsonl)
            print(f"input: {jsonl.stat().st_size / rows / 1000:.1f} KB a row")
            run_case(folder, jsonl, rows, [workers], "bytes")
            run_case(folder, jsonl, rows, [workers, f"--tokenizer={bounded}"], "tokenizer where bytes do not settle it")
            run_case(folder, jsonl, rows, [workers, f"--tokenizer={unbounded}"], "tokenising all")
            run_case(folder, jsonl, rows, ["--workers=1", f"--tokenizer={unbounded}"], "tokenising all, one process")
            run_case(folder, parquet, rows, [workers, f"--tokenizer={bounded}"], "the second from Parquet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
