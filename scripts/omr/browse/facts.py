"""Values of rows in words, for readers who do not know the fields."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from omr.browse.shown import Drawer, plain, why
from omr.files.printable import printable
from omr.report.words import NETS, VALUES

#: What names and places of rows are for commands only.
_HIDDEN = frozenset(
    {"id", "key", "prompt_hash", "reply_key", "thread_id", "problem_id", "messages", "latency_s", "direction"}
)
#: Places in texts, or in other values.
_PLACES = frozenset({"code", "steps", "blocks", "pairs", "different"})
#: Texts that are read, however short.
OPEN = frozenset({"problem", "forum_post", "original_problem", "first", "second", "fragment", "summary"})
_SHORT = 160
#: Deeper values stay JSON.
_DEEPEST = 2
#: Where the expected answer of a row comes from.
SOURCES = {"extracted": "from the discussion", "majority": "by the vote"}


def is_told(name: str, value: Any) -> bool:
    """Whether readers can use a value."""
    return value is not None and name not in _HIDDEN and not (name in _PLACES and isinstance(value, dict | list))


def fact(drawer: Drawer, name: str, value: Any) -> Markup | None:
    """A value in a line, answers drawn; None for one that is a text."""
    if name.endswith("answer") and isinstance(value, str):
        return drawer.answer(value)
    if name == "classes" and isinstance(value, list):
        return Markup(", ").join(_counted(drawer, one) for one in value[:_SHORT])
    text = text_of(name, value)
    if len(text) > _SHORT or "\n" in text or name in OPEN:
        return None
    return Markup.escape(printable(text))


def text_of(name: str, value: Any) -> str:
    """A value in words."""
    if isinstance(value, dict | list):
        return _inside(name, value, 1)
    text = value if isinstance(value, str) else plain(value)
    if name == "answer_source":
        return SOURCES.get(text, text)
    if name.endswith("_by") or name == "problem_type":
        return VALUES.get(text, text)
    return why(text) if name.endswith(("_reason", "_fault")) else text


def _inside(name: str, value: Any, depth: int) -> str:
    """A value within another, or one that holds others."""
    if not isinstance(value, dict | list):
        return text_of(name, value)
    if depth > _DEEPEST:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return ("\n" if _holds_others(value) else ", ").join(_inside(name, one, depth + 1) for one in value) or "none"
    names = NETS if name == "nets" else {}
    told = (
        f"{names.get(inner) or inner.replace('_', ' ')}{':' * isinstance(one, dict)} {_inside(inner, one, depth + 1)}"
        for inner, one in value.items()
        if is_told(inner, one)
    )
    return ("; " if _holds_others(value.values()) else ", ").join(told) or "none"


def _holds_others(values: Iterable[Any]) -> bool:
    return any(isinstance(one, dict | list) for one in values)


def _counted(drawer: Drawer, one: Any) -> Markup:
    """An answer of a vote with its number of solutions."""
    answer, n = one if isinstance(one, list) and len(one) == 2 else (one, "?")
    return Markup('{} <span class="soft">of {}</span>').format(drawer.answer(answer), plain(n, 20))
