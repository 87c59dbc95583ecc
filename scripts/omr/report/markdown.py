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
from omr.report.tex_html import Formula, formula_html, split_formulas

#: Stand for the n-th formula of a text, in which they cannot occur themselves: what is there of them is taken out.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_NEVER = dict.fromkeys(map(ord, "\ue000\ue001\ue002"))
#: Beside a displayed formula, which has a line of its own: a break of the line there would make an empty one.
_DISPLAY = "\ue002"
_BREAKS = re.compile(rf"(?:<br />\n)?{_DISPLAY}(?:\s*<br />\n)?")
_LEFT_OUT = (
    "autolink", "code", "entity", "html_block", "html_inline", "image", "lheading", "link", "reference",
)  # fmt: skip
_MAX_NESTING = 12


def markdown_html(text: str) -> Markup:
    """A text with Markdown and formulas as HTML."""
    formulas: list[Formula] = []
    pieces: list[str] = []
    for piece in split_formulas(text.translate(_NEVER)):
        if isinstance(piece, str):
            pieces.append(piece)
        else:
            pieces.append(f"{_OPEN}{len(formulas)}{_CLOSE}")
            formulas.append(piece)
    markup = _reader().render("".join(pieces), {"formulas": formulas})
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
    def formula(found: re.Match[str]) -> str:
        one: Formula = env["formulas"][int(found[1])]
        drawn = formula_html(one.tex, one.display)
        return f"{_DISPLAY}{drawn}{_DISPLAY}" if one.display else drawn

    return _PLACE.sub(formula, escape(tokens[place].content))


def _source(tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
    return escape(_PLACE.sub(lambda found: env["formulas"][int(found[1])].source, tokens[place].content))
