"""Training rows of comparisons: the prompt with all candidates, and the summary of a comparison that chose a right one.

In: decontaminated.jsonl, comparisons and summarized selections of one shard. Out: a folder of Parquet files, in the
order of the selections, with the columns of omr/training/columns.py; and their figures. As in the published dataset,
`problem` is the whole prompt of the comparison, and `generated_solution` the summary, without reasoning, which ends in
the verdict.
Dropped: `contaminated` (the problem is not in decontaminated.jsonl), `think_tag_in_text` (prompt or summary hold a tag
that would end or open reasoning), `control_token_in_text` (or a token of a chat template).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from omr.answers.damage import has_control_token
from omr.asking.prompts import Prompt, load_prompt
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row
from omr.stages.flags import add_input, add_problems, add_shard, open_stage, stage_parser
from omr.stages.problem_index import ProblemIndex
from omr.stages.row_index import RowIndex
from omr.stages.stage import Stage
from omr.training.columns import NAMES, model_name, prompt_hash
from omr.training.measured import Measured, add_measures
from omr.training.row_files import RowFiles, add_figures, add_text_columns

_SUMMARIZED: Fields = {
    "id": str,
    "problem_id": str,
    "selected": int,
    "selected_id": str,
    "expected_answer": (str, None),
    "candidate_ids": list,
    "group_size": int,
    "group_right": int,
    "summary": str,
    "model": (str, None),
}
_COMPARISON: Fields = {"id": str, "problem": str, "solutions": str}
_TAGS = ("<think>", "</think>")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="training rows", dropped="selections that are not among them")
    add_figures(parser)
    add_text_columns(parser)
    add_problems(parser)
    add_shard(parser)
    add_input(parser, "--comparisons", "the shard's comparisons")
    add_input(parser, "--summarized", "the shard's summarized selections")
    parser.add_argument("--prompt", type=Path, required=True, help="the prompt that asked for the comparisons")
    parser.add_argument(
        "--summary-model", required=True, help="path and revision of the model that wrote the summaries"
    )
    add_measures(parser)
    return parser.parse_args(argv)


def training_row(problem: Row, selection: Row, messages: list[dict[str, str]], same: Row) -> Row:
    """A training row; `same` is what all rows of a recipe share."""
    prompt, summary = messages[-1]["content"], selection["summary"]
    values: Row = {
        **problem,
        **selection,
        **same,
        "id": selection["id"],
        "problem_id": problem["id"],
        "thread_id": problem.get("thread_id") or problem["id"].rpartition("-")[0],
        "group": selection["id"],
        "seed": int(selection["id"].rpartition("-g")[2]),
        "problem": prompt,
        "original_problem": problem["problem"],
        "generated_solution": summary,
        "generation_model": model_name(selection["model"]),
        "messages": [*messages, {"role": "assistant", "content": summary}],
    }
    return {name: values.get(name) for name in NAMES}


def fault_of_texts(*texts: str) -> str | None:
    """Why texts cannot be taught, or None."""
    if any(tag in text for tag in _TAGS for text in texts):
        return "think_tag_in_text"
    return "control_token_in_text" if any(map(has_control_token, texts)) else None


def same_everywhere(prompt: Prompt, summary_model: str) -> Row:
    """What all rows of a recipe share."""
    return {
        "inference_mode": "genselect",
        # Only comparisons that chose a right one come so far.
        "judgement": "yes",
        "used_in_kaggle": None,
        "prompt_hash": prompt_hash(prompt),
        "summary_model": summary_model,
    }


def prepare(
    args: argparse.Namespace, stage: Stage, problems: ProblemIndex, comparisons: RowIndex, measured: Measured
) -> None:
    """Write the training row of every selection."""
    prompt = load_prompt(args.prompt)
    same = same_everywhere(prompt, args.summary_model)
    for selection in stage.read(args.summarized, _SUMMARIZED):
        problem, shown = problems.get(selection["problem_id"]), comparisons.get(selection["id"])
        if not shown:
            what = f"there is no comparison {selection['id']!r}, though one was summarized"
            raise UserError(what, file=args.comparisons, remedy="the files belong to different runs: make both anew")
        seat = {"id": selection["id"], "problem_id": selection["problem_id"]}
        if problem is None:
            stage.drop(seat, "contaminated")
            continue
        messages = prompt.render(shown[0])
        fault = fault_of_texts(selection["summary"], messages[-1]["content"])
        if fault is not None:
            stage.drop(seat, fault)
        else:
            stage.write(
                training_row(
                    problem, selection, messages, same | measured.columns(problem["id"], selection["expected_answer"])
                )
            )


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with ExitStack() as stack:
        measured = stack.enter_context(Measured(args, args.shard, args.shards))
        output = RowFiles(args.output, args.figures, measured.recipes, args.text_columns)
        stage = stack.enter_context(open_stage("prepare_selections", args, output))
        problems = stack.enter_context(ProblemIndex(args.problems, args.shard, args.shards))
        comparisons = stack.enter_context(RowIndex([args.comparisons], _COMPARISON))
        prepare(args, stage, problems, comparisons, measured)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
