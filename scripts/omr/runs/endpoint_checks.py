"""Before a run asks anything: are the keys set, do the endpoints answer, and have they the models?

Each is found out again by the job that needs it, but that may be hours later.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.runs.planned import Asking, Planned

#: Rules whose name is not their stage's.
_STAGES = {"judge_answers_of_round": "judge_answers"}


def check_endpoints(planned: Planned, settings: Settings, recipes: Recipes, jobs_run_here: bool) -> None:
    """Ask each endpoint once for its model, whichever stages use it. Raises UserError for one that will not serve.

    That is only said, and stops nothing, where jobs may not need it (their replies may all be stored), or where the
    network decides and jobs run on other machines.
    """
    models: dict[str, ModelSpec] = {}
    needed = set[str]()
    for asking in planned.asking:
        spec = model_of(asking, settings, recipes)
        if spec is not None and not spec.is_started:
            models[spec.name] = spec
            if _must_ask(asking, planned):
                needed.add(spec.name)
    # Where rules have environments of their own, the one that runs Snakemake may lack what speaks HTTP.
    if models and all(map(find_spec, ("httptools", "pyreqwest"))):
        asyncio.run(_ask_all(models, needed, jobs_run_here))


def stage_of(asking: Asking) -> str:
    """The model stage that a rule is of."""
    return _STAGES.get(asking.rule, asking.rule)


def model_of(asking: Asking, settings: Settings, recipes: Recipes) -> ModelSpec | None:
    """The model that jobs ask; None for those that only write prompts into training rows."""
    stage = stage_of(asking)
    if asking.recipe is None:
        return settings.model(stage)
    return recipes.model(asking.recipe, stage) if stage in recipes.model_stages(asking.recipe) else None


def _must_ask(asking: Asking, planned: Planned) -> bool:
    """Whether a job of these has no reply stored yet."""
    inside = "/" if asking.recipe is None else f"/{asking.recipe}/"
    replies = (file for file in planned.files[asking.rule] if file.endswith(".jsonl") and inside in file)
    return any(not Path(f"{file}.journal").exists() for file in replies)


async def _ask_all(models: Mapping[str, ModelSpec], needed: set[str], jobs_run_here: bool) -> None:
    found = await asyncio.gather(*(_fault(spec) for spec in models.values()))
    for name, fault in zip(models, found, strict=True):
        if fault is None:
            continue
        error, is_of_network = fault
        if name in needed and (jobs_run_here or not is_of_network):
            raise error
        _say(f"warning: {error}")


async def _fault(spec: ModelSpec) -> tuple[UserError, bool] | None:
    """What is wrong with an endpoint, and whether only the network is; one that is busy is not waited for."""
    # Imported here: most commands ask nobody.
    from omr.servers.endpoint import check_endpoint
    from omr.servers.probing import UnreachableError

    try:
        await check_endpoint(replace(spec, max_outage_s=0.0), _say)
    except UserError as error:
        return error, isinstance(error.__cause__, UnreachableError)
    return None


def _say(line: str) -> None:
    print(line, file=sys.stderr)
