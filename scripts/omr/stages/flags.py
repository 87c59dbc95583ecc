"""The command line of a CPU stage: its inputs, the three files that every stage writes, and its share of the work."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omr.stages.row_places import PlacedRows
from omr.stages.stage import Output, Stage


def stage_parser(
    about: str | None, *, output: str = "rows to write", dropped: str = "dropped rows with their reasons"
) -> argparse.ArgumentParser:
    """A parser with `--output`, `--dropped` and `--counts`; `about` is the script's docstring."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help=f"{output} (JSONL)")
    parser.add_argument("--dropped", type=Path, required=True, metavar="FILE", help=f"{dropped} (JSONL)")
    parser.add_argument("--counts", type=Path, required=True, metavar="FILE", help="counts to write (JSON)")
    return parser


def add_input(parser: argparse.ArgumentParser, flag: str, about: str, *, several: bool = False) -> None:
    """Adds a flag for an input file, or for `several` of them."""
    parser.add_argument(flag, type=Path, required=True, nargs="+" if several else None, metavar="FILE", help=about)


def add_problems(parser: argparse.ArgumentParser) -> None:
    """Adds `--problems`, the file that all solution stages share."""
    add_input(parser, "--problems", "decontaminated.jsonl")


def add_prompt(parser: argparse.ArgumentParser, name: str) -> None:
    """Adds `--prompt`, whose examples are no data; by default the project's own of that name."""
    own = Path(__file__).parents[3] / "prompts" / f"{name}.yaml"
    about = f"the prompt that was asked with (default: prompts/{name}.yaml)"
    parser.add_argument("--prompt", type=Path, default=own, metavar="FILE", help=about)


def add_replies(parser: argparse.ArgumentParser) -> None:
    """Adds `--replies`."""
    add_input(parser, "--replies", "the model's replies, all files", several=True)


def add_solutions(parser: argparse.ArgumentParser) -> None:
    """Adds `--solutions`."""
    add_input(parser, "--solutions", "the shard's solutions, all files", several=True)


def add_candidates(parser: argparse.ArgumentParser) -> None:
    """Adds `--traces`, and `--summaries` with the number of `--candidates` that each trace was asked for."""
    add_input(parser, "--traces", "the shard's traces")
    add_input(parser, "--summaries", "replies with their summaries, a file per part", several=True)
    parser.add_argument("--candidates", type=int, required=True, metavar="N", help="summaries per trace")


def add_places(parser: argparse.ArgumentParser) -> None:
    """Adds `--places`."""
    about = "where the rows of the output lie, for jobs that each take some of them"
    parser.add_argument("--places", type=Path, metavar="FILE", help=about)


def add_shard(parser: argparse.ArgumentParser) -> None:
    """Adds `--shard` and `--shards`."""
    parser.add_argument("--shard", type=int, required=True, metavar="K", help="which shard of the problems, from 0")
    parser.add_argument("--shards", type=int, required=True, metavar="N", help="number of shards")


def add_comparing(parser: argparse.ArgumentParser) -> None:
    """Adds `--questions`, which a comparison leaves open, and the `--workers` that compare."""
    parser.add_argument("--questions", type=Path, required=True, metavar="FILE", help="what the model must judge")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that compare answers")


def open_stage(name: str, arguments: argparse.Namespace, output: Output | None = None) -> Stage:
    """The stage that writes to the files of the command line; `output` takes the rows in another form than lines."""
    if getattr(arguments, "places", None) is not None:
        output = PlacedRows(arguments.output, arguments.places)
    inputs = {str(path): flag for flag, value in vars(arguments).items() for path in _paths(value)}
    return Stage(name, output or arguments.output, arguments.dropped, arguments.counts, inputs)


def _paths(value: Any) -> Iterator[Path]:
    """The paths in a flag's value: in lists, pairs and dictionaries too, as `FILE` or `NAME=FILE`."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, str):
        yield Path(value.partition("=")[2] or value)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _paths(one)
    elif isinstance(value, Mapping):
        yield from _paths(list(value.values()))
