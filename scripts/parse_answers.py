"""Classified problems of the answers branch and the replies to `extract_answers` in, answers out.

In: classified.jsonl, of which rows of other branches are skipped (`not_selected` in the counts); replies to the prompt
`extract_answers`.
Out: `id`, `thread_id`, `problem`, `expected_answer` (null if the discussion has none) and `problem_type`:
`has_answer_extracted` or `no_answer_extracted`. Forum text ends here.
The counts have `not_in_thread`: answers with a number that the thread has not. They are dropped, or with --keep-foreign
only counted; one of an example of the prompt is dropped in any case.

Dropped: `unreadable_answer` (which is not "not found"), `too_long_answer`, `not_in_thread`, `example_of_prompt`,
`no_reply`, `request_failed_<kind>`,
`unfinished_reply`, `empty_reply`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from omr.answers.placeholders import can_be_answer
from omr.asking.prompts import load_prompt
from omr.errors import leave, run_command
from omr.files.jsonl import Row
from omr.parsers.answer_lines import parse_answer
from omr.parsers.echoes import Examples
from omr.parsers.founded import Discussion
from omr.parsers.readable import is_readable
from omr.replies.reply import ReplyIndex, usable_text
from omr.replies.tries import TriedReplies
from omr.stages.flags import add_prompt, add_replies, open_stage, stage_parser
from omr.stages.routing import ANSWERS, branch_of
from omr.stages.stage import Stage

PROMPT = "extract_answers"
FIELDS = {"id": str, "thread_id": str, "problem": str}
TEXTS = {"forum_post": str, "forum_discussions": str}


class Origins:
    """Whether answers stand in their threads; counts those that do not."""

    def __init__(self, examples: Examples, keep_foreign: bool) -> None:
        self._examples = examples
        self._keep_foreign = keep_foreign
        self.foreign = 0

    def fault(self, answer: str | None, row: Row) -> str | None:
        """Why an answer cannot be used: `example_of_prompt`, `not_in_thread`, or None."""
        if answer is None or Discussion(row["forum_post"], row["forum_discussions"]).has(answer):
            return None
        self.foreign += 1
        if self._examples.has_whole(answer):
            return "example_of_prompt"
        return None if self._keep_foreign else "not_in_thread"


def parse_row(stage: Stage, row: Row, replies: ReplyIndex, origins: Origins, types: Counter[str]) -> None:
    """Write a problem with its answer, or drop it."""
    about = {field: row[field] for field in FIELDS}
    text, fault = usable_text(replies.get(row["id"], PROMPT))
    if text is None:
        stage.drop(about, str(fault))
        return
    answer, fault = parse_answer(text)
    if answer is not None and not can_be_answer(answer):
        fault = "unreadable_answer"
    fault = fault or origins.fault(answer, row)
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
    add_prompt(parser, PROMPT)
    parser.add_argument("--keep-foreign", action="store_true", help="only count answers that stand not in their thread")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    types = Counter[str]()
    origins = Origins(Examples(load_prompt(arguments.prompt).examples), arguments.keep_foreign)
    with TriedReplies(arguments.replies, is_readable) as replies, open_stage("parse_answers", arguments) as stage:
        rows = stage.read(
            arguments.classified, FIELDS | TEXTS, where=lambda row: branch_of(row) == ANSWERS, unique=True
        )
        for row in rows:
            parse_row(stage, row, replies, origins, types)
        if origins.foreign:
            stage.note("not_in_thread", origins.foreign)
        stage.note("problem_types", dict(sorted(types.items())))
        replies.note_counts(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
