"""Can what a command line names be made? Config must have the shards, seeds, parts and rounds of its targets: a path's
wildcards are any digits, and Snakemake would make a shard that no stage reads, or fail inside a function of ours. And
a rule must make it: of a target that none makes Snakemake does not say which one was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import product
from pathlib import Path
from typing import Any

from omr.config.recipes import Recipes
from omr.config.seeds import rounds_apart
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


def check_makeable(arguments: Sequence[str], rules: Iterable[Any], run: str, recipes: Sequence[str]) -> None:
    """Raise UserError for the first target of a command line that is no file, and that no rule is called or makes, if
    it is a path or nearly the name of a rule. `rules` are Snakemake's (`name`, `output`, `is_producer` are read)."""
    rules = list(rules)
    names = [rule.name for rule in rules]
    for argument in arguments:
        is_known = argument in names or argument.startswith("-") or Path(argument).exists()
        if is_known or any(rule.is_producer(argument.removeprefix("./")) for rule in rules):
            continue
        known = {
            path for rule in rules for output in rule.output for path in _paths(str(output), argument, run, recipes)
        }
        near = get_close_matches(argument, [*names, *sorted(known)], n=1, cutoff=0.75)
        # Values of options stand among the arguments, too; Snakemake takes a tenth of a second to say which these are.
        if (near or re.search(r"[/.]", argument)) and argument in _targets(arguments):
            raise UserError(
                f"no rule makes {argument}" + (f"; did you mean {near[0]}?" if near else ""),
                remedy="`snakemake --list` tells the names of rules, README.md the files of a run",
            )


def _targets(arguments: Sequence[str]) -> Sequence[str]:
    """The targets of a command line, as Snakemake reads it; none where it cannot be read alone."""
    from snakemake.cli import parse_args  # type: ignore[import-untyped]  # half a second, where it is not loaded

    with suppress(SystemExit):
        return list(parse_args(list(arguments))[1].targets)
    return []


def _paths(output: str, target: str, run: str, recipes: Sequence[str]) -> Iterator[str]:
    """The paths that an output of a rule stands for, with the shards, seeds and parts that a target names."""
    pattern = re.sub(r"\{(\w+)(?:,(?:[^{}]|\{[^{}]*\})*)?\}", r"{\1}", output)  # without constraints
    filled: dict[str, Sequence[str]] = {"run": [run], "recipe": recipes, **_named(target)}
    names = re.findall(r"\{(\w+)\}", pattern)
    for values in product(*(filled.get(name, ()) for name in names)):
        yield pattern.format(**dict(zip(names, values, strict=True)))


def _named(target: str) -> Mapping[str, Sequence[str]]:
    """The wildcards that are numbers, as a target has them."""
    found = re.compile(r"(shard|part)-(\d+)-of-(\d+)|(seed|round)-(\d+(?:-to-\d+)?)|rounds/(\d+)/").finditer(target)
    named = dict[str, Sequence[str]]()
    for match in found:
        kind, number, of, other, value, of_rounds = match.groups()
        named |= {kind: [number], f"{kind}s": [of]} if kind else {other or "round": [value or of_rounds]}
    return named


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
        yield from _unknown_round(has, inside, recipes[recipe])
    if named := _PART.findall(inside):
        known = recipes.wrong_parts(recipe) if "generate_wrong_summaries/" in inside else recipes.parts(recipe)
        yield from _unknown(f"{has} parts", named, known)


def _unknown_round(has: str, path: str, recipe: Mapping[str, Any]) -> Iterator[str]:
    """All that a round makes stands in its folder; who has enough after the last one is not asked."""
    found, rounds = _ROUND.search(path), rounds_apart(recipe)
    if found is not None and rounds:
        known = [f"{number:02d}" for number in range(1, rounds + (found["folder"] != "judged"))]
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
