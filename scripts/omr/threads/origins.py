"""Where a thread or a problem comes from: what its columns may tell, and under which names a product says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What may be told -> the column of a product.
COLUMN_OF = {
    "source": "problem_source",
    "url": "source_url",
    "license": "source_license",
    "author": "source_author",
    "date": "source_date",
}
ORIGINS = tuple(COLUMN_OF)
#: Columns of threads and of problems that are read under these names where they are there; config may name others.
USUAL = {"source": "source", "url": "url", "license": "license", "author": "user_name", "date": "date"}


def origin_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a problem's row says of where it comes from, column by column; null where it does not."""
    return {column: row.get(column) for column in COLUMN_OF.values()}


def origin_fields(told: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a product row for what is told; nothing for what is not."""
    return {COLUMN_OF[field]: told[field] for field in ORIGINS if told.get(field) is not None}
