"""Config files and how they lie over each other: as Snakemake merges its `configfile:`s."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from omr.errors import UserError


def read_yaml(path: str | Path) -> Any:
    """A YAML file's content. Raises UserError with the line of a fault."""
    try:
        with open(path, encoding="utf-8") as handle:
            return yaml.safe_load(handle)
    except FileNotFoundError:
        raise UserError("there is no such file", file=path, remedy="check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        raise UserError(f"not valid YAML: {error}", file=path, line=line, remedy="mend the file") from error


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: mappings merge key by key, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def read_config(paths: Iterable[str | Path]) -> dict[str, Any]:
    """The config that several files make, later ones over earlier ones."""
    config: dict[str, Any] = {}
    for path in paths:
        content = read_yaml(path) or {}
        if not isinstance(content, dict):
            raise UserError("a config file must be a mapping", file=path, remedy="see config/README.md")
        config = merge(config, content)
    return config
