"""Groups with their texts: what a comparing model is shown.

In: groups of one shard, decontaminated.jsonl, and of every source recipe the summarized rows of right and of wrong
solutions. Out, in the order of the groups: `id`, `problem_id`, `problem`, `solutions` (the candidates' texts, whole,
under `Solution <index>:`, from 0), `num_solutions`, `max_index`. Nothing is dropped.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row
from omr.selections.candidates import SUMMARIZED
from omr.selections.comparison import comparison_row
from omr.selections.sources import SourceIndex, add_source_files, by_recipe
from omr.solutions.judging import by_problem
from omr.stages.flags import add_input, add_problems, add_shard, open_stage, stage_parser
from omr.stages.problem_index import ProblemIndex
from omr.stages.shards import member_of

_GROUP: Fields = {"id": str, "problem_id": str, "candidates": list}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="comparisons", dropped="stays empty")
    add_problems(parser)
    add_shard(parser)
    add_input(parser, "--groups", "the shard's groups")
    add_source_files(parser, "--summarized", "summaries of right solutions")
    add_source_files(parser, "--wrong-summarized", "summaries of wrong solutions")
    return parser.parse_args(argv)


class Texts:
    """The texts of one problem's candidates after the other's."""

    def __init__(self, sources: Sequence[SourceIndex]) -> None:
        self._sources = sources

    def of_problem(self, problem_id: str) -> dict[tuple[str, int, int], str]:
        """By recipe, seed and number of the summary."""
        return {
            (recipe, row["seed"], row["summary_candidate"]): row["summary"]
            for source in self._sources
            for recipe, row in source.get(problem_id)
        }


def texts_of(group: Row, known: Mapping[tuple[str, int, int], str]) -> list[str]:
    """The texts of a group's candidates. Raises UserError if one is gone."""
    texts = []
    for shown in group["candidates"]:
        text = known.get((shown["recipe"], shown["seed"], shown["summary_candidate"]))
        if text is None:
            raise UserError(
                f"the candidate {shown['recipe']}/{shown['id']} of the group {group['id']!r} has no summary (any more)",
                remedy="groups and summaries belong to different runs: delete the groups and run again",
            )
        texts.append(text)
    return texts


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)

    is_ours = member_of(args.shard, args.shards)
    with ExitStack() as stack:
        stage = stack.enter_context(open_stage("write_comparisons", args))
        problems = stack.enter_context(ProblemIndex(args.problems, args.shard, args.shards))
        indexes = [
            stack.enter_context(SourceIndex(by_recipe(pairs), SUMMARIZED, is_ours))
            for pairs in (args.summarized, args.wrong_summarized)
        ]
        texts = Texts(indexes)
        for problem_id, groups in by_problem(stage.read(args.groups, _GROUP), "problem_id"):
            problem, known = problems.get(problem_id), texts.of_problem(problem_id)
            if problem is None:
                what = f"the problem {problem_id!r} of a group is missing"
                raise UserError(what, file=args.problems, remedy="the groups belong to another run: make them anew")
            for group in groups:
                stage.write(comparison_row(group, problem["problem"], texts_of(group, known)))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
