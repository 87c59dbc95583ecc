"""Which asterisks and underscores of a text are emphasis: in texts about mathematics most asterisks multiply.

CommonMark takes any pair of them that stands close to words, also within one: `1*3 + 3*5` would lose both. Here a mark
begins emphasis only behind a blank or what may open, and ends it only before a blank or what may close; one that has
brackets to itself, `(*)`, is a label. What stays in doubt is shown as it was written.
"""

from __future__ import annotations

from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter

_MARKS = "*_"
#: Besides blanks and the beginning of a text; marks may open within each other.
_BEFORE = frozenset("([{<\"'\u201c\u2018\u00ab\u201e\u2013\u2014->~`" + _MARKS)
#: Besides blanks and the end of a text.
_BEHIND = frozenset(".,;:!?)]}>\"'\u201d\u2019\u00bb\u201c\u2026\u2013\u2014-<~`" + _MARKS)
#: A mark before one of these has nothing to begin with; behind one of those, nothing to end.
_CLOSING, _OPENING = frozenset(")]}"), frozenset("([{")
#: Letters of scripts that put no blanks between words; formulas that were taken out are none of them.
_FIRST_LETTER, _PLACES = "\u2e80", range(0xE000, 0xF900)


def read_emphasis(state: StateInline, silent: bool) -> bool:
    """A rule of markdown-it in place of its own (`emphasis`): marks are entered as delimiters, paired later."""
    mark = state.src[state.pos]
    if silent or mark not in _MARKS:
        return False
    scanned = state.scanDelims(state.pos, mark == "*")
    before = state.src[state.pos - 1] if state.pos > 0 else " "
    end = state.pos + scanned.length
    behind = state.src[end] if end < state.posMax else " "
    opens = scanned.can_open and _fits(before, _BEFORE) and behind not in _CLOSING
    closes = scanned.can_close and _fits(behind, _BEHIND) and before not in _OPENING
    for _ in range(scanned.length):
        token = state.push("text", "", 0)
        token.content = mark
        place = len(state.tokens) - 1
        state.delimiters.append(
            Delimiter(marker=ord(mark), length=scanned.length, token=place, end=-1, open=opens, close=closes)
        )
    state.pos = end
    return True


def _fits(neighbour: str, allowed: frozenset[str]) -> bool:
    is_letter = neighbour >= _FIRST_LETTER and ord(neighbour) not in _PLACES
    return neighbour.isspace() or neighbour in allowed or is_letter
