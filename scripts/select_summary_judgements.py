"""Which answers of summaries are provably right, and which a model must judge.

In: traces of one shard and the candidate summaries of each. Out: one row per distinct (problem, answer of a summary,
expected answer) with its outcome (comparisons, see omr/solutions/judging.py), and those left open as questions for the
model. An answer is right if it is provably the expected one (`symbolic`), or provably the answer of a solution to the
same problem that was judged right (`solution`): the same question is not asked again. Nothing is dropped.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.errors import run_command
from omr.files.jsonl import AtomicFile, Fields, Row, read_rows
from omr.replies.reply import ReplyIndex
from omr.solutions.judging import SOLUTION, SYMBOLIC, Question, QuestionWriter, batches, by_problem
from omr.solutions.summaries import TRACE, Candidates
from omr.stages.flags import add_candidates, add_comparing, open_stage, stage_parser

_TRACE: Fields = {"id": str, "problem_id": str, "problem": str, "predicted_answer": str, "expected_answer": str}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="comparisons", dropped="stays empty")
    add_candidates(parser)
    add_comparing(parser)
    return parser.parse_args(argv)


class Asked(NamedTuple):
    """A question, the text of its problem, and other answers to it that were judged right."""

    question: Question
    problem: str
    right_answers: list[str]


def distinct_questions(traces: Iterable[Row], candidates: Candidates) -> Iterator[Asked]:
    """The questions of a shard's summaries, each once, in the order of the traces."""
    for problem_id, of_problem in by_problem((_light(trace, candidates) for trace in traces), "problem_id"):
        expected = of_problem[0]["expected_answer"]
        right_answers = [
            answer for answer in {row["predicted_answer"]: None for row in of_problem} if answer != expected
        ]
        answers = Counter(answer for row in of_problem for answer in row["answers"] if answer is not None)
        for answer, summaries in answers.items():
            yield Asked(Question(problem_id, answer, expected, summaries), of_problem[0]["problem"], right_answers)


def _light(trace: Row, candidates: Candidates) -> Row:
    # The reasoning is not needed any more, and a problem may have many.
    answers = [candidate.answer for candidate in candidates.of(trace)]
    return {field: trace[field] for field in _TRACE} | {"answers": answers}


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
        open_stage("select_summary_judgements", args) as stage,
        ReplyIndex(args.summaries) as summaries,
        EquivalenceChecker(workers=args.workers) as checker,
    ):
        writer = QuestionWriter(stage, questions)
        for batch in batches(
            distinct_questions(read_rows(args.traces, {**TRACE, **_TRACE}), Candidates(summaries, args.candidates))
        ):
            for asked, (verdict, settled_by) in zip(batch, settle(batch, checker), strict=True):
                writer.write(asked.question, asked.problem, verdict, settled_by)
        writer.finish()
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
