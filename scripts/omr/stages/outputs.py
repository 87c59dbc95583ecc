"""The three files that every CPU stage writes, as command-line flags."""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.stages.stage import Stage


def stage_parser(about: str | None) -> argparse.ArgumentParser:
    """A parser with `--output`, `--dropped` and `--counts`; `about` is the script's docstring."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="rows to write (JSONL)")
    parser.add_argument("--dropped", type=Path, required=True, metavar="FILE", help="dropped rows to write (JSONL)")
    parser.add_argument("--counts", type=Path, required=True, metavar="FILE", help="counts to write (JSON)")
    return parser


def add_replies(parser: argparse.ArgumentParser) -> None:
    """Adds `--replies`."""
    parser.add_argument("--replies", type=Path, required=True, nargs="+", metavar="FILE", help="replies, all shards")


def open_stage(name: str, arguments: argparse.Namespace) -> Stage:
    """The stage that writes to the files of the command line."""
    return Stage(name, arguments.output, arguments.dropped, arguments.counts)
