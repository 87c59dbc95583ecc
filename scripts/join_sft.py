"""All training rows of a recipe as one file of JSON Lines, for whoever wants to read or train on such a file.

In: the folders of training rows of all shards. Out: sft.jsonl, the same rows, shard after shard. Nothing else of the
workflow reads it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from omr.errors import run_command
from omr.files.jsonl import AtomicFile
from omr.training.row_files import read_all


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="folders of training rows, in order")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the file to make")
    args = parser.parse_args(argv)
    with AtomicFile(args.output) as file:
        for row in read_all(args.shards):
            file.write_row(row)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
