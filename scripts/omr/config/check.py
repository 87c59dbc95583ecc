"""Checks the merged config against config/schema.yaml and says in one line per fault what to mend."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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
    faults = sorted({*_keys_that_are_no_text(config)})
    if not faults:
        found = (line for error in validator.iter_errors(config) for line in lines_of(error))
        faults = sorted({*_unknown_extended(config), *faults_of_base_urls(config), *_sampling_faults(config), *found})
    if not faults:
        solving = {name: recipe for name, recipe in config["recipes"].items() if recipe["mode"] != "genselect"}
        faults = sorted(f"recipes.{name}.{said}" for name in solving for said in faults_of_votes(solving[name]))
    if faults:
        raise UserError(
            "the config has faults:\n" + "\n".join(f"  - {fault}" for fault in faults),
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


def _unknown_extended(config: Mapping[str, Any]) -> Iterable[str]:
    given = config.get("recipes")
    recipes = given if isinstance(given, dict) else {}
    for name, recipe in recipes.items():
        below = recipe.get("extends") if isinstance(recipe, dict) else None
        if isinstance(below, str) and below not in recipes:
            yield f"recipes.{name}.extends: there is no recipe {below!r} (there are: {', '.join(sorted(recipes))})"


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
