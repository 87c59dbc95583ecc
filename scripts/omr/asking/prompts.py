"""Prompt files: YAML with `user` and optionally `system` and `tool`; `{{ field }}` stands for a field of the row.

`examples` lists what the worked examples in the texts hold: parsers know by it a reply that only repeats one.

Not str.format, whose braces clash with LaTeX, and not a template language: a row's text is inserted as it is and never
scanned again, so that nothing in a forum post can act as a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from omr.config.files import fault_of_yaml, load_yaml
from omr.errors import UserError

#: What is replaced by a field of the row.
PLACEHOLDER = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}")


@dataclass(frozen=True)
class Prompt:
    """A prompt by its file's stem, with the texts of its messages."""

    name: str
    path: Path
    user: str
    system: str | None = None
    tool: str | None = None  # what the one tool does that runs code, for models that know tools by their calls
    examples: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """What the model is sent, before fields are inserted."""
        return tuple(text for text in (self.user, self.system, self.tool) if text is not None)

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of the row fields that the prompt inserts."""
        return frozenset(PLACEHOLDER.findall(self.user + (self.system or "")))

    def render(self, row: Mapping[str, Any]) -> list[dict[str, str]]:
        """Chat messages for a row: [{"role", "content"}, ...]. Raises UserError for a field the row lacks."""
        return [{"role": role, "content": self._filled(parts, row)} for role, parts in self._messages]

    @cached_property
    def _messages(self) -> list[tuple[str, list[str]]]:
        """By role, the parts of a message: texts, with the name of a field between each and the next."""
        given = (("system", self.system), ("user", self.user))
        return [(role, PLACEHOLDER.split(text)) for role, text in given if text is not None]

    def _filled(self, parts: list[str], row: Mapping[str, Any]) -> str:
        filled = parts.copy()
        filled[1::2] = [self._value(field, row) for field in parts[1::2]]
        return "".join(filled)

    def _value(self, field: str, row: Mapping[str, Any]) -> str:
        value = row.get(field)
        if value is None:
            raise UserError(
                f"the prompt uses the field {field!r}, which row {row.get('id')!r} "
                + ("has as null" if field in row else f"lacks (it has: {', '.join(row)})"),
                file=self.path,
                remedy="use only fields of the rows that the stage reads; config/README.md lists them",
            )
        return str(value)


def load_prompt(path: str | Path) -> Prompt:
    """Read a prompt file. Raises UserError for bad YAML, unknown keys or a missing `user` text."""
    path = Path(path)
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"the prompt cannot be read: {error.strerror}", file=path, remedy="check the path") from error
    except UnicodeDecodeError as error:
        what = f"not valid UTF-8, at byte {error.start}"
        raise UserError(what, file=path, remedy="save the file as UTF-8 text") from error
    except yaml.YAMLError as error:
        raise fault_of_yaml(error, path) from error
    if not isinstance(content, dict) or not isinstance(content.get("user"), str) or not content["user"].strip():
        raise UserError("a prompt needs a text under `user`", file=path, remedy="add `user: |` and the text")
    unknown = sorted(map(str, set(content) - {"user", "system", "tool", "examples"}))
    if unknown or not all(isinstance(content.get(key, ""), str) for key in ("system", "tool")):
        what = f"unknown keys {', '.join(unknown)}" if unknown else "`system` and `tool` must be texts"
        raise UserError(
            what, file=path, remedy="a prompt has `user` and optionally `system` and `tool`, all texts, and `examples`"
        )
    examples = _examples(content.get("examples", []), content["user"], path)
    return Prompt(path.stem, path, content["user"], content.get("system"), content.get("tool"), examples)


def _examples(listed: Any, user: str, path: Path) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(text, str) and text.strip() for text in listed):
        raise UserError("`examples` must be a list of texts", file=path, remedy="list what the examples in `user` hold")
    shown = " ".join(user.split())
    for text in listed:
        if " ".join(text.split()) not in shown:
            what = f"the example {text.strip()[:80]!r} does not stand in `user`"
            raise UserError(what, file=path, remedy="list the examples as they stand there: line breaks may differ")
    return tuple(listed)
