"""Each trace with the longest of its summaries whose answer is right.

In: what was read of the candidate summaries of one shard's traces (see select_summary_judgements.py), the summaries,
comparisons of their answers, and the model's verdicts on the rest. Out, in the order of the traces: the judged row of
the solution (`id` is the problem's again) with `summary` (the text that is to follow the reasoning), `summary_answer`,
`summary_candidate` (its number), `summary_judged_by` (`symbolic`, `solution`, `llm`) and `right_summaries` (how many
candidates were right). The reasoning stays in the trace `<id>-<seed>`. Of equally long candidates the first is kept.
Dropped: `no_right_summary`, with what became of each candidate.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row
from omr.parsers.readable import is_readable
from omr.replies.reply import ReplyIndex
from omr.replies.tries import TriedReplies
from omr.solutions.judging import Judgement, Judgements, ProblemJudgements, by_problem, unjudged
from omr.solutions.summaries import shown_summary
from omr.stages.flags import add_input, add_replies, open_stage, stage_parser
from omr.stages.stage import Stage

_READ: Fields = {"id": str, "problem_id": str, "seed": int, "candidates": list}
_REMEDY = "the files belong to different runs: delete this one and run again"


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="summarized rows", dropped="traces without a right summary")
    add_input(parser, "--summary-candidates", "what was read of the summaries, a row per trace")
    add_input(parser, "--summaries", "replies with the summaries, a file per part", several=True)
    add_input(parser, "--comparisons", "comparisons of the summaries' answers")
    add_replies(parser)
    return parser.parse_args(argv)


class Candidate(NamedTuple):
    """What was read of a summary: its number, its answer or why it has none, and its characters."""

    number: int
    answer: str | None
    fault: str | None
    characters: int


class Judged(NamedTuple):
    """A candidate and the verdict on its answer."""

    candidate: Candidate
    judgement: Judgement

    @property
    def became(self) -> str:
        """`right`, `wrong`, or why nobody knows."""
        if self.judgement.judgement == "unjudged":
            return self.judgement.reason or "unjudged"
        return "right" if self.judgement.judgement == "yes" else "wrong"


def judge(candidate: Candidate, judgements: ProblemJudgements) -> Judged:
    if candidate.answer is None:
        return Judged(candidate, unjudged(candidate.fault or "no_answer"))
    return Judged(candidate, judgements.of(candidate.answer))


def longest_right(judged: Sequence[Judged]) -> Judged | None:
    """The longest candidate (in characters) whose answer is right, the first of equally long ones; None without one."""
    right = [one for one in judged if one.became == "right"]
    return max(right, key=lambda one: one.candidate.characters, default=None)


def summarized(row: Row, best: Judged, summary: str, right: int) -> Row:
    """The judged row of a trace with its best summary."""
    solution = {field: value for field, value in row.items() if field not in ("problem_id", "candidates")}
    return solution | {
        "id": row["problem_id"],
        "summary": summary,
        "summary_answer": best.candidate.answer,
        "summary_candidate": best.candidate.number,
        "summary_judged_by": best.judgement.judged_by,
        "right_summaries": right,
    }


def summary_of(row: Row, candidate: Candidate, summaries: ReplyIndex, path: Path) -> str:
    """The text of a candidate. Raises UserError if it is not the one that was read."""
    shown = (shown_summary(summaries, row["id"], candidate.number)[0] or "").strip()
    if len(shown) != candidate.characters:
        what = f"the summary {candidate.number} of {row['id']!r} is not the one that was read"
        raise UserError(what, file=path, remedy=_REMEDY)
    return shown


def merge(args: argparse.Namespace, stage: Stage, summaries: ReplyIndex, replies: ReplyIndex) -> None:
    """Write the best summary of every trace, and count what became of all candidates."""
    judgements = Judgements(args.comparisons, replies)
    became: Counter[str] = Counter()
    for problem_id, rows in by_problem(stage.read(args.summary_candidates, _READ), "problem_id"):
        of_problem = judgements.of_problem(problem_id)
        for row in rows:
            judged = [judge(Candidate(n, *read), of_problem) for n, read in enumerate(row["candidates"])]
            fates = Counter(one.became for one in judged)
            became.update(fates)
            best = longest_right(judged)
            if best is not None:
                text = summary_of(row, best.candidate, summaries, args.summary_candidates)
                stage.write(summarized(row, best, text, fates["right"]))
            else:
                seat = {"id": row["id"], "problem_id": problem_id, "seed": row["seed"]}
                stage.drop(seat, "no_right_summary", candidates=dict(sorted(fates.items())))
    judgements.check_end()
    judgements.note(stage, "judge_summaries")
    stage.note("candidates", dict(sorted(became.items())))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with (
        open_stage("merge_summaries", args) as stage,
        ReplyIndex(args.summaries) as summaries,
        TriedReplies(args.replies, is_readable) as replies,
    ):
        merge(args, stage, summaries, replies)
        replies.note_counts(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
