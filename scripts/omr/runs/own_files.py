"""Files of rows that someone put where the workflow writes its own: they are not overwritten without a word."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from omr.errors import UserError
from omr.files.jsonl import open_for_reading
from omr.runs.counts import read_counts

_ROWS = re.compile(r"results/[^/]+/[^/]+\.jsonl")
#: Stages that make the same file, each in runs of its own kind.
_SAME_FILE = {
    "problems.jsonl": ("parse_problems", "read_problems"),
    "merged.jsonl": ("merge_data", "read_problems"),
}
#: Rules that only give a stage's rows their name, and where these rows are until then.
_NAMED_BY = {"check_problems": ("decontaminate", "contamination/clean.jsonl")}


def check_own_files(jobs: Mapping[str, Collection[str]]) -> None:
    """Raises UserError for a file of rows that a job would replace and no stage has made.

    `jobs`: rule -> the files that its jobs make. The counts of a stage, written with its rows, tell their number.
    """
    for rule, files in jobs.items():
        made_by, unnamed = _NAMED_BY.get(rule, (rule, None))
        counts = [Path(file) for file in jobs.get(made_by, ()) if "/counts/" in file and Path(file).stem == made_by]
        for rows in (Path(file) for file in files if _ROWS.fullmatch(file)):
            if not counts or not rows.exists() or (unnamed is not None and (rows.parent / unnamed).exists()):
                continue
            stages = _SAME_FILE.get(rows.name, (made_by,))
            told = {path.with_name(f"{stage}.json") for path in counts for stage in stages}
            numbers = [written for path in sorted(told) if path.exists() and (written := _written(path)) is not None]
            lines = _count_lines(rows)
            if lines not in numbers:
                made = f"the workflow wrote {numbers[0]} rows there, it has {lines}" if numbers else "no stage made it"
                raise UserError(
                    f"this file would be overwritten, and it is not the workflow's own: {made}",
                    file=rows,
                    remedy="move it elsewhere (`problems_from: {path: ...}` starts a run from problems), or delete it",
                )


def _written(counts: Path) -> int | None:
    """How many rows a stage wrote; None where its counts do not say. Raises UserError for a file that is no counts."""
    written = read_counts(counts).get("written")
    return written if isinstance(written, int) else None


def _count_lines(path: Path) -> int:
    with open_for_reading(path) as handle:
        lines: int = sum(block.count(b"\n") for block in iter(lambda: handle.read(1 << 20), b""))
    return lines
