"""The reasoning of every right, finished solution, up to the step of its last boxed answer: what summaries are made of.

In: judged rows and solutions of one shard, decontaminated.jsonl. Out, in the order of the judged rows: `id` =
`<problem id>-<seed>`, `problem_id`, the fields of the judged row, `problem` and `solution` (the reasoning). A step is a
paragraph. Where the last box in the reasoning provably holds another answer than the solution's, the reasoning went on
from there, and stays whole.
Dropped: `failed`, `unfinished`, `no_answer`, `unjudged`, `wrong`, and `empty_reasoning`, which gives nothing to write a
summary from.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.errors import UserError, run_command
from omr.files.jsonl import Fields, Row
from omr.replies.reply import Reply, ReplyIndex
from omr.solutions.judging import why_not_right
from omr.solutions.solution import boxed_step, is_finished, read_solution
from omr.stages.flags import add_input, add_problems, add_solutions, open_stage, stage_parser
from omr.stages.shard_problems import ProblemTexts
from omr.stages.stage import Stage

_JUDGED: Fields = {
    "id": str,
    "seed": int,
    "predicted_answer": (str, None),
    "expected_answer": (str, None),
    "judgement": str,
}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="traces", dropped="solutions without a trace")
    add_problems(parser)
    add_input(parser, "--judged", "the shard's judged rows")
    add_solutions(parser)
    parser.add_argument("--prompt-name", required=True, help="the prompt that asked for the solutions")
    return parser.parse_args(argv)


class Trimmer:
    """Cuts reasoning after the step of its last boxed answer, and counts how it went."""

    def __init__(self, checker: EquivalenceChecker) -> None:
        self._checker = checker
        self.cases: Counter[str] = Counter()

    def trim(self, reasoning: str, predicted: str) -> str:
        step, boxed = boxed_step(reasoning)
        if boxed is None:
            self.cases["no_box"] += 1
            return reasoning
        if self._checker.compare(boxed, predicted) is Verdict.DIFFERENT:
            self.cases["box_of_another_answer"] += 1
            return reasoning
        self.cases["trimmed" if len(step) < len(reasoning) else "ends_with_box"] += 1
        return step


def trace_of(row: Row, reply: Reply | None, problem: str, trimmer: Trimmer) -> Row | None:
    """The trace of a right solution; None if it has no reasoning. Raises UserError if the solution is not there."""
    if reply is None or not is_finished(reply):
        raise UserError(
            f"there is no finished solution of problem {row['id']!r} with seed {row['seed']}, though one was judged",
            remedy="the judged rows and the solutions belong to different runs: delete the judged rows and run again",
        )
    reasoning = trimmer.trim(read_solution(reply).reasoning, row["predicted_answer"])
    if not reasoning:
        return None
    identity = {"id": f"{row['id']}-{row['seed']}", "problem_id": row["id"]}
    return identity | {k: v for k, v in row.items() if k != "id"} | {"problem": problem, "solution": reasoning}


def select(args: argparse.Namespace, stage: Stage, solutions: ReplyIndex, trimmer: Trimmer) -> None:
    """Write the traces of a shard."""
    problems = ProblemTexts(args.problems)
    for row in stage.read(args.judged, _JUDGED):
        seat = {"id": row["id"], "seed": row["seed"]}
        reason = why_not_right(row)
        if reason is not None:
            stage.drop(seat, reason)
            continue
        reply = solutions.get(row["id"], args.prompt_name, row["seed"])
        trace = trace_of(row, reply, problems.text(row["id"]), trimmer)
        if trace is None:
            stage.drop(seat, "empty_reasoning")
        else:
            stage.write(trace)
    stage.note("trimming", dict(sorted(trimmer.cases.items())))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with (
        open_stage("select_traces", args) as stage,
        ReplyIndex(args.solutions) as solutions,
        EquivalenceChecker(workers=1) as checker,
    ):
        select(args, stage, solutions, Trimmer(checker))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
