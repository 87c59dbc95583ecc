"""Files of hub repositories, pinned to one commit. Files that are there whole are never fetched twice.

The token is the hub library's own business (`HF_TOKEN`, or a login); `HF_ENDPOINT` names another hub and
`HF_HUB_OFFLINE=1` restricts everything to what is in the cache already.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omr.errors import UserError
from omr.hub.layout import choose_parquet

#: The branch on which the hub keeps its own Parquet conversion of a dataset.
CONVERTED = "refs/convert/parquet"


@dataclass(frozen=True)
class HubFile:
    """One file of a repository: path in it, size in bytes, and SHA-256 (None where the hub does not say)."""

    path: str
    size: int | None
    sha256: str | None


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit. `sha` is the commit, `configs` the card's list of configs."""

    repo: str
    repo_type: str
    sha: str
    files: tuple[HubFile, ...]
    configs: tuple[dict[str, Any], ...] = field(default=())

    @property
    def names(self) -> list[str]:
        """The paths of all files."""
        return [file.path for file in self.files]

    def only(self, names: Sequence[str]) -> Listing:
        """The same commit, reduced to these files, in this order."""
        by_name = {file.path: file for file in self.files}
        return Listing(self.repo, self.repo_type, self.sha, tuple(by_name[name] for name in names), self.configs)


def hub_parquet_files(
    repo: str, config: str | None, split: str, revision: str | None = None, cache_dir: str | Path | None = None
) -> list[Path]:
    """Local paths, in order, of the Parquet files of a dataset's config (None: the default one) and split.

    `revision` is a branch, tag or commit (None: the default branch); `cache_dir` defaults to the hub library's cache.
    Raises UserError when the hub cannot be reached and the cache does not have them, or when there is no such thing.
    """
    return fetch(find_parquet(repo, config, split, revision, cache_dir), cache_dir=cache_dir)


def hub_file(
    repo: str,
    filename: str,
    revision: str | None = None,
    repo_type: str = "model",
    cache_dir: str | Path | None = None,
) -> Path:
    """Local path of one file of a repository. Raises UserError as `hub_parquet_files` does."""
    return _fetch_file(repo, repo_type, filename, revision, cache_dir=cache_dir, folder=None)


def find_parquet(
    repo: str, config: str | None, split: str, revision: str | None = None, cache_dir: str | Path | None = None
) -> Listing:
    """The commit and the Parquet files of a dataset's config and split, without downloading them.

    Where the revision has no Parquet files of them (but, say, JSON), the hub's own conversion is taken. It follows the
    default branch, so it cannot stand in for another revision: that is a UserError which names the commit to pin.
    """
    listing = list_repo(repo, "dataset", revision, cache_dir)
    names = choose_parquet(repo, listing.names, listing.configs, config, split)
    if names:
        return listing.only(names)
    lacking = f"the dataset {repo} has no Parquet files of config {config or 'default'!r}, split {split!r}"
    try:
        converted = list_repo(repo, "dataset", CONVERTED, cache_dir)
    except UserError as error:
        raise UserError(
            f"{lacking}, and no conversion by the hub ({error.what})",
            remedy=f"check config, split and revision; it has: {_shorten(listing.names)}",
        ) from error
    names = choose_parquet(repo, converted.names, (), config, split)
    if not names:
        raise UserError(
            f"{lacking} at {revision or 'its default branch'} ({listing.sha})",
            remedy=f"check config, split and revision; it has: {_shorten([*listing.names, *converted.names])}",
        )
    if revision and revision not in ("main", CONVERTED):
        raise UserError(
            f"{lacking} at {revision}, only in the hub's conversion of its default branch",
            remedy=f"pin the conversion itself: revision {converted.sha}",
        )
    return converted.only(names)


def list_repo(repo: str, repo_type: str, revision: str | None, cache_dir: str | Path | None = None) -> Listing:
    """What a repository holds at a revision; offline, what the cache holds of it. Raises UserError."""
    # Imported here: the library is slow to load, and most commands never talk to the hub.
    from huggingface_hub import HfApi
    from huggingface_hub.errors import OfflineModeIsEnabled

    # An empty revision in config is none.
    revision = revision or None
    with _hub_errors(repo, revision):
        try:
            info = HfApi(endpoint=_endpoint()).repo_info(
                repo, repo_type=repo_type, revision=revision, files_metadata=True, timeout=60
            )
        except OfflineModeIsEnabled:
            return _list_cached(repo, repo_type, revision, cache_dir)
    files = tuple(
        HubFile(sibling.rfilename, sibling.size, sibling.lfs.sha256 if sibling.lfs else None)
        for sibling in getattr(info, "siblings", None) or ()
    )
    card_data = getattr(info, "card_data", None)
    card = card_data.to_dict() if card_data is not None else {}
    return Listing(repo, repo_type, str(info.sha), files, _configs_of(card))


