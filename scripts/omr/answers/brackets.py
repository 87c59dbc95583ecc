r"""Open ends of intervals as some countries write them: `]1;2[` and `[1;2[` become `(1;2)` and `[1;2)`."""

from __future__ import annotations

from collections.abc import Sequence

from omr.answers.tokens import Token

_OPENING, _CLOSING = ("(", "{", "\\{"), (")", "}", "\\}")
#: Longer intervals are not looked for, so that the search stays linear.
_MAX_TOKENS = 300
_BEFORE = ("=", ",", ";", "(", "{", "\\{")


def with_round_ends(tokens: Sequence[Token]) -> list[Token]:
    """`tokens` with square brackets that are turned outwards replaced by round ones."""
    turned = list(tokens)
    place = 0
    while place < len(turned):
        end = _end_of_interval(turned, place)
        if end is None:
            place += 1
            continue
        if turned[place].text == "]":
            turned[place] = turned[place]._replace(text="(")
        if turned[end].text == "[":
            turned[end] = turned[end]._replace(text=")")
        place = end + 1
    return turned


def _end_of_interval(tokens: Sequence[Token], start: int) -> int | None:
    """Where an interval with square brackets ends; None if none starts here. One separator parts its ends."""
    if not tokens[start].is_mark("[", "]"):
        return None
    before = tokens[start - 1] if start else None
    if before is not None and not (before.is_mark(*_BEFORE) or before.is_command("\\in", "\\cup", "\\setminus")):
        return None
    depth = separators = 0
    for place in range(start + 1, min(start + _MAX_TOKENS, len(tokens))):
        token = tokens[place]
        if token.is_mark("[", "]") and not depth:
            return place if separators == 1 and not tokens[place - 1].is_mark(",", ";") else None
        depth += token.is_mark(*_OPENING) - token.is_mark(*_CLOSING)
        if depth < 0:
            return None
        separators += token.is_mark(",", ";") and not depth
    return None
