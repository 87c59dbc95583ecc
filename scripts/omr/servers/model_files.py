"""The files of a model on disk: the manifest that names them, and what a server is told to load.

A manifest is JSON: {"repo" (hub id or local folder), "revision" (asked for, or null), "sha" (the commit it was, or
null), "folder" (of the files; relative to the manifest where it lies beside it), "files": [{"path" (in the folder),
"size" (bytes), "sha256" (or null)}]}, and for a checkpoint that was saved in shards also "load_format",
"tensor_parallel_size", "pipeline_parallel_size", "expert_parallel_size", "server_version". It appears when all files
are there.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from omr.errors import UserError
from omr.files.jsonl import AtomicFile
from omr.models.model import ModelSpec
from omr.servers.launch import parallel_sizes

#: Fields of a checkpoint that was saved in shards.
_OF_SHARDS = (
    "load_format",
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "expert_parallel_size",
    "server_version",
)


class StoredFile(NamedTuple):
    """One file: its path in the model's folder, bytes, and SHA-256 where it is known."""

    path: str
    size: int
    sha256: str | None = None


class ModelFiles(NamedTuple):
    """A model's files; see the module's text for the fields."""

    repo: str
    revision: str | None
    sha: str | None
    folder: Path
    files: tuple[StoredFile, ...]
    load_format: str | None = None
    tensor_parallel_size: int | None = None
    pipeline_parallel_size: int | None = None
    expert_parallel_size: int | None = None
    server_version: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def write_manifest(path: Path, model: ModelFiles) -> None:
    """Write a manifest; the folder is named relative to it where it lies beside or below."""
    start, folder = Path(os.path.abspath(path)).parent, Path(os.path.abspath(model.folder))
    place = folder.relative_to(start) if folder.is_relative_to(start) else folder
    content: dict[str, Any] = {"repo": model.repo, "revision": model.revision, "sha": model.sha, "folder": str(place)}
    content |= {name: value for name in _OF_SHARDS if (value := getattr(model, name)) is not None}
    content["files"] = [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in model.files]
    with AtomicFile(path) as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read_manifest(path: Path) -> ModelFiles:
    """The model of a manifest. Raises UserError if it is none."""
    try:
        content = orjson.loads(path.read_bytes())
        files = tuple(StoredFile(**entry) for entry in content.pop("files"))
        return ModelFiles(**content | {"folder": path.parent / content["folder"], "files": files})
    except FileNotFoundError:
        raise UserError("there is no such manifest", file=path, remedy="`snakemake models` prepares models") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"not the manifest of a model: {error}", file=path, remedy="delete it and run `snakemake models`"
        ) from error


def check_files(model: ModelFiles, manifest: Path) -> None:
    """Raise UserError if a file is gone or has not its size: better now than after minutes on a GPU node."""
    for file in model.files:
        path = model.folder / file.path
        try:
            size = path.stat().st_size
        except OSError as error:
            raise UserError(
                f"a file of the model is gone ({error.strerror})",
                file=path,
                remedy=f"delete {manifest} and run `snakemake models`",
            ) from error
        if size != file.size:
            raise UserError(
                f"has {size} bytes instead of {file.size}",
                file=path,
                remedy=f"delete it and {manifest}, and run `snakemake models`",
            )


def served_from(spec: ModelSpec, manifest: Path) -> ModelSpec:
    """The model as its server is told of it: the folder instead of the hub id, and how to load it.

    Raises UserError if the manifest is of another model, its files are not whole, or it was sharded for other sizes.
    """
    model = read_manifest(manifest)
    found, wanted = _at(model.repo, model.revision), _at(spec.path, spec.revision)
    if found != wanted:
        raise UserError(
            f"holds {found}, but the model {spec.name!r} is {wanted}",
            file=manifest,
            remedy="run Snakemake again, so that it reads the changed config",
        )
    check_files(model, manifest)
    args = spec.args
    if model.load_format is not None:
        _check_sharding(spec, model, manifest)
        args = ("--load-format", model.load_format, *args)
    return replace(spec, path=str(model.folder.resolve()), args=args)


def _at(repo: str, revision: str | None) -> str:
    return f"{repo} at {revision or 'main'}"


def _check_sharding(spec: ModelSpec, model: ModelFiles, manifest: Path) -> None:
    sizes = parallel_sizes(spec)
    wanted = sizes.tensor, sizes.pipeline, sizes.expert
    saved = model.tensor_parallel_size, model.pipeline_parallel_size, model.expert_parallel_size
    if saved != wanted:
        raise UserError(
            f"was saved for tensor, pipeline and expert parallel sizes {saved}, but the model {spec.name!r} is served "
            f"with {wanted}",
            file=manifest,
            remedy="run `snakemake models` to save it anew",
        )
