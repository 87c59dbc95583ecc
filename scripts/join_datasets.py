"""One dataset folder of all recipes of a run, with the subsets of the published one.

In: the dataset folders of recipes, each with the subset that it belongs to (cot, tir, genselect), and
decontaminated.jsonl; for the card, the figures of the rows. Out: a folder with data/<subset>-KKKKK-of-NNNNN.parquet,
whose Parquet files are the recipes' own (linked, not written anew), data/additional_problems-*.parquet with the
problems that no row of any recipe is about, and README.md. All files have the same columns. A subset without rows is
left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from omr.config.row_models import Authored, add_authored
from omr.errors import UserError, leave, run_command
from omr.files.arrow import arrow, parquet
from omr.files.counted import counted
from omr.files.folders import atomic_folder, link_or_copy
from omr.files.id_set import IdSet
from omr.files.jsonl import Row, read_rows
from omr.threads.origins import COLUMN_OF
from omr.training.columns import NAMES, TEXT_COLUMNS, arrow_schema, names_with
from omr.training.figures import Reasoning, read_figures
from omr.training.joined_card import ADDITIONAL, SUBSETS, Subset, joined_card
from omr.training.parquet_files import TableFiles, digest_of

#: What a problem has of a row's columns before anybody solves it.
_OF_PROBLEM = (
    *("expected_answer", "problem_type", "problem", "original_problem", "cluster", "duplicate_of"),
    *COLUMN_OF.values(),
)
#: Problems that are made a row group.
_GROUP_ROWS = 20_000
#: Bytes of text that no set of problems has.
_ONE_FILE = 1 << 62
_REMEDY = "delete this folder and run again: the workflow makes it anew"


class Part(NamedTuple):
    """The dataset folder of a recipe, and the subset that its rows belong to."""

    subset: str
    recipe: str
    folder: Path


def part(text: str) -> Part:
    """`SUBSET/RECIPE=FOLDER` of a command line. Raises argparse's own error for anything else."""
    name, sign, folder = text.partition("=")
    subset, slash, recipe = name.partition("/")
    if not (sign and slash and recipe and folder) or subset not in SUBSETS:
        raise argparse.ArgumentTypeError(f"SUBSET/RECIPE=FOLDER was expected ({', '.join(SUBSETS)}), not {text!r}")
    return Part(subset, recipe, Path(folder))


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--datasets", type=part, nargs="+", required=True, metavar="SUBSET/RECIPE=FOLDER", help="dataset folders")
    about = "figures of the rows of all these folders; without them the card says of no row whether it has reasoning"
    add("--figures", type=Path, nargs="*", default=[], metavar="FILE", help=about)
    add("--problems", type=Path, required=True, help="decontaminated.jsonl")
    add("--title", required=True, help="name of the dataset on its card")
    add_authored(parser)
    add("--license", help="licence on the card, as the hub names it (default: the card names none)")
    add("--output", type=Path, required=True, help="the folder to make; an older one is replaced")
    return parser.parse_args(argv)


def files_of(folder: Path) -> list[Path]:
    """The Parquet files of a dataset folder, in order. Raises UserError if there are none."""
    files = sorted((folder / "data").glob("train-*.parquet"))
    if not files:
        raise UserError("there is no dataset", file=folder, remedy=_REMEDY)
    return files


def key_of(problem_id: str) -> str:
    """16 hex digits that stand for a problem."""
    return blake2b(problem_id.encode(), digest_size=8).hexdigest()


def schema_of(file: Path) -> Any:
    """The schema of training rows that have the same texts and pass rates of other recipes as a file's rows."""
    found = parquet().read_schema(file)
    place = found.get_field_index("pass_rates")
    texts = [name for name in TEXT_COLUMNS if name in found.names]
    return arrow_schema([] if place < 0 else [field.name for field in found.field(place).type], texts)


def check_schema(file: Path, schema: Any) -> None:
    """Raise UserError for a file with other columns: no two such files load together."""
    if not parquet().read_schema(file).equals(schema):
        raise UserError("this file has other columns than training rows have now", file=file, remedy=_REMEDY)


