"""Checks the merged config against config/schema.yaml and says in one line per fault what to mend."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from omr.config.base_urls import faults_of_base_urls
from omr.config.bounds import faults_of_votes
from omr.config.files import read_yaml
from omr.config.words import lines_of
from omr.errors import UserError
from omr.models.request_fields import sampling_faults


def check_config(config: Mapping[str, Any], schema_path: str | Path) -> None:
    """Raise UserError that lists every fault of a config: unknown keys, missing ones, wrong types."""
    validator = _validator(schema_path)
    faults = {*_keys_that_are_no_text(config)}
    if not faults:
        found = [line for error in validator.iter_errors(config) for line in lines_of(error)]
        extending = _faults_of_extending(config)
        # What else is wrong with such a recipe follows from that.
        beside = tuple(f"recipes.{name}{end}" for name in extending for end in ".:")
        faults = {line for line in found if not line.startswith(beside)} | {*extending.values()}
        faults |= {*faults_of_base_urls(config), *_sampling_faults(config)}
    if not faults:
        faults = {*_unknown_recipes(config), *_vote_faults(config)}
    if faults:
        raise UserError(
            "the config has faults:\n" + "\n".join(f"  - {fault}" for fault in sorted(faults)),
            remedy="mend them in config/*.yaml or in your --configfile; config/README.md explains every key",
        )


def _keys_that_are_no_text(value: Any, place: str = "config") -> Iterable[str]:
    """YAML reads names such as `no`, `on`, `null` and `7` as something else than text."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                yield f"{place}: {key!r} is no text: write this key in quotes, or as another word"
            yield from _keys_that_are_no_text(inner, str(key) if place == "config" else f"{place}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _keys_that_are_no_text(inner, f"{place}.{number}")


def _faults_of_extending(config: Mapping[str, Any]) -> dict[str, str]:
    """By recipe: that there is none of the name that it extends, or that this one has keys that it cannot have."""
    given = config.get("recipes")
    recipes = given if isinstance(given, dict) else {}
    faults = {}
    for name, recipe in recipes.items():
        below = recipe.get("extends") if isinstance(recipe, dict) else None
        if not isinstance(below, str):
            continue
        if below not in recipes:
            faults[name] = _no_recipe(f"recipes.{name}.extends", below, recipes)
        elif isinstance(recipes[below], dict) and _compares(recipe) != _compares(recipes[below]):
            modes = f"{recipe.get('mode')}, but {below!r}, which it extends, is {recipes[below].get('mode')}"
            faults[name] = f"recipes.{name}.mode: is {modes}: these have other keys; extend one of its mode"
    return faults


def _compares(recipe: Mapping[str, Any]) -> bool:
    return recipe.get("mode") == "genselect"


def _no_recipe(key: str, name: str, recipes: Mapping[str, Any]) -> str:
    near = get_close_matches(name, recipes, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f" (there are: {', '.join(sorted(recipes)) or 'none'})"
    return f"{key}: there is no recipe {name!r}{hint}"


def _unknown_recipes(config: Mapping[str, Any]) -> Iterable[str]:
    """Of a config that the schema takes: every key that names a recipe which is not there."""
    recipes, products = config["recipes"], config["products"]
    named: list[tuple[str, Any]] = [
        ("recipes_to_run", config["recipes_to_run"]),
        ("difficulty.from", config["difficulty"]["from"]),
        ("products.rl.measure", products["rl"]["measure"]),
    ]
    for name, subset in products["subsets"].items():
        named += [(f"products.subsets.{name}.{key}", subset.get(key)) for key in ("recipes", "measure")]
    for name, recipe in recipes.items():
        seeds = recipe.get("seeds")
        named.append((f"recipes.{name}.seeds.measure", seeds.get("measure") if isinstance(seeds, dict) else None))
        named.append((f"recipes.{name}.candidates.from", recipe.get("candidates", {}).get("from")))
    for key, names in named:
        for name in [names] if isinstance(names, str) else names or ():
            if name not in recipes:
                yield _no_recipe(key, name, recipes)


def _vote_faults(config: Mapping[str, Any]) -> Iterable[str]:
    """Of a config that the schema takes."""
    for name, recipe in config["recipes"].items():
        if not _compares(recipe):
            yield from (f"recipes.{name}.{fault}" for fault in faults_of_votes(recipe))


def _sampling_faults(value: Any, place: str = "") -> Iterable[str]:
    """Of each `sampling`, wherever a stage has one."""
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        if key == "sampling" and isinstance(inner, Mapping):
            yield from (f"{place}sampling: {fault}" for fault in sampling_faults(inner))
        elif not (place == "" and key == "models"):  # what hosts are sent besides is theirs
            yield from _sampling_faults(inner, f"{place}{key}.")


def _is_number(checker: jsonschema.TypeChecker, value: Any) -> bool:
    """What YAML calls `.nan` is none: every bound that it is compared with would hold."""
    return bool(_TYPES.is_type(value, "number")) and not (isinstance(value, float) and math.isnan(value))


_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER
_Validator: type[jsonschema.Draft202012Validator] = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, type_checker=_TYPES.redefine("number", _is_number)
)


@cache
def _validator(schema_path: str | Path) -> jsonschema.Draft202012Validator:
    return _Validator(read_yaml(schema_path))


def read_numbers(config: dict[str, Any], schema_path: str | Path) -> None:
    """Let a text be the number (or null, true, false) that it spells where the schema takes no text.

    Snakemake reads what is nested in `--config raw_data='{limit: 5}'` as texts.
    """
    validator = _validator(schema_path)
    for error in list(validator.iter_errors(config)):
        for leaf in _leaves(error):
            if isinstance(leaf.instance, str) and leaf.absolute_path:
                _read_number(config, list(leaf.absolute_path), leaf, validator)


def _leaves(error: jsonschema.ValidationError) -> Iterable[jsonschema.ValidationError]:
    """An error and those behind it: alternatives of a schema are looked at one by one."""
    yield error
    for inner in error.context or ():
        yield from _leaves(inner)


def _read_number(
    config: dict[str, Any],
    place: list[Any],
    error: jsonschema.ValidationError,
    validator: jsonschema.protocols.Validator,
) -> None:
    try:
        value = yaml.safe_load(str(error.instance))
    except yaml.YAMLError:
        return
    # Of the wanted type is enough: what else is wrong with the number is told of a number.
    wanted = {"type": error.validator_value} if error.validator == "type" else error.schema
    if isinstance(value, str) or not validator.evolve(schema=wanted).is_valid(value):
        return
    holder: Any = config
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
