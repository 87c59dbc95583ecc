"""Halves of surrogate pairs, which JSON can spell and no file can hold: escapes of models and servers make them."""

from __future__ import annotations

from typing import Any


def without_surrogates(value: Any) -> Any:
    """A value whose texts can be written: halves of surrogate pairs are joined, and what is left of them is U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value
