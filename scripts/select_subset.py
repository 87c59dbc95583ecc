"""A named subset of training rows: by length, difficulty and source, so many of a problem. Nothing is asked again.

In: the folder of training rows of a shard. Out: a folder of those rows that pass, as they are and in their order, and
their figures. Texts are only read where a tokenizer counts them. Dropped, by the first reason that holds:
  other_source          its `problem_source` is none of --sources
  other_answer_source   its `answer_source` is none of --answer-sources
  no_pass_rate          the measure does not know the problem
  pass_rate_too_low, pass_rate_too_high
                        of the measure; without one, of the recipe's own solutions; the bounds themselves pass
  too_short, too_long   in tokens of the whole solution
  unknown_length        the server did not say how many tokens it has (without --tokenizer)
  over_limit            more than --solutions-per-problem are left; those with the least hash of their ids stay
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omr.errors import UserError, run_command
from omr.files.jsonl import Row
from omr.solutions.judging import by_problem
from omr.stages.flags import add_input, open_stage, stage_parser
from omr.stages.stage import Stage
from omr.threads.token_counts import TokenCounter, TokenizerCounter
from omr.training.choice import over_limit
from omr.training.row_files import RowFiles, add_figures, files_of, open_rows

#: What tells whether a row is chosen, besides its text.
_LIGHT = ["id", "problem_id", "problem_source", "answer_source", "completion_tokens", "pass_rate", "pass_rates"]


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="the subset's rows", dropped="rows that are not in it")
    add_figures(parser)
    add_input(parser, "--rows", "folder of training rows")
    add = parser.add_argument
    add("--min-tokens", type=int, help="least tokens of a whole solution")
    add("--max-tokens", type=int, help="most tokens of a whole solution")
    add("--tokenizer", type=Path, help="tokenizer.json that counts them (default: the server's count)")
    add("--min-pass-rate", type=float, help="least share of right solutions of a problem")
    add("--max-pass-rate", type=float, help="greatest share of right solutions of a problem")
    add("--measure", help="recipe whose pass rates these are, of those that rows carry (default: the rows' own)")
    add("--sources", nargs="+", help="values of `problem_source`")
    add("--answer-sources", nargs="+", help="values of `answer_source`")
    add("--solutions-per-problem", type=int, help="most rows of a problem")
    return parser.parse_args(argv)


@dataclass(frozen=True)
class Lengths:
    """Bounds on the tokens of a solution; None sets none."""

    least: int | None
    most: int | None
    counter: TokenCounter | None

    def fault(self, row: Row) -> str | None:
        if self.least is None and self.most is None:
            return None
        tokens = self._tokens(row)
        if tokens is None:
            return "unknown_length"
        if self.least is not None and tokens < self.least:
            return "too_short"
        return "too_long" if self.most is not None and tokens > self.most else None

    def _tokens(self, row: Row) -> int | None:
        """The tokens of a row, or an upper bound on them if that settles the matter; None: unknown."""
        if self.counter is None:
            known: int | None = row["completion_tokens"]
            return known
        text: str = row["generated_solution"]
        at_most = self.counter.at_most(text)
        is_short = self.least is not None and at_most < self.least
        fits = self.least is None and self.most is not None and at_most <= self.most
        return at_most if is_short or fits else self.counter.count([text])[0]


@dataclass(frozen=True)
class Subset:
    """What is asked of a row; None asks nothing."""

    sources: Collection[str] | None
    answer_sources: Collection[str] | None
    measure: str | None
    min_pass_rate: float | None
    max_pass_rate: float | None
    lengths: Lengths

    def fault(self, row: Row) -> str | None:
        """Why a row is not in the subset, or None."""
        if self.sources is not None and row["problem_source"] not in self.sources:
            return "other_source"
        if self.answer_sources is not None and row["answer_source"] not in self.answer_sources:
            return "other_answer_source"
        return self._fault_of_rate(row) or self.lengths.fault(row)

    def _fault_of_rate(self, row: Row) -> str | None:
        if self.min_pass_rate is None and self.max_pass_rate is None:
            return None
        rate = row["pass_rate"] if self.measure is None else (row["pass_rates"] or {}).get(self.measure)
        if rate is None:
            return "no_pass_rate"
        if self.min_pass_rate is not None and rate < self.min_pass_rate:
            return "pass_rate_too_low"
        return "pass_rate_too_high" if self.max_pass_rate is not None and rate > self.max_pass_rate else None


def subset_of(args: argparse.Namespace) -> Subset:
    """The subset of the command line. Raises UserError for bounds that nothing can pass."""
    for name in ("tokens", "pass_rate"):
        low, high = getattr(args, f"min_{name}"), getattr(args, f"max_{name}")
        if low is not None and high is not None and low > high:
            raise UserError(f"min_{name} {low} is above max_{name} {high}", remedy="mend it under `products.subsets`")
    counter = None if args.tokenizer is None else TokenizerCounter(args.tokenizer)
    lengths = Lengths(args.min_tokens, args.max_tokens, counter)
    return Subset(args.sources, args.answer_sources, args.measure, args.min_pass_rate, args.max_pass_rate, lengths)


def light_rows(folder: Path, with_texts: bool) -> Iterator[Row]:
    """What tells of each row whether it is chosen."""
    columns = [*_LIGHT, "generated_solution"] if with_texts else _LIGHT
    for path in files_of(folder):
        with open_rows(path) as file:
            known = set(file.schema_arrow.names)
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=[name for name in columns if name in known])
                yield from ({"pass_rates": None} | row for row in table.to_pylist())


def choose(stage: Stage, folder: Path, subset: Subset, most: int | None) -> bytearray:
    """1 for every row of the folder that is chosen, 0 for those that are dropped."""
    chosen = bytearray()
    for problem_id, rows in by_problem(light_rows(folder, subset.lengths.counter is not None), "problem_id"):
        stage.count_read(len(rows))
        faults = {row["id"]: subset.fault(row) for row in rows}
        too_many = over_limit([row_id for row_id, fault in faults.items() if fault is None], most)
        for row in rows:
            fault = "over_limit" if row["id"] in too_many else faults[row["id"]]
            chosen.append(fault is None)
            if fault is not None:
                stage.drop({"id": row["id"], "problem_id": problem_id}, fault)
    return chosen


def copy_chosen(folder: Path, chosen: bytearray, output: RowFiles) -> None:
    """Write the chosen rows of a folder."""
    import pyarrow as pa

    start = 0
    for path in files_of(folder):
        with open_rows(path) as file:
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                mask = chosen[start:end]
                if any(mask):
                    output.write_table(file.read_row_group(group).filter(pa.array(map(bool, mask))))
                start = end


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    subset = subset_of(args)
    output = RowFiles(args.output, args.figures)
    with open_stage("select_subset", args, output) as stage:
        chosen = choose(stage, args.rows, subset, args.solutions_per_problem)
        copy_chosen(args.rows, chosen, output)
        stage.count_written(sum(chosen))
        if args.min_tokens is not None or args.max_tokens is not None:
            counter = subset.lengths.counter
            stage.note("tokens_counted_by", "server" if counter is None else counter.name)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
