"""Final answers of all solutions of a shard, and the majority vote where no answer to a problem is known.

In: decontaminated.jsonl, and the solutions of one shard, of all configured seeds. Out: light rows, one per problem and
seed, in the order of the problems (no solution text):
  id, seed, predicted_answer (null: none), answer_fault (why a finished solution has none: `no_answer`,
  `several_answers`), finished, error (kind of a failed request or null), completion_tokens;
  expected_answer, answer_source: `extracted` (known from the forum) or `majority` (the vote);
  majority_answer, majority_votes, total_votes (solutions with an answer), vote_share: the vote, whatever the source;
  majority_agrees: whether the vote confirms an extracted answer; null where that is undecided or there is none;
  original_expected_answer, changed_answer_to_majority: with --repair-votes, an extracted answer that enough solutions
  contradict and none supports gives way to theirs (`answer_source` is `majority` then).
Dropped are problems of which the plan wants no solution, `not_asked`; and problems with no known answer and all their
solutions: `no_readable_answer`, `too_few_votes`, `tied_vote`, `low_vote_share`.
With --outcomes, what was read of the solutions goes to a file as well: the fields above up to completion_tokens. A
later round reads it with --earlier instead of those solutions, whose texts are a hundred times as long.
With --undecided and --questions, a vote stays open where answers that no comparison tells apart could change its
outcome: its rows have no expected answer yet, its classes go to the one file (see omr/solutions/matching.py), and the
questions which of them are the same answer, in both orders, to the other. settle_votes.py reads all of them.
"""

from __future__ import annotations

import argparse
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import tee
from pathlib import Path
from typing import Any, NamedTuple

from omr.answers.ballots import Ballot, Decision, Rules
from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.answers.faults import NO_ANSWER, SEVERAL_ANSWERS
from omr.answers.single_answer import Same
from omr.answers.vote import Requirement
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import AtomicFile, Fields, Row, dumps, parts_of, read_rows, rows_within
from omr.replies.reply import Reply
from omr.solutions.matching import Undecided, undecided_row, vote_fields
from omr.solutions.solution import answer_of, is_finished
from omr.stages.flags import add_problems, add_shard, open_stage, stage_parser
from omr.stages.seeds import read_plan
from omr.stages.shard_problems import ProblemTexts, shard_problems
from omr.stages.stage import Stage
from omr.stages.workers import ordered_map

_REPLY: Fields = {"id": str, "seed": int, "text": (str, None), "finish_reason": (str, None)}
#: What --outcomes writes.
_OUTCOME: Fields = {
    "id": str,
    "seed": int,
    "predicted_answer": (str, None),
    "answer_fault": (str, None),
    "finished": bool,
    "error": (str, None),
    "completion_tokens": (int, None),
}
#: In the columns: no reply was read, and a reply without an answer or without a count.
_MISSING, _NONE = -2, -1
#: What a worker reads at a time.
_PART_BYTES = 32 << 20
#: Less than this is read sooner than processes start.
_POOL_BYTES = 1 << 20
#: What the counts call a finished solution without an answer.
_ENDED = {None: "without_answer", NO_ANSWER: "without_answer", SEVERAL_ANSWERS: "with_several_answers"}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="light rows, one per problem and seed", dropped="problems without an answer")
    add_problems(parser)
    add_shard(parser)
    add = parser.add_argument
    about = "raw solutions, one file per job of seeds (none where --earlier has all)"
    add("--solutions", type=Path, nargs="*", default=[], metavar="FILE", help=about)
    add("--seeds", type=int, required=True, help="number of configured seeds; all must be there")
    add("--earlier", type=Path, nargs="+", default=[], metavar="FILE", help="--outcomes of the seeds before these")
    add("--earlier-seeds", type=int, default=0, metavar="N", help="how many those are (default: 0)")
    add("--outcomes", type=Path, metavar="FILE", help="what was read of the solutions, for a later round")
    add("--plan", type=Path, help="how many of them each problem has (default: all)")
    add("--min-votes", type=int, default=2, help="least votes that make a majority an answer (default: 2)")
    add("--min-share", type=float, default=0.0, help="least share of the votes that makes a majority an answer")
    add("--repair-votes", type=int, help="so many solutions replace a known answer that none of them supports")
    add("--repair-share", type=float, default=1.0, help="and so great a share of the votes (default: all of them)")
    add("--max-matches", type=int, default=0, help="most pairs of answers of a problem that a model may be asked about")
    add("--undecided", type=Path, metavar="FILE", help="votes that such questions may change")
    add("--questions", type=Path, metavar="FILE", help="the questions")
    add("--workers", type=int, default=1, help="processes that read solutions, then vote, a whole problem at a time")
    args = parser.parse_args(argv)
    if (args.undecided is None) != (args.questions is None) or (args.max_matches and args.undecided is None):
        parser.error("--max-matches needs --undecided and --questions, which go together")
    if bool(args.earlier) != (args.earlier_seeds > 0) or not 0 <= args.earlier_seeds <= args.seeds:
        parser.error("--earlier and --earlier-seeds go together, and say of no more than all seeds")
    if bool(args.solutions) != (args.earlier_seeds < args.seeds):
        parser.error("--solutions names the files of all seeds that --earlier does not have")
    return args


