"""Solutions that needed their code: new, significant calculations, by the votes of a model on each of their blocks.

In: cleaned rows of one shard, their fragments, and the model's replies: --votes on each fragment for each of two
prompts. Out, in the order of the rows: the cleaned rows with `fragments` and `novel_significant`, `novel_moderate` (how
many of them are that).
A fragment is new if all of its votes call it new, and as significant as the worst of them says; --votes-needed of them
must be readable. A solution stays with a new significant fragment, or if new moderate ones are more than half of its
fragments (paper, section 3; with --moderate-share half, at least half, as the reference's scripts have it).
Dropped: `no_fragments`, `code_not_needed`, and `code_unjudged` where votes that could not be read would decide.
The reference reads a verdict in one spelling alone and takes any other for its opposite.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row, read_rows
from omr.parsers.readable import is_readable
from omr.replies.reply import ReplyIndex
from omr.replies.tries import TriedReplies
from omr.solutions.code_votes import CodeVotes
from omr.solutions.fragments import Worth, needs_code, worth
from omr.stages.flags import add_input, add_replies, open_stage, stage_parser
from omr.stages.stage import Stage

_CLEANED: Fields = {"id": str, "seed": int, "blocks": int}
_FRAGMENT: Fields = {"id": str, "problem_id": str, "seed": int, "block": int}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="rows of solutions that needed their code", dropped="the other solutions")
    add = parser.add_argument
    add_input(parser, "--cleaned", "the shard's cleaned rows")
    add_input(parser, "--fragments", "their fragments")
    add_replies(parser)
    add("--votes", type=int, required=True, metavar="N", help="votes on each fragment for each prompt")
    add("--votes-needed", type=int, required=True, metavar="N", help="of these so many must be readable")
    add("--moderate-share", choices=("more_than_half", "half"), default="more_than_half", help="see above")
    args = parser.parse_args(argv)
    if not 1 <= args.votes_needed <= args.votes:
        parser.error("--votes-needed must be at least 1 and at most --votes")
    return args


class FragmentGroups:
    """The ids of each solution's fragments, in the order of the cleaned rows; one solution's are held at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._groups = groupby(read_rows(path, _FRAGMENT), key=lambda row: (row["problem_id"], row["seed"]))
        self._next = self._take()

    def _take(self) -> tuple[tuple[str, int], list[str]] | None:
        group = next(self._groups, None)
        return None if group is None else (group[0], [row["id"] for row in group[1]])

    def of(self, row: Row) -> list[str]:
        """The ids of a solution's fragments; ask for all cleaned rows, in order."""
        if self._next is None or self._next[0] != (row["id"], row["seed"]):
            return []
        found = self._next[1]
        self._next = self._take()
        return found

    def check_end(self) -> None:
        """Raise UserError if fragments are left: then they are not of these rows."""
        if self._next is not None:
            problem, seed = self._next[0]
            raise UserError(
                f"its fragments of problem {problem!r} with seed {seed} are of no cleaned row, or out of order",
                file=self._path,
                remedy="the files belong to different runs: delete this one and run again",
            )


def select(args: argparse.Namespace, stage: Stage, replies: ReplyIndex) -> None:
    """Write the rows of the solutions that needed their code."""
    votes, groups = CodeVotes(replies, args.votes), FragmentGroups(args.fragments)
    totals: Counter[Worth] = Counter()
    agreement: Counter[str] = Counter()
    for row in stage.read(args.cleaned, _CLEANED):
        worths = []
        for fragment in groups.of(row):
            found = votes.of(fragment)
            worths.append(worth(found.novelty, found.significance, args.votes_needed))
            agreement[f"{found.novelty.count('new')} of {args.votes}"] += 1
        known = Counter(worths)
        totals += known
        reason = why_dropped(worths, args.moderate_share)
        if reason is None:
            figures = {f"novel_{name}": known[name] for name in (Worth.SIGNIFICANT, Worth.MODERATE)}
            stage.write(row | {"fragments": len(worths), **figures})
        else:
            seat = {"id": row["id"], "seed": row["seed"]}
            stage.drop(seat, reason, fragments={name.value: n for name, n in sorted(known.items())})
    groups.check_end()
    stage.note("fragments", {name.value: n for name, n in sorted(totals.items())})
    stage.note("votes", {prompt: dict(sorted(labels.items())) for prompt, labels in votes.labels.items()})
    stage.note("votes_for_new", dict(sorted(agreement.items())))


def why_dropped(worths: Sequence[Worth], moderate_share: str) -> str | None:
    """The reason to drop a solution with such fragments, or None."""
    if not worths:
        return "no_fragments"
    needed = needs_code(worths, moderate_share)
    if needed is None:
        return "code_unjudged"
    return None if needed else "code_not_needed"


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with open_stage("select_by_code", args) as stage, TriedReplies(args.replies, is_readable) as replies:
        select(args, stage, replies)
        replies.note_counts(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
