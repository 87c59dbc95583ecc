"""Which files of a model's repository the servers load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from omr.errors import UserError

#: Weights in the format that all servers load first, and in others, which repositories often hold besides.
SAFETENSORS = ".safetensors"
OTHER_WEIGHTS = frozenset({".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".gguf", ".ot", ".tflite"})
#: Pictures of the model's page.
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".pdf", ".mp4"})


def choose_files(repo: str, names: Sequence[str]) -> list[str]:
    """The files to fetch, in the order given: the checkpoint itself, without a second copy in another format.

    Repositories keep such copies beside it or in folders (`original/`, `onnx/`). Where there are no safetensors, other
    weights are taken. Raises UserError if the repository holds no checkpoint.
    """
    if "config.json" not in names:
        raise UserError(f"{repo} has no config.json: not a checkpoint that the servers load", remedy="check `path`")
    top = {_suffix(name) for name in names if "/" not in name}
    if not top & (OTHER_WEIGHTS | {SAFETENSORS}):
        raise UserError(f"{repo} has no weights beside its config.json", remedy="check `path` and `revision`")
    return [name for name in names if _is_wanted(name, has_safetensors=SAFETENSORS in top)]


def _is_wanted(name: str, *, has_safetensors: bool) -> bool:
    suffix = _suffix(name)
    if suffix in _PICTURES or name.startswith("."):
        return False
    if suffix == SAFETENSORS:
        return "/" not in name
    return suffix not in OTHER_WEIGHTS or ("/" not in name and not has_safetensors)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
