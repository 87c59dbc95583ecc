"""Pushes a dataset folder to a repository on the hub; with --dry-run it only says what would be sent.

In: the folder that write_dataset.py made, and a token in an environment variable. Out: one commit that makes the
repository's card and Parquet files those of the folder (older Parquet files are deleted in the same commit), and a
receipt (JSON: repo, commit, files). A push that was cut off goes on when it is started again. HF_ENDPOINT names another
hub. The token is never printed or stored.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import orjson
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import AtomicFile
from omr.hub.push import CARD, DATA, File, push

_CARD_LINES = 40


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--dataset", type=Path, required=True, help="the dataset folder")
    add("--repo", default="", help="repository on the hub, owner/name")
    add("--public", action="store_true", help="make a new repository public (default: private)")
    add("--token-env", default="HF_TOKEN", help="NAME of the environment variable with the token")
    add("--dry-run", action="store_true", help="send nothing; needs no token and no connection")
    add("--output", type=Path, required=True, help="receipt, or with --dry-run what would be sent")
    return parser.parse_args(argv)


def files_of(dataset: Path) -> list[File]:
    """The card and the Parquet files of a dataset folder: nothing else that lies there is sent.

    Raises UserError unless there are both.
    """
    paths = [*dataset.glob(CARD), *sorted(dataset.glob(DATA))]
    files = [File(path.relative_to(dataset).as_posix(), path.stat().st_size) for path in paths if path.is_file()]
    if len(files) < 2 or files[0].path != CARD:
        what = "this is no dataset folder: it needs README.md and Parquet files"
        raise UserError(what, file=dataset, remedy="make it with write_dataset.py (`snakemake sft`)")
    return files


def plan(dataset: Path, files: Sequence[File], repo: str, public: bool) -> str:
    """What would be sent where, and the head of the card."""
    width = max(len(file.path) for file in files)
    lines = [f"{file.path:{width}} {file.size:15,} bytes" for file in files]
    card = (dataset / CARD).read_text(encoding="utf-8").splitlines()
    return "\n".join(
        [
            f"repository: {repo or '(none is named: set `publish: {repo: owner/name}` in config)'}",
            f"a new repository is made {'PUBLIC' if public else 'private'}",
            f"{len(files)} files, {sum(file.size for file in files):,} bytes:",
            *(f"  {line}" for line in lines),
            f"the card begins ({min(_CARD_LINES, len(card))} of {len(card)} lines):",
            *(f"  {line}".rstrip() for line in card[:_CARD_LINES]),
            "",
        ]
    )


def read_token(name: str) -> str:
    """The token from the environment variable `name`. Raises UserError if it is not set."""
    token = os.environ.get(name, "").strip()
    if not token:
        what = f"there is no token: the environment variable {name} is not set"
        raise UserError(what, remedy=f"set {name} to a hub token that may write; `snakemake publish_plan` needs none")
    return token


def publish(args: argparse.Namespace, files: Sequence[File]) -> None:
    """Push the dataset and write the receipt. Raises UserError before anything is sent if repo or token are missing."""
    if not args.repo:
        raise UserError("no repository is named", remedy="set `publish: {repo: owner/name}` in config")
    token = read_token(args.token_env)
    # Said at once, also into a log: a push may take hours.
    say = partial(print, flush=True)
    commit = push(args.dataset, files, args.repo, args.public, token, say)
    receipt = {"repo": args.repo, "commit": commit, "files": [file._asdict() for file in files]}
    with AtomicFile(args.output) as file:
        file.write(orjson.dumps(receipt, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    print(f"{args.dataset} -> {args.repo}: {commit}")


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    files = files_of(args.dataset)
    if not args.dry_run:
        publish(args, files)
        return 0
    text = plan(args.dataset, files, args.repo, args.public)
    with AtomicFile(args.output) as file:
        file.write(text.encode())
    print(text, end="")
    return 0


if __name__ == "__main__":
    leave(run_command(main))
