"""Which way a classified problem goes. The one place that decides it: for requests, parsers and the merge."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from omr.errors import UserError

#: The branches; every other value of `branch_of` is the reason for which a row goes nowhere.
ANSWERS, PROOFS = "answers", "proofs"
BRANCHES = (ANSWERS, PROOFS)
#: The fields that classification adds to a problem: true, false, or null where the reply could not be read.
CLASS_FIELDS = ("is_proof", "is_mcq", "is_binary", "is_invalid")


def _branch(proof: bool | None, mcq: bool | None, binary: bool | None, invalid: bool | None) -> str:
    if None in (proof, mcq, binary, invalid):
        return "unreadable_class"
    if invalid:
        return "invalid"
    if proof:
        return PROOFS
    if mcq:
        return "mcq"
    return "binary" if binary else ANSWERS


_TABLE = {classes: _branch(*classes) for classes in product((True, False, None), repeat=len(CLASS_FIELDS))}


def branch_of(row: Mapping[str, Any]) -> str:
    """`answers`, `proofs`, or why the row goes to neither: `unreadable_class`, `invalid`, `mcq`, `binary`.

    Raises UserError for a row whose classes are missing or neither true, false nor null.
    """
    try:
        return _TABLE[row["is_proof"], row["is_mcq"], row["is_binary"], row["is_invalid"]]
    except (KeyError, TypeError):
        classes = {field: row.get(field, "missing") for field in CLASS_FIELDS}
        raise UserError(
            f"row {row.get('id')!r} has no readable classes: {classes}",
            remedy="branches are chosen among the rows of classified.jsonl; check which file was given",
        ) from None
