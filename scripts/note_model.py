"""Note which edition of a model a run asks, for the jobs that ask it: its commit, and where its files are.

In: the manifest of the model's files, if the workflow prepared some. Out: the note (see omr/servers/model_notes.py).
Fails if what was noted before is of another commit.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.errors import leave, run_command
from omr.servers.model_notes import write_note


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", required=True, help="hub id or local folder")
    add("--revision", help="commit, tag or branch that is asked for")
    add("--model-manifest", type=Path, help="the model's files (see download_model.py)")
    add("--note", type=Path, required=True, help="the note (JSON), which is replaced")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    write_note(args.note, args.model, args.revision, args.model_manifest)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
