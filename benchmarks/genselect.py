"""Comparing solutions: rows per CPU second and peak memory of the CPU stages, on generated data.

`python benchmarks/genselect.py` makes 40,000 and 80,000 summaries of 2.5 KB, 16 of each problem, and runs the stages
from groups to training rows on them, with replies of 12 KB of which nine in ten choose a right candidate (3 and 6 GB of
temporary files). Texts are as models write them (benchmarks/texts.py), right answers have several spellings, wrong ones
differ. Beside each stage stands a sketch without checks on the same files, run right after it. A row is a solution; of
the stages behind the groups, a comparison.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
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
from solutions import problems
from texts import Texts

PROMPTS = Path(__file__).parent.parent / "prompts"
SEEDS, CANDIDATES = 16, 4
SUMMARY_CHARS, COMPARISON_CHARS, REVIEW_CHARS = 2_200, 11_500, 1_500
#: Of the picks, and of the reviews.
RIGHT_SHARE = 0.9


class Data:
    """The files of one shard before the first of these stages."""

    def __init__(self, folder: Path, solutions: int) -> None:
        self.folder, self.texts = folder, Texts()
        self.rows = problems(solutions // SEEDS, self.texts)
        known = ("id", "problem", "expected_answer")
        given = ({name: row[name] for name in known} | {"problem_type": "has_answer_extracted"} for row in self.rows)
        self.problems = write_lines(folder / "problems.jsonl", given)
        judged = [(row, seed, self.texts.draw.random() < row["chance"]) for row in self.rows for seed in range(SEEDS)]
        self.judged = write_lines(folder / "judged.jsonl", (self._judged(*one) for one in judged))
        self.right = write_lines(folder / "right.jsonl", (self._summary(*one) for one in judged if one[2]))
        self.wrong = write_lines(folder / "wrong.jsonl", (self._summary(*one) for one in judged if not one[2]))

    def _judged(self, row: Row, seed: int, right: bool) -> Row:
        verdict = {"judgement": "yes" if right else "no", "judged_by": "symbolic", "unjudged_reason": None}
        return {"id": row["id"], "seed": seed} | verdict

    def _summary(self, row: Row, seed: int, right: bool) -> Row:
        draw = self.texts.draw
        if right:
            answer = draw.choices(row["right"], [8, 2, 1])[0]
        else:
            answer = self.texts.spellings()[0] if draw.random() < 0.33 else draw.choices(row["wrong"], [6, 3, 2, 1])[0]
        text = f"{self.texts.text(SUMMARY_CHARS)}So it is \\boxed{{{answer}}}."
        source = "majority" if row["expected_answer"] is None else "extracted"
        votes = {"answer_source": source, "majority_votes": 8, "total_votes": 16, "majority_agrees": True}
        told = {"predicted_answer": answer, "expected_answer": row["right"][0]} | votes
        summary = {"summary": text, "summary_answer": answer, "summary_candidate": 0}
        return self._judged(row, seed, right) | told | summary

    def replies(self, rows: Path, prompt: str, seeds: int, text_of: Callable[[Row], str]) -> Path:
        """Replies to rows, as they arrive."""
        asked = (
            reply(row["id"], prompt, seed, text_of(row)) | {"usage": {"completion_tokens": 3000}}
            for row in read_lines(rows)
            for seed in range(seeds)
        )
        return write_lines(self.folder / f"{prompt}.jsonl", arriving(asked, self.texts.draw))

    def comparison(self, group: Row) -> str:
        """What is said of a group; most choose a right one."""
        wanted = self.texts.draw.random() < RIGHT_SHARE
        picks = [index for index, shown in enumerate(group["candidates"]) if shown["right"] == wanted]
        index = self.texts.draw.choice(picks or [0])
        return f"<think>\n{self.texts.text(COMPARISON_CHARS)}</think>\n\nIt is sound ≠ long.\n\nJudgment: {index}"

    def review(self, row: Row) -> str:
        """A summary of a comparison; most end in what was selected."""
        index = row["selected"] + (self.texts.draw.random() >= RIGHT_SHARE)
        return f"{self.texts.text(REVIEW_CHARS)}\n\nJudgment: {index}"


def run(folder: Path, solutions: int) -> None:
    """All stages on so many solutions."""
    data = Data(folder, solutions)
    floor_file = folder / "floor"
    print_head()

    def stage(name: str, rows: int, inputs: list[Path], floor: tuple[object, ...], **flags: object) -> Path:
        cost, output = run_stage(name, folder, **flags)
        least = cost_of(*floor, floor_file)  # type: ignore[arg-type]
        print_line(name, rows, cost, least, inputs)
        return output

    sources = {"summarized": [f"cot={data.right}"], "wrong_summarized": [f"cot={data.wrong}"]}
    shard = {"problems": data.problems, "shard": 0, "shards": 1}
    rules = {"groups": 8, "max_size": 16, "min_pool": 4, "max_right_share": 0.5, "max_chars": 4000}
    rules |= {"answer_sources": ["extracted", "majority"]}
    texts = [data.right, data.wrong]
    of_sources = {**shard, **sources, "judged": [f"cot={data.judged}"], **rules}
    sketch = (floors.groups, data.problems, data.right, data.wrong)
    groups = stage("form_groups", solutions, [data.problems, data.judged, *texts], sketch, **of_sources)

    count = count_lines(groups)
    sketch = (floors.comparisons, data.problems, groups, data.right, data.wrong)
    shown = stage("write_comparisons", count, [groups, *texts], sketch, **shard, **sources, groups=groups)

    chosen = data.replies(groups, "select_solution", 1, data.comparison)
    asked = {"replies": [chosen], "prompt_name": "select_solution"}
    compared = {"groups": groups, "comparisons": shown}
    selected = stage("parse_selections", count, [groups, chosen], (floors.picks, groups, chosen), **compared, **asked)

    limits = {"max_tokens": 2048, "summary_prompt": PROMPTS / "summarize_selection.yaml"}
    inputs = [selected, shown, chosen]
    of_selected = {"selected": selected, "comparisons": shown}
    traces = stage(
        "select_comparisons",
        count_lines(selected),
        inputs,
        (floors.reviewed, *inputs),
        **of_selected,
        **asked,
        **limits,
    )

    reviews = data.replies(selected, "summarize_selection", CANDIDATES, data.review)
    inputs, count = [traces, reviews], count_lines(traces)
    of_traces = {"traces": traces, "summaries": [reviews], "candidates": CANDIDATES}
    merged = stage("merge_selection_summaries", count, inputs, (floors.selection_summaries, *inputs), **of_traces)

    prompt = {"prompt": PROMPTS / "select_solution.yaml", "summary_model": "m@1", "figures": folder / "figures"}
    inputs = [data.problems, shown, merged]
    of_merged = {**shard, "comparisons": shown, "summarized": merged}
    stage(
        "prepare_selections", count_lines(merged), inputs, (floors.selection_rows, shown, merged), **of_merged, **prompt
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--solutions", type=int, nargs="+", default=[40_000, 80_000])
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    args = parser.parse_args(argv)
    for solutions in args.solutions:
        with tempfile.TemporaryDirectory(dir=args.folder) as name:
            run(Path(name), solutions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
