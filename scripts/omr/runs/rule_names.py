"""Profiles name rules: a misspelt name there would change nothing, and its jobs would go to the wrong place."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from omr.errors import UserError

_RULE = re.compile(r"^[ \t]*(?:rule|checkpoint) (\w+):|^[ \t]*use rule .* as (\w+) with:", re.MULTILINE)


def rules_of(folder: Path) -> set[str]:
    """The names of all rules in a project, whether this run's config includes their files or not."""
    files = [folder / "Snakefile", *sorted((folder / "rules").glob("*.smk"))]
    found = (match for file in files for match in _RULE.finditer(file.read_text(encoding="utf-8")))
    return {match[1] or match[2] for match in found}


def check_rule_names(folder: Path, **named: Collection[str]) -> None:
    """Raise UserError for names that no rule has; `named`: option of a profile (`set_threads`, ...) -> rules."""
    if not any(named.values()):
        return
    known = rules_of(folder)
    faults = []
    for option, rules in named.items():
        for rule in sorted(set(rules) - known):
            near = get_close_matches(rule, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            faults.append(f"{option.replace('_', '-')}: there is no rule {rule!r}{hint}")
    if faults:
        raise UserError(
            "a profile or the command line names rules that do not exist:\n"
            + "\n".join(f"  - {one}" for one in faults),
            remedy="mend the names; `snakemake --list-rules` has all",
        )
