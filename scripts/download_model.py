"""Fetch a model's checkpoint from the hub: the files that the servers load, checked, and their manifest.

Out: the files under `--folder`, and the manifest (see omr/servers/model_files.py), which appears when all files are
there, have the size and, where the hub states it, the SHA-256 that it announced. After a run that was cut off, the next
one fetches only what is not complete. Gated and private models need HF_TOKEN; HF_ENDPOINT names another hub.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from omr.errors import UserError, leave, run_command
from omr.hub.files import HubFile, Listing, fetch, list_repo
from omr.models.checkpoints import choose_files
from omr.servers.model_files import ModelFiles, StoredFile, write_manifest

_BLOCK = 16 << 20


def check_space(listing: Listing, folder: Path) -> None:
    """Raise UserError if what is still to be fetched does not fit on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = sum(file.size or 0 for file in listing.files if not (folder / file.path).exists())
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise UserError(
            f"{missing / 1e9:,.1f} GB are to be fetched, but only {free / 1e9:,.1f} GB are free",
            file=folder,
            remedy="make room, or name another place as `model_folder` in config",
        )


def check_content(file: HubFile, path: Path) -> None:
    """Raise UserError if a file is not what the hub announced."""
    if file.sha256 is None:
        return
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != file.sha256:
        raise UserError(
            f"its SHA-256 is {digest.hexdigest()}, but the hub announced {file.sha256}",
            file=path,
            remedy="delete the file and run again",
        )


def download(listing: Listing, folder: Path, workers: int) -> tuple[StoredFile, ...]:
    """Fetch and check the files of a listing, so many at a time."""
    paths = fetch(listing, folder=folder, workers=workers)
    with ThreadPoolExecutor(workers) as pool:  # hashing releases the interpreter's lock
        list(pool.map(check_content, listing.files, paths))
    return tuple(
        StoredFile(file.path, path.stat().st_size, file.sha256) for file, path in zip(listing.files, paths, strict=True)
    )


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, metavar="OWNER/NAME")
    parser.add_argument("--revision", metavar="REV", help="branch, tag or, best, commit (default: the default branch)")
    parser.add_argument("--folder", required=True, type=Path, metavar="DIR", help="where the files go")
    parser.add_argument("--manifest", required=True, type=Path, metavar="FILE")
    parser.add_argument("--workers", type=int, default=8, help="files at a time (default: 8)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    listing = list_repo(args.model, "model", args.revision)
    chosen = listing.only(choose_files(args.model, listing.names))
    left = len(listing.files) - len(chosen.files)
    size = sum(file.size or 0 for file in chosen.files)
    print(f"{args.model} at {listing.sha}: {len(chosen.files)} files, {size / 1e9:,.1f} GB; {left} others are left out")
    check_space(chosen, args.folder)
    files = download(chosen, args.folder, args.workers)
    write_manifest(args.manifest, ModelFiles(args.model, args.revision, listing.sha, args.folder, files))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
