"""Which commit of a model a run asks, in a note that its jobs write when they begin.

A note is JSON: {"repo" (hub id or local folder), "revision" (asked for, or null), "sha" (the commit that it was),
"files" (a digest of what they say)}. A model's files may move, or be prepared in another way. Another commit under the
same name is another model: it is refused, and not mixed with what the first one replied.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from omr.errors import UserError
from omr.files.jsonl import AtomicFile
from omr.servers.model_files import ModelFiles, read_manifest


def note_model(path: Path, manifest: Path) -> None:
    """Note the model of a manifest.

    Raises UserError if the note that is there is of another commit of the same model, with other files.
    """
    model, before = read_manifest(manifest), _read(path)
    note = {"repo": model.repo, "revision": model.revision, "sha": model.sha, "files": _content(model)}
    if note == before:
        return
    is_same_name = all(before.get(name) == note[name] for name in ("repo", "revision"))
    if is_same_name and all(_differ(before.get(name), note[name]) for name in ("sha", "files")):
        raise UserError(
            f"holds the commit {model.sha} of {model.repo}, but this run has asked {before['sha']} so far; its replies "
            "are kept",
            file=manifest,
            remedy="put the files of that commit back to go on with it, or name the new one as `revision` of the "
            "model: then its stages are asked again",
        )
    with AtomicFile(path) as file:
        file.write(orjson.dumps(note, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _differ(before: str | None, now: str | None) -> bool:
    return None not in (before, now) and before != now


def _read(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _content(model: ModelFiles) -> str:
    """What a model's files say, but for texts about them."""
    told = [list(file) for file in sorted(model.files) if not file.path.endswith(".md")]
    return blake2b(orjson.dumps(told), digest_size=8).hexdigest()
