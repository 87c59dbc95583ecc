"""A named subset of training rows: by length, difficulty and source, so many of a problem. Nothing is asked again.

In: the folder of training rows of a shard. Out: a folder of those rows that pass, as they are and in their order, and
their figures; with --length-buckets a folder in it for each range of lengths. The column `tokens` has what --tokenizer
counts, and else stays as it is. Texts are only read where a tokenizer counts them. Dropped, by the first reason that
holds:
  other_source          its `problem_source` is none of --sources
  other_answer_source   its `answer_source` is none of --answer-sources
  no_pass_rate          the measure does not know the problem
  pass_rate_too_low, pass_rate_too_high
                        of the measure; without one, of the recipe's own solutions; the bounds themselves pass
  too_short, too_long   in tokens of the whole solution
  unknown_length        the server did not say how many tokens it has (without --tokenizer, where lengths matter)
  over_limit            more than --solutions-per-problem are left; those with the least hash of their ids stay
"""

from __future__ import annotations

import argparse
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omr.errors import UserError, leave, run_command
from omr.files.arrow import arrow
from omr.files.jsonl import Row
from omr.solutions.judging import by_problem
from omr.stages.flags import add_input, open_stage, stage_parser
from omr.stages.stage import Stage
from omr.threads.token_counts import TokenCounter, TokenizerCounter
from omr.training.choice import over_limit
from omr.training.row_files import RowFiles, add_figures, files_of, open_rows, read_group, texts_of

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
    add("--count-all", action="store_true", help="count the tokens of every row that passes, for the column `tokens`")
    add("--length-buckets", type=int, nargs="+", help="greatest tokens of a row in each folder but the last, ascending")
    add("--min-pass-rate", type=float, help="least share of right solutions of a problem")
    add("--max-pass-rate", type=float, help="greatest share of right solutions of a problem")
    add("--measure", help="recipe whose pass rates these are, of those that rows carry (default: the rows' own)")
    add("--sources", nargs="+", help="values of `problem_source`")
    add("--answer-sources", nargs="+", help="values of `answer_source`")
    add("--solutions-per-problem", type=int, help="most rows of a problem")
    return parser.parse_args(argv)


@dataclass(frozen=True)
class Lengths:
    """Bounds on the tokens of a solution; None sets none. `exactly`: of every row that passes they are to be known."""

    least: int | None
    most: int | None
    counter: TokenCounter | None
    exactly: bool = False

    @property
    def matter(self) -> bool:
        return self.least is not None or self.most is not None or self.exactly

    def measure(self, row: Row) -> tuple[int | None, str | None]:
        """The tokens of a row (an upper bound on them if that settles the matter; None: not asked for, or unknown), and
        why it does not pass, or None."""
        if not self.matter:
            return None, None
        tokens = self._tokens(row)
        if tokens is None:
            return None, "unknown_length"
        if self.least is not None and tokens < self.least:
            return tokens, "too_short"
        return tokens, "too_long" if self.most is not None and tokens > self.most else None

    def _tokens(self, row: Row) -> int | None:
        if self.counter is None:
            known: int | None = row["completion_tokens"]
            return known
        text: str = row["generated_solution"]
        at_most = self.counter.at_most(text)
        is_short = self.least is not None and at_most < self.least
        fits = self.least is None and self.most is not None and at_most <= self.most and not self.exactly
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

    def look_at(self, row: Row) -> tuple[int | None, str | None]:
        """The tokens of a row, as `Lengths.measure` has them, and why it is not in the subset, or None."""
        if self.sources is not None and row["problem_source"] not in self.sources:
            return None, "other_source"
        if self.answer_sources is not None and row["answer_source"] not in self.answer_sources:
            return None, "other_answer_source"
        fault = self._fault_of_rate(row)
        return (None, fault) if fault else self.lengths.measure(row)

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
    buckets = args.length_buckets or []
    if buckets != sorted(set(buckets)):
        raise UserError(f"length_buckets {buckets} do not ascend", remedy="mend it under `products.subsets`")
    counter = None if args.tokenizer is None else TokenizerCounter(args.tokenizer)
    lengths = Lengths(args.min_tokens, args.max_tokens, counter, exactly=bool(args.count_all or buckets))
    return Subset(args.sources, args.answer_sources, args.measure, args.min_pass_rate, args.max_pass_rate, lengths)


def light_rows(folder: Path, with_texts: bool) -> Iterator[Row]:
    """What tells of each row whether it is chosen."""
    for path in files_of(folder):
        with open_rows(path) as file:
            known = file.schema_arrow.names
            light = [name for name in _LIGHT if name in known]
            column = "generated_solution" if "generated_solution" in known else "messages"
            for group in range(file.num_row_groups):
                table = read_group(file, path, group, [*light, column] if with_texts else light)
                rows = table.select(light).to_pylist()
                texts = texts_of(table).to_pylist() if with_texts else [None] * len(rows)
                for row, text in zip(rows, texts, strict=True):
                    yield {"pass_rates": None, **row, "generated_solution": text}


#: Of a row that is dropped, and of one whose length nobody asked for.
_DROPPED, _NOT_COUNTED = -2, -1


def choose(stage: Stage, folder: Path, subset: Subset, most: int | None) -> array[int]:
    """The tokens of every row of the folder, as far as they were counted; `_DROPPED` for those that are dropped."""
    chosen = array("q")
    for problem_id, rows in by_problem(light_rows(folder, subset.lengths.counter is not None), "problem_id"):
        stage.count_read(len(rows))
        measured = {row["id"]: subset.look_at(row) for row in rows}
        too_many = over_limit([row_id for row_id, (_, fault) in measured.items() if fault is None], most)
        for row in rows:
            tokens, fault = measured[row["id"]]
            fault = "over_limit" if row["id"] in too_many else fault
            chosen.append(_DROPPED if fault is not None else _NOT_COUNTED if tokens is None else tokens)
            if fault is not None:
                stage.drop({"id": row["id"], "problem_id": problem_id}, fault)
    return chosen


def copy_chosen(folder: Path, chosen: array[int], output: RowFiles, buckets: Sequence[int], with_tokens: bool) -> None:
    """Write the chosen rows of a folder, to the folders of their lengths where there are some."""
    pa = arrow()

    start = 0
    for path in files_of(folder):
        with open_rows(path) as file:
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                tokens = chosen[start:end]
                start = end
                if all(count == _DROPPED for count in tokens):
                    continue
                table = read_group(file, path, group).filter(pa.array([count != _DROPPED for count in tokens]))
                kept = [count for count in tokens if count != _DROPPED]
                if with_tokens:
                    place = table.schema.get_field_index("tokens")
                    table = table.set_column(place, table.schema.field(place), pa.array(kept, pa.int64()))
                output.write_table(table, [bucket_of(count, buckets) for count in kept] if buckets else ())


def bucket_of(tokens: int, buckets: Sequence[int]) -> str:
    """The folder of a row by its length."""
    place = bisect_left(buckets, tokens)
    return f"up_to_{buckets[place]}_tokens" if place < len(buckets) else f"above_{buckets[-1]}_tokens"


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    subset = subset_of(args)
    output = RowFiles(args.output, args.figures)
    with open_stage("select_subset", args, output) as stage:
        chosen = choose(stage, args.rows, subset, args.solutions_per_problem)
        copy_chosen(args.rows, chosen, output, args.length_buckets or (), args.count_all)
        stage.count_written(sum(count != _DROPPED for count in chosen))
        if subset.lengths.matter:
            counter = subset.lengths.counter
            stage.note("tokens_counted_by", "server" if counter is None else counter.name)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
