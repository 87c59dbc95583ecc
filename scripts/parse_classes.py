"""Problems and the replies to the four `classify_*` prompts in, classified problems out.

In: problems.jsonl; replies to `classify_proof`, `classify_mcq`, `classify_binary`, `classify_invalid`.
Out: the problems with `is_proof`, `is_mcq`, `is_binary`, `is_invalid`: true, false, or null where there is no verdict.

No row is dropped here: omr/stages/routing.py says which way each goes, and what happens to those with a null. The
counts have `verdicts`, how many of each class are true, false, null, and `unreadable`, why they are null:
`unreadable_verdict`, `no_reply`, `request_failed_<kind>`, `unfinished_reply`, `empty_reply`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.errors import leave, run_command
from omr.parsers.classes import ClassReader
from omr.stages.flags import add_replies, open_stage, stage_parser

FIELDS = {"id": str, "thread_id": str, "problem": str}


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__)
    parser.add_argument("--problems", type=Path, required=True, metavar="FILE", help="problems.jsonl")
    add_replies(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    with open_stage("parse_classes", arguments) as stage:
        classes = ClassReader(arguments.replies)
        for row in stage.read(arguments.problems, FIELDS, unique=True):
            row.update(classes.read(row["id"]))
            stage.write(row)
        classes.note_counts(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
