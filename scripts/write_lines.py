"""The training rows of a shard as JSON Lines: a part of sft.jsonl, see join_sft.py.

In: the folder of training rows of one shard. Out: the same rows, one a line, in order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile
from omr.training.row_files import read_all


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True, metavar="FOLDER", help="training rows of a shard")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the file to make")
    args = parser.parse_args(argv)
    with AtomicFile(args.output) as file:
        file.write_rows(read_all([args.rows]))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
