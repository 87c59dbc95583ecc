"""How many solutions each problem of a shard gets, up to and including one round of asking.

In: decontaminated.jsonl; for a recipe with a table of numbers, the pass rates of its measure; after the first round,
the plan of the round before and what its solutions were judged. Out, one row per problem, in their order: id; seeds
(its solutions are the seeds 0 .. seeds-1); planned_by:
  table     as the table (or the recipe's one number) says, up to this round's end
  enough    it has enough right solutions, or a settled vote where no answer is known: as many as before
  given_up  no round solved it, and config says that this was the last: as many as before
Nothing is dropped, and nothing is drawn: the same files make the same plan.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row, read_rows
from omr.solutions.judging import by_problem
from omr.solutions.pass_rate import pass_rate
from omr.stages.flags import add_problems, add_shard, open_stage, stage_parser
from omr.stages.seeds import Enough, SeedTable, read_plan, read_shares
from omr.stages.shard_problems import shard_problems
from omr.stages.stage import Stage

_JUDGED: Fields = {
    "id": str,
    "judgement": str,
    "unjudged_reason": (str, None),
    "majority_votes": int,
    "vote_share": (float, int, None),
}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="the plan", dropped="stays empty")
    add_problems(parser)
    add_shard(parser)
    add = parser.add_argument
    add("--table", required=True, help="numbers of solutions as JSON: {table: [{to, extracted, majority}], no_rate}")
    add("--up-to", type=int, required=True, help="most solutions of a problem after this round")
    add("--pass-rates", type=Path, help="pass rates of the recipe that the table goes by")
    add("--before", type=Path, help="the plan of the round before")
    add("--judged", type=Path, help="the judged rows of all rounds before")
    add("--rounds-before", type=int, default=0, help="how many those are")
    add("--enough", help='when no more are asked for, as JSON: {"right", "votes", "share", "give_up_after"}')
    args = parser.parse_args(argv)
    if len({args.before is None, args.judged is None, args.enough is None, args.rounds_before == 0}) > 1:
        parser.error("--before, --judged, --enough and --rounds-before go together")
    return args


class Judged:
    """The judged rows of one problem after the other; problems that were dropped before have none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._groups = by_problem(read_rows(path, _JUDGED), "id")
        self._next = next(self._groups, None)

    def of(self, problem_id: str) -> list[Row]:
        """Ask for problems in the order of the file, each once."""
        if self._next is None or self._next[0] != problem_id:
            return []
        rows = self._next[1]
        self._next = next(self._groups, None)
        return rows

    def check_end(self) -> None:
        """Raises UserError for rows of a problem that nobody asked for."""
        if self._next is not None:
            what = f"the problem {self._next[0]!r} is not among those of this shard, or not in their order"
            raise UserError(what, file=self._path, remedy="it was made from other problems: delete it and run again")


def first_plan(args: argparse.Namespace) -> Iterator[tuple[Row, int, str]]:
    """(problem, seeds, planned_by) by the table alone."""
    table = SeedTable.from_config(orjson.loads(args.table))
    shares = read_shares(args.pass_rates, args.shard, args.shards)
    for problem in shard_problems(args.problems, args.shard, args.shards):
        number = table.number(shares.get(problem["id"]), problem["expected_answer"] is not None)
        yield problem, min(number, args.up_to), "table"


def next_plan(args: argparse.Namespace) -> Iterator[tuple[Row, int, str]]:
    """The same, except for problems that have enough, or never will."""
    before, judged = read_plan(args.before), Judged(args.judged)
    enough = Enough(**orjson.loads(args.enough))
    for problem, seeds, by in first_plan(args):
        rows, known = judged.of(problem["id"]), problem["expected_answer"] is not None
        asked = before.get(problem["id"])
        if asked is None:
            what = f"the problem {problem['id']!r} has no row in the plan of the round before"
            raise UserError(what, file=args.before, remedy="delete that file and run again")
        right, votes, share = pass_rate(rows).right, 0, 0.0
        if rows:
            votes, share = rows[0]["majority_votes"], rows[0]["vote_share"] or 0.0
        why = enough.why(known, args.rounds_before, right, votes, share)
        yield (problem, asked, why) if why is not None else (problem, max(seeds, asked), by)
    judged.check_end()


def plan(args: argparse.Namespace, stage: Stage) -> None:
    """Write the plan of a shard."""
    by_reason: Counter[str] = Counter()
    solutions = 0
    for problem, seeds, by in first_plan(args) if args.before is None else next_plan(args):
        stage.count_read()
        stage.write({"id": problem["id"], "seeds": seeds, "planned_by": by})
        by_reason[by] += 1
        solutions += seeds
    stage.note("solutions", solutions)
    stage.note("problems", dict(sorted(by_reason.items())))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with open_stage("plan_solutions", args) as stage:
        plan(args, stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
