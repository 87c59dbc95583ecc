"""How hard problems are for a recipe's model: the share of its solutions that are right, one row per problem.

In: the recipe's judged rows, all shards. Out, in their order: id; solutions, right, wrong, unjudged; share (right ones
among those of which it is known whether they are right; null if that is known of none); answer, answer_source (what
they were judged by: `extracted` from the forum, or the `majority` of these solutions). `wrong` holds solutions that
were cut off or have no answer, too. Any recipe may serve as a measure, its own products do not depend on it. Nothing is
dropped: problems without a row here have no rate.
"""

from __future__ import annotations

import argparse

from omr.errors import leave, run_command
from omr.files.jsonl import Fields, Row, read_rows
from omr.solutions.judging import by_problem
from omr.solutions.pass_rate import pass_rate
from omr.stages.flags import add_input, open_stage, stage_parser

_JUDGED: Fields = {
    "id": str,
    "seed": int,
    "judgement": str,
    "unjudged_reason": (str, None),
    "expected_answer": (str, None),
    "answer_source": str,
}


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="pass rates", dropped="stays empty")
    add_input(parser, "--judged", "judged rows, a file per shard", several=True)
    return parser.parse_args(argv)


def rate_row(problem_id: str, rows: list[Row]) -> Row:
    """The row of one problem from those of its solutions."""
    rate = pass_rate(rows)
    return {
        "id": problem_id,
        "solutions": len(rows),
        "right": rate.right,
        "wrong": rate.known - rate.right,
        "unjudged": len(rows) - rate.known,
        "share": round(rate.share, 6) if rate.known else None,
        "answer": rows[0]["expected_answer"],
        "answer_source": rows[0]["answer_source"],
    }


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with open_stage("measure_pass_rates", args) as stage:
        solutions = 0
        for path in args.judged:
            for problem_id, rows in by_problem(read_rows(path, _JUDGED), "id"):
                stage.count_read()
                solutions += len(rows)
                stage.write(rate_row(problem_id, rows))
        stage.note("solutions", solutions)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
