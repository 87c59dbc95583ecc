"""Votes that stayed open, with what a model said of their answers: a majority now, or no answer.

In: rows of fill_majority_answer.py of one shard, its undecided votes, and the model's replies to its questions. Out:
the same rows, those of an open vote with the answer, votes and share that came of it.
Dropped are all solutions of a problem whose vote still has no majority: `too_few_votes`, `tied_vote`, `low_vote_share`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from omr.answers.vote import Requirement, outcome
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, read_rows
from omr.parsers.readable import is_readable
from omr.replies.tries import TriedReplies
from omr.solutions.judging import by_problem
from omr.solutions.matching import UNDECIDED, Matcher, Undecided, vote_fields
from omr.stages.flags import add_input, add_replies, open_stage, stage_parser
from omr.stages.stage import Stage

_VOTES: Fields = {"id": str, "seed": int, "expected_answer": (str, None)}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="light rows with their answers", dropped="solutions without an answer")
    add_input(parser, "--votes", "the shard's rows of fill_majority_answer")
    add_input(parser, "--undecided", "the shard's votes that are open")
    add_replies(parser)
    parser.add_argument("--min-votes", type=int, required=True, metavar="N", help="least votes of a majority")
    parser.add_argument("--min-share", type=float, required=True, metavar="X", help="least share of the votes")
    return parser.parse_args(argv)


def settle(args: argparse.Namespace, stage: Stage, matcher: Matcher) -> None:
    """Write the rows of a shard, those of an open vote with its outcome."""
    required = Requirement(args.min_votes, args.min_share)
    undecided = map(Undecided.read, read_rows(args.undecided, UNDECIDED))
    waiting = next(undecided, None)
    votes = {"settled": 0, "without_majority": 0}
    for problem_id, rows in by_problem(stage.read(args.votes, _VOTES), "id"):
        if waiting is None or waiting.problem_id != problem_id:
            for row in rows:
                stage.write(row)
            continue
        vote = outcome(matcher.settle(waiting))
        waiting = next(undecided, None)
        reason, fields = required.fault(vote), vote_fields(None, vote, None)
        votes["without_majority" if reason else "settled"] += 1
        for row in rows:
            if reason is None:
                stage.write(row | fields)
            else:
                stage.drop({"id": problem_id, "seed": row["seed"]}, reason, **fields)
    if waiting is not None:
        raise UserError(
            f"its vote on problem {waiting.problem_id!r} is of none of the rows, or not in their order",
            file=args.undecided,
            remedy="the files belong to different runs: delete this one and run again",
        )
    stage.note("open_votes", votes)
    stage.note("verdicts", {"match_answers": dict(sorted(matcher.found.items()))})


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with open_stage("settle_votes", args) as stage, TriedReplies(args.replies, is_readable) as replies:
        settle(args, stage, Matcher(replies))
        replies.note_counts(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
