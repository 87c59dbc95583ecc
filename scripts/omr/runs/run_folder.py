"""The folders that runs lie in: which there are, which is the newest, and which was meant."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from omr.errors import UserError

#: What of config names runs that estimates learn from.
SEEN = "`estimate.seen` in config"
_RESULTS = Path("results")
_MOST_SHOWN = 10


def is_run(folder: Path) -> bool:
    """Whether a run was started in a folder: its merged config is saved there."""
    return (folder / "config.yaml").is_file()


def check_run(folder: Path, named_by: str | None = None) -> None:
    """Raise UserError, with the runs that there are, for a folder that is none; `named_by` is the key of config that
    names it."""
    if is_run(folder):
        return
    what = "there is no run" if named_by is None else f"there is no run, but {named_by} names one"
    raise UserError(what, file=folder, remedy=_meant(folder))


def newest_run(results: Path) -> Path:
    """The run that was worked on last. Raises UserError if there is none."""
    runs = _runs_in(results)
    if not runs:
        raise UserError("there is no run in this folder", file=results, remedy="name one with --run")
    return max(runs, key=lambda run: (run / "config.yaml").stat().st_mtime)


def _runs_in(results: Path) -> list[Path]:
    return sorted(path.parent for path in results.glob("*/config.yaml"))


def _meant(folder: Path) -> str:
    """The run that a name is that of, or nearly, or that a folder is part of; else which there are."""
    if folder.parent != Path() and is_run(folder.parent):
        return f"did you mean {folder.parent}?"
    # What stands in the working folder (config/config.yaml) is no run.
    beside = [] if folder.parent == Path() else _runs_in(folder.parent)
    runs = {run.name: run for run in beside or _runs_in(_RESULTS)}
    if near := get_close_matches(folder.name, runs, n=1):
        return f"did you mean {runs[near[0]]}?"
    return (
        f"there are: {', '.join(map(str, [*runs.values()][:_MOST_SHOWN]))}"
        if runs
        else ("name the folder of a run, like results/demo")
    )
