"""The folder of a product for reinforcement learning or preferences: each trainer's form of its rows, and a card.

In: the rows that prepare_rl.py, prepare_rl_selections.py or prepare_preferences.py made, all files; the counts of the
stages that led to them. Out: a folder with README.md and, for every form of omr/training/forms.py,
<form>/train-KKKKK-of-NNNNN.parquet or <form>/train.jsonl; `datasets.load_dataset` takes each as the card says. The
folder appears whole. Without rows it is an error, which says what they were dropped for; so is a bound of
--canary-recall, --judge-agreement, --same-verdict, --obeyed-instructions, --repost-recall or --false-reposts that does
not hold.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from omr.config.row_models import Authored, add_authored
from omr.errors import UserError, leave, run_command
from omr.files.counted import counted
from omr.files.folders import atomic_folder
from omr.files.jsonl import Row, dumps, read_rows
from omr.runs.counts import read_counts
from omr.runs.gates import add_gates, check_gates
from omr.training.card import CardFacts
from omr.training.forms import FORMS, Form, arrow_schema
from omr.training.parquet_files import ParquetFiles, digest_of
from omr.training.product_card import ProductFigures, product_card
from omr.training.stage_sums import StageSum, read_table, sum_stages

_TEXTS = ("prompt", "chosen", "rejected")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--kind", required=True, choices=sorted(FORMS), help="what the rows are for")
    add("--rows", type=Path, required=True, nargs="+", help="rows, all files")
    add("--output", type=Path, required=True, help="the folder to make; an older one is replaced")
    add("--title", required=True, help="name of the dataset on its card")
    add("--license", help="licence on the card, as the hub names it (default: the card names none)")
    add_authored(parser)
    add("--counts", type=Path, nargs="*", default=[], help="counts of the stages, in the order of the recipe")
    add("--stages", type=Path, help="table of the stages of the problems (stages.json), for the bounds")
    add(
        "--measured", type=Path, nargs="*", default=[], help="counts of the stages that judged the solutions, for these"
    )
    add_gates(parser)
    add("--data-source", default="", help="what verl chooses its reward by, for the form of that name")
    add("--shard-megabytes", type=int, default=1000, help="text of a Parquet file, before compression")
    args = parser.parse_args(argv)
    if args.kind.startswith("rl") and not args.data_source:
        parser.error(f"--kind {args.kind} needs --data-source")
    return args


def size_of(row: Row) -> int:
    """About the characters of a row."""
    return 500 + sum(len(message["content"]) for name in _TEXTS for message in row.get(name, ()))


class FormFiles:
    """Writes rows in one form."""

    def __init__(self, form: Form, folder: Path, data_source: str, shard_bytes: int, stack: ExitStack) -> None:
        self._form, self._data_source = form, data_source
        place = folder / form.path
        place.parent.mkdir()
        self._parquet: ParquetFiles | None = None
        self._lines: BinaryIO | None = None
        if form.is_parquet:
            self._parquet = ParquetFiles(place.parent, shard_bytes, lambda row: arrow_schema(form), size_of)
        else:
            self._lines = stack.enter_context(place.open("wb"))

    def write(self, row: Row) -> None:
        made = self._form.make(row, self._data_source)
        if self._parquet is not None:
            self._parquet.write(made)
        if self._lines is not None:
            self._lines.write(dumps(made))

    def close(self) -> None:
        if self._parquet is not None:
            self._parquet.close()


def write_forms(args: argparse.Namespace, folder: Path, stages: Sequence[StageSum]) -> ProductFigures:
    """Write all rows in all forms. Returns their figures; raises UserError, with their fate, if there are none."""
    figures = ProductFigures()
    with ExitStack() as stack:
        shard_bytes = args.shard_megabytes * 1_000_000
        files = [FormFiles(form, folder, args.data_source, shard_bytes, stack) for form in FORMS[args.kind]]
        for path in args.rows:
            for row in read_rows(path, {"id": str, "prompt": list, "pass_rate": float}):
                for file in files:
                    file.write(row | {"index": figures.rows})
                figures.add(row)
        for file in files:
            file.close()
    if not figures.rows:
        raise _nothing(args.rows[0], stages)
    return figures


def _nothing(path: Path, stages: Sequence[StageSum]) -> UserError:
    last = stages[-1] if stages else None
    told = "" if last is None else ", ".join(f"{reason} {n:,}" for reason, n in last.dropped.items())
    what = "there are no rows: nothing to make a dataset of"
    if last is not None:
        what += f"; {last.stage} read {counted(last.read, 'problem')}: {told or 'there was nothing to read'}"
    remedy = "the recipe's dropped/ has each problem with its reason; config/README.md (`products`) says what to set"
    return UserError(what, file=path, remedy=remedy)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    stages = sum_stages(args.counts)
    check_gates(args, [*([] if args.stages is None else read_table(args.stages)), *map(read_counts, args.measured)])
    with atomic_folder(args.output) as folder:
        figures = write_forms(args, folder, stages)
        digest = digest_of(folder)
        facts = CardFacts(args.title, args.license, Authored.read(args.authored), stages, digest=digest)
        card = product_card(args.kind, facts, FORMS[args.kind], figures)
        (folder / "README.md").write_text(card, encoding="utf-8")
    print(f"{args.output}: {counted(figures.rows, 'row')}")
    return 0


if __name__ == "__main__":
    leave(run_command(main))
