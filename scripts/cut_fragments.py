"""Each block of code of the cleaned solutions with the text around it, for a model to say whether it was worth running.

In: cleaned rows of one shard and its solutions. Out, in the order of the rows: `id` = `<problem id>-<seed>-<block>`,
`problem_id`, `seed`, `block` (its number, from 0) and `fragment` (the block with its output, and up to --window
characters of text on either side, never from a neighbouring block).
Blocks that show no result are no fragments (dropped parts): `traceback`, `timeout`, `memory`, `died`. A solution all of
whose blocks are such is dropped: `no_fragments`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from omr.errors import leave, run_command
from omr.files.jsonl import Fields
from omr.replies.reply import ReplyIndex
from omr.solutions.fragments import fragments
from omr.solutions.solution import stored_solutions
from omr.solutions.transcripts import published, transcript_of
from omr.stages.flags import add_input, add_solutions, open_stage, stage_parser
from omr.stages.stage import Stage

_CLEANED: Fields = {"id": str, "seed": int, "blocks": int}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="fragments", dropped="blocks and solutions without a result")
    add_input(parser, "--cleaned", "the shard's cleaned rows")
    add_solutions(parser)
    parser.add_argument("--prompt-name", required=True, help="the prompt that asked for the solutions")
    parser.add_argument("--window", type=int, required=True, metavar="N", help="characters of text on either side")
    return parser.parse_args(argv)


def cut(args: argparse.Namespace, stage: Stage, solutions: ReplyIndex) -> None:
    """Write the fragments of a shard."""
    for row, reply in stored_solutions(solutions, stage.read(args.cleaned, _CLEANED), args.prompt_name):
        transcript = published(transcript_of(reply))
        solution = f"{row['id']}-{row['seed']}"
        seat = {"problem_id": row["id"], "seed": row["seed"]}
        shown = []
        for fragment in fragments(transcript, args.window):
            part = {"id": f"{solution}-{fragment.block}", **seat, "block": fragment.block}
            if fragment.fault is None:
                shown.append(part | {"fragment": fragment.text})
            else:
                stage.drop_part(part, fragment.fault)
        if shown:
            stage.write_all(shown)
        else:
            stage.drop({"id": solution, **seat}, "no_fragments")


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with open_stage("cut_fragments", args) as stage, ReplyIndex(args.solutions) as solutions:
        cut(args, stage, solutions)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
