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

from omr.config.files import read_yaml
from omr.errors import UserError


def check_config(config: Mapping[str, Any], schema_path: str | Path) -> None:
    """Raise UserError that lists every fault of a config: unknown keys, missing ones, wrong types."""
    validator = _validator(schema_path)
    faults = sorted({*_keys_that_are_no_text(config)})
    if not faults:
        found = (line for error in validator.iter_errors(config) for line in _lines(error))
        faults = sorted({*_unknown_extended(config), *found})
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


def _lines(error: jsonschema.ValidationError) -> Iterable[str]:
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    place = ".".join(map(str, error.absolute_path)) or "config"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = schema.get("properties", {})
        for key in set(error.instance) - set(known):
            near = get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f" (known: {', '.join(sorted(known))})"
            yield f"{place}: unknown key {key!r}{hint}"
    elif error.validator == "required" and isinstance(error.instance, dict):
        for key in set(schema["required"]) - set(error.instance):
            yield f"{place}: the key {key!r} is missing"
    elif error.validator in ("oneOf", "anyOf") and error.context:
        yield from _lines_of_alternatives(error, place)
    elif error.validator == "pattern" and schema.get("description"):
        yield f"{place}: {error.instance!r} must be {schema['description']}"
    else:
        yield f"{place}: {_shortened(error.message)}"


def _lines_of_alternatives(error: jsonschema.ValidationError, place: str) -> Iterable[str]:
    """What is wrong with a value by the one alternative that takes values of its type; else which types there are."""
    alternatives: dict[Any, list[jsonschema.ValidationError]] = {}
    for inner in error.context or ():
        alternatives.setdefault(inner.relative_schema_path[0], []).append(inner)
    types = {number: _wrong_type(faults) for number, faults in alternatives.items()}
    fitting = [faults for number, faults in alternatives.items() if not types[number]]
    if len(fitting) == 1:
        for inner in fitting[0]:
            yield from _lines(inner)
    elif not fitting:
        wanted = ", ".join(repr(name) for names in types.values() for name in names)
        yield f"{place}: {_shortened(repr(error.instance))} is not of type {wanted}"
    else:
        yield f"{place}: {_shortened(error.message)}"


def _wrong_type(faults: Iterable[jsonschema.ValidationError]) -> tuple[str, ...]:
    """The types that an alternative wants, if the value as a whole has none of them."""
    for fault in faults:
        if fault.validator == "type" and not fault.relative_path:
            wanted: Any = fault.validator_value
            return (wanted,) if isinstance(wanted, str) else tuple(wanted)
    return ()


def _shortened(message: str, most: int = 200) -> str:
    return message if len(message) <= most else message[:most] + " ..."
