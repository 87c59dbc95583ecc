"""Which edition of a model a run asks, in a note that its jobs read: its commit, and where its files are.

A note is JSON: {"repo" (hub id or local folder), "revision" (asked for, or null), "sha" (the commit that it was),
"files" (a digest of what they say), "manifest" (its path, see model_files.py)}; the last is null where the server finds
the model itself, and the two before it until a manifest said them. Jobs depend on the note, so files may move, or be
prepared in another way, and nothing is asked again. Another commit under the same name is another model: it is refused,
and not mixed with what the first one replied.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from omr.errors import UserError
from omr.files.jsonl import AtomicFile
from omr.servers.model_files import ModelFiles, read_manifest


def noted_manifest(path: Path) -> Path | None:
    """The manifest that a note names, None where it names none; any other file is taken for a manifest itself."""
    note = _read(path)
    if note is None:
        return path
    return None if note["manifest"] is None else Path(note["manifest"])


def write_note(path: Path, repo: str, revision: str | None, manifest: Path | None) -> None:
    """Note the model of a manifest; None stands for a model that the server finds itself.

    Raises UserError if the note that is there is of another commit of the same model, with other files.
    """
    before = _read(path) or {}
    note: dict[str, Any] = {"repo": repo, "revision": revision, "sha": None, "files": None}
    if any(before.get(name) != note[name] for name in ("repo", "revision")):
        before = {}
    if manifest is None:
        note |= {name: before.get(name) for name in ("sha", "files")}  # of what was asked so far
    else:
        model = read_manifest(manifest)
        note |= {"sha": model.sha, "files": _content(model)}
    if all(None not in (before.get(name), note[name]) and before[name] != note[name] for name in ("sha", "files")):
        raise UserError(
            f"holds the commit {note['sha']} of {repo}, but this run has asked {before['sha']} so far; its replies are "
            "kept",
            file=manifest,
            remedy="put the files of that commit back to go on with it, or name the new one as `revision` of the "
            "model: then its stages are asked again",
        )
    with AtomicFile(path) as file:
        note["manifest"] = None if manifest is None else str(manifest)
        file.write(orjson.dumps(note, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and "manifest" in content else None


def _content(model: ModelFiles) -> str:
    """What a model's files say, but for texts about them."""
    told = [list(file) for file in sorted(model.files) if not file.path.endswith(".md")]
    return blake2b(orjson.dumps(told), digest_size=8).hexdigest()
