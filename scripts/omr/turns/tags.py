"""Where a block of Python begins and ends in what a model writes: between tags, or in a Markdown fence.

A server is asked to stop behind a block, but may miss that or take the tag away, so the text itself is looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from omr.files.patterns import lazy

_FENCE = lazy(r"^([ \t]*)(`{3,})([^`\n]*)(?:\n|\Z)", re.MULTILINE)
#: What follows the ticks of a block of Python, with a version, and a file or options behind it (`python3.11`,
#: `python:run.py`).
_PYTHON = lazy(r"(?:i?python|py)[0-9.]{0,9}+(?![\w-])", re.IGNORECASE)
#: In Python's own grammar, by the quotes that are open: what opens a string or hides its quotes; what ends it. A
#: backslash takes the next character along; one quote ends with its line.
_TO_LOOK_FOR = {"": re.compile(r"'''|\"\"\"|'|\"|#[^\n]*")} | {
    quote: re.compile(rf"\\.|{quote}" + (r"|\n" if len(quote) == 1 else ""), re.DOTALL)
    for quote in ("'''", '"""', "'", '"')
}
OPEN_TAG, CLOSE_TAG = "<tool_call>", "</tool_call>"


class Block(NamedTuple):
    """Places of a block in a text: its opening tag, its code (None: it is still open), the end of its closing tag.

    `code` is what is to be run.
    """

    start: int
    code_from: int
    code_to: int | None
    end: int | None
    code: str

    @property
    def is_closed(self) -> bool:
        return self.end is not None


class Found(NamedTuple):
    """The first block of a text, or None; `open_other`: the text ends inside a fence of something else."""

    block: Block | None
    open_other: bool = False


@dataclass(frozen=True)
class Tags:
    """A way of writing blocks: what a server is to stop at, which closes a block that has been left open by that."""

    name: str
    stop: str

    def find(self, text: str) -> Found:
        """The first block of Python in a text, closed or open."""
        return _find_fenced(text) if self.name == "fences" else Found(_find_tagged(text))


_TAGS = {"tool_call": Tags("tool_call", CLOSE_TAG), "fences": Tags("fences", "```\n")}


def tags_named(name: str) -> Tags:
    """The tags `tool_call` or `fences`; calls of a tool are written between the former. Raises KeyError for others."""
    return _TAGS["tool_call" if name == "tools" else name]


def tagged(code: str) -> str:
    """Code as a block between tags."""
    return f"{OPEN_TAG}\n{code}\n{CLOSE_TAG}"


def _find_tagged(text: str) -> Block | None:
    start = text.find(OPEN_TAG)
    if start < 0:
        return None
    begin = start + len(OPEN_TAG)
    close = text.find(CLOSE_TAG, begin)
    return _block(text, start, begin, close, close + len(CLOSE_TAG)) if close >= 0 else _open_block(start, begin)


def _open_block(start: int, begin: int) -> Block:
    return Block(start, begin, None, None, "")


def _block(text: str, start: int, begin: int, close: int, end: int) -> Block:
    code = text[begin:close]
    code_from = begin + len(code) - len(code.lstrip("\r\n"))
    code_to = max(code_from, begin + len(code.rstrip("\r\n")))
    return Block(start, code_from, code_to, end, text[code_from:code_to])


def _find_fenced(text: str) -> Found:
    """As Markdown reads fences: only a line of as many ticks or more and nothing else closes one. Within a string of
    three quotes it does not, which Markdown cannot know."""
    ticks, opened, strings = 0, None, _Strings(text)
    for line in _FENCE.finditer(text):
        info = line[3].strip()
        if not ticks:
            ticks = len(line[2])
            opened = line if _is_python(info) else None
            strings.start(line.end())
        elif not info and len(line[2]) >= ticks and not (opened and strings.is_open_at(line.start())):
            if opened:
                return Found(_dedented(text, opened, line))
            ticks = 0
    if opened and ticks:
        return Found(_open_block(opened.start(), opened.end()))
    return Found(None, open_other=ticks > 0)


def _is_python(info: str) -> bool:
    return _PYTHON.match(info.lstrip("{. \t")) is not None


def _dedented(text: str, opening: re.Match[str], closing: re.Match[str]) -> Block:
    block = _block(text, opening.start(), opening.end(), closing.start(), closing.end())
    indent = opening[1]
    lines = block.code.split("\n")
    if indent:  # a fence in a list: its own indentation belongs to no line of code
        lines = [line[len(indent) :] if line.startswith(indent) else line.lstrip(" \t") for line in lines]
    return block._replace(code="\n".join(lines))


class _Strings:
    """Follows the strings of Python code, forward only, to tell whether a place lies in one of three quotes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place, self._quote = 0, ""

    def start(self, place: int) -> None:
        self._place, self._quote = place, ""

    def is_open_at(self, place: int) -> bool:
        while (found := _TO_LOOK_FOR[self._quote].search(self._text, self._place, place)) is not None:
            self._place = found.end()
            if not self._quote:
                self._quote = found[0] if found[0][0] != "#" else ""
            elif found[0] == self._quote or found[0] == "\n":
                self._quote = ""
        self._place = place
        return len(self._quote) == 3
