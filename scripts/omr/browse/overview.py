"""The first page: what each stage read, passed on and dropped, and how the solutions of each recipe fared."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from omr.browse import kinds
from omr.config.files import read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from omr.report.words import PROBLEM_STEPS, RECIPE_STEPS, SELECTION_STEPS, Step
from omr.runs.counts import RunCounts

_MOST_REASONS = 6


class Reason(NamedTuple):
    name: str
    n: int


class Bar(NamedTuple):
    """A stage of the funnel: rows it read and passed on, dropped by reason; `percent` passed."""

    stage: str
    does: str
    unit: str
    read: int
    passed: int
    percent: float
    reasons: list[Reason]
    more: int  # rows dropped for other reasons


class RecipeCard(NamedTuple):
    """A recipe: verdicts over its solutions, training rows, the stages of its own."""

    name: str
    right: int
    wrong: int
    unjudged: int
    waiting: int
    rows: int
    bars: list[Bar]

    @property
    def n(self) -> int:
        return self.right + self.wrong + self.unjudged + self.waiting

    def percent(self, part: int) -> float:
        return round(100 * part / self.n, 2) if self.n else 0.0


class Overview(NamedTuple):
    threads: int
    problems: int
    clean: int
    solutions: int
    rows: int
    bars: list[Bar]
    recipes: list[RecipeCard]
    fault: str  # why there is no funnel

    @property
    def begins_with(self) -> str:
        """What the run began with: its first stage tells, also before the index knows any of it."""
        return "threads" if self.bars and self.bars[0].unit == "threads" else "given problems"


def overview(db: sqlite3.Connection, run: Path) -> Overview:
    """The figures of the first page: counts as the stages wrote them, the rest from the index."""
    fault, counts = "", None
    try:
        settings = Settings(read_config([run / "config.yaml"]))
        counts = RunCounts(run, settings, Recipes(settings))
        bars = _bars(counts, PROBLEM_STEPS, None)
    except UserError as error:
        bars, fault = [], str(error)
    verdicts, rows = _verdicts(db), _sums(db, "f.kind=?", kinds.TRAINING, "rows")
    recipes = [_recipe(name, verdicts, rows.get(name, 0), counts) for name in kinds.recipes_of(run)]
    clean = db.execute("SELECT rows FROM file WHERE path='decontaminated.jsonl'").fetchone()
    return Overview(
        threads=_number(db, "thread"),
        problems=_number(db, "problem"),
        clean=clean[0] if clean else 0,
        solutions=sum(recipe.n for recipe in recipes),
        rows=sum(rows.values()),
        bars=bars,
        recipes=recipes,
        fault=fault,
    )


def _number(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _verdicts(db: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """Solutions by (recipe, verdict); those that only voted so far under ""."""
    query = (
        "SELECT f.recipe, t.value, sum(t.n) FROM tally t JOIN file f ON f.no=t.file WHERE t.what='verdict' "
        "AND (f.stage='judged' OR NOT EXISTS "
        "(SELECT 1 FROM file j WHERE j.path=replace(f.path, '/majority/', '/judged/'))) "
        "GROUP BY f.recipe, t.value"
    )
    return {(recipe, verdict): n for recipe, verdict, n in db.execute(query)}


def _sums(db: sqlite3.Connection, condition: str, value: Any, what: str) -> dict[str, int]:
    query = (
        f"SELECT f.recipe, sum(t.n) FROM tally t JOIN file f ON f.no=t.file WHERE {condition} AND t.what=? GROUP BY 1"
    )
    return dict(db.execute(query, (value, what)).fetchall())


def _recipe(name: str, verdicts: dict[tuple[str, str], int], rows: int, counts: RunCounts | None) -> RecipeCard:
    right, wrong, unjudged, waiting = (verdicts.get((name, verdict), 0) for verdict in ("yes", "no", "unjudged", ""))
    bars = [] if counts is None else _bars(counts, RECIPE_STEPS, name) or _bars(counts, SELECTION_STEPS, name)
    return RecipeCard(name, right, wrong, unjudged, waiting, rows, bars)


def _bars(counts: RunCounts, steps: tuple[Step, ...], recipe: str | None) -> list[Bar]:
    bars = []
    for step in steps:
        found = counts.stage(step.stage, recipe)
        if found is None:
            continue
        read, passed = int(found.get("read", 0)), int(found.get("passed", 0))
        dropped = sorted(found.get("dropped", {}).items(), key=lambda entry: (-entry[1], entry[0]))
        reasons = [Reason(*entry) for entry in dropped[:_MOST_REASONS]]
        more = sum(n for _, n in dropped[_MOST_REASONS:])
        percent = round(100 * passed / read, 2) if read else 0.0
        bars.append(Bar(step.stage, step.does, step.unit, read, passed, percent, reasons, more))
    return bars


def drop_facets(db: sqlite3.Connection) -> list[tuple[str, str, str, int]]:
    """(recipe, stage, reason, rows) of everything that was dropped, the commonest first."""
    query = (
        "SELECT f.recipe, f.stage, t.value, sum(t.n) FROM tally t JOIN file f ON f.no=t.file "
        "WHERE t.what='reason' GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3"
    )
    return db.execute(query).fetchall()


def problem_types(db: sqlite3.Connection) -> list[str]:
    """The types of problems that there are."""
    found = db.execute("SELECT DISTINCT value FROM tally WHERE what='type' AND value<>'' ORDER BY value")
    return [value for (value,) in found]
