"""The CPU stages between forum threads and merged problems: rows per CPU second and peak memory.

`python benchmarks/parsers.py` makes 20,000 and 40,000 threads of about 2.6 KB, with LaTeX and characters beyond ASCII,
and replies to them (ten shards, in an order of arrival), and runs each script in a process of its own. A row of a stage
is a row of its first input; classification reads four replies for each, one in ten in markdown, one in twenty with a
reason.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import floors
from measuring import (
    Row,
    arriving,
    cost_of,
    count_lines,
    print_head,
    print_line,
    read_lines,
    reply,
    run_stage,
    write_lines,
)
from texts import Texts

SHARDS = 10
CLASSES = ("proof", "mcq", "binary", "invalid")
PROMPTS = Path(__file__).parent.parent / "prompts"


def problem(n: int, task: str, texts: Texts) -> str:
    return f"Let $n \\ge {n}$ and a ≤ b. {texts.text(150)}{task} of $\\sum_{{i=1}}^{{n}} \\frac{{a_i^2}}{{a_{{i+1}}}}$."


def threads(rows: int, texts: Texts) -> Iterator[Row]:
    for n in range(rows):
        task = "Prove the lower bound" if n % 3 == 0 else "Find the smallest possible value"
        post = f"Hello, I’m stuck here: {problem(n, task, texts)}"
        posts = [f"Post {k}:\n{texts.text(250)}" for k in range(1, 7)]
        row_id = f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}"
        yield {"id": row_id, "forum_post": post, "forum_discussions": "\n\n".join(posts)}


def extraction(row: Row, n: int, texts: Texts) -> str:
    """One problem nearly always; now and then two, none, or an unreadable reply."""
    first = f"Problem 1: {row['forum_post'].partition('here: ')[2]}"
    if n % 20 == 7:
        return f"{first}\n\nProblem 2: {problem(n, 'Find the largest possible value', texts)}"
    return {3: "No problems identified.", 5: "The post is about notation."}.get(n % 40, first)


def answer(row: Row, n: int, texts: Texts) -> str:
    if n % 4 == 0:
        return "The posts give hints only.\nAnswer not found."
    return f"Post 2 says so, since x ≤ {n}.\nAnswer: ${texts.spellings()[0]}$"


def conversion(row: Row, n: int, texts: Texts) -> str:
    return problem(n, "Find the greatest lower bound", texts)


def classifications(problems: Path, texts: Texts) -> Iterator[Row]:
    for n, row in enumerate(read_lines(problems)):
        for label in CLASSES:
            is_so = label == "proof" and "Prove" in row["problem"]
            text = label if is_so else f"not {label}"
            text = f"**{text.capitalize()}.**" if n % 10 == 9 else text
            text += f"\n\nReason: {texts.text(100)}" if n % 20 == 3 else ""
            yield reply(row["id"], f"classify_{label}", 0, text)


def write_replies(folder: Path, replies: Iterator[Row], texts: Texts) -> list[Path]:
    """Ten shards, each in an order of arrival."""
    folder.mkdir()
    shards: list[list[Row]] = [[] for _ in range(SHARDS)]
    for one in arriving(replies, texts.draw):
        shards[int(one["id"][:8], 16) % SHARDS].append(one)
    return [write_lines(folder / f"shard-{number:03d}.jsonl", rows) for number, rows in enumerate(shards)]


def run(rows: int, folder: Path) -> None:
    """All stages on so many threads."""
    texts = Texts()
    raw = write_lines(folder / "raw.jsonl", threads(rows, texts))
    print_head()

    def replied(
        prompt: str, rows_of: Path, text_of: Callable[[Row, int, Texts], str], proofs: bool | None
    ) -> list[Path]:
        replies = (
            reply(row["id"], prompt, 0, text_of(row, n, texts))
            for n, row in enumerate(read_lines(rows_of))
            if proofs is None or row["is_proof"] == proofs
        )
        return write_replies(folder / prompt, replies, texts)

    shards = replied("extract_problems", raw, extraction, None)
    cost, problems = run_stage(
        "parse_problems", folder, threads=raw, replies=shards, prompt=PROMPTS / "extract_problems.yaml"
    )
    print_line("parse_problems", rows, cost, None, [raw, *shards])

    count = count_lines(problems)
    shards = write_replies(folder / "classify_problems", classifications(problems, texts), texts)
    cost, classified = run_stage("parse_classes", folder, problems=problems, replies=shards)
    floor = cost_of(floors.classes, problems, shards, folder / "floor")
    print_line("parse_classes", count, cost, floor, [problems, *shards])

    shards = replied("extract_answers", classified, answer, False)
    cost, answers = run_stage(
        "parse_answers", folder, classified=classified, replies=shards, prompt=PROMPTS / "extract_answers.yaml"
    )
    print_line("parse_answers", count, cost, None, [classified, *shards])

    shards = replied("convert_proofs", classified, conversion, True)
    cost, converted = run_stage(
        "parse_conversions", folder, classified=classified, replies=shards, prompt=PROMPTS / "convert_proofs.yaml"
    )
    print_line("parse_conversions", count, cost, None, [classified, *shards])

    shards = write_replies(folder / "classify_converted", classifications(converted, texts), texts)
    cost, proofs = run_stage("parse_proofs", folder, converted=converted, replies=shards)
    print_line("parse_proofs", count_lines(converted), cost, None, [converted, *shards])

    merged = {"classified": classified, "answers": answers, "proofs": proofs}
    cost, _ = run_stage("merge_data", folder, **merged)
    print_line("merge_data", count, cost, None, list(merged.values()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 40_000], help="numbers of threads")
    for rows in parser.parse_args().rows:
        with tempfile.TemporaryDirectory() as folder:
            run(rows, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
