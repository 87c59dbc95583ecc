"""The reasoning of every right, finished solution, up to the step of its last boxed answer: what summaries are made of.

In: judged rows and solutions of one shard, decontaminated.jsonl. Out, in the order of the judged rows: `id` =
`<problem id>-<seed>`, `problem_id`, the fields of the judged row, `problem`, `solution` (the reasoning), and `reply`,
what training rows tell of the reply: with it, nobody has to read the solution once more. A step is a paragraph. Where
the last box in the reasoning provably holds another answer than the solution's, the reasoning went on from there, and
stays whole.
Of a solution that ran code, `solution` has the code and its output, and `code` says where.
Dropped: `failed`, `unfinished`, `no_answer`, `several_answers`, `unjudged`, `wrong`; `empty_reasoning`, which gives
nothing to write a summary from; `invented_output` of a solution that shows the output of code that nobody ran;
`code_not_in_reasoning` of one all of whose code comes later: a summary would replace it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from omr.answers.equivalence import EquivalenceChecker
from omr.errors import leave, run_command
from omr.files.jsonl import Row
from omr.replies.reply import Name, ReplyIndex
from omr.solutions.judging import why_not_right
from omr.solutions.solution import invents_output
from omr.solutions.traces import JUDGED, Trimmer, trace_of
from omr.stages.flags import add_input, add_places, add_problems, add_solutions, open_stage, stage_parser
from omr.stages.shard_problems import ProblemTexts
from omr.stages.stage import Stage


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="traces", dropped="solutions without a trace")
    add_places(parser)
    add_problems(parser)
    add_input(parser, "--judged", "the shard's judged rows, or those of them that are left")
    add_solutions(parser)
    parser.add_argument("--prompt-name", required=True, help="the prompt that asked for the solutions")
    return parser.parse_args(argv)


def select(args: argparse.Namespace, stage: Stage, solutions: ReplyIndex, trimmer: Trimmer) -> None:
    """Write the traces of a shard."""
    problems = ProblemTexts(args.problems)

    def wanted(row: Row) -> list[Name]:
        return [] if why_not_right(row) else [Name(row["id"], args.prompt_name, row["seed"])]

    for row, replies in solutions.ahead(stage.read(args.judged, JUDGED), wanted):
        seat = {"id": row["id"], "seed": row["seed"]}
        reason = why_not_right(row)
        if reason is not None:
            stage.drop(seat, reason)
            continue
        [reply] = replies
        if reply is not None and invents_output(reply):
            stage.drop(seat, "invented_output")
            continue
        trace = trace_of(row, reply, problems.text(row["id"]), trimmer)
        if trace is None:
            stage.drop(seat, "empty_reasoning")
        elif reply is not None and reply.get("steps") and not trace["code"]["steps"]:
            stage.drop(seat, "code_not_in_reasoning")
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
    leave(run_command(main))
