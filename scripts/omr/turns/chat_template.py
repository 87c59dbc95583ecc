"""A model's chat template, rendered here: the text that stands before what the model writes.

Solutions with code go on in the middle of a message, which no server's chat API does in the same way, so their prompts
are sent as text. A template comes with the model and is a program: it is run in jinja2's sandbox, with what
transformers gives it (`transformers.utils.chat_template_utils`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn

from omr.errors import UserError

_FILE, _TOKENIZER_CONFIG = "chat_template.jinja", "tokenizer_config.json"
_REMEDY = "name a file with one under `chat_template` of the model"


@dataclass(frozen=True)
class ChatTemplate:
    """A template's source, where it was found, and the texts of the tokenizer's special tokens by their names."""

    source: str
    path: Path
    tokens: Mapping[str, str] = field(default_factory=dict)
    adds_bos: bool = False  # whether the tokenizer puts its first token before a text by itself

    @property
    def identity(self) -> str:
        """A hash of what determines a rendered prompt beside its messages."""
        return blake2b(json.dumps([self.source, dict(self.tokens)]).encode(), digest_size=8).hexdigest()

    def render(self, messages: Sequence[Mapping[str, str]], *, keep_bos: bool) -> str:
        """The prompt up to where the model begins to write. Without `keep_bos` a first token that the tokenizer adds
        by itself is left out. Raises UserError if the template cannot be rendered."""
        from jinja2 import TemplateError  # as below: most jobs never need it

        given = {"messages": list(messages), "add_generation_prompt": True, "tools": None, "documents": None}
        try:
            text: str = _compiled(self.source).render(given | dict(self.tokens))
        except TemplateError as error:
            raise UserError(f"the chat template cannot be rendered: {error}", file=self.path, remedy=_REMEDY) from error
        bos = self.tokens.get("bos_token", "")
        return text if keep_bos or not self.adds_bos else text.removeprefix(bos)


@lru_cache(maxsize=1)
def _compiled(source: str) -> Any:
    from jinja2.exceptions import TemplateError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def raise_exception(message: str) -> NoReturn:
        raise TemplateError(message)

    def strftime_now(form: str) -> NoReturn:
        raise TemplateError("it states the date, so that every day would have prompts of its own")

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = _tojson
    environment.globals |= {"raise_exception": raise_exception, "strftime_now": strftime_now}
    return environment.from_string(source)


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def load_template(path: Path) -> ChatTemplate:
    """The template of a model's folder, of its `tokenizer_config.json`, or of a file of its own.

    Raises UserError if there is none.
    """
    folder = path if path.is_dir() else path.parent
    config = _tokenizer_config(path if path.name == _TOKENIZER_CONFIG else folder / _TOKENIZER_CONFIG)
    own = path if path.is_file() and path.name != _TOKENIZER_CONFIG else folder / _FILE
    source = own.read_text(encoding="utf-8") if own.is_file() else _default_of(config.get("chat_template"))
    if source is None:
        raise UserError("the model has no chat template, which solutions with code need", file=path, remedy=_REMEDY)
    names = ("bos_token", "eos_token", "pad_token", "unk_token")
    tokens = {name: _text_of(config[name]) for name in names if config.get(name) is not None}
    adds_bos = config.get("add_bos_token", "bos_token" in tokens)
    return ChatTemplate(source, own if own.is_file() else folder / _TOKENIZER_CONFIG, tokens, bool(adds_bos))


def _tokenizer_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        config = json.loads(path.read_bytes())
    except ValueError as error:
        raise UserError(f"not valid JSON: {error}", file=path, remedy=_REMEDY) from error
    return config if isinstance(config, dict) else {}


def _text_of(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token)


def _default_of(template: Any) -> str | None:
    """A template, or the one called `default` of a list of named ones."""
    if isinstance(template, list):
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    return template if isinstance(template, str) else None
