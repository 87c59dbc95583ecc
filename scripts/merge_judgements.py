"""Every solution's verdict: from the comparison of its answer where that proved something, else from the model.

In: majority rows of one shard, their comparisons, and the model's replies. Out: the same rows with `judgement` (`yes`,
`no`, `unjudged`), `judged_by` (`symbolic`, `llm`, or null if unjudged) and `unjudged_reason` (null if judged):
`failed`, `unfinished`, `no_answer`, `several_answers` for the solution; `verdict_unreadable`,
`verdict_unfinished_reply`, `verdict_no_reply`, `verdict_request_failed_<kind>` for the verdict. Nothing is dropped: a
problem's pass rate counts all its solutions.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from omr.answers.faults import NO_ANSWER
from omr.errors import leave, run_command
from omr.files.jsonl import Fields, Row
from omr.parsers.readable import is_readable
from omr.replies.reply import ReplyIndex
from omr.replies.tries import TriedReplies
from omr.solutions.judging import Judgement, Judgements, ProblemJudgements, by_problem, judgement_fields, unjudged
from omr.stages.flags import add_input, add_replies, open_stage, stage_parser
from omr.stages.stage import Stage

_MAJORITY: Fields = {
    "id": str,
    "seed": int,
    "predicted_answer": (str, None),
    "answer_fault": (str, None),
    "finished": bool,
    "error": (str, None),
}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="judged rows", dropped="stays empty")
    add_input(parser, "--majority", "the shard's majority rows")
    add_input(parser, "--comparisons", "comparisons of their answers")
    add_replies(parser)
    return parser.parse_args(argv)


def judge(row: Row, judgements: ProblemJudgements) -> Judgement:
    """The verdict on one solution."""
    if row["error"] is not None:
        return unjudged("failed")
    if not row["finished"]:
        return unjudged("unfinished")
    if row["predicted_answer"] is None:
        return unjudged(row["answer_fault"] or NO_ANSWER)
    return judgements.of(row["predicted_answer"])


def merge(args: argparse.Namespace, stage: Stage, replies: ReplyIndex) -> None:
    """Write every row with its verdict, and count the verdicts."""
    verdicts: dict[str, Counter[str]] = {field: Counter() for field in ("judgement", "judged_by", "unjudged_reason")}
    judgements = Judgements(args.comparisons, replies)
    for problem_id, rows in by_problem(stage.read(args.majority, _MAJORITY), "id"):
        of_problem = judgements.of_problem(problem_id)
        for row in rows:
            fields = judgement_fields(judge(row, of_problem))
            stage.write(row | fields)
            for field, value in fields.items():
                if value is not None:
                    verdicts[field][value] += 1
    judgements.check_end()
    judgements.note(stage, "judge_answers")
    for field, found in verdicts.items():
        stage.note(field, dict(sorted(found.items())))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with (
        open_stage("merge_judgements", args) as stage,
        TriedReplies(args.replies, is_readable) as replies,
    ):
        merge(args, stage, replies)
        replies.note_counts(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
