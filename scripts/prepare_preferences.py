"""Preferences: a right and a wrong solution of one problem, similar in length.

In: decontaminated.jsonl; judged rows and solutions (all seeds) of one shard. Out, in the order of the judged rows, a
row per pair: id (`<problem id>-<seed of the right one>-<seed of the wrong one>`), problem_id, problem, problem_source,
source_url, source_license, source_author, source_date (null: not told), expected_answer, answer_source, pass_rate,
prompt, chosen, rejected (lists of messages), chosen_answer, rejected_answer,
chosen_judged_by, rejected_judged_by. Both texts are as the model wrote them: were one of them summarized anew, its
style would tell them apart. Both have reasoning, or neither has.
Which pairs are taken follows from hashes of their ids; a solution is in one pair at most.
A problem is dropped as
  contaminated          it is not in decontaminated.jsonl
  no_right_solution, no_wrong_solution
                        of those whose texts are fit for a row
  no_similar_length     no two of them are within --max-length-ratio of characters
The counts note `solutions`: those in pairs, and those of `dropped_parts`, by the first reason that holds:
  failed, unfinished, no_answer, several_answers, unjudged
  invented_output, empty_solution, think_tag_in_text, control_token_in_text
                        its text is not fit, as in prepare_sft.py
  duplicate             another solution of the problem has the same text
  contaminated, no_right_solution, no_wrong_solution
                        its problem is dropped for it
  no_similar_length     no solution of the other kind is similar in length
  over_limit            those that are have their pairs, or --pairs-per-problem are taken
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from omr.asking.prompts import Prompt, load_prompt
from omr.errors import leave, run_command
from omr.files.jsonl import Fields, Row, read_rows
from omr.replies.reply import Reply
from omr.solutions.judging import by_problem, why_not_right
from omr.solutions.pass_rate import pass_rate
from omr.stages.flags import add_input, add_problems, add_shard, add_solutions, open_stage, stage_parser
from omr.stages.problem_index import ProblemIndex
from omr.stages.stage import Stage
from omr.threads.origins import origin_columns
from omr.training.solution_replies import Replies, SolutionReplies
from omr.training.texts import Text, Texts

#: Of a solution that is right, and of one that is wrong, why it is not right.
_SIDES = (None, "wrong")

_JUDGED: Fields = {
    "id": str,
    "seed": int,
    "predicted_answer": (str, None),
    "expected_answer": (str, None),
    "answer_source": str,
    "judgement": str,
    "judged_by": (str, None),
    "unjudged_reason": (str, None),
}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="pairs", dropped="problems and solutions that are in none")
    add_problems(parser)
    add_shard(parser)
    add_input(parser, "--judged", "the shard's judged rows")
    add_solutions(parser)
    add_input(parser, "--prompt", "the prompt that asked for the solutions")
    add = parser.add_argument
    add("--pairs-per-problem", type=int, required=True, help="most pairs of a problem")
    add("--max-length-ratio", type=float, required=True, help="most times that one text is as long as the other")
    args = parser.parse_args(argv)
    if args.pairs_per_problem < 1 or args.max_length_ratio < 1:
        parser.error("--pairs-per-problem and --max-length-ratio must be at least 1")
    return args


class Side(NamedTuple):
    """A solution that may be in a pair: its judged row and its text."""

    row: Row
    text: Text

    def is_like(self, other: Side, max_length_ratio: float) -> bool:
        """Whether two texts are similar in length, and both have reasoning or neither has."""
        lengths = len(self.text.whole), len(other.text.whole)
        alike = bool(self.text.reasoning) == bool(other.text.reasoning)
        return alike and max(lengths) <= max_length_ratio * min(lengths)


class Pair(NamedTuple):
    """A right solution and a wrong one of the same problem."""

    right: Side
    wrong: Side

    @property
    def id(self) -> str:
        return f"{self.right.row['id']}-{self.right.row['seed']}-{self.wrong.row['seed']}"

    @property
    def order(self) -> tuple[bytes, str]:
        """An order that prefers no seed."""
        return blake2b(self.id.encode(), digest_size=8).digest(), self.id


@dataclass(frozen=True)
class Limits:
    """Which pairs of a problem are taken."""

    pairs_per_problem: int
    max_length_ratio: float

    def alike(self, right: Sequence[Side], wrong: Sequence[Side]) -> list[Pair]:
        """All pairs that are similar in length, in the order in which they are taken."""
        pairs = [Pair(one, two) for one in right for two in wrong if one.is_like(two, self.max_length_ratio)]
        return sorted(pairs, key=lambda pair: pair.order)

    def take(self, pairs: Sequence[Pair]) -> Iterator[Pair]:
        """The first ones that share no solution, as many as are wanted."""
        used: set[int] = set()
        left = self.pairs_per_problem
        for pair in pairs:
            seeds = {pair.right.row["seed"], pair.wrong.row["seed"]}
            if left and not used & seeds:
                used |= seeds
                left -= 1
                yield pair


@dataclass(frozen=True)
class Pairing:
    """Makes the pairs of one problem after the other."""

    stage: Stage
    problems: ProblemIndex
    texts: Texts
    prompt: Prompt
    limits: Limits

    def prepare(self, problem_id: str, rows: Sequence[Row], replies: Replies) -> None:
        """Write the pairs of a problem, or drop it; `replies` are those of right and wrong solutions."""
        problem = self.problems.get(problem_id)
        if problem is None:
            for row in rows:
                self._leave_out(row, why_not_right(row) or "contaminated")
            self.stage.drop({"id": problem_id}, "contaminated")
            return
        right, wrong = self._sides(rows, replies)
        pairs = self.limits.alike(right, wrong)
        taken = list(self.limits.take(pairs))
        reason = None if pairs else _why_no_pairs(right, wrong)
        in_pairs = {side.row["seed"] for pair in taken for side in pair}
        similar = {side.row["seed"] for pair in pairs for side in pair}
        for side in (*right, *wrong):
            seed = side.row["seed"]
            if seed not in in_pairs:
                self._leave_out(side.row, reason or ("over_limit" if seed in similar else "no_similar_length"))
        if reason is not None:
            self.stage.drop({"id": problem_id}, reason)
        else:
            rate = round(pass_rate(rows).share, 6)
            self.stage.write_all(self._row(pair, problem, rate) for pair in taken)

    def _sides(self, rows: Sequence[Row], replies: Replies) -> tuple[list[Side], list[Side]]:
        """Right and wrong solutions whose texts are fit."""
        right: list[Side] = []
        wrong: list[Side] = []
        seen: dict[str, int] = {}
        for row in rows:
            not_right = why_not_right(row)
            text = not_right if not_right not in _SIDES else self._text(row, replies[row["seed"]])
            if isinstance(text, str):
                self._leave_out(row, text)
            elif (first := seen.setdefault(text.whole, row["seed"])) != row["seed"]:
                self._leave_out(row, "duplicate", duplicate_of=first)
            else:
                (wrong if not_right else right).append(Side(row, text))
        return right, wrong

    def _text(self, row: Row, reply: Reply | None) -> Text | str:
        text = self.texts.own(row, reply)
        if isinstance(text, str):
            return text
        return text.fault or text if text.solution else "empty_solution"

    def _row(self, pair: Pair, problem: Row, rate: float) -> Row:
        right, wrong = pair
        return {
            "id": pair.id,
            "problem_id": problem["id"],
            "problem": problem["problem"],
            **origin_columns(problem),
            "expected_answer": right.row["expected_answer"],
            "answer_source": right.row["answer_source"],
            "pass_rate": rate,
            "prompt": self.prompt.render(problem),
            "chosen": [{"role": "assistant", "content": right.text.whole}],
            "rejected": [{"role": "assistant", "content": wrong.text.whole}],
            "chosen_answer": right.row["predicted_answer"],
            "rejected_answer": wrong.row["predicted_answer"],
            "chosen_judged_by": right.row["judged_by"],
            "rejected_judged_by": wrong.row["judged_by"],
        }

    def _leave_out(self, row: Row, reason: str, **what: object) -> None:
        row_id = f"{row['id']}-{row['seed']}"
        self.stage.drop_part({"id": row_id, "problem_id": row["id"], "seed": row["seed"]}, reason, **what)


def _why_no_pairs(right: Sequence[Side], wrong: Sequence[Side]) -> str:
    if not right:
        return "no_right_solution"
    return "no_similar_length" if wrong else "no_wrong_solution"


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    prompt = load_prompt(args.prompt)
    with ExitStack() as stack:
        stage = stack.enter_context(open_stage("prepare_preferences", args))
        problems = stack.enter_context(ProblemIndex(args.problems, args.shard, args.shards))
        solutions = stack.enter_context(SolutionReplies(args.solutions, prompt.name))
        limits = Limits(args.pairs_per_problem, args.max_length_ratio)
        pairing = Pairing(stage, problems, Texts(), prompt, limits)
        count = 0
        of_problems = by_problem(read_rows(args.judged, _JUDGED), "id")
        for problem_id, rows, replies in solutions.ahead(of_problems, lambda row: why_not_right(row) in _SIDES):
            stage.count_read()
            count += len(rows)
            pairing.prepare(problem_id, rows, replies)
        stage.note("solutions", count)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
