"""Each comparison with the longest of its summaries that chooses the same candidate.

In: comparisons to summarize of one shard and their candidate summaries. Out, in the order of the comparisons: the
selection with `summary`, `summary_candidate` (its number) and `right_summaries` (how many agree). A summary agrees if
it ends in the verdict `Judgment: <index>` with the index that the comparison chose, and holds no other verdict. Of
equally long ones the first is kept.
Dropped: `no_right_summary`, with what became of each candidate.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from omr.errors import leave, run_command
from omr.files.jsonl import Fields, Row
from omr.replies.reply import ReplyIndex
from omr.selections.reading import SelectionSummaries, SelectionSummary, longest_right
from omr.stages.flags import add_candidates, open_stage, stage_parser
from omr.stages.stage import Stage

_TRACE: Fields = {"id": str, "problem_id": str, "selected": int, "comparison": str}
#: What only the prompt of the summaries needs.
_OF_PROMPT = frozenset({"problem", "solutions", "num_solutions", "max_index", "comparison"})


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="selections with a summary", dropped="comparisons without a right summary")
    add_candidates(parser)
    return parser.parse_args(argv)


def summarized(trace: Row, best: SelectionSummary, right: int) -> Row:
    """The row of a comparison with its best summary."""
    row = {field: value for field, value in trace.items() if field not in _OF_PROMPT}
    return row | {"summary": best.text, "summary_candidate": best.number, "right_summaries": right}


def merge(args: argparse.Namespace, stage: Stage, replies: ReplyIndex) -> None:
    """Write the best summary of every comparison, and count what became of all candidates."""
    summaries = SelectionSummaries(replies, args.candidates)
    became: Counter[str] = Counter()
    for trace in stage.read(args.traces, _TRACE):
        candidates = summaries.of(trace["id"], trace["selected"])
        fates = Counter(candidate.became for candidate in candidates)
        became += fates
        best = longest_right(candidates)
        if best is not None:
            stage.write(summarized(trace, best, fates["right"]))
        else:
            seat = {"id": trace["id"], "problem_id": trace["problem_id"]}
            stage.drop(seat, "no_right_summary", candidates=dict(sorted(fates.items())))
    stage.note("candidates", dict(sorted(became.items())))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with open_stage("merge_selection_summaries", args) as stage, ReplyIndex(args.summaries) as replies:
        merge(args, stage, replies)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
