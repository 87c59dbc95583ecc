"""The first page: what each stage read, passed on and dropped, and how the solutions of each recipe fared."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from omr.browse import kinds
from omr.errors import UserError
from omr.report.words import PROBLEM_STEPS, RECIPE_STEPS, SELECTION_STEPS, Step
from omr.runs.counts import RunCounts
from omr.runs.saved import Saved

_MOST_REASONS = 6


class Reason(NamedTuple):
    name: str
    n: int


class Drops(NamedTuple):
    """So many solutions that a stage dropped for a reason."""

    stage: str
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
    """A recipe: what became of its solutions, training rows, the stages of its own."""

    name: str
    right: int
    wrong: int
    unjudged: int
    waiting: int
    unvoted: int  # of problems without a vote
    reasons: list[Drops]  # why that is
    failed: int  # requests, which gave no solution
    rows: int
    bars: list[Bar]
    is_asked_for: bool  # by the run's config, also where no target is named

    @property
    def n(self) -> int:
        return self.right + self.wrong + self.unjudged + self.waiting + self.unvoted

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
    unknown: list[str]  # recipes of which files are there, and which the run's config lacks

    @property
    def begins_with(self) -> str:
        """What the run began with: its first stage tells, also before the index knows any of it."""
        return "threads" if self.bars and self.bars[0].unit == "threads" else "given problems"


def overview(db: sqlite3.Connection, run: Path) -> Overview:
    """The figures of the first page: counts as the stages wrote them, the rest from the index."""
    fault, counts, saved = "", None, Saved.of(run)
    bars: list[Bar] = []
    try:
        if saved.settings is None or saved.recipes is None:
            raise UserError(saved.fault)
        counts = RunCounts(run, saved.settings, saved.recipes)
        bars = _bars(counts, saved, PROBLEM_STEPS, None)
    except UserError as error:
        fault = str(error)
    recipes = [_recipe(db, name, counts, saved) for name in kinds.shown_recipes(run)]
    clean = db.execute("SELECT rows FROM file WHERE path='decontaminated.jsonl'").fetchone()
    return Overview(
        threads=_number(db, "thread"),
        problems=_number(db, "problem"),
        clean=clean[0] if clean else 0,
        solutions=sum(recipe.n for recipe in recipes),
        rows=sum(recipe.rows for recipe in recipes),
        bars=bars,
        recipes=recipes,
        fault=fault,
        unknown=[name for name in kinds.recipes_of(run) if not saved.knows(name)],
    )


def _number(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _sums(db: sqlite3.Connection, recipe: str, what: str, condition: str = "1") -> dict[str, int]:
    """Value -> how often, summed over the files of a recipe that fit."""
    query = (
        "SELECT t.value, sum(t.n) FROM tally t JOIN file f ON f.no=t.file "
        f"WHERE f.recipe=? AND t.what=? AND {condition} GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return dict(db.execute(query, (recipe, what)).fetchall())


#: Verdicts, and votes where there are no verdicts yet.
_NEWEST = (
    "(f.stage='judged' OR NOT EXISTS "
    "(SELECT 1 FROM file j WHERE j.kind=f.kind AND j.path=replace(f.path, '/majority/', '/judged/')))"
)


def _recipe(db: sqlite3.Connection, name: str, counts: RunCounts | None, saved: Saved) -> RecipeCard:
    verdicts = _sums(db, name, "verdict", _NEWEST)
    right, wrong, unjudged = (verdicts.get(verdict, 0) for verdict in ("yes", "no", "unjudged"))
    reasons = [
        Drops(stage, reason, n)
        for stage in kinds.UNVOTED
        for reason, n in _sums(db, name, "unvoted", f"f.stage='{stage}'").items()
    ]
    stored = _sums(db, name, "solution")
    # The replies tell how many there are; of problems without a vote, stages count those that failed as well.
    left = max(stored.get("answered", 0) - right - wrong - unjudged - verdicts.get("", 0), 0)
    unvoted = min(left, sum(drops.n for drops in reasons))
    bars = (
        []
        if counts is None
        else _bars(counts, saved, RECIPE_STEPS, name) or _bars(counts, saved, SELECTION_STEPS, name)
    )
    return RecipeCard(
        name,
        right,
        wrong,
        unjudged,
        waiting=verdicts.get("", 0) + left - unvoted,
        unvoted=unvoted,
        reasons=reasons if unvoted else [],
        failed=stored.get("failed", 0),
        rows=_sums(db, name, "rows", f"f.kind={kinds.TRAINING}").get("", 0),
        bars=bars,
        is_asked_for=saved.to_run is None or name in saved.to_run,
    )


def _bars(counts: RunCounts, saved: Saved, steps: tuple[Step, ...], recipe: str | None) -> list[Bar]:
    bars = []
    for step in steps:
        found = counts.stage(step.stage, recipe) if saved.has_stage(step.stage, recipe) else None
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
