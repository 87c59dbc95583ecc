"""Each wrong trace with the longest of its summaries that states the solution's own wrong answer.

In: traces of wrong solutions of one shard and their candidate summaries. Out, in the order of the traces: the judged
row of the solution (`id` is the problem's again) with `summary`, `summary_answer`, `summary_candidate` (its number) and
`faithful_summaries` (how many candidates were faithful). A summary is faithful if its answer is proven to be the
solution's own and not proven to be the expected one; what nobody proves does not count, and no model is asked.
Dropped, with what became of each candidate: `answer_repaired`, where a summary states the expected answer instead, and
else `no_faithful_summary`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.errors import leave, run_command
from omr.files.jsonl import Fields, Row
from omr.replies.reply import ReplyIndex
from omr.solutions.judging import batches
from omr.solutions.summaries import TRACE, Candidate, Candidates, judged_row
from omr.stages.flags import add_candidates, open_stage, stage_parser
from omr.stages.stage import Stage

_TRACE: Fields = {"id": str, "problem_id": str, "seed": int, "predicted_answer": str, "expected_answer": str}
#: Traces whose summaries are compared together.
_BATCH = 500


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="summarized rows of wrong solutions", dropped="traces without such a summary")
    add_candidates(parser)
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that compare answers")
    return parser.parse_args(argv)


class Read(NamedTuple):
    """A trace without its reasoning, and its candidates."""

    trace: Row
    candidates: list[Candidate]


def fate(candidate: Candidate, own: Verdict, expected: Verdict) -> str:
    """What became of a candidate whose answer was compared with the solution's own and with the expected one."""
    if candidate.answer is None:
        return candidate.fault or "no_answer"
    if expected is Verdict.EQUAL:
        return "unproven" if own is Verdict.EQUAL else "answer_repaired"
    if own is Verdict.EQUAL:
        return "faithful"
    return "other_answer" if own is Verdict.DIFFERENT else "unproven"


def fates_of(batch: Sequence[Read], checker: EquivalenceChecker) -> Iterator[tuple[Read, list[str]]]:
    """Each trace with what became of its candidates."""
    verdicts = checker.compare_many(
        (candidate.answer or "", read.trace[side])
        for read in batch
        for candidate in read.candidates
        for side in ("predicted_answer", "expected_answer")
    )
    for read in batch:
        yield read, [fate(candidate, next(verdicts), next(verdicts)) for candidate in read.candidates]


def summarized(read: Read, fates: Sequence[str]) -> Row | None:
    """The row of a trace with its longest faithful summary, the first of equally long ones; None without one."""
    faithful = [one for one, became in zip(read.candidates, fates, strict=True) if became == "faithful"]
    best = max(faithful, key=lambda one: len(one.text), default=None)
    if best is None:
        return None
    return read.trace | {
        "summary": best.text,
        "summary_answer": best.answer,
        "summary_candidate": best.number,
        "faithful_summaries": len(faithful),
    }


def light(traces: Iterable[Row], candidates: Candidates) -> Iterator[Read]:
    """Traces as judged rows with their candidates; the reasoning is not needed any more."""
    for trace in traces:
        yield Read(judged_row(trace) | {"id": trace["problem_id"]}, candidates.of(trace))


def merge(args: argparse.Namespace, stage: Stage, summaries: ReplyIndex, checker: EquivalenceChecker) -> None:
    """Write the best summary of every trace, and count what became of all candidates."""
    candidates = Candidates(summaries, args.candidates)
    became: Counter[str] = Counter()
    for batch in batches(light(stage.read(args.traces, {**TRACE, **_TRACE}), candidates), _BATCH):
        for read, fates in fates_of(batch, checker):
            became.update(fates)
            row = summarized(read, fates)
            if row is not None:
                stage.write(row)
                continue
            trace = {"id": f"{read.trace['id']}-{read.trace['seed']}", "problem_id": read.trace["id"]}
            reason = "answer_repaired" if "answer_repaired" in fates else "no_faithful_summary"
            counted = dict(sorted(Counter(fates).items()))
            stage.drop(trace | {"seed": read.trace["seed"]}, reason, candidates=counted)
    stage.note("candidates", dict(sorted(became.items())))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with (
        open_stage("merge_wrong_summaries", args) as stage,
        ReplyIndex(args.summaries) as summaries,
        EquivalenceChecker(workers=args.workers) as checker,
    ):
        merge(args, stage, summaries, checker)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
