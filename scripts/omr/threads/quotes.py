"""Quoted text in posts: where it begins and ends, in the markup of forums and in what exports make of it.

Tags. `[quote]`, `[quote=name]`, `[quote:uid="name"]`, `[quote name=x, post:4]`, closed by `[/quote]`, `[/quote:uid]` or
`[\\quote]`; `<blockquote ...>`, closed by `</blockquote>`; in any case, and with brackets written as HTML entities. An
attribute ends at the bracket that belongs to the tag: brackets inside it come in pairs (`[quote=[TEAM]bob]`) or stand
between double quotes, where lines may end as well. Where they do not, it ends at the first bracket of its line; a name
may run on into a second line.

Pairs. A closing tag belongs to the nearest opening one of its kind before it that is not closed yet, so quotes nest. A
tag without a partner is removed, but nothing else: the text behind an opening tag that is never closed may be the
answer itself, and so may the text before a stray closing one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from omr.files.patterns import lazy

#: Brackets of a tag, also as the entities that exports of forums make of them.
_OPEN = r"(?:\[|&\#0{0,4}91;|&\#[xX]0{0,4}5[bB];|&lbrack;|&lsqb;)"
_CLOSE = r"(?:\]|&\#0{0,4}93;|&\#[xX]0{0,4}5[dD];|&rbrack;|&rsqb;)"
_LESS = r"(?:<|&lt;|&\#0{0,4}60;|&\#[xX]0{0,4}3[cC];)"
_GREATER = r"(?:>|&gt;|&\#0{0,4}62;|&\#[xX]0{0,4}3[eE];)"
_MARK = r"(?:\"|&quot;|&\#0{0,4}34;)"
_TAG = lazy(
    rf"""{_OPEN} (?P<closing> [/\\] )? [qQ][uU][oO][tT][eE]
         (?: (?P<attribute> [ \t=:,] ) | {_CLOSE} )
       | (?P<html> {_LESS} ) (?P<closing_html> / )? [bB][lL][oO][cC][kK][qQ][uU][oO][tT][eE]
         (?: [ \t\n/] (?: [^<>&] | &(?!gt;|lt;) ){{0,300}}+ )? {_GREATER}""",
    re.VERBOSE,
)
_BRACKET = lazy(
    rf"(?P<open>{_OPEN}) | (?P<close>{_CLOSE}) | (?P<mark>(?:(?<==)|(?<==[ ])){_MARK}) | (?P<line>\n)", re.VERBOSE
)
_CLOSE_BRACKET = lazy(_CLOSE)
_CLOSING_MARK = lazy(rf"{_MARK} (?=[\s,;]|{_CLOSE})", re.VERBOSE)
#: Without pairs: to the first bracket of the line, or of the next where nothing but a name stands before it.
_FIRST_BRACKET = lazy(rf"[^\n\]&]{{0,200}}+ (?:&(?!\#|[lr]) [^\n\]&]{{0,200}}+){{0,5}}+ {_CLOSE}", re.VERBOSE)
_TWO_LINES = lazy(rf"=[^\[\]\n&]{{1,60}}+ \n [^\[\]\n&]{{0,60}}+ {_CLOSE}", re.VERBOSE)
#: An attribute of more characters is none: this bounds what a text of half-open tags can cost.
_MOST_CHARACTERS = 300


class _Tag(NamedTuple):
    start: int
    end: int
    html: bool
    closing: bool


def quoted_spans(text: str) -> list[tuple[int, int]]:
    """The parts of a text to remove, in order, without overlap: whole quotes, and tags without a partner.

    Takes time linear in the length of the text.
    """
    spans: list[tuple[int, int]] = []
    opened: list[_Tag] = []
    waiting = {False: 0, True: 0}  # how many of `opened` are of each kind
    for tag in _tags(text):
        if not tag.closing:
            opened.append(tag)
            waiting[tag.html] += 1
        elif waiting[tag.html]:
            partner = None
            while partner is None or partner.html != tag.html:
                partner = opened.pop()
                waiting[partner.html] -= 1
            while spans and spans[-1][0] > partner.start:
                spans.pop()
            spans.append((partner.start, tag.end))
        else:
            spans.append((tag.start, tag.end))
    return sorted(spans + [(tag.start, tag.end) for tag in opened]) if opened else spans


def _tags(text: str) -> list[_Tag]:
    """The tags of a text in order; what only looks like one (`[quotes]`, a tag that never ends) is text."""
    tags: list[_Tag] = []
    place, next_close = 0, -1
    while (match := _TAG.search(text, place)) is not None:
        end: int | None = match.end()
        place = match.end()
        if match["attribute"] is not None:
            # Where no bracket closes anything soon, nothing is looked at twice.
            if next_close < place:
                found = _CLOSE_BRACKET.search(text, place)
                next_close = len(text) + _MOST_CHARACTERS if found is None else found.start()
            start = match.start("attribute")
            end = _end_of_attribute(text, start) if next_close < start + _MOST_CHARACTERS else None
        if end is not None:
            closing = match["closing"] is not None or match["closing_html"] is not None
            tags.append(_Tag(match.start(), end, match["html"] is not None, closing))
            place = end
    return tags


def _end_of_attribute(text: str, start: int) -> int | None:
    """Where the tag ends whose attribute begins at `start`; None if it does not end."""
    paired = _paired_end(text, start)
    if paired is not None:
        return paired
    loose = _FIRST_BRACKET.match(text, start) or _TWO_LINES.match(text, start)
    return None if loose is None else loose.end()


def _paired_end(text: str, start: int) -> int | None:
    """The end of the bracket that closes the tag, if those inside it come in pairs or in double quotes."""
    depth, place, limit = 0, start, start + _MOST_CHARACTERS
    while (found := _BRACKET.search(text, place, limit)) is not None:
        place = found.end()
        if found["mark"]:
            closing = _CLOSING_MARK.search(text, place, limit)
            place = place if closing is None else closing.end()
        elif found["open"]:
            depth += 1
        elif found["line"]:
            return None
        elif depth:
            depth -= 1
        else:
            return place
    return None
