"""The config of a small run with a recipe that compares solutions of another one."""

from __future__ import annotations

from typing import Any

import run_files

HOME = "genselect-small"


def selection_config() -> dict[str, Any]:
    """Changes for `run_files.config`."""
    base = run_files.read_config([run_files.ROOT / "config/config.yaml"])["recipes"]["genselect-qwq"]
    candidates = base["candidates"] | {"from": [run_files.RECIPE]}
    own = base | {"model": "solver", "shards": 1, "candidates": candidates}
    return {"recipes": run_files.config()["recipes"] | {HOME: own}, "recipes_to_run": [run_files.RECIPE, HOME]}