def fetch(
    listing: Listing, *, cache_dir: str | Path | None = None, folder: str | Path | None = None, workers: int = 1
) -> list[Path]:
    """Download the files of a listing, into the cache or into a folder of their own; paths in the listing's order.

    `workers` files are fetched at a time. Files that are there already are not downloaded again. A transfer that breaks
    continues where it was; one whose process is killed begins that file anew. Raises UserError when a download fails or
    a file has not the size that the hub announced.
    """

    def one(file: HubFile) -> Path:
        path = _fetch_file(listing.repo, listing.repo_type, file.path, listing.sha, cache_dir=cache_dir, folder=folder)
        if folder is not None:
            # The library resolves links; the caller knows the folder by the name that it gave.
            path = Path(folder) / file.path
        size = path.stat().st_size
        if file.size is not None and size != file.size:
            raise UserError(
                f"has {size} bytes, but the hub announced {file.size}",
                file=path,
                remedy="delete the file and run again",
            )
        return path

    with ThreadPoolExecutor(workers) as pool:
        tasks = [pool.submit(one, file) for file in listing.files]
        try:
            return [task.result() for task in tasks]
        finally:
            pool.shutdown(cancel_futures=True)  # after a failure the others are not begun


def _fetch_file(
    repo: str,
    repo_type: str,
    filename: str,
    revision: str | None,
    *,
    cache_dir: str | Path | None,
    folder: str | Path | None,
) -> Path:
    from huggingface_hub import hf_hub_download

    revision = revision or None
    with _hub_errors(repo, revision, filename):
        return Path(
            hf_hub_download(
                repo,
                filename,
                repo_type=repo_type,
                revision=revision,
                cache_dir=cache_dir,
                local_dir=folder,
                endpoint=_endpoint(),
            )
        )


def _list_cached(repo: str, repo_type: str, revision: str | None, cache_dir: str | Path | None) -> Listing:
    from huggingface_hub import snapshot_download
    from huggingface_hub.repocard import metadata_load

    snapshot = Path(
        snapshot_download(repo, repo_type=repo_type, revision=revision, cache_dir=cache_dir, local_files_only=True)
    )
    names = sorted(path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file())
    card = metadata_load(snapshot / "README.md") if "README.md" in names else {}
    files = tuple(HubFile(name, (snapshot / name).stat().st_size, None) for name in names)
    return Listing(repo, repo_type, snapshot.name, files, _configs_of(card or {}))


def _configs_of(card: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    configs = card.get("configs")
    return tuple(entry for entry in configs if isinstance(entry, dict)) if isinstance(configs, list) else ()


@contextmanager
def _hub_errors(repo: str, revision: str | None, filename: str | None = None) -> Iterator[None]:
    """Turn what the hub library raises into UserErrors that say what to do."""
    from huggingface_hub import errors

    at = f"{repo} at {revision or 'its default branch'}"
    try:
        yield
    except UserError:
        raise
    except errors.GatedRepoError as error:
        raise UserError(
            f"access to {repo} has to be asked for", remedy="ask on its page, then set HF_TOKEN and run again"
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise UserError(
            f"the hub knows no repository {repo!r} (or it is private)",
            remedy="check the name in config; for a private one set HF_TOKEN",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UserError(f"{repo} has no revision {revision!r}", remedy="check the revision in config") from error
    except errors.LocalEntryNotFoundError as error:
        cause = str(error.__cause__ or error).split("\n")[0]
        raise UserError(
            f"the hub cannot be reached, and {filename or 'the repository'} of {at} is not in the cache ({cause})",
            remedy="check the connection and HF_ENDPOINT (HF_HUB_OFFLINE=1 forbids it), or download it where there is "
            "one: files that are complete are kept",
        ) from error
    except errors.EntryNotFoundError as error:
        raise UserError(f"{at} has no file {filename!r}", remedy="check the name and the revision") from error
    except _transfer_errors() as error:
        raise UserError(
            f"the hub could not deliver {filename or at}: {type(error).__name__}: {error}",
            remedy="check the connection, HF_ENDPOINT and the disk, and run again: files that are complete are kept",
        ) from error


def _transfer_errors() -> tuple[type[Exception], ...]:
    """What a failing transfer raises: OSError, and the base class of the HTTP library that the hub library uses."""
    from huggingface_hub.errors import HfHubHTTPError

    # Taken from the hub's own error, because its library has changed the HTTP library underneath more than once.
    http = [base for base in HfHubHTTPError.__mro__ if issubclass(base, Exception) and base is not Exception]
    return (OSError, *http)


def _endpoint() -> str | None:
    """The hub in use, as the environment says now (the library looks only once, when it is imported)."""
    return os.environ.get("HF_ENDPOINT") or None


def _shorten(names: Sequence[str], most: int = 12) -> str:
    if not names:
        return "no files at all"
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
