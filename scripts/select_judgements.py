"""Which predicted answers are provably the expected one or another, and which a model must judge.

In: decontaminated.jsonl, majority rows of one shard. Out: one row per distinct (problem, predicted answer, expected
answer) with the outcome of comparing the two (comparisons, see omr/solutions/judging.py), and those that it does not
settle as questions for the model: id, problem_id, problem, predicted_answer, expected_answer; those that an earlier
round asked are not asked again. Of answers that are provably one in several spellings, one is asked about, and
`asked_as` of the others is its id: so no answer is right and wrong. Nothing is dropped.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile, Fields, Row, read_rows
from omr.solutions.judging import SYMBOLIC, Question, QuestionWriter, batches, by_problem
from omr.stages.flags import add_comparing, add_input, add_problems, open_stage, stage_parser
from omr.stages.shard_problems import ProblemTexts

_MAJORITY: Fields = {"id": str, "seed": int, "predicted_answer": (str, None), "expected_answer": (str, None)}
#: With some questions each: enough to keep all comparers busy.
_PROBLEMS_AT_ONCE = 500


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="comparisons", dropped="stays empty")
    add_problems(parser)
    add_input(parser, "--majority", "the shard's majority rows")
    add_comparing(parser)
    parser.add_argument(
        "--asked", type=Path, nargs="*", default=[], metavar="FILE", help="questions that earlier rounds asked"
    )
    about = "settled pairs of each kind, equal and different, that the model is asked about as well, to measure it"
    parser.add_argument("--audits", type=int, default=0, metavar="N", help=about)
    return parser.parse_args(argv)


def distinct_questions(rows: Iterable[Row]) -> Iterator[list[Question]]:
    """The questions of each problem's solutions, each once, in the rows' order; rows without an answer ask none."""
    for problem_id, solutions in by_problem(rows, "id"):
        asked = Counter(
            (row["predicted_answer"], row["expected_answer"])
            for row in solutions
            if row["predicted_answer"] is not None and row["expected_answer"] is not None
        )
        yield [Question(problem_id, *answers, solutions_asking) for answers, solutions_asking in asked.items()]


def asked_as(
    unsettled: Sequence[Question], checker: EquivalenceChecker, was_asked: Callable[[Question], bool]
) -> dict[Question, Question]:
    """Which other question stands for one: of those about one answer the first that was asked, or the first.

    `unsettled` are questions about one expected answer that no comparison settled.
    """
    if len(unsettled) < 2:
        return {}
    classes = defaultdict[int, list[Question]](list)
    for question, of in zip(unsettled, checker.group([one.predicted for one in unsettled]), strict=True):
        classes[of].append(question)
    found = dict[Question, Question]()
    for alike in classes.values():
        first = next(filter(was_asked, alike), alike[0])
        found |= {question: first for question in alike if question is not first}
    return found


def select(args: argparse.Namespace, checker: EquivalenceChecker, writer: QuestionWriter) -> None:
    """Compare the answers of every question, and write the questions with their outcomes."""
    problems = ProblemTexts(args.problems)
    for batch in batches(distinct_questions(read_rows(args.majority, _MAJORITY)), _PROBLEMS_AT_ONCE):
        pairs = ((question.predicted, question.expected) for questions in batch for question in questions)
        verdicts = list(checker.compare_many(pairs))
        for questions in batch:
            of_problem = list(zip(questions, verdicts, strict=False))
            del verdicts[: len(questions)]
            unsettled = [question for question, verdict in of_problem if verdict is Verdict.UNKNOWN]
            others = asked_as(unsettled, checker, writer.was_asked)
            for question, verdict in of_problem:
                settled_by = None if verdict is Verdict.UNKNOWN else SYMBOLIC
                text = problems.text(question.problem_id)
                writer.write(question, text, verdict, settled_by, others.get(question))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with (
        AtomicFile(args.questions) as questions,
        open_stage("select_judgements", args) as stage,
        EquivalenceChecker(workers=args.workers) as checker,
    ):
        asked = {row["id"] for path in args.asked for row in read_rows(path)}
        writer = QuestionWriter(stage, questions, asked, args.audits)
        select(args, checker, writer)
        writer.finish()
    return 0


if __name__ == "__main__":
    leave(run_command(main))
