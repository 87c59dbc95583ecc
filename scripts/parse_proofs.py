"""Converted problems and the replies to the four `classify_*` prompts about them in, usable ones out.

In: converted.jsonl; replies to `classify_proof`, `classify_mcq`, `classify_binary`, `classify_invalid`.
Out: `id`, `thread_id`, `problem` (converted), `original_problem`, `expected_answer` null, `problem_type`
`converted_proof`.

Dropped: `proof`, `mcq`, `binary`, `invalid`, or `unreadable_class` where one of the four has no verdict; the classes
stand in the dropped row. The counts have `verdicts` and `unreadable` as those of parse_classes.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.errors import leave, run_command
from omr.parsers.classes import ClassReader
from omr.stages.flags import add_replies, open_stage, stage_parser
from omr.stages.routing import ANSWERS, PROOFS, branch_of

FIELDS = {"id": str, "thread_id": str, "problem": str, "original_problem": str}


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__)
    parser.add_argument("--converted", type=Path, required=True, metavar="FILE", help="converted.jsonl")
    add_replies(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    with open_stage("parse_proofs", arguments) as stage:
        reader = ClassReader(arguments.replies)
        for row in stage.read(arguments.converted, FIELDS, unique=True):
            classes = reader.read(row["id"])
            branch = branch_of(classes)
            row = {field: row[field] for field in FIELDS}
            if branch == ANSWERS:
                stage.write(row | {"expected_answer": None, "problem_type": "converted_proof"})
            else:
                stage.drop(row | classes, "proof" if branch == PROOFS else branch)
        reader.note_counts(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
