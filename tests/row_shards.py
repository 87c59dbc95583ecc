"""Shards of training rows on the disk, as the stages that make them leave them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from omr.solutions.solution_figures import SolutionFigures
from omr.training.columns import COLUMNS, TEXT_COLUMNS
from omr.training.row_files import RowFiles

Row = dict[str, Any]
SHARD = "shard-000-of-001"
_DEFAULTS: dict[type, Any] = {str: "x", float: 0.5, int: 1, bool: True, list: [], dict: {}}


def whole_row(**fields: Any) -> Row:
    """A training row with these fields; of the others, what may be null is null."""
    row = {column.name: None if column.nullable else _DEFAULTS[column.type] for column in COLUMNS} | fields
    chat = [{"role": "user", "content": row["problem"]}, {"role": "assistant", "content": row["generated_solution"]}]
    return row | {"messages": fields.get("messages", chat)}


def write_shard(
    home: Path,
    rows: Iterable[Row],
    shard: str = SHARD,
    measures: Sequence[str] = (),
    solutions: SolutionFigures | None = None,
    dropped: Iterable[tuple[int | Row, str]] = (),
    text_columns: Sequence[str] = TEXT_COLUMNS,
) -> Path:
    """Write the rows of a shard, and their figures, below a recipe's folder. Returns the rows' folder.

    `dropped` are samples of dropped solutions, or numbers of problems whose first ones are that, with their reasons.
    """
    output = RowFiles(home / "sft" / shard, home / "figures" / f"{shard}.json", measures, text_columns)
    output.figures.solutions = solutions
    for told, reason in dropped:
        row = told if isinstance(told, dict) else {"id": str(told), "seed": 0}
        output.figures.offer_dropped(f"{row['id']}-{row['seed']}", reason, lambda row=row: row)  # type: ignore[misc]
    try:
        for row in rows:
            output.write_row(row)
        output.commit()
    finally:
        output.discard()
    return output.path
