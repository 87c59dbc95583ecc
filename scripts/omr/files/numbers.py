"""Numbers and JSON of files that may be torn, old, or not ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

#: Larger ones are no counts of ours.
_MOST = 1e15
_MOST_BYTES = 1 << 22


def read_object(path: Path) -> dict[str, Any] | None:
    """A JSON object; None if the file holds no whole one. Raises OSError."""
    with path.open("rb") as handle:
        data = handle.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        return None
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def number(found: Mapping[str, Any], key: str) -> float:
    """A number that counts something; 0 where it is none."""
    value = found.get(key, 0)
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST
    return float(value) if fits else 0.0


def whole(found: Mapping[str, Any], key: str) -> int:
    return int(number(found, key))


def optional(found: Mapping[str, Any], key: str) -> float | None:
    """The same; None where it is none."""
    value = found.get(key)
    return None if value is None or isinstance(value, bool | str | list | dict) else number(found, key)
