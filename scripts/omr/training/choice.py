"""Which rows of a problem stay where a product wants only so many."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b


def over_limit(ids: Sequence[str], limit: int | None) -> set[str]:
    """Those of the ids of a problem's rows that are too many; None sets no limit.

    Those with the least hashes stay: a choice that prefers no seed, and that a lower limit only makes smaller.
    """
    if limit is None:
        return set()
    return set(sorted(ids, key=lambda row_id: (blake2b(row_id.encode(), digest_size=8).digest(), row_id))[limit:])
