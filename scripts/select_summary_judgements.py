"""Which answers of summaries are provably right, and which a model must judge.

In: traces of one shard and the candidate summaries of each. Out: one row per distinct (problem, answer of a summary,
expected answer) with its outcome (comparisons, see omr/solutions/judging.py), and those left open as questions for the
model. An answer is right if it is provably the expected one (`symbolic`), or provably the answer of a solution to the
same problem that was judged right (`solution`): the same question is not asked again. Nothing is dropped.
And a row per trace with what was read of its summaries, so that nobody need read the long texts again: {"id" (of the
trace), "problem_id", ...the judged row of the solution, "candidates": [[answer, fault, characters], ...]}, by number;
the answer is null where `fault` says why there is none.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile, Fields, Row, read_rows
from omr.replies.reply import ReplyIndex
from omr.solutions.judging import SOLUTION, SYMBOLIC, Question, QuestionWriter, batches, by_problem
from omr.solutions.summaries import TRACE, Candidates, judged_row
from omr.stages.flags import add_candidates, add_comparing, open_stage, stage_parser

_TRACE: Fields = {"id": str, "problem_id": str, "problem": str, "predicted_answer": str, "expected_answer": str}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="comparisons", dropped="stays empty")
    add_candidates(parser)
    about = "what was read of the summaries, a row per trace"
    parser.add_argument("--summary-candidates", type=Path, required=True, metavar="FILE", help=about)
    add_comparing(parser)
    return parser.parse_args(argv)


class Asked(NamedTuple):
    """A question, the text of its problem, and other answers to it that were judged right."""

    question: Question
    problem: str
    right_answers: list[str]


def distinct_questions(rows: Iterable[Row]) -> Iterator[Asked]:
    """The questions of a shard's summaries, each once, in the order of the rows, which are those of `read_candidates`
    with the `problem`."""
    for problem_id, of_problem in by_problem(rows, "problem_id"):
        expected = of_problem[0]["expected_answer"]
        right_answers = [
            answer for answer in {row["predicted_answer"]: None for row in of_problem} if answer != expected
        ]
        answers = Counter(answer for row in of_problem for answer, *_ in row["candidates"] if answer is not None)
        for answer, summaries in answers.items():
            yield Asked(Question(problem_id, answer, expected, summaries), of_problem[0]["problem"], right_answers)


def read_candidates(traces: Iterable[Row], candidates: Candidates, file: AtomicFile) -> Iterator[Row]:
    """Write what was read of each trace's summaries; the same rows with the `problem` and without the reasoning."""
    for trace in traces:
        row = {"id": trace["id"], "problem_id": trace["problem_id"]} | judged_row(trace)
        row["candidates"] = [(one.answer, one.fault, len(one.text)) for one in candidates.of(trace)]
        file.write_row(row)
        yield row | {"problem": trace["problem"]}


def settle(batch: Sequence[Asked], checker: EquivalenceChecker) -> list[tuple[Verdict, str | None]]:
    """For each question, (the outcome of comparing with the expected answer, what proved the answer right or None)."""
    verdicts = list(checker.compare_many((asked.question.predicted, asked.question.expected) for asked in batch))
    open_pairs = [
        (place, (asked.question.predicted, right))
        for place, (asked, verdict) in enumerate(zip(batch, verdicts, strict=True))
        if verdict is Verdict.UNKNOWN
        for right in asked.right_answers
    ]
    against_right = checker.compare_many(pair for _, pair in open_pairs)
    same_as_right = {
        place for (place, _), verdict in zip(open_pairs, against_right, strict=True) if verdict is Verdict.EQUAL
    }
    return [
        (verdict, SYMBOLIC if verdict is not Verdict.UNKNOWN else SOLUTION if place in same_as_right else None)
        for place, verdict in enumerate(verdicts)
    ]


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with (
        AtomicFile(args.questions) as questions,
        AtomicFile(args.summary_candidates) as read,
        open_stage("select_summary_judgements", args) as stage,
        ReplyIndex(args.summaries) as summaries,
        EquivalenceChecker(workers=args.workers) as checker,
    ):
        writer = QuestionWriter(stage, questions)
        traces = read_rows(args.traces, {**TRACE, **_TRACE})
        rows = read_candidates(traces, Candidates(summaries, args.candidates), read)
        for batch in batches(distinct_questions(rows)):
            for asked, (verdict, settled_by) in zip(batch, settle(batch, checker), strict=True):
                writer.write(asked.question, asked.problem, verdict, settled_by)
        writer.finish()
    return 0


if __name__ == "__main__":
    leave(run_command(main))
