"""config/README.md names every key that the schema knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omr.config.files import read_yaml

ROOT = Path(__file__).parents[3]
SCHEMA = read_yaml(ROOT / "config/schema.yaml")


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema, what it refers to, and those of what lies in it without a name: entries of lists and of tables."""
    if not isinstance(schema, dict):
        return
    yield schema
    for name in ("then", "else", "items", "additionalProperties"):
        yield from parts(schema.get(name))
    for choice in schema.get("oneOf", []):
        yield from parts(choice)
    if "$ref" in schema:
        yield from parts(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])


def keys(schema: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every key."""
    for part in parts(schema):
        for name, below in part.get("properties", {}).items():
            yield (*above, name)
            yield from keys(below, (*above, name))


def named(section: str) -> set[str]:
    """The words that a section of the reference writes as code."""
    examples = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    codes = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", section, flags=re.DOTALL))
    return set(re.findall(r"\w+", " ".join(codes + examples)))


def test_every_key_is_named_in_a_section_that_names_the_key_at_the_top_which_it_belongs_to() -> None:
    sections = [named(text) for text in re.split(r"^## ", (ROOT / "config/README.md").read_text(), flags=re.MULTILINE)]
    known = list(dict.fromkeys(keys(SCHEMA)))
    assert ("decontaminate", "canaries", "seed") in known
    assert ("recipes", "summaries", "wrong_parts") in known
    assert [".".join(key) for key in known if not any({key[0], key[-1]} <= words for words in sections)] == []
