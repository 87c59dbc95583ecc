"""Classified problems of the proofs branch and the replies to `convert_proofs` in, converted problems out.

In: classified.jsonl, of which rows of other branches are skipped (`not_selected` in the counts); replies to the prompt
`convert_proofs`.
Out: `id` (that of the proof problem), `thread_id`, `problem` (the converted one), `original_problem`.

Dropped: `empty_problem`, `too_long_problem`, `unchanged_problem`, `still_a_proof`, `several_problems`, `meta_text` (it
talks about the task), `example_of_prompt` (it repeats one, and stands not in its thread), `unreadable_conversion`,
`no_reply`, `request_failed_<kind>`, `unfinished_reply`, `empty_reply`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.asking.prompts import load_prompt
from omr.errors import leave, run_command
from omr.files.jsonl import Row
from omr.parsers.conversion import parse_conversion
from omr.parsers.echoes import Examples
from omr.parsers.readable import is_readable
from omr.replies.reply import ReplyIndex, usable_text
from omr.replies.tries import TriedReplies
from omr.stages.flags import add_prompt, add_replies, open_stage, stage_parser
from omr.stages.routing import PROOFS, branch_of
from omr.stages.stage import Stage

PROMPT = "convert_proofs"
FIELDS = {"id": str, "thread_id": str, "problem": str, "forum_discussions": str}


def parse_row(stage: Stage, row: Row, replies: ReplyIndex, examples: Examples) -> None:
    """Write the converted problem, or drop the proof problem."""
    about = {"id": row["id"], "thread_id": row["thread_id"], "original_problem": row["problem"]}
    text, fault = usable_text(replies.get(row["id"], PROMPT))
    if text is None:
        stage.drop(about, str(fault))
        return
    problem, fault = parse_conversion(text, row["problem"])
    source = f"{row['problem']}\n{row['forum_discussions']}"
    if problem is not None and examples.is_echo(problem, source, is_copied=False):
        problem, fault = None, "example_of_prompt"
    if problem is None:
        stage.drop(about, str(fault), reply=text)
        return
    ids = {"id": row["id"], "thread_id": row["thread_id"]}
    stage.write(ids | {"problem": problem, "original_problem": row["problem"]})


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__)
    parser.add_argument("--classified", type=Path, required=True, metavar="FILE", help="classified.jsonl")
    add_replies(parser)
    add_prompt(parser, PROMPT)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    examples = Examples(load_prompt(arguments.prompt).examples)
    with TriedReplies(arguments.replies, is_readable) as replies, open_stage("parse_conversions", arguments) as stage:
        rows = stage.read(arguments.classified, FIELDS, where=lambda row: branch_of(row) == PROOFS, unique=True)
        for row in rows:
            parse_row(stage, row, replies, examples)
        replies.note_counts(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
