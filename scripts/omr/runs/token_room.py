"""Before a run asks anything: do the replies that its stages may write fit into their models' context?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.runs.endpoint_checks import model_of, stage_of
from omr.runs.planned import Planned


class _Named(NamedTuple):
    """What a knob of a recipe is asked with."""

    recipe: str


def crowded(planned: Planned, settings: Settings, recipes: Recipes) -> Iterator[str]:
    """A sentence for each stage whose `max_tokens` its model cannot hold together with any prompt: it is lowered."""
    for asking in sorted(planned.asking, key=lambda asking: (asking.recipe or "", asking.rule)):
        spec, stage = model_of(asking, settings, recipes), stage_of(asking)
        if spec is None or spec.max_model_len is None:
            continue
        if asking.recipe is None:
            wanted = settings.stage(stage)["max_tokens"]
        else:
            wanted = recipes.asked(stage)["max_tokens"](_Named(asking.recipe))
        if wanted >= spec.max_model_len:
            name = stage if asking.recipe is None else f"{stage} of {asking.recipe}"
            yield (
                f"warning: {name} may write {wanted:,} tokens, but {spec.name} holds {spec.max_model_len:,} with the "
                "prompt (`max_model_len`): replies get what their prompts leave"
            )
