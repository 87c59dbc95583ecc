"""Classified problems of the answers branch and the replies to `extract_answers` in, answers out.

In: classified.jsonl, of which rows of other branches are skipped (`not_selected` in the counts); replies to the prompt
`extract_answers`.
Out: `id`, `thread_id`, `problem`, `expected_answer` (null if the discussion has none) and `problem_type`:
`has_answer_extracted` or `no_answer_extracted`. Forum text ends here.

Dropped: `unreadable_answer` (which is not "not found"), `too_long_answer`, `no_reply`, `request_failed_<kind>`,
`unfinished_reply`, `empty_reply`.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from omr.answers.placeholders import can_be_answer
from omr.errors import run_command
from omr.files.jsonl import Row
from omr.parsers.answer_lines import parse_answer
from omr.parsers.readable import is_readable
from omr.replies.reply import ReplyIndex, usable_text
from omr.replies.tries import TriedReplies
from omr.stages.flags import add_replies, open_stage, stage_parser
from omr.stages.routing import ANSWERS, branch_of
from omr.stages.stage import Stage

PROMPT = "extract_answers"
FIELDS = {"id": str, "thread_id": str, "problem": str}


def parse_row(stage: Stage, row: Row, replies: ReplyIndex, types: Counter[str]) -> None:
    """Write a problem with its answer, or drop it."""
    about = {field: row[field] for field in FIELDS}
    text, fault = usable_text(replies.get(row["id"], PROMPT))
    if text is None:
        stage.drop(about, str(fault))
        return
    answer, fault = parse_answer(text)
    if answer is not None and not can_be_answer(answer):
        fault = "unreadable_answer"
    if fault is not None:
        stage.drop(about, fault, reply=text)
        return
    problem_type = "no_answer_extracted" if answer is None else "has_answer_extracted"
    types[problem_type] += 1
    stage.write(about | {"expected_answer": answer, "problem_type": problem_type})


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__)
    parser.add_argument("--classified", type=Path, required=True, metavar="FILE", help="classified.jsonl")
    add_replies(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    types = Counter[str]()
    with TriedReplies(arguments.replies, is_readable) as replies, open_stage("parse_answers", arguments) as stage:
        rows = stage.read(arguments.classified, FIELDS, where=lambda row: branch_of(row) == ANSWERS, unique=True)
        for row in rows:
            parse_row(stage, row, replies, types)
        stage.note("problem_types", dict(sorted(types.items())))
        replies.note_counts(stage)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