#: Of a solution: `answer_fault`, `finished`, `error`.
_Ending = tuple[str | None, bool, str | None]


class Outcome(NamedTuple):
    """What is kept of one solution."""

    predicted_answer: str | None
    answer_fault: str | None
    finished: bool
    error: str | None
    completion_tokens: int | None


class Outcomes:
    """What is kept of all solutions of a shard: a few bytes each, besides the distinct answers.

    `numbers` says how many solutions each problem has, of at most `seeds`.
    """

    def __init__(self, numbers: Mapping[str, int], seeds: int) -> None:
        self._ids = problem_ids = list(numbers)
        self._numbers = list(numbers.values())
        self._seeds = seeds
        self._places = {problem_id: place * seeds for place, problem_id in enumerate(problem_ids)}
        self._answers = array("i", [_MISSING]) * (len(problem_ids) * seeds)
        self._tokens = array("i", [_NONE]) * len(self._answers)
        self._ends = bytearray(len(self._answers))
        self._spellings: dict[str, int] = {}
        self._endings: dict[_Ending, int] = {}
        self.strangers = 0
        self.not_wanted = 0

    def add(self, row_id: str, seed: int, outcome: Outcome, path: Path, seeds: range) -> None:
        """Keep the outcome of a reply; the later of two replies to the same request counts. `seeds` are those that may
        be in its file."""
        place = self._places.get(row_id)
        if place is None:
            self.strangers += 1
            return
        if seed not in seeds:
            what = f"it holds seed {seed}, but seeds go from {seeds.start} to {seeds.stop - 1}"
            raise UserError(what, file=path, remedy="name the files of the configured seeds only")
        if self._numbers[place // self._seeds] <= seed:
            self.not_wanted += 1
            return
        place += seed
        answer, fault, finished, error, tokens = outcome
        self._answers[place] = _NONE if answer is None else self._spellings.setdefault(answer, len(self._spellings))
        self._tokens[place] = _NONE if tokens is None else tokens
        self._ends[place] = self._endings.setdefault((fault, finished, error), len(self._endings))

    def of_problems(self) -> Iterator[list[Outcome]]:
        """The outcomes of each problem's solutions, by seed. Raises UserError where a solution is missing."""
        spellings, endings = list(self._spellings), list(self._endings)
        for number, start in zip(self._numbers, range(0, len(self._answers), self._seeds), strict=True):
            places = range(start, start + number)
            missing = [place - start for place in places if self._answers[place] == _MISSING]
            if missing:
                raise UserError(
                    f"there is no solution of problem {self._ids[start // self._seeds]!r} for "
                    f"{'seed' if len(missing) == 1 else 'seeds'} {', '.join(map(str, missing))}",
                    remedy="all configured seeds vote: make the missing files (or delete and remake older ones)",
                )
            yield [self._outcome(place, spellings, endings) for place in places]

    def rows_from(self, first: int) -> Iterator[Row]:
        """What is kept of the solutions from a seed on, as rows."""
        spellings, endings = list(self._spellings), list(self._endings)
        for at, (problem_id, number) in enumerate(zip(self._ids, self._numbers, strict=True)):
            for seed in range(first, number):
                place = at * self._seeds + seed
                if self._answers[place] != _MISSING:
                    yield {"id": problem_id, "seed": seed, **self._outcome(place, spellings, endings)._asdict()}

    def _outcome(self, place: int, spellings: list[str], endings: list[_Ending]) -> Outcome:
        answer, tokens = self._answers[place], self._tokens[place]
        return Outcome(
            None if answer == _NONE else spellings[answer],
            *endings[self._ends[place]],
            None if tokens == _NONE else tokens,
        )


def outcome_of(reply: Reply, same: Same) -> Outcome:
    """What is kept of a reply; `same` tells whether two answers of one solution are the same."""
    answer, fault = answer_of(reply, same)
    finished = is_finished(reply)
    error = reply["error"]["kind"] if reply["error"] else None
    tokens = (reply["usage"] or {}).get("completion_tokens")
    is_count = isinstance(tokens, int) and 0 <= tokens < 1 << 31
    return Outcome(answer, fault if finished else None, finished, error, tokens if is_count else None)


def check_files(solutions: Sequence[Path]) -> None:
    """Raise UserError for files that are not there."""
    absent = [str(path) for path in solutions if not path.exists()]
    if absent:
        what = f"{len(absent)} of {len(solutions)} files of solutions are missing: {', '.join(absent)}"
        raise UserError(what, remedy="make them first, or lower `seeds` of the recipe")


@dataclass(frozen=True)
class Reader:
    """Reads the outcomes of a part of the solutions; applied by workers, each with a checker of its own."""

    checker: EquivalenceChecker

    def __call__(self, part: tuple[Path, int, int]) -> list[tuple[str, int, Outcome]]:
        """(problem id, seed, outcome) of the replies whose lines begin within a part of a file, in bytes."""
        return [
            (reply["id"], reply["seed"], outcome_of(reply, self._same)) for reply in rows_within(*part, required=_REPLY)
        ]

    def _same(self, one: str, other: str) -> bool:
        return self.checker.compare(one, other) is Verdict.EQUAL


def read_outcomes(args: argparse.Namespace, numbers: Mapping[str, int], checker: EquivalenceChecker) -> Outcomes:
    """Read every solution once and keep what counts, of earlier rounds what they kept. Raises UserError for a missing
    seed."""
    seeds = range(args.earlier_seeds, args.seeds)
    check_files(args.solutions)
    outcomes = Outcomes(numbers, args.seeds)
    for path in args.earlier:
        for row in read_rows(path, _OUTCOME):
            kept = Outcome(*(row[name] for name in Outcome._fields))
            outcomes.add(row["id"], row["seed"], kept, path, range(args.earlier_seeds))
    parts = [part for path in args.solutions for part in parts_of(path, _PART_BYTES)]
    little = sum(end - begin for _, begin, end in parts) < _POOL_BYTES
    # Processes that read have one to compare each; where there are none, that of the votes does it.
    reader = Reader(checker if little else EquivalenceChecker(workers=1))
    for (path, _, _), found in zip(parts, ordered_map(reader, parts, 1 if little else args.workers), strict=True):
        for row_id, seed, kept in found:
            outcomes.add(row_id, seed, kept, path, seeds)
    return outcomes


def numbers_of(args: argparse.Namespace, problem_ids: Sequence[str]) -> dict[str, int]:
    """How many solutions each problem of the shard must have, in the problems' order."""
    if args.plan is None:
        return dict.fromkeys(problem_ids, args.seeds)
    plan = read_plan(args.plan)
    if list(plan) != list(problem_ids):
        remedy = "it was made from other problems: delete it and run again"
        raise UserError("it does not plan the problems of this shard", file=args.plan, remedy=remedy)
    return {problem_id: min(number, args.seeds) for problem_id, number in plan.items()}


def rules_of(args: argparse.Namespace) -> Rules:
    """What the command line says of votes."""
    to_replace = None if args.repair_votes is None else Requirement(args.repair_votes, args.repair_share)
    return Rules(Requirement(args.min_votes, args.min_share), to_replace, args.max_matches)


def ballot_of(known: str | None, outcomes: Sequence[Outcome]) -> Ballot:
    """The vote of a problem's solutions, as far as they have an answer."""
    return Ballot(Counter(one.predicted_answer for one in outcomes if one.predicted_answer is not None), known)


class Figures:
    """What the counts say besides rows: solutions by how they ended, extracted answers by what the vote says."""

    def __init__(self) -> None:
        self.solutions: Counter[str] = Counter()
        self.agreement: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.repaired = 0

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            ended = "answered" if one.predicted_answer is not None else _ENDED[one.answer_fault]
            self.solutions[ended if one.finished else "failed" if one.error else "unfinished"] += 1

    def add_vote(self, fields: dict[str, Any], is_open: bool) -> None:
        self.sources["undecided" if is_open else fields["answer_source"]] += 1
        if fields["answer_source"] == "extracted":
            self.agreement[{True: "agrees", False: "differs", None: "undecided"}[fields["majority_agrees"]]] += 1


class OpenVotes:
    """Writes the votes that a model may decide, and what it is asked; without files for them, no vote is open."""

    def __init__(self, args: argparse.Namespace, stack: ExitStack) -> None:
        self._texts = ProblemTexts(args.problems)
        self._files = [stack.enter_context(AtomicFile(path)) for path in (args.undecided, args.questions) if path]
        self.questions = 0

    def put(self, problem_id: str, decision: Decision) -> None:
        """Write an open vote with its questions."""
        if decision.open_pairs is None:
            return
        undecided, questions = self._files
        row = undecided_row(problem_id, decision.classes, decision.open_pairs)
        undecided.write(dumps(row))
        text = self._texts.text(problem_id)
        for match in Undecided.read(row).matches():
            questions.write(dumps(match.row(text)))
            questions.write(dumps(match.turned.row(text)))
        self.questions += 2 * len(decision.open_pairs.pairs)


def fill(args: argparse.Namespace, stage: Stage, checker: EquivalenceChecker, open_votes: OpenVotes) -> None:
    """Read the shard, vote, and write its rows."""
    rules = rules_of(args)
    extracted = {row["id"]: row["expected_answer"] for row in shard_problems(args.problems, args.shard, args.shards)}
    outcomes = read_outcomes(args, numbers_of(args, list(extracted)), checker)
    if args.outcomes is not None:
        with AtomicFile(args.outcomes) as file:
            file.write_rows(outcomes.rows_from(args.earlier_seeds))
    figures = Figures()
    problems, again = tee(zip(extracted.values(), outcomes.of_problems(), strict=True))
    decisions = checker.decide_many((ballot_of(*problem) for problem in again), rules)
    for problem_id, (answer, of_problem), decision in zip(extracted, problems, decisions, strict=True):
        stage.count_read()
        figures.add_outcomes(of_problem)
        vote = decision.vote
        open_votes.put(problem_id, decision)
        replaced, is_open = decision.replaces, decision.is_open
        figures.repaired += replaced
        known = None if replaced else answer
        fields = vote_fields(known, None if is_open else vote, decision.agrees)
        fields |= {"original_expected_answer": answer if replaced else None, "changed_answer_to_majority": replaced}
        reason = None if answer is not None or is_open else rules.required.fault(vote)
        reason = reason if of_problem else "not_asked"
        if reason is not None:
            stage.drop({"id": problem_id}, reason, **fields, solutions=len(of_problem))
            continue
        figures.add_vote(fields, is_open)
        stage.write_all(
            {"id": problem_id, "seed": seed, **one._asdict(), **fields} for seed, one in enumerate(of_problem)
        )
    stage.note("solutions", dict(sorted(figures.solutions.items())))
    stage.note("replies_to_other_problems", outcomes.strangers)
    stage.note("replies_not_planned", outcomes.not_wanted)
    stage.note("answer_sources", dict(sorted(figures.sources.items())))
    stage.note("extracted_answers", dict(sorted(figures.agreement.items())))
    stage.note("llm_calls", open_votes.questions)
    if args.repair_votes is not None:
        stage.note("answers_repaired", figures.repaired)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with (
        ExitStack() as stack,
        open_stage("fill_majority_answer", args) as stage,
        EquivalenceChecker(workers=args.workers) as checker,
    ):
        fill(args, stage, checker, OpenVotes(args, stack))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
