"""The dataset folder that `datasets.load_dataset` and the hub take: Parquet files and a card.

In: the folders of training rows of all shards (or in them their folders by length), with their figures; for the card
and the bounds, the table of stages (stages.json, whose numbers add up), the reports on decontamination and planted
instructions, the prompts and the names of the models. Out: a folder with data/train-KKKKK-of-NNNNN.parquet (or
data/<length>/train-...), which are the shards' own files (linked, or copied where nothing can be linked), and
README.md. No text is read, so it takes seconds, however many rows there are. The folder appears whole. Without rows it
is an error, which names the stage where they went to nothing; so is a bound of --canary-recall, --judge-agreement,
--same-verdict, --obeyed-instructions, --repost-recall or --false-reposts that does not hold.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from omr.asking.prompts import load_prompt
from omr.config.row_models import Authored, add_authored
from omr.errors import UserError, leave, run_command
from omr.files.counted import counted
from omr.files.folders import atomic_folder, link_or_copy
from omr.runs.gates import add_gates, check_gates
from omr.runs.losses import where_lost
from omr.training.card import CardFacts, dataset_card
from omr.training.columns import names_with, prompt_hash
from omr.training.figures import Figures, read_figures, read_json
from omr.training.parquet_files import digest_of, train_name
from omr.training.row_files import files_of, open_rows
from omr.training.stage_sums import read_table, stage_sums, sum_stages

_REMEDY = "delete the recipe's sft/ and figures/ and run again: the workflow makes them anew"


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--shards", type=Path, nargs="+", required=True, help="folders of training rows, in order")
    add("--figures", type=Path, nargs="+", required=True, help="the figures of these rows, a file per shard")
    add("--output", type=Path, required=True, help="the folder to make; an older one is replaced")
    add("--title", required=True, help="name of the dataset on its card")
    add("--license", help="licence on the card, as the hub names it (default: the card names none)")
    add("--chosen", help="what the rows of a subset have in common, for the card")
    add("--stages", type=Path, help="table of the stages that led to the rows (stages.json)")
    add("--counts", type=Path, nargs="*", default=[], help="counts of further stages, behind those of the table")
    add_gates(parser)
    add_authored(parser)
    add("--models", nargs="*", default=[], metavar="STAGE=MODEL", help="the model that each stage asked")
    add("--prompts", type=Path, nargs="*", default=[], help="prompt files")
    return parser.parse_args(argv)


def part_of(file: Path, shards: Sequence[Path]) -> str:
    """The folder of a shard's that a file is in; empty for the shard's own files."""
    return "" if file.parent in shards else file.parent.name


def check_figures(figures: Figures, shards: Sequence[Path]) -> tuple[dict[str, int], list[str]]:
    """The rows of each part, by the files, parts of few tokens first; and the columns. Raises UserError unless the
    files hold as many rows as were counted, all of them with the same columns."""
    rows, first = Counter[str](), None
    for path in (file for shard in shards for file in files_of(shard)):
        with open_rows(path) as file:
            rows[part_of(path, shards)] += file.metadata.num_rows
            first = first or (path, file.schema_arrow)
            if not file.schema_arrow.equals(first[1]):
                raise UserError(f"this file has other columns than {first[0]}", file=path, remedy=_REMEDY)
    if rows.total() != figures.rows:
        raise UserError(f"the files hold {counted(rows.total(), 'row')}, {figures.rows:,} were counted", remedy=_REMEDY)
    names = [] if first is None else names_with(first[1].names)
    return {part: rows[part] for part in sorted(rows, key=_tokens_of)}, names


def _tokens_of(part: str) -> tuple[int, bool]:
    """What parts are sorted by: the number in their names, what is above it last."""
    return int("".join(filter(str.isdigit, part)) or 0), part.startswith("above")


def card_facts(args: argparse.Namespace) -> CardFacts:
    """What the card tells besides the rows. Raises UserError for inputs that are not what they should be."""
    table = [] if args.stages is None else read_table(args.stages)
    return CardFacts(
        title=args.title,
        license=args.license,
        authored=Authored.read(args.authored),
        stages=[*stage_sums(table), *sum_stages(args.counts)],
        models=dict(entry.split("=", 1) for entry in args.models),
        prompts={prompt.name: prompt_hash(prompt) for prompt in map(load_prompt, args.prompts)},
        contamination=None if args.contamination is None else read_json(args.contamination),
        chosen=args.chosen,
    )


def no_rows(facts: CardFacts, folder: Path) -> UserError:
    """The error of a dataset without rows."""
    lost = where_lost([stage._asdict() for stage in facts.stages])
    why, remedy = lost or ("", "the files dropped/prepare_sft/ and counts/ of the recipe say why")
    what = "there are no training rows: nothing to make a dataset of"
    return UserError(f"{what}; {why}" if why else what, file=folder, remedy=remedy)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    facts = card_facts(args)
    check_gates(args, [] if args.stages is None else read_table(args.stages))
    figures, files = read_figures(args.figures), [file for shard in args.shards for file in files_of(shard)]
    rows_of_parts, columns = check_figures(figures, args.shards)
    if not figures.rows:
        raise no_rows(facts, args.shards[0])
    with atomic_folder(args.output) as folder:
        for part in rows_of_parts:
            (folder / "data" / part).mkdir(parents=True)
            mine = [file for file in files if part_of(file, args.shards) == part]
            for number, file in enumerate(mine):
                link_or_copy(file, folder / "data" / part / train_name(number, len(mine)))
        facts = replace(facts, digest=digest_of(folder), columns=columns)
        (folder / "README.md").write_text(dataset_card(figures, facts, rows_of_parts), encoding="utf-8")
    print(f"{args.output}: {counted(figures.rows, 'row')} of {counted(figures.problems, 'problem')}")
    return 0


if __name__ == "__main__":
    leave(run_command(main))
