"""Groups of solutions for reinforcement learning: which is best is verifiable, since it is known which are right.

In: decontaminated.jsonl; of a recipe that compares solutions the groups and their comparisons, all shards in one order.
Out, in the order of the groups, a row per group: id (of the group), problem_id, problem, problem_source,
source_url, source_license, source_author, source_date (null: not told), expected_answer, answer_source, pass_rate
(share of right ones among the problem's solutions), pass_rate_by (the recipes that these are of), right (indexes of
all right candidates, from 0), num_solutions, prompt (messages that show the candidates and ask for an index).
Dropped, by the first reason that holds:
  contaminated          the problem is not in decontaminated.jsonl
  <source>_answer       the answer is `extracted` or from the `majority`, which --answer-sources does not name
  all_right, none_right nothing can be learnt from the choice
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from omr.asking.prompts import Prompt, load_prompt
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row, read_rows
from omr.stages.flags import add_input, add_problems, open_stage, stage_parser
from omr.stages.problem_index import ProblemIndex
from omr.threads.origins import origin_columns

_GROUP: Fields = {
    "id": str,
    "problem_id": str,
    "candidates": list,
    "expected_answer": (str, None),
    "answer_source": str,
    "pass_rate": (float, int),
    "pass_rate_by": list,
}
_COMPARISON: Fields = {"id": str, "problem": str, "solutions": str, "num_solutions": int, "max_index": int}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="groups", dropped="groups that are not among them")
    add_problems(parser)
    add_input(parser, "--groups", "groups, a file per shard", several=True)
    add_input(parser, "--comparisons", "the same with their texts, a file per shard", several=True)
    add_input(parser, "--prompt", "the prompt that asks which is best")
    sources = ("extracted", "majority")
    parser.add_argument("--answer-sources", nargs="+", required=True, choices=sources, help="where answers are from")
    args = parser.parse_args(argv)
    if len(args.groups) != len(args.comparisons):
        parser.error("--groups and --comparisons must name as many files")
    return args


def in_step(groups: Path, comparisons: Path) -> Iterator[tuple[Row, Row]]:
    """The groups of a shard with their comparisons. Raises UserError if the files do not belong together."""
    shown = read_rows(comparisons, _COMPARISON)
    for group in read_rows(groups, _GROUP):
        comparison = next(shown, None)
        if comparison is None or comparison["id"] != group["id"]:
            what = f"the group {group['id']!r} is not in it, or not at its place"
            raise UserError(what, file=comparisons, remedy="delete this file and run again")
        yield group, comparison


def right_ones(group: Row) -> list[int]:
    """The indexes of the candidates that are right."""
    return [index for index, candidate in enumerate(group["candidates"]) if candidate["right"]]


def fault_of(group: Row, problem: Row | None, sources: Sequence[str]) -> str | None:
    """Why a group does not pass, or None."""
    if problem is None:
        return "contaminated"
    if group["answer_source"] not in sources:
        return f"{group['answer_source']}_answer"
    right = len(right_ones(group))
    if not right:
        return "none_right"
    return "all_right" if right == len(group["candidates"]) else None


def rl_row(group: Row, comparison: Row, problem: Row, prompt: Prompt) -> Row:
    """The row of a group that passed."""
    return {
        "id": group["id"],
        "problem_id": group["problem_id"],
        "problem": problem["problem"],
        **origin_columns(problem),
        "expected_answer": group["expected_answer"],
        "answer_source": group["answer_source"],
        "pass_rate": float(group["pass_rate"]),
        "pass_rate_by": " + ".join(group["pass_rate_by"]),
        "right": right_ones(group),
        "num_solutions": len(group["candidates"]),
        "prompt": prompt.render(comparison),
    }


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    prompt = load_prompt(args.prompt)
    with open_stage("prepare_rl_selections", args) as stage, ProblemIndex(args.problems, 0, 1) as problems:
        for files in zip(args.groups, args.comparisons, strict=True):
            for group, comparison in in_step(*files):
                stage.count_read()
                problem = problems.get(group["problem_id"])
                fault = fault_of(group, problem, args.answer_sources)
                if problem is None or fault is not None:
                    stage.drop({"id": group["id"], "problem_id": group["problem_id"]}, fault or "contaminated")
                else:
                    stage.write(rl_row(group, comparison, problem, prompt))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
