"""All training rows of a recipe as one file of JSON Lines, for whoever wants to read or train on such a file.

In: the rows of all shards as JSON Lines (write_lines.py). Out: sft.jsonl, the same bytes, shard after shard. They are
copied by the kernel, at the speed of the disk; no row is read. Nothing else of the workflow reads the file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=Path, nargs="+", required=True, metavar="FILE", help="rows of shards, in order")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the file to make")
    args = parser.parse_args(argv)
    with AtomicFile(args.output) as file:
        for part in args.parts:
            file.append_lines(part)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
