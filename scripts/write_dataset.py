"""The dataset folder that `datasets.load_dataset` and the hub take: Parquet files and a card.

In: sft.jsonl; for the card, the counts of the stages, the report of the decontamination, the prompts and the names of
the models; for the bounds also the report on planted instructions. Out: a folder with data/train-KKKKK-of-NNNNN.parquet
(columns: omr/training/columns.py) and README.md, whose figures are counted here. The folder appears whole. Without rows
it is an error, which names the stage where they went to nothing; so is a bound of --canary-recall, --judge-agreement,
--same-verdict or --obeyed-instructions that does not hold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omr.asking.prompts import load_prompt
from omr.errors import UserError, run_command
from omr.files.folders import atomic_folder
from omr.files.jsonl import Row, read_rows
from omr.runs.counts import Counts, summed
from omr.runs.gates import Gates, broken
from omr.runs.losses import where_lost
from omr.training.card import CardFacts, dataset_card
from omr.training.columns import (
    NAMES,
    REQUIRED,
    arrow_schema,
    fault_of_messages,
    fault_of_strings,
    fault_of_tool_messages,
    prompt_hash,
)
from omr.training.figures import Figures, StageSum, read_json, sum_stages
from omr.training.parquet_files import ParquetFiles

_REMEDY = "delete this file and run again: the workflow makes it anew from its inputs"


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--rows", type=Path, required=True, help="sft.jsonl")
    add("--output", type=Path, required=True, help="the folder to make; an older one is replaced")
    add("--title", required=True, help="name of the dataset on its card")
    add("--license", help="licence on the card, as the hub names it (default: the card names none)")
    add("--chosen", help="what the rows of a subset have in common, for the card")
    add("--counts", type=Path, nargs="*", default=[], help="counts of the stages, in the order of the recipe")
    add("--contamination", type=Path, help="report of the decontamination")
    add("--canary-recall", type=float, help="least share of planted benchmark problems that were removed")
    add("--judge-agreement", type=float, help="least share of settled pairs on which the judge agrees")
    add("--same-verdict", type=float, help="greatest share of one and the same verdict of a judge or classifier")
    add("--planted", type=Path, help="report on planted instructions")
    add("--obeyed-instructions", type=float, help="greatest share of planted instructions that may be obeyed")
    add("--authored", action="store_true", help="people authored the replies, no model wrote them: the card says so")
    add("--models", nargs="*", default=[], metavar="STAGE=MODEL", help="the model that each stage asked")
    add("--prompts", type=Path, nargs="*", default=[], help="prompt files")
    add("--shard-megabytes", type=int, default=1000, help="text of a Parquet file, before compression")
    return parser.parse_args(argv)


def checked_rows(path: Path) -> Iterator[Row]:
    """Stream training rows. Raises UserError, with the line, for one that is not as its columns say."""
    for number, row in enumerate(read_rows(path, REQUIRED), 1):
        fault = fault_of_messages(row["messages"]) or fault_of_strings(row)
        fault = fault or fault_of_tool_messages(row["messages_with_tools"], row["tools"])
        unknown = [] if len(row) == len(NAMES) else sorted(row.keys() - set(NAMES))
        if unknown:
            fault = f"unknown columns: {', '.join(unknown)}"
        if fault is not None:
            raise UserError(fault, file=path, line=number, remedy=_REMEDY)
        yield row


def schema_of(row: Row) -> Any:
    """The Parquet schema (pyarrow.Schema) of rows like this one: all carry pass rates of the same recipes."""
    return arrow_schema(list(row["pass_rates"] or ()))


def size_of(row: Row) -> int:
    """About the characters of a row."""
    return 500 + len(row["problem"]) + 2 * len(row["generated_solution"])


def check_gates(args: argparse.Namespace) -> None:
    """Raise UserError where what was measured is beyond a bound."""
    counts: dict[str, list[Counts]] = {}
    for of_shard in map(read_json, args.counts):
        counts.setdefault(str(of_shard.get("stage")), []).append(of_shard)
    report = None if args.contamination is None else read_json(args.contamination)
    planted = None if args.planted is None else read_json(args.planted)
    gates = Gates(args.canary_recall, args.judge_agreement, args.same_verdict, args.obeyed_instructions)
    found = broken(gates, {stage: summed(shards) for stage, shards in counts.items()}, report, planted)
    if found:
        raise UserError(
            "what the run measured of its models is beyond the bounds of `gates`:\n"
            + "\n".join(f"  - {what}" for what in found),
            remedy="ask better models in these stages, or mend their prompts; report.html tells more. Where you judge "
            "the rows good enough all the same, loosen the bound in config",
        )


def write_rows(path: Path, folder: Path, shard_bytes: int, stages: Sequence[StageSum]) -> Figures:
    """Write all rows to Parquet files. Returns their figures; raises UserError, with their fate, if there are none."""
    figures, files = Figures(), ParquetFiles(folder, shard_bytes, schema_of, size_of)
    for row in checked_rows(path):
        files.write(row)
        figures.add(row)
    if not figures.rows:
        lost = where_lost([stage._asdict() for stage in stages])
        why, remedy = lost or ("", "the files dropped/prepare_sft/ and counts/ of the recipe say why")
        what = "there are no training rows: nothing to make a dataset of"
        raise UserError(f"{what}; {why}" if why else what, file=path, remedy=remedy)
    files.close()
    return figures


def card_facts(args: argparse.Namespace) -> CardFacts:
    """What the card tells besides the rows. Raises UserError for inputs that are not what they should be."""
    return CardFacts(
        title=args.title,
        license=args.license,
        authored=args.authored,
        stages=sum_stages(args.counts),
        models=dict(entry.split("=", 1) for entry in args.models),
        prompts={prompt.name: prompt_hash(prompt) for prompt in map(load_prompt, args.prompts)},
        contamination=None if args.contamination is None else read_json(args.contamination),
        chosen=args.chosen,
    )


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    facts = card_facts(args)
    check_gates(args)
    with atomic_folder(args.output) as folder:
        (folder / "data").mkdir()
        figures = write_rows(args.rows, folder / "data", args.shard_megabytes * 1_000_000, facts.stages)
        (folder / "README.md").write_text(dataset_card(figures, facts), encoding="utf-8")
    print(f"{args.output}: {figures.rows:,} rows of {figures.problems:,} problems")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
