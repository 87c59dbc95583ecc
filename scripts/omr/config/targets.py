"""Can what a command line names be made? Config must have the shards, seeds, parts and rounds of its targets: a path's
wildcards are any digits, and Snakemake would make a shard that no stage reads, or fail inside a function of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from omr.config.recipes import Recipes
from omr.config.seeds import ends_of_rounds
from omr.config.settings import Settings
from omr.errors import UserError

_SHARD, _PART = re.compile(r"shard-\d+-of-\d+"), re.compile(r"part-\d+-of-\d+")
_SEED = re.compile(r"seed-(\d+(?:-to-\d+)?)")
_ROUND = re.compile(r"\brounds/(\d+)/(?P<folder>[a-z_]+)|/round-(\d+)/")


def check_folder(settings: Settings) -> None:
    """Raise UserError for a file in the place of the folder of a run, or of all runs."""
    for folder in (Path("results"), Path("results", settings.run)):
        if folder.exists() and not folder.is_dir():
            what = (
                f"this is a file, where the folder of {'all runs' if folder.name == 'results' else 'the run'} is to be"
            )
            raise UserError(what, file=folder, remedy="move the file elsewhere, or give the run another name (`run`)")


def check_targets(arguments: Sequence[str], settings: Settings, recipes: Recipes) -> None:
    """Raise UserError for the first target of a command line with a wildcard that is none of the config's."""
    if {"--cleanup-metadata", "--cm"} & set(arguments):  # about files of another config, too
        return
    for argument in arguments:
        parts = argument.removeprefix("./").split("/")
        if len(parts) > 3 and parts[:2] == ["results", settings.run]:
            fault = next(_faults(parts[2:], settings, recipes), None)
            if fault is not None:
                raise UserError(f"the target {argument} cannot be made: {fault}", remedy="name one of these")


def _faults(path: list[str], settings: Settings, recipes: Recipes) -> Iterator[str]:
    recipe, inside = path[0], "/".join(path[1:])
    if recipe not in recipes.names:
        stage = next((part for part in path if part in settings.asking_stages), None)
        if stage is not None:
            yield from _unknown(f"the stage {stage!r} has the shards", _SHARD.findall(inside), settings.shards(stage))
        return
    has = f"the recipe {recipe!r} has the"
    yield from _unknown(f"{has} shards", _SHARD.findall(inside), recipes.shards(recipe))
    if not recipes.is_selection(recipe):
        yield from _unknown(f"{has} seeds", _SEED.findall(inside), recipes.seeds(recipe))
        yield from _unknown_round(has, inside, len(ends_of_rounds(recipes[recipe])))
    if named := _PART.findall(inside):
        known = recipes.wrong_parts(recipe) if "generate_wrong_summaries/" in inside else recipes.parts(recipe)
        yield from _unknown(f"{has} parts", named, known)


def _unknown_round(has: str, path: str, rounds: int) -> Iterator[str]:
    """Each round has a plan; what the last one makes besides stands where recipes without rounds have it."""
    found = _ROUND.search(path)
    if found is not None and rounds > 1:
        known = [f"{number:02d}" for number in range(1, rounds + (found["folder"] == "plan"))]
        yield from _unknown(f"{has} rounds", [found[1] or found[3]], known)


def _unknown(has: str, named: Iterable[str], known: Sequence[str]) -> Iterator[str]:
    for name in named:
        if name not in known:
            yield f"{has} {_told(known)}"


def _told(known: Sequence[str]) -> str:
    if len(known) == 1:
        return f"{known[0]} alone"
    if any("-to-" in name for name in known):
        return f"{', '.join(known[:-1])} and {known[-1]}"
    return f"{known[0]} to {known[-1]}"