def problems_of(file: Path) -> tuple[int, set[str]]:
    """How many rows a file has, and the problems that they are about."""
    with parquet().ParquetFile(file) as rows:
        problems = {
            problem_id
            for batch in rows.iter_batches(columns=["problem_id"])
            for problem_id in batch.column(0).unique().to_pylist()
        }
        return rows.metadata.num_rows, problems


def reasoning_by_mode(figures: Sequence[Path]) -> dict[str, Reasoning]:
    """How many of the rows of a mode have reasoning: a file's rows are all of one recipe, and so of one mode. Raises
    UserError for a file that holds no figures."""
    found: dict[str, Reasoning] = {}
    for path in figures:
        of_file = read_figures([path])
        for mode in of_file.values["inference_mode"]:
            before = found.get(mode, Reasoning(0, 0))
            found[mode] = Reasoning(before.having + of_file.reasoning.having, before.rows + of_file.reasoning.rows)
    return found


def join_subset(
    parts: Sequence[Part], folder: Path, schema: Any, solved: IdSet, reasoning: Mapping[str, Reasoning]
) -> Subset:
    """Take the files of a subset, and note the problems that its rows are about."""
    subset = parts[0].subset
    files = [file for each in parts for file in files_of(each.folder)]
    rows, problems = 0, IdSet()
    for number, file in enumerate(files):
        check_schema(file, schema)
        link_or_copy(file, folder / f"{subset}-{number:05d}-of-{len(files):05d}.parquet")
        of_file, found = problems_of(file)
        rows += of_file
        for key in map(key_of, found):
            problems.add(key)
            solved.add(key)
    return Subset(subset, rows, len(problems), [each.recipe for each in parts], reasoning.get(subset))


def additional_row(problem: Row) -> Row:
    """A problem without a solution, as a row of the same columns; what is not known is null."""
    known = {name: problem.get(name) for name in _OF_PROBLEM}
    thread = problem.get("thread_id") or problem["id"].rpartition("-")[0]
    known |= {"pass_rate_72b_tir": "n/a", "id": problem["id"], "problem_id": problem["id"], "thread_id": thread}
    return {name: known.get(name) for name in NAMES}


def write_additional(path: Path, folder: Path, schema: Any, solved: IdSet) -> Subset | None:
    """Write the problems that no row is about; None without any."""
    pa = arrow()

    schema = pa.schema([field.with_nullable(True) for field in schema])
    files, group, written = TableFiles(folder, _ONE_FILE), list[Row](), 0
    for problem in read_rows(path, {"id": str, "problem": str}):
        if is_new(problem["id"], solved):
            group.append(additional_row(problem))
            written += 1
        if len(group) == _GROUP_ROWS:
            files.write(pa.Table.from_pylist(group, schema=schema), 0)
            group = []
    if group:
        files.write(pa.Table.from_pylist(group, schema=schema), 0)
    files.close()
    if not written:
        return None
    files.files[0].rename(folder / f"{ADDITIONAL}-00000-of-00001.parquet")
    return Subset(ADDITIONAL, written, written, [])


def is_new(problem_id: str, solved: IdSet) -> bool:
    """Whether nothing was said of a problem yet; a problem that stands twice in a file is new but once."""
    return solved.add(key_of(problem_id))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with atomic_folder(args.output) as folder:
        data = folder / "data"
        data.mkdir()
        reasoning = reasoning_by_mode(args.figures)
        solved, schema = IdSet(), schema_of(files_of(args.datasets[0].folder)[0])
        subsets = [
            join_subset(parts, data, schema, solved, reasoning)
            for subset in SUBSETS
            if (parts := [each for each in args.datasets if each.subset == subset])
        ]
        additional = write_additional(args.problems, data, schema, solved)
        subsets += [] if additional is None else [additional]
        card = joined_card(
            args.title, args.license, subsets, digest_of(folder), Authored.read(args.authored), names_with(schema.names)
        )
        (folder / "README.md").write_text(card, encoding="utf-8")
    for found in subsets:
        print(f"{args.output}: {counted(found.rows, 'row')} of {found.name}")
    return 0


if __name__ == "__main__":
    leave(run_command(main))
