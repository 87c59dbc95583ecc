"""The CPU stages between solutions and training rows: rows per CPU second and peak memory, on generated data.

`python benchmarks/solutions.py` makes 500 and 1,000 problems x 32 seeds with solutions of 31 KB, no two alike (half a
and one GB of temporary files); `--problems 20000` is the full size (20 GB). Beside each stage stands a sketch without
checks on the same files, run right after it. A row is a solution, for summaries a trace with its four candidates.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
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

CANDIDATES = 4
WORKERS = 2


def problems(count: int, texts: Texts) -> list[Row]:
    """A third has a known answer. `right` are its spellings, `wrong` answers that several solutions give, `chance` that
    of a right one."""
    rows = []
    for n in range(count):
        right, wrong = texts.spellings(), [texts.spellings()[0] for _ in range(4)]
        row = {"id": f"{n:016x}-1", "problem": f"Problem {n}. {texts.text(400)}"}
        row |= {"expected_answer": right[0] if n % 3 == 0 else None}
        rows.append(row | {"right": right, "wrong": wrong, "chance": texts.draw.uniform(0.2, 1.0)})
    return rows


def solution(row: Row, seed: int, size: int, texts: Texts) -> Row:
    """A third of the wrong answers is nobody else's; now and then there is no box."""
    draw = texts.draw
    if draw.random() < row["chance"]:
        answer = draw.choices(row["right"], [8, 2, 1])[0]
    else:
        answer = texts.spellings()[0] if draw.random() < 0.33 else draw.choices(row["wrong"], [6, 3, 2, 1])[0]
    box = "" if draw.random() < 0.02 else f"\\boxed{{{answer}}}"
    reasoning = f"{texts.text(int(size * draw.uniform(0.5, 1.5)))}So it is {box}.\n\nLet me check."
    return reply(row["id"], "solve_cot", seed, f"<think>\n{reasoning}\n</think>\n\nThe answer is {box}.")


def write_solutions(folder: Path, rows: list[Row], seeds: int, size: int, texts: Texts) -> list[Path]:
    """One file per seed."""
    folder.mkdir()
    return [
        write_lines(
            folder / f"seed-{seed:02d}.jsonl",
            (solution(row, seed, size, texts) for row in arriving(rows, texts.draw)),
        )
        for seed in range(seeds)
    ]


def write_verdicts(questions: Path, path: Path) -> Path:
    text = "They differ in value.\nJudgement: No"
    return write_lines(path, (reply(row["id"], "judge_answers", 0, text) for row in read_lines(questions)))


def write_summaries(traces: Path, path: Path, texts: Texts) -> Path:
    def candidates() -> Iterator[Row]:
        for row in read_lines(traces):
            for number in range(CANDIDATES):
                answer = row["predicted_answer"] if texts.draw.random() < 0.9 else texts.spellings()[0]
                text = f"{texts.text(texts.draw.randint(1200, 3600))}So \\boxed{{{answer}}}."
                yield reply(row["id"], "summarize_solution", number, text)

    return write_lines(path, arriving(candidates(), texts.draw))


def run(folder: Path, count: int, seeds: int, size: int) -> None:
    """All stages on so many problems."""
    texts = Texts()
    rows, total = problems(count, texts), count * seeds
    known = ("id", "problem", "expected_answer")
    given = write_lines(folder / "decontaminated.jsonl", ({field: row[field] for field in known} for row in rows))
    files = write_solutions(folder / "solutions", rows, seeds, size, texts)
    print_head()

    shard = {"problems": given, "shard": 0, "shards": 1, "seeds": seeds, "workers": WORKERS, "solutions": files}
    cost, majority = run_stage("fill_majority_answer", folder, **shard)
    print_line(
        "fill_majority_answer", total, cost, cost_of(floors.votes, given, files, folder / "floor"), [given, *files]
    )

    questions = folder / "questions.jsonl"
    asked = {"workers": WORKERS, "questions": questions}
    cost, comparisons = run_stage("select_judgements", folder, problems=given, majority=majority, **asked)
    print_line("select_judgements", total, cost, None, [given, majority])
    verdicts = write_verdicts(questions, folder / "verdicts.jsonl")
    cost, judged = run_stage("merge_judgements", folder, majority=majority, comparisons=comparisons, replies=verdicts)
    print_line("merge_judgements", total, cost, None, [majority, comparisons, verdicts])

    of_judged = {"problems": given, "judged": judged, "prompt_name": "solve_cot", "solutions": files}
    cost, traces = run_stage("select_traces", folder, **of_judged)
    print_line("select_traces", total, cost, None, [given, judged, *files])
    summaries = write_summaries(traces, folder / "summaries.jsonl", texts)
    kept = count_lines(traces)
    of_traces = {"traces": traces, "summaries": summaries, "candidates": CANDIDATES}
    read = folder / "summary_candidates.jsonl"
    cost, comparisons = run_stage("select_summary_judgements", folder, **of_traces, **asked, summary_candidates=read)
    floor = cost_of(floors.summary_answers, traces, summaries, folder / "floor")
    print_line("select_summary_judgements", kept, cost, floor, [traces, summaries])
    verdicts = write_verdicts(questions, folder / "verdicts.jsonl")
    given = {"summary_candidates": read, "summaries": summaries, "comparisons": comparisons, "replies": verdicts}
    cost, _ = run_stage("merge_summaries", folder, **given)
    floor = cost_of(floors.summaries, read, summaries, folder / "floor")
    print_line("merge_summaries", kept, cost, floor, list(given.values()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, nargs="+", default=[500, 1000], help="numbers (default: 500 1000)")
    parser.add_argument("--seeds", type=int, default=32, help="solutions per problem (default: 32)")
    parser.add_argument("--solution-bytes", type=int, default=31_000, help="length of a solution (default: 31000)")
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    args = parser.parse_args()
    for count in args.problems:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            run(Path(folder), count, args.seeds, args.solution_bytes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
