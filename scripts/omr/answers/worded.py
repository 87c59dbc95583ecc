"""Whether an answer in words says the same as another one."""

from __future__ import annotations

from omr.answers.algebra import compare_expressions
from omr.answers.forms import Fence, Form, Value, Words, is_set
from omr.answers.verdict import Verdict

_ARTICLES = ("the ",)
_NOTHING = "no solution"
#: Ways to say in words that the set of solutions is empty.
_SAYS_NOTHING = frozenset(
    {"no solution", "no solutions", "empty set", "there is no solution", "there are no solutions"}
)


def compare_words(one: Words, other: Form) -> Verdict:
    """Whether words say the same as another answer. Symmetric where both are words."""
    if isinstance(other, Words):
        if _folded(one.text) == _folded(other.text):
            return Verdict.EQUAL
        short = max(len(one.text), len(other.text)) == 2 and one.text.islower() and other.text.islower()
        # `ab` and `ba` are a product; `BAC` and `CAB` may be an order of things, `AM` a time of day.
        if short and one.tree is not None and other.tree is not None:
            return compare_expressions(one.tree, other.tree)
        return Verdict.UNKNOWN
    if isinstance(other, Fence) and is_set(other) and not other.items:
        return Verdict.EQUAL if _folded(one.text) == _NOTHING else Verdict.UNKNOWN
    if isinstance(other, Value) and one.tree is not None and other.unit is None and not one.text.isupper():
        return compare_expressions(one.tree, other.tree)
    return Verdict.UNKNOWN


def _folded(text: str) -> str:
    """Words without regard to case and articles; names of a few capitals (`US`, `ABC`) stay as they are."""
    if len(text) <= 4 and text.isupper():
        return text
    folded = text.casefold()
    folded = next((folded[len(article) :] for article in _ARTICLES if folded.startswith(article)), folded)
    return _NOTHING if folded in _SAYS_NOTHING else folded
