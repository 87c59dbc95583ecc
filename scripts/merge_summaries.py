"""Each trace with the longest of its summaries whose answer is right.

In: traces of one shard, their candidate summaries, comparisons of the summaries' answers, and the model's verdicts on
the rest. Out, in the order of the traces: the judged row of the solution (`id` is the problem's again) with `summary`
(the text that is to follow the reasoning), `summary_answer`, `summary_candidate` (its number), `summary_judged_by`
(`symbolic`, `solution`, `llm`) and `right_summaries` (how many candidates were right). The reasoning stays in the trace
`<id>-<seed>`. Of equally long candidates the first is kept.
Dropped: `no_right_summary`, with what became of each candidate.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from omr.errors import run_command
from omr.files.jsonl import Row
from omr.parsers.readable import is_readable
from omr.replies.reply import ReplyIndex
from omr.replies.tries import TriedReplies
from omr.solutions.judging import Judgement, Judgements, ProblemJudgements, by_problem, unjudged
from omr.solutions.summaries import OF_TRACE, Candidate, Candidates
from omr.stages.flags import add_candidates, add_input, add_replies, open_stage, stage_parser
from omr.stages.stage import Stage

_TRACE = {"id": str, "problem_id": str, "seed": int, "problem": str, "solution": str}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="summarized rows", dropped="traces without a right summary")
    add_candidates(parser)
    add_input(parser, "--comparisons", "comparisons of the summaries' answers")
    add_replies(parser)
    return parser.parse_args(argv)


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
    return max(right, key=lambda one: len(one.candidate.text), default=None)


def summarized(trace: Row, judged: Sequence[Judged]) -> Row | None:
    """The row of a trace with its best summary, or None if no summary is right."""
    best = longest_right(judged)
    if best is None:
        return None
    solution = {field: value for field, value in trace.items() if field not in OF_TRACE}
    return solution | {
        "id": trace["problem_id"],
        "summary": best.candidate.text,
        "summary_answer": best.candidate.answer,
        "summary_candidate": best.candidate.number,
        "summary_judged_by": best.judgement.judged_by,
        "right_summaries": sum(one.became == "right" for one in judged),
    }


def merge(args: argparse.Namespace, stage: Stage, summaries: ReplyIndex, replies: ReplyIndex) -> None:
    """Write the best summary of every trace, and count what became of all candidates."""
    candidates = Candidates(summaries, args.candidates)
    judgements = Judgements(args.comparisons, replies)
    became: Counter[str] = Counter()
    for problem_id, traces in by_problem(stage.read(args.traces, _TRACE), "problem_id"):
        of_problem = judgements.of_problem(problem_id)
        for trace in traces:
            judged = [judge(candidate, of_problem) for candidate in candidates.of(trace)]
            fates = Counter(one.became for one in judged)
            became += fates
            row = summarized(trace, judged)
            if row is not None:
                stage.write(row)
            else:
                seat = {"id": trace["id"], "problem_id": problem_id, "seed": trace["seed"]}
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
    sys.exit(run_command(main))
