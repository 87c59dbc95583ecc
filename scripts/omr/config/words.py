"""A fault that the schema finds, in a sentence with YAML's words; what may be a secret is never in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

import jsonschema

#: What JSON Schema calls a type -> what people call it.
_TYPES = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "a mapping (keys with values)",
}


def lines_of(error: jsonschema.ValidationError) -> Iterable[str]:
    """A sentence for each fault of an error, with the key that has it."""
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
    elif is_secret(place):
        yield f"{place}: what stands there (it is not shown) must be {schema.get('description', 'a text')}"
    elif error.validator in ("oneOf", "anyOf") and error.context:
        yield from _lines_of_alternatives(error, place)
    elif error.validator == "type":
        yield f"{place}: {_of_type(error.instance, _names(error.validator_value))}"
    elif error.validator in ("enum", "const"):
        allowed: Any = error.validator_value if error.validator == "enum" else [error.validator_value]
        yield f"{place}: must be one of {', '.join(map(_spelled, allowed))}, not {_shown(error.instance)}"
    elif error.validator == "pattern" and schema.get("description"):
        yield f"{place}: {error.instance!r} must be {schema['description']}"
    elif error.validator == "minLength":
        yield f"{place}: must not be empty"
    else:
        yield f"{place}: {_shortened(error.message)}"


def is_secret(place: str) -> bool:
    """Whether a key is for the name of a variable with a key, so that people write the key itself there."""
    return place.endswith("_env")


def _lines_of_alternatives(error: jsonschema.ValidationError, place: str) -> Iterable[str]:
    """What is wrong with a value by the one alternative that takes values of its type; else which types there are."""
    alternatives: dict[Any, list[jsonschema.ValidationError]] = {}
    for inner in error.context or ():
        alternatives.setdefault(inner.relative_schema_path[0], []).append(inner)
    types = {number: _wrong_type(faults) for number, faults in alternatives.items()}
    fitting = [faults for number, faults in alternatives.items() if not types[number]]
    if len(fitting) == 1:
        for inner in fitting[0]:
            yield from lines_of(inner)
    elif not fitting:
        yield f"{place}: {_of_type(error.instance, [name for names in types.values() for name in names])}"
    else:
        yield f"{place}: {_shortened(error.message)}"


def _wrong_type(faults: Iterable[jsonschema.ValidationError]) -> list[str]:
    """The types that an alternative wants, if the value as a whole has none of them."""
    for fault in faults:
        if fault.validator == "type" and not fault.relative_path:
            return _names(fault.validator_value)
    return []


def _names(wanted: Any) -> list[str]:
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _of_type(value: Any, wanted: list[str]) -> str:
    """That a value has none of the types that are wanted, and how it is written as one of them, where that is known."""
    said = f"must be {' or '.join(_TYPES[name] for name in wanted)}, not {_shown(value)}"
    if value is None:
        return f"{said} (a key without a value is null)"
    if "string" in wanted and isinstance(value, bool | int | float | date):
        return f"{said}: put it in quotes"
    if {"integer", "number"} & set(wanted) and isinstance(value, str):
        number = _number(value)
        return said if number is None else f"{said}: write {number}"
    if "array" in wanted and isinstance(value, str | int | float):
        return f"{said}: write [{_spelled(value)}]"
    return said


def _number(text: str) -> str | None:
    """A number that YAML took for a text, such as 1e4 or one in quotes, as YAML reads it."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return str(int(number)) if number.is_integer() else str(number)


def _shown(value: Any) -> str:
    """A value in a sentence; of lists and mappings, which may hold anything, only that they are some."""
    if isinstance(value, str):
        return _shortened(repr(value))
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else _shortened(_spelled(value))


def _spelled(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value.isoformat()} (a date)" if isinstance(value, date) else str(value)


def _shortened(message: str, most: int = 200) -> str:
    return message if len(message) <= most else message[:most] + " ..."
