"""Texts of posts and models as markup: escaped, cut where long, formulas drawn as long as a page can afford it."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup

from omr.files.counted import counted
from omr.files.jsonl import Row
from omr.files.printable import printable
from omr.replies.steps import steps_of
from omr.report.tex_html import answer_html, text_html
from omr.report.words import reason_in_words

#: Characters of a text on a page of many, and on a page of its own.
CUT, LONG_CUT = 4_000, 20_000
#: Characters of a page in which formulas are drawn; the rest is shown as it is written.
_DRAWN = 60_000
_ANSWER = 300
#: Texts up to this length are kept as they were drawn.
_KEPT = 2_000


class Shown(NamedTuple):
    """A text as markup: `chars` it has, of which `left` are not shown."""

    html: Markup
    chars: int
    left: int


@dataclass
class Drawer:
    """Makes markup for one page, whose formulas it draws until the page has had enough."""

    left: int = _DRAWN

    def text(self, text: str, cut: int = CUT) -> Shown:
        """A text with its formulas drawn."""
        shown = text[:cut]
        return Shown(self._drawn(shown), len(text), len(text) - len(shown))

    def _drawn(self, text: str) -> Markup:
        clean = printable(text)
        self.left -= len(clean)
        if self.left < 0:
            return Markup(html.escape(clean))
        return _text_html(clean) if len(clean) <= _KEPT else text_html(clean)

    def answer(self, value: Any) -> Markup:
        """A final answer, short."""
        if not isinstance(value, str):
            return Markup('<span class="soft">none</span>')
        clean = printable(value[:_ANSWER])
        self.left -= len(clean)
        drawn = _answer_html(clean) if self.left >= 0 and len(value) <= _ANSWER else html.escape(clean)
        return Markup(drawn + ("…" if len(value) > _ANSWER else ""))

    def excerpt(self, value: Any, cut: int = 400) -> Markup:
        """The beginning of a text, in one paragraph."""
        if not isinstance(value, str):
            return Markup("")
        text = " ".join(value[: 2 * cut].split())
        return self._drawn(text[:cut]) + ("…" if len(text) > cut or len(value) > 2 * cut else "")

    def reply(self, row: Row, cut: int = CUT) -> Shown:
        """The text of a reply; blocks of code that it ran, and what they printed, set off."""
        text = row.get("text")
        text = text if isinstance(text, str) else ""
        try:
            steps = steps_of(row) if row.get("steps") else ()
        except (KeyError, TypeError, ValueError, IndexError):
            steps = ()
        if not steps:
            return self.text(text, cut)
        pieces, place = [], 0
        for step in steps:
            if step.block_from >= cut:
                break
            pieces.append(self._drawn(text[place : step.block_from]))
            pieces.append(_block("code", step.code(text)))
            pieces.append(_block(f"output {step.status}", step.output(text)))
            place = step.block_to
        end = max(place, min(cut, len(text)))
        pieces.append(self._drawn(text[place:end]))
        return Shown(Markup("").join(pieces), len(text), len(text) - end)


def _block(css: str, text: str) -> Markup:
    more = f"\n… {counted(len(text) - CUT, 'more character')}" if len(text) > CUT else ""
    return Markup('<pre class="{}">{}</pre>').format(css, printable(text[:CUT]) + more)


#: Statements and answers come again and again on the pages that someone goes through.
_text_html = lru_cache(2_000)(text_html)
_answer_html = lru_cache(4_000)(answer_html)


#: The stage that reads restated problems, and its reason whose words say so already.
_OF_RESTATED, _IN_OTHER_WORDS = "parse_proofs", {"still_a_proof": "still a proof"}


def why(reason: str, stage: str = "") -> str:
    """A drop reason (of a stage) beside a problem: what is wrong with a restatement is not with the problem."""
    if stage != _OF_RESTATED:
        return reason_in_words(reason, stage)
    return f"restated: {_IN_OTHER_WORDS.get(reason) or reason_in_words(reason, stage)}"


def plain(value: Any, cut: int = 200) -> str:
    """A value of a row in one line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    text = printable(str(value)[: cut + 1])
    return text[:cut] + "…" if len(text) > cut else text
