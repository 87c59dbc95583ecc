r"""Problems for reinforcement learning with verifiable rewards: a problem, and an answer that a comparison can check.

In: decontaminated.jsonl; the judged rows of a recipe, all shards; the pass rates of the recipe that is the measure.
Out, in the order of the judged rows, a row per problem: id, problem, expected_answer, answer_source, problem_type,
problem_source, source_url, source_license, source_author, source_date (null: not told), pass_rate, pass_rate_by (the
measure), majority_votes, total_votes, prompt (messages that ask for the answer in \boxed{}).
Dropped, by the first reason that holds:
  contaminated          the problem is not in decontaminated.jsonl
  <source>_answer       the answer is `extracted` or from the `majority`, which --answer-sources does not name
  vote_disagrees, vote_undecided
                        the solutions' vote does not confirm an answer of the forum
  unfit_<reason>        no comparison can check the answer, see omr/answers/fitness.py
  unfit_for_box         in \boxed{} the answer would not be read as it is
  no_pass_rate          the measure did not ask the problem, nothing is known of its solutions, or they were judged by
                        another answer
  pass_rate_too_low, pass_rate_too_high
                        not strictly between the bounds: where all or none are right there is nothing to learn
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from omr.answers.final_answer import boxed_answers
from omr.answers.fitness import fault_of_answer
from omr.asking.prompts import Prompt, load_prompt
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row, read_rows
from omr.solutions.judging import by_problem
from omr.stages.flags import add_input, add_problems, open_stage, stage_parser
from omr.stages.problem_index import ProblemIndex
from omr.threads.origins import origin_columns
from omr.training.measured import Measures

_JUDGED: Fields = {
    "id": str,
    "expected_answer": (str, None),
    "answer_source": str,
    "majority_votes": int,
    "total_votes": int,
    "majority_agrees": (bool, None),
}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="problems", dropped="problems that are not among them")
    add_problems(parser)
    add_input(parser, "--judged", "judged rows, a file per shard", several=True)
    add_input(parser, "--pass-rates", "pass rates of the recipe that is the measure")
    add_input(parser, "--prompt", "the prompt of the rows, which inserts the problem alone")
    add = parser.add_argument
    add("--measure", required=True, help="name of the recipe that is the measure, for the rows")
    add("--above", type=float, required=True, help="pass rates are greater than this")
    add("--below", type=float, required=True, help="pass rates are less than this")
    add("--answer-sources", nargs="+", required=True, choices=("extracted", "majority"), help="where answers are from")
    args = parser.parse_args(argv)
    if args.above >= args.below:
        parser.error(f"no pass rate lies between {args.above} and {args.below}")
    return args


@dataclass(frozen=True)
class Wanted:
    """What is asked of a problem and its answer."""

    answer_sources: Collection[str]
    above: float
    below: float

    def fault(self, problem: str, judged: Row, pass_rate: float | None) -> str | None:
        """Why a problem does not pass, or None; `judged` is the row of any of its solutions."""
        return (
            self._fault_of_vote(judged)
            or _fault_of_answer(problem, judged["expected_answer"])
            or self._fault_of_rate(pass_rate)
        )

    def _fault_of_vote(self, judged: Row) -> str | None:
        source = judged["answer_source"]
        if source not in self.answer_sources:
            return f"{source}_answer"
        if source == "extracted" and not judged["majority_agrees"]:
            return "vote_undecided" if judged["majority_agrees"] is None else "vote_disagrees"
        return None

    def _fault_of_rate(self, pass_rate: float | None) -> str | None:
        if pass_rate is None:
            return "no_pass_rate"
        if pass_rate <= self.above:
            return "pass_rate_too_low"
        return "pass_rate_too_high" if pass_rate >= self.below else None


def _fault_of_answer(problem: str, answer: str | None) -> str | None:
    fault = fault_of_answer(problem, answer)
    if fault is not None:
        return f"unfit_{fault}"
    # Rewards read the box of a reply by its braces, and that of the true answer likewise.
    boxes = boxed_answers(f"\\boxed{{{answer}}}", limit=2)
    return None if answer is not None and [box.content for box in boxes] == [answer.strip()] else "unfit_for_box"


def rl_row(problem: Row, judged: Row, pass_rate: float | None, measure: str, prompt: Prompt) -> Row:
    """The row of a problem that passed."""
    return {
        "id": problem["id"],
        "problem": problem["problem"],
        "expected_answer": judged["expected_answer"],
        "answer_source": judged["answer_source"],
        "problem_type": problem.get("problem_type"),
        **origin_columns(problem),
        "pass_rate": pass_rate,
        "pass_rate_by": measure,
        "majority_votes": judged["majority_votes"],
        "total_votes": judged["total_votes"],
        "prompt": prompt.render(problem),
    }


def load_rl_prompt(path: Path) -> Prompt:
    """The prompt of the rows. Raises UserError for one that inserts more than a problem has."""
    prompt = load_prompt(path)
    if prompt.fields != {"problem"}:
        what = f"it inserts {', '.join(sorted(prompt.fields)) or 'nothing'}, but must insert `problem` alone"
        raise UserError(what, file=path, remedy="name another prompt as `products.rl.prompt`, e.g. solve_cot")
    return prompt


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    prompt = load_rl_prompt(args.prompt)
    wanted = Wanted(args.answer_sources, args.above, args.below)
    with (
        Measures({args.measure: args.pass_rates}) as measures,
        open_stage("prepare_rl", args) as stage,
        ProblemIndex(args.problems, 0, 1) as problems,
    ):
        for path in args.judged:
            for problem_id, rows in by_problem(read_rows(path, _JUDGED), "id"):
                stage.count_read()
                problem = problems.get(problem_id)
                rate = measures.share(args.measure, problem_id, rows[0]["expected_answer"])
                fault = "contaminated" if problem is None else wanted.fault(problem["problem"], rows[0], rate)
                if problem is None or fault is not None:
                    what = {"answer": rows[0]["expected_answer"], "pass_rate": rate}
                    stage.drop({"id": problem_id}, fault or "contaminated", **what)
                else:
                    stage.write(rl_row(problem, rows[0], rate, args.measure, prompt))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
