"""Estimates of small runs, as `estimate` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import run_files
from estimate import main


def raw_threads(folder: Path, number: int) -> dict[str, Any]:
    """Raw data in config: a file of so many threads."""
    path = folder / "threads.jsonl"
    run_files.write_rows(path, *({"original_question": "q" * 300, "original_answers": []} for _ in range(number)))
    return run_files.config()["raw_data"] | {"path": str(path)}


def estimated(run: Path, *more: str, **changes: Any) -> dict[str, Any]:
    """The estimate as JSON."""
    config = run_files.write_config(run, **changes)
    out = run.parent / "estimate.json"
    assert main(["--run", str(run), "--config", str(config), "--json", str(out), *more]) == 0
    result: dict[str, Any] = json.loads(out.read_text())
    return result


def stage(estimate: dict[str, Any], name: str) -> dict[str, Any]:
    """A stage of it, the first of that name."""
    return next(entry for entry in estimate["stages"] if entry["stage"] == name)
