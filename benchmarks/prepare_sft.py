"""From judged solutions to a dataset: rows per CPU second and peak memory of the last stages, on generated data.

`python benchmarks/prepare_sft.py` makes 1,000 problems x 16 seeds, then twice as many, with solutions of 20,000
characters (2.5 GB of temporary files). Texts are as models write them: LaTeX with its backslashes, newlines, quotes, a
character in a hundred beyond ASCII, another answer for every problem, and other texts in every reply, which come in
another order than rows ask for them. Half of the solutions are right. Stages: `select_traces`, `prepare_sft` without
summaries and with one for each right solution, `write_lines`, `join_sft` and `write_dataset`.

A row is what a stage reads: a judged solution, or a training row. CPU seconds are user + system of the script's
process, start included. The floor is a sketch in this file that does the work of `prepare_sft` without any check, in
the same run: it reads the same files and writes the same texts as Parquet, so a stage that is half as fast spends as
much on its checks as on the work itself.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parent.parent
MODEL = "owner/model@1"
#: Requests in flight: how far from the order of the rows a reply may arrive.
IN_FLIGHT = 512
#: Different paragraphs that texts are put together from.
PARAGRAPHS = 3000
_WORDS = (
    r"so that", "we have", "therefore", "wait,", "let me check", "the number of", "triangle", r"$a_{%d} \le %d$",
    r"$\frac{%d}{n+%d}$", "is at most", r"\( x^{%d} + y = %d \)", "which means", "≤", "“obvious”", "Erdős",
    r"$\angle ABC = %d^\circ$",
    "by induction on $n$", r"\[ \sum_{k=1}^{%d} \binom{n}{k} = %d \]", "mod %d", '"%d"', "that is", "–",
    "then", "there are", "%d",
)  # fmt: skip
_ANSWERS = (r"\frac{%d}{%d}", "%d", r"%d\sqrt{%d}", r"(%d, %d]", r"x = %d", r"\{%d, %d\}", "%d.%d", r"2^{%d} - %d")


def filled(form: str, draw: random.Random) -> str:
    return form % tuple(draw.randint(2, 9999) for _ in range(form.count("%d")))


def paragraphs(draw: random.Random) -> list[str]:
    """Texts of about 300 characters."""
    return [
        " ".join(filled(draw.choice(_WORDS), draw) for _ in range(30)) + draw.choice(["\n", "\n\n", ".\n\n", "\n\n- "])
        for _ in range(PARAGRAPHS)
    ]


class Data:
    """All files of one shard, in a folder; every text and answer follows from its problem and seed."""

    def __init__(self, folder: Path, problems: int, seeds: int, size: int) -> None:
        draw = random.Random(0)
        self.folder, self.problems, self.seeds = folder, problems, seeds
        self._paragraphs = paragraphs(draw)
        self._pieces = size * PARAGRAPHS // sum(map(len, self._paragraphs))
        self.rows = problems * seeds

    def answer(self, n: int) -> str:
        return filled(_ANSWERS[n % len(_ANSWERS)], random.Random(n))

    def is_right(self, n: int, seed: int) -> bool:
        return random.Random(f"{n} {seed}").random() < 0.5

    def reasoning(self, n: int, seed: int) -> str:
        draw = random.Random(f"{n}/{seed}")
        text = "".join(draw.choices(self._paragraphs, k=self._pieces))
        return f"Seed {seed}.\n{text}So the answer is \\boxed{{{self.predicted(n, seed)}}}.\n\n"

    def predicted(self, n: int, seed: int) -> str:
        return self.answer(n) if self.is_right(n, seed) else str(10_000 + seed)

    def write(self) -> None:
        folder = self.folder
        folder.mkdir()
        self._lines("decontaminated.jsonl", self._problems())
        self._lines("judged.jsonl", (self._judged(n, seed) for n, seed in self._seats()))
        for seed in range(self.seeds):
            self._lines(f"seed-{seed:02d}.jsonl", self._replies(seed))
        right = [(n, seed) for n, seed in self._seats() if self.is_right(n, seed)]
        summary = {"summary_candidate": 0, "summary_judged_by": "symbolic"}
        self._lines(
            "summarized.jsonl",
            (self._judged(n, seed) | {"summary": self._summary(n, seed)} | summary for n, seed in right),
        )

    def _lines(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        with (self.folder / name).open("wb", buffering=1 << 20) as file:
            file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)

    def _seats(self) -> Iterator[tuple[int, int]]:
        return ((n, seed) for n in range(self.problems) for seed in range(self.seeds))

    def _problems(self) -> Iterator[dict[str, Any]]:
        for n in range(self.problems):
            text = f"Problem {n}. " + "".join(random.Random(n).choices(self._paragraphs, k=2))
            row = {"id": f"{n:016x}-1", "thread_id": f"{n:016x}", "problem": text}
            yield row | {"expected_answer": self.answer(n), "problem_type": "has_answer_extracted"}

    def _judged(self, n: int, seed: int) -> dict[str, Any]:
        row = {"id": f"{n:016x}-1", "seed": seed, "predicted_answer": self.predicted(n, seed), "finished": True}
        votes = {"answer_source": "extracted", "majority_votes": self.seeds, "total_votes": self.seeds}
        judgement = {"judgement": "yes" if self.is_right(n, seed) else "no", "judged_by": "symbolic"}
        rest = {"unjudged_reason": None, "error": None, "expected_answer": self.answer(n), "majority_agrees": True}
        return row | rest | votes | judgement | {"completion_tokens": 6000 + n % 777}

    def _summary(self, n: int, seed: int) -> str:
        text = "".join(random.Random(f"{seed} {n}").choices(self._paragraphs, k=6))
        return f"{text}\n\nThe answer is $\\boxed{{{self.predicted(n, seed)}}}$."

    def _replies(self, seed: int) -> Iterator[dict[str, Any]]:
        draw = random.Random(seed)
        for n in sorted(range(self.problems), key=lambda n: n + draw.random() * IN_FLIGHT):
            text = f"<think>\n{self.reasoning(n, seed)}</think>\n\n{self._summary(n, seed)}"
            fields = {"id": f"{n:016x}-1", "prompt": "solve_cot", "seed": seed, "key": f"{n:016x}", "text": text}
            usage = {"prompt_tokens": 200, "completion_tokens": len(text) // 3}
            end = {"finish_reason": "stop", "usage": usage, "error": None, "model": MODEL, "stated_model": "model"}
            yield fields | {"reasoning": None} | end | {"latency_s": 1.0}


def flags_of(data: Data) -> dict[str, list[str]]:
    """The command lines of the stages, in the order in which they are run."""
    folder = data.folder
    solutions = ["--solutions", *(str(folder / f"seed-{seed:02d}.jsonl") for seed in range(data.seeds))]
    shared = [f"--problems={folder / 'decontaminated.jsonl'}", f"--judged={folder / 'judged.jsonl'}", *solutions]
    prepare = [*shared, "--shard=0", "--shards=1", f"--prompt={ROOT / 'prompts/solve_cot.yaml'}", "--require-reasoning"]
    prepare += [f"--figures={folder / 'figures.json'}"]
    summaries = [f"--traces={folder / 'select_traces'}", f"--summarized={folder / 'summarized.jsonl'}"]
    summaries += [f"--untraced={folder / 'dropped of select_traces'}"]
    shards = [f"--shards={folder / 'prepare_sft with summaries'}"]
    return {
        "select_traces": [*shared, "--prompt-name=solve_cot"],
        "prepare_sft": prepare,
        "prepare_sft with summaries": [*prepare, *summaries, "--summary-model=owner/summaries@1"],
        "write_lines": [f"--rows={folder / 'prepare_sft with summaries'}"],
        "join_sft": [f"--parts={folder / 'write_lines'}"],
        "write_dataset": [*shards, f"--figures={folder / 'figures.json'}", "--title=benchmark"],
    }


def run(name: str, rows: int, command: Sequence[str], output: Path) -> None:
    """Run a command and print its line of the table; CPU seconds are told per GB of what it wrote, too."""
    process = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, *command])
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{name} ended with status {status}")
    cpu_s, peak_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    files = [output] if output.is_file() else output.rglob("*")
    size = sum(path.stat().st_size for path in files) / 1e9
    numbers = f"{rows:10,} {cpu_s:8.2f} {rows / cpu_s:10,.0f} {peak_mb:8.0f} {size * 1000:10,.0f} {cpu_s / size:8.1f}"
    print(f"{name:28} {numbers}", flush=True)


def measure(data: Data) -> None:
    written = sum(data.is_right(n, seed) for n in range(data.problems) for seed in range(data.seeds))
    for name, flags in flags_of(data).items():
        script = name.partition(" ")[0]
        outputs = [f"--output={data.folder / name}"]
        if script in ("select_traces", "prepare_sft"):
            outputs += [f"--{flag}={data.folder / f'{flag} of {name}'}" for flag in ("dropped", "counts")]
        rows = written if script in ("write_lines", "join_sft", "write_dataset") else data.rows
        run(name, rows, [str(ROOT / "scripts" / f"{script}.py"), *flags, *outputs], data.folder / name)
        if script == "prepare_sft":
            floor = [__file__, "--floor", "summaries" if name != script else "replies", "--folder", str(data.folder)]
            run("  floor", data.rows, [*floor, "--seeds", str(data.seeds)], data.folder / "floor.parquet")


# ---- the floor -------------------------------------------------------------------------------------------------------


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb", buffering=1 << 20) as file:
        yield from map(orjson.loads, file)


def texts_of_summaries(folder: Path) -> Iterator[str]:
    for trace, row in zip(lines(folder / "select_traces"), lines(folder / "summarized.jsonl"), strict=True):
        yield f"<think>\n{trace['solution']}\n</think>\n\n{row['summary']}"


def texts_of_replies(folder: Path, seeds: int) -> Iterator[str]:
    places: dict[tuple[str, int], int] = {}
    files = []
    for seed in range(seeds):
        place = 0
        files.append((folder / f"seed-{seed:02d}.jsonl").open("rb"))
        for line in files[seed]:
            places[line[7:25].decode(), seed] = place
            place += len(line)
    for row in lines(folder / "judged.jsonl"):
        if row["judgement"] == "yes":
            files[row["seed"]].seek(places[row["id"], row["seed"]])
            reasoning, _, rest = orjson.loads(files[row["seed"]].readline())["text"].partition("</think>")
            yield f"{reasoning.strip()}\n</think>\n\n{rest.strip()}"


def write_floor(folder: Path, texts: Iterator[str]) -> None:
    """Write texts as Parquet in both of their columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("generated_solution", pa.string()), ("content", pa.string())])
    with pq.ParquetWriter(folder / "floor.parquet", schema, compression="zstd", use_dictionary=False) as writer:
        while group := list(islice(texts, 400)):
            column = pa.array(group)
            writer.write_table(pa.Table.from_arrays([column, column], schema=schema))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--size", type=int, default=20_000, help="characters of a solution")
    parser.add_argument("--floor", choices=("summaries", "replies"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.floor:
        of_replies = args.floor == "replies"
        write_floor(
            args.folder, texts_of_replies(args.folder, args.seeds) if of_replies else texts_of_summaries(args.folder)
        )
        return 0
    with tempfile.TemporaryDirectory() as name:
        print(f"{'':28} {'rows':>10} {'CPU s':>8} {'rows/CPU s':>10} {'peak MB':>8} {'MB written':>10} {'CPU s/GB':>8}")
        for times in (1, 2):
            data = Data(Path(name) / str(times), times * args.problems, args.seeds, args.size)
            data.write()
            measure(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
