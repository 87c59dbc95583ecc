"""The reasoning of some wrong, finished solutions of problems that have a right one too: what wrong candidates of a
comparison are made of.

A comparing model must not tell right from wrong by who wrote the text, so wrong solutions get new summaries by the same
model and prompt as right ones. In: judged rows and solutions of one shard, decontaminated.jsonl. Out, in the order of
the judged rows: traces as select_traces.py writes them. Of each problem up to --wrong-per-problem, one of each
different wrong answer first, then a second one of each, ...; which of those with the same answer follows from hashes of
their ids.
Dropped: `right`; `failed`, `unfinished`, `no_answer` and `unjudged`, which are not known to be wrong;
`no_right_solution`; `empty_reasoning`; `enough_others`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

from omr.answers.equivalence import EquivalenceChecker
from omr.errors import leave, run_command
from omr.files.jsonl import Row
from omr.replies.reply import Name, Reply, ReplyIndex
from omr.solutions.judging import by_problem, why_not_right
from omr.solutions.traces import JUDGED, Trimmer, trace_of
from omr.stages.flags import add_input, add_places, add_problems, add_solutions, open_stage, stage_parser
from omr.stages.shard_problems import ProblemTexts
from omr.stages.stage import Stage


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="traces of wrong solutions", dropped="solutions without one")
    add_places(parser)
    add_problems(parser)
    add_input(parser, "--judged", "the shard's judged rows")
    add_solutions(parser)
    parser.add_argument("--prompt-name", required=True, help="the prompt that asked for the solutions")
    parser.add_argument("--wrong-per-problem", type=int, required=True, metavar="N", help="most traces of a problem")
    return parser.parse_args(argv)


def spread(wrong: Sequence[Row], checker: EquivalenceChecker) -> list[Row]:
    """Wrong solutions of a problem in the order in which they are taken: different answers first.

    Spellings of one answer are one answer. The order of the rows does not matter.
    """
    classes = dict(zip(map(_seat, wrong), checker.group([row["predicted_answer"] for row in wrong]), strict=True))
    turns: Counter[int] = Counter()
    order: list[tuple[int, bytes, Row]] = []
    for row in sorted(wrong, key=_hash):
        order.append((turns[classes[_seat(row)]], _hash(row), row))
        turns[classes[_seat(row)]] += 1
    return [row for _, _, row in sorted(order, key=lambda entry: entry[:2])]


def _seat(row: Row) -> str:
    return f"{row['id']}-{row['seed']}"


def _hash(row: Row) -> bytes:
    return blake2b(_seat(row).encode(), digest_size=8).digest()


class Problem(NamedTuple):
    """The judged rows of one problem, and those that are wrong in the order in which they are taken."""

    id: str
    rows: Sequence[Row]
    wrong: Sequence[Row]


@dataclass(frozen=True)
class Selector:
    """Writes or drops the solutions of one problem after the other."""

    stage: Stage
    problems: ProblemTexts
    solutions: ReplyIndex
    prompt_name: str
    wanted: int
    checker: EquivalenceChecker
    trimmer: Trimmer

    def select(self, problems: Iterable[tuple[str, Sequence[Row]]]) -> None:
        """Every solution of these problems, in the order of their rows."""
        opened = (self._opened(problem_id, rows) for problem_id, rows in problems)
        # Those that are taken first are read ahead: seldom is one without reasoning, and then the next is looked up.
        for problem, replies in self.solutions.ahead(opened, self._first_names):
            self._write(problem, self._traces(problem, replies))

    def _opened(self, problem_id: str, rows: Sequence[Row]) -> Problem:
        wrong = [row for row in rows if row["judgement"] == "no"]
        has_right = any(row["judgement"] == "yes" for row in rows)
        return Problem(problem_id, rows, spread(wrong, self.checker) if has_right and wrong else [])

    def _first_names(self, problem: Problem) -> list[Name]:
        return [self._name(row) for row in problem.wrong[: self.wanted]]

    def _name(self, row: Row) -> Name:
        return Name(row["id"], self.prompt_name, row["seed"])

    def _traces(self, problem: Problem, replies: Sequence[Reply | None]) -> dict[str, Row | str]:
        """By `<problem id>-<seed>`: the traces that are taken, and `empty_reasoning` of those that cannot be."""
        if not problem.wrong:
            return {}
        text = self.problems.text(problem.id)
        further = (self.solutions.get(*self._name(row)) for row in problem.wrong[len(replies) :])
        found: dict[str, Row | str] = {}
        taken = 0
        for row, reply in zip(problem.wrong, chain(replies, further), strict=True):
            if taken == self.wanted:
                break
            trace = trace_of(row, reply, text, self.trimmer)
            found[_seat(row)] = trace or "empty_reasoning"
            taken += trace is not None
        return found

    def _write(self, problem: Problem, traces: Mapping[str, Row | str]) -> None:
        has_right = any(row["judgement"] == "yes" for row in problem.rows)
        for row in problem.rows:
            reason = why_not_right(row) or "right"
            if reason == "wrong":
                reason = "enough_others" if has_right else "no_right_solution"
            trace = traces.get(_seat(row), reason)
            if isinstance(trace, str):
                self.stage.drop({"id": row["id"], "seed": row["seed"]}, trace)
            else:
                self.stage.write(trace)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with (
        open_stage("select_wrong_traces", args) as stage,
        ReplyIndex(args.solutions) as solutions,
        EquivalenceChecker(workers=1) as checker,
    ):
        trimmer = Trimmer(checker)
        problems = ProblemTexts(args.problems)
        selector = Selector(stage, problems, solutions, args.prompt_name, args.wrong_per_problem, checker, trimmer)
        selector.select(by_problem(stage.read(args.judged, JUDGED), "id"))
        stage.note("trimming", dict(sorted(trimmer.cases.items())))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
