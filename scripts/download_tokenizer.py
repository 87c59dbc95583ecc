"""Fetch `tokenizer.json` of a model from the hub: prepare_raw_data.py measures discussions with it.

Out: the file, checked to be a tokenizer that loads. It appears when it is whole.
"""

from __future__ import annotations

import argparse

from omr.asking.tokens import load_tokenizer
from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile
from omr.hub.files import hub_file


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, metavar="OWNER/NAME")
    parser.add_argument("--revision", metavar="REV", help="branch, tag or, best, commit (default: the default branch)")
    parser.add_argument("--output", required=True, metavar="FILE")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    path = hub_file(arguments.model, "tokenizer.json", arguments.revision)
    load_tokenizer(path)
    with AtomicFile(arguments.output) as file:
        file.write(path.read_bytes())
    return 0


if __name__ == "__main__":
    leave(run_command(main))
