"""Before a run asks anything: do its prompts insert what their rows have?"""

from __future__ import annotations

from pathlib import Path

from omr.asking.prompt_fields import GIVEN_FIELDS, ROW_FIELDS, check_prompt, fields_of_rows
from omr.asking.prompts import load_prompt
from omr.config.kept import source_of
from omr.config.recipes import Recipes
from omr.errors import UserError
from omr.runs.planned import Planned


def check_prompts(planned: Planned, recipes: Recipes, starts_from_problems: bool = False) -> None:
    """Raise UserError for the first prompt of the planned jobs that is unreadable, uses none of its rows' fields or
    others, or has braces that insert nothing, or whose copy was edited."""
    check_copies(planned)
    known = ROW_FIELDS | GIVEN_FIELDS if starts_from_problems else ROW_FIELDS
    for asking, rows in planned.asking.items():
        # A prompt of training rows stands in place of the one that solutions were asked with.
        stage = asking.rule if asking.rule in ROW_FIELDS else "generate_solutions"
        fields = known[stage]
        runs_code = stage == "generate_solutions" and asking.recipe is not None and recipes.runs_code(asking.recipe)
        for prompt in asking.prompts:
            check_prompt(load_prompt(source_of(prompt)), fields | fields_of_rows(rows), runs_code)


def check_copies(planned: Planned) -> None:
    """Raise UserError for a copy that jobs would read though it is not what its prompt says, and is not made again."""
    made = frozenset(planned.files.get("keep_prompt", ()))
    for prompt in sorted({prompt for asking in planned.asking for prompt in asking.prompts} - made):
        copy, source = Path(prompt), source_of(prompt)
        if copy != source and copy.exists() and source.exists() and copy.read_bytes() != source.read_bytes():
            raise UserError(
                f"this copy of {source} was edited, and the next copy would undo that",
                file=copy,
                remedy=f"edit {source} instead, and delete the copy: it is made again",
            )
