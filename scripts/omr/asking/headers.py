"""Headers of answers, whatever bytes they have."""

from __future__ import annotations

from typing import Any


def header(response: Any, name: str) -> str | None:
    """A header of a response; None where there is none, or one that is no text: old servers send other bytes too."""
    try:
        found: str | None = response.get_header(name)
    except ValueError:
        return None
    return found
