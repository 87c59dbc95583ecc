"""A dataset folder to a repository on the hub: all files first, in batches that are sent again when they break off,
then one commit.

A large file that arrived stays at the hub by its hash, before any commit names it. So a push that was cut off, killed
too, goes on with what is missing when it is started again; readers find the old dataset until the commit, and then the
new one, never half of each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from omr.errors import UserError

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

CARD = "README.md"
DATA = "data/*.parquet"
#: Files that are sent before a line is said about it: as many as the library sends at a time, twice.
_BATCH_FILES = 10
#: Before each further try of a batch; the library tries each file a few times itself before that.
_WAITS_S = (5.0, 20.0, 60.0, 180.0, 300.0)
_TOO_MANY, _SERVER_ERRORS = 429, 500


class File(NamedTuple):
    """A file of the dataset folder: its path there, and bytes."""

    path: str
    size: int


def push(
    dataset: Path,
    files: Sequence[File],
    repo: str,
    public: bool,
    token: str,
    say: Callable[[str], None] = print,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Make the repository where it is missing, send the files, and commit them. Returns the commit's address.

    Raises UserError where a private dataset would go to a public repository, and for all that the hub refuses.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    with hub_errors(repo, token):
        api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=token)
        api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
        if not public:
            check_private(api, repo)
        added = [CommitOperationAdd(file.path, dataset / file.path) for file in files]
        send(api, repo, added, {file.path: file.size for file in files}, say, wait)
        names = {file.path for file in files}
        # Parquet files of an earlier push would be read together with the new ones.
        # From the root: a pattern alone would match at the end of any path.
        listed = api.list_repo_files(repo, repo_type="dataset")
        old = [name for name in listed if PurePosixPath("/", name).match(f"/{DATA}")]
        deleted = [CommitOperationDelete(name) for name in old if name not in names]
        # Not upload_folder or upload_large_folder, which make several commits of it.
        commit = api.create_commit(
            repo, [*deleted, *added], commit_message="Dataset with its card", repo_type="dataset"
        )
    return str(commit.commit_url)


def send(
    api: HfApi,
    repo: str,
    added: Sequence[CommitOperationAdd],
    sizes: dict[str, int],
    say: Callable[[str], None],
    wait: Callable[[float], None],
) -> None:
    """Send the large files, without a commit; those that the hub has already are not sent."""
    total, done = sum(sizes.values()), 0
    for begin in range(0, len(added), _BATCH_FILES):
        batch = added[begin : begin + _BATCH_FILES]
        for pause in (*_WAITS_S, None):
            try:
                api.preupload_lfs_files(repo, batch, repo_type="dataset", free_memory=False)
                break
            except _transient() as error:
                if pause is None or not _may_pass(error):
                    raise
                say(f"a transfer broke off ({type(error).__name__}); once more in {pause:.0f} s")
                wait(pause)
        done += sum(sizes[one.path_in_repo] for one in batch)
        if len(added) > _BATCH_FILES:
            so_far = min(begin + _BATCH_FILES, len(added))
            say(f"{so_far} of {len(added)} files, {done / 1e9:,.1f} of {total / 1e9:,.1f} GB")


def _transient() -> tuple[type[Exception], ...]:
    """Errors of the connection and of the hub's answers, of the library below the hub's, and of its own transfers."""
    from huggingface_hub.errors import HfHubHTTPError

    http = [base for base in HfHubHTTPError.__mro__ if issubclass(base, Exception) and base is not Exception]
    return (*http, OSError, RuntimeError)


def _may_pass(error: Exception) -> bool:
    """Whether another try may go better: everything but what the hub refuses, and files that cannot be read."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return bool(status == _TOO_MANY or status >= _SERVER_ERRORS)
    return not isinstance(error, FileNotFoundError | PermissionError)


def check_private(api: HfApi, repo: str) -> None:
    """Raise UserError for a repository that anyone can read."""
    # An existing repository keeps its visibility, whatever it is asked to be made as.
    if api.repo_info(repo, repo_type="dataset").private is not True:
        raise UserError(
            f"the repository {repo} exists and is public, but the dataset is to be private",
            remedy="make it private on the hub, name another one, or set `publish: {private: false}`",
        )


@contextmanager
def hub_errors(repo: str, token: str) -> Iterator[None]:
    """Turn what the hub library raises into a UserError that does not hold the token."""
    # Besides errors of the transfer what the hub finds wrong with the repository's name or the card (ValueError).
    expected: tuple[type[Exception], ...] = (*_transient(), ValueError)
    try:
        yield
    except expected as error:
        reason = f"{type(error).__name__}: {error}".replace(token, "***")
        raise UserError(
            f"the hub did not take the dataset for {repo}: {reason}",
            remedy="check the repository's name, what the token may do, and the connection; the same command "
            "goes on: what arrived is not sent again, and no part of a dataset is ever committed",
        ) from None
