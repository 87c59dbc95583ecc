"""Texts of models and people as HTML: Markdown as they write it, with formulas drawn, and nothing of theirs as markup.

Raw HTML, links and images stay text. Formulas are taken out before Markdown is read, since it would take `_` and `*` in
them for emphasis, and a line that begins with `-` for a list; in code they stay as written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from omr.report.emphasis import read_emphasis
from omr.report.tex_html import DISPLAY, as_written, put_back, take_out

#: A displayed formula has a line of its own: a break of the line beside it would make an empty one.
_BREAKS = re.compile(rf"(?:<br />\n)?{DISPLAY}(?:\s*<br />\n)?")
_LEFT_OUT = (
    "autolink", "code", "entity", "html_block", "html_inline", "image", "lheading", "link", "reference",
)  # fmt: skip
_MAX_NESTING = 12


def markdown_html(text: str) -> Markup:
    """A text with Markdown and formulas as HTML."""
    placed, formulas = take_out(text)
    markup = _reader().render(placed, {"formulas": formulas})
    return Markup(_BREAKS.sub("", markup))


@cache
def _reader() -> MarkdownIt:
    options = {"html": False, "breaks": True, "linkify": False, "maxNesting": _MAX_NESTING}
    reader = MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable(_LEFT_OUT)
    reader.inline.ruler.at("emphasis", read_emphasis)
    rules: dict[str, Callable[..., str]] = {
        "text": _text,
        "code_inline": lambda renderer, *found: f"<code>{_source(*found)}</code>",
        "fence": lambda renderer, *found: f"<pre class=code>{_source(*found)}</pre>",
        # Headings of a text are none of the page's.
        "heading_open": lambda *found: "<p class=heading>",
        "heading_close": lambda *found: "</p>\n",
    }
    for name, rule in rules.items():
        reader.add_render_rule(name, rule)
    return reader


def _text(renderer: Any, tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
    return put_back(str(escape(tokens[place].content)), env["formulas"])


def _source(tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
    return escape(as_written(tokens[place].content, env["formulas"]))
