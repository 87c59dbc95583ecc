"""Fetch the forum threads from the hub: the Parquet files of one config and split of a dataset, and their manifest.

Out: the files under `--folder`, laid out as in the repository, and the manifest (JSON) that prepare_raw_data.py takes
as its input: {"dataset", "config", "split", "revision" (asked for), "sha" (the commit it was), "files": [{"path"
(relative to the manifest where it can be), "size" (bytes), "sha256" (as the hub states it, or null)}]}. The manifest
appears when all files are there; after a run that was cut off, the next one fetches only the files that are not
complete. Private datasets need HF_TOKEN.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile
from omr.hub.files import Listing, fetch, find_parquet


def describe_files(listing: Listing, paths: Sequence[Path], manifest: Path) -> list[dict[str, Any]]:
    """The manifest's entries, so that the folder can move together with a manifest that is in it or above it."""
    start = Path(os.path.abspath(manifest)).parent
    entries = []
    for file, path in zip(listing.files, paths, strict=True):
        absolute = Path(os.path.abspath(path))
        place = absolute.relative_to(start) if absolute.is_relative_to(start) else absolute
        entries.append({"path": place.as_posix(), "size": path.stat().st_size, "sha256": file.sha256})
    return entries


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, metavar="OWNER/NAME")
    parser.add_argument("--config", metavar="NAME", help="subset of the dataset (default: its default one)")
    parser.add_argument("--split", default="train", metavar="NAME", help="default: train")
    parser.add_argument("--revision", metavar="REV", help="branch, tag or, best, commit (default: the default branch)")
    parser.add_argument("--folder", required=True, metavar="DIR", help="where the files go")
    parser.add_argument("--manifest", required=True, metavar="FILE")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    listing = find_parquet(arguments.dataset, arguments.config or None, arguments.split, arguments.revision)
    paths = fetch(listing, folder=arguments.folder)
    manifest = {
        "dataset": arguments.dataset,
        "config": arguments.config,
        "split": arguments.split,
        "revision": arguments.revision,
        "sha": listing.sha,
        "files": describe_files(listing, paths, Path(arguments.manifest)),
    }
    with AtomicFile(arguments.manifest) as file:
        file.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
