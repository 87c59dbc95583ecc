"""What the demo's reports tell of, counted again: rows, replies and dropped rows of a recipe beside its page."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson
import yaml
from pyarrow import parquet
from report_reader import Page, Table

Row = dict[str, Any]


def rows(path: Path) -> list[Row]:
    """The rows of a file, or of all shards in a folder."""
    if path.is_dir():
        return [row for file in sorted(path.rglob("*.jsonl")) for row in rows(file)]
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}%"


def group(part: int, whole: int) -> str:
    """The group of a share, by comparing with its bounds."""
    if part in (0, whole):
        return "all" if part else "none"
    return next((f"≤{tenth}0%" for tenth in range(1, 10) if 10 * part <= tenth * whole), "<100%")


def two_digits(length: int) -> int:
    return int(str(length)[:2]) * 10 ** (len(str(length)) - 2) if length > 99 else length


class Run:
    """The demo's files, and one of its reports."""

    def __init__(self, root: Path, recipe: str) -> None:
        self.run = root / "results/demo"
        self.home = self.run / recipe
        self.root, self.recipe = root, recipe
        self.page = Page((self.home / "report.html").read_text(encoding="utf-8"))
        self.is_selection, self.runs_code = recipe.startswith("genselect"), recipe.startswith("tir")
        self.config = yaml.safe_load((self.run / "config.yaml").read_text())
        self.clean = rows(self.run / "decontaminated.jsonl")
        self.product = [
            row
            for file in sorted((self.home / "sft").rglob("*.parquet"))
            for row in parquet.read_table(file).to_pylist()
        ]
        self.judged = [] if self.is_selection else rows(self.home / "judged")
        self.solutions = [] if self.is_selection else rows(self.home / "solutions")
        #: Solutions: replies, whole or cut. A request that failed for good has none.
        self.answered = [reply for reply in self.solutions if reply["error"] is None]
        self.looked_at = [row for row in self.judged if row["unjudged_reason"] != "failed"]
        self.checked: set[str] = set()

    def table(self, name: str) -> Table:
        self.checked.add(name)
        return self.page.table(name)

    def dropped(self, stage: str, home: Path | None = None) -> Counter[str]:
        base = (home or self.home) / "dropped"
        path = base / stage if (base / stage).exists() else base / f"{stage}.jsonl"
        return Counter(row["reason"] for row in rows(path))

    def by_problem(self) -> dict[str, list[Row]]:
        found = defaultdict(list)
        for row in self.judged:
            found[row["id"]].append(row)
        return dict(found)


def shares_of(table: Table) -> dict[str, int]:
    """The numbers of a table whose shares are those of its numbers."""
    numbers = {name: number(cells[-2]) for name, cells in table.cells.items()}
    for name, cells in table.cells.items():
        assert cells[-1] == share(numbers[name], sum(numbers.values()))
    return {name: n for name, n in numbers.items() if n}


def bars(table: Table) -> dict[str, dict[str, int]]:
    """Of a chart's series its numbers by label; what is none is left out."""
    found: dict[str, dict[str, int]] = {name: {} for name in table.rows[0][1:]}
    for label, *values in table.rows[1:]:
        for name, value in zip(table.rows[0][1:], values, strict=True):
            if value not in ("0", "–"):
                found[name][label] = number(value)
    return found
