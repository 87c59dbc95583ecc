r"""An answer's tokens -> its form: value with unit, tuple, set, interval, list, named value, relation, words.

Reading never fails: what has no form we know is `Opaque`, and equal only to itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from omr.answers.brackets import with_round_ends
from omr.answers.clock import read_clock
from omr.answers.evaluation import is_constant
from omr.answers.expressions import parse_expression
from omr.answers.forms import (
    REAL_LINE,
    Approximate,
    Braced,
    Choice,
    Fence,
    Form,
    Named,
    Opaque,
    Parts,
    Ratio,
    Relation,
    Several,
    Union,
    Value,
    Without,
    Words,
    is_set,
)
from omr.answers.measures import compare_values
from omr.answers.naming import is_name, is_variable
from omr.answers.parts import split_parts
from omr.answers.quantities import read_value
from omr.answers.separators import is_filled, is_flat, is_separator
from omr.answers.spelling import spell, tokenise
from omr.answers.tokens import Kind, Token
from omr.answers.trees import Expression, RefusalError, Symbol
from omr.answers.verdict import Verdict
from omr.answers.vocabulary import FUNCTIONS
from omr.files.patterns import lazy

_OPENING = {"(": (")", "]"), "[": (")", "]"), "\\{": ("\\}",), "{": ("}",)}
_CLOSING = frozenset({")", "]", "\\}", "}"})
_SIGNS = frozenset({"=", "<", ">", "\\leq", "\\geq", "\\neq", "\\approx", "\\in"})
_OTHER_RELATIONS = frozenset(
    str.split(
        "\\notin \\equiv \\sim \\cong \\subset \\subseteq \\supset \\to \\mapsto \\implies \\iff \\Rightarrow \\cap"
        " \\pmod \\parallel \\perp \\propto \\Leftrightarrow \\forall \\exists"
    )
)
_MAX_NESTING = 6
_REPEATING = lazy(r"(\d{0,40})\.(\d{0,40})\\overline\s{0,9}\{(\d{1,40})\}")

Tokens = Sequence[Token]


@lru_cache(maxsize=2048)
def read_answer(answer: str) -> Form:
    """The form of an answer of at most `MAX_ANSWER_CHARS` characters."""
    tokens = tokenise(_REPEATING.sub(_repeating_decimal, answer))
    if len(tokens) == 1 and tokens[0].kind is Kind.NUMBER:
        return read_value(tokens)  # as below, where it takes three times as long: most answers are numerals
    if any(token.kind is Kind.COMMAND and token.text in _OTHER_RELATIONS for token in tokens):
        return Opaque(spell(list(tokens)))
    form = _parts(tokens) or _choice(tokens) or _read(with_round_ends(tokens), 0)
    signs = sum(token.is_command("\\pm", "\\mp") for token in tokens)
    if signs > 1 and not _turns_alone(form):
        return Opaque(spell(list(tokens)))  # do its signs turn together?
    return form


def _turns_alone(form: Form) -> bool:
    if isinstance(form, Named):
        form = form.value
    items = form.items if isinstance(form, Several | Braced) or is_set(form) else None
    return items is not None and all(isinstance(item, Value) for item in items)


def _parts(tokens: Tokens) -> Parts | None:
    parts = split_parts(tokens)
    if parts is None:
        return None
    return Parts(tuple(label for label, _ in parts), tuple(_read(with_round_ends(answer), 0) for _, answer in parts))


def _repeating_decimal(found: re.Match[str]) -> str:
    whole, fixed, cycle = found[1] or "0", found[2], found[3]
    above = int(whole + fixed + cycle) - int(whole + fixed)
    return f"\\frac{{{above}}}{{{10 ** len(fixed) * (10 ** len(cycle) - 1)}}}"


def _choice(tokens: Tokens) -> Choice | None:
    """`(B) 12`, `B. 12`: a capital letter that brackets or a dot set apart from what follows."""
    spelled = [token.text for token in tokens[:4]]
    width = 3 if spelled[:1] == ["("] and spelled[2:3] == [")"] else 2
    letter = spelled[1:2] if width == 3 else spelled[:1]
    if len(tokens) <= width or len(letter[0]) != 1 or not "A" <= letter[0] <= "J":
        return None
    rest = tokens[width:]
    if width == 2 and not (tokens[1].is_mark(")", ".", ":") and rest[0].spaced):
        return None
    if not rest[0].spaced and rest[0].kind is Kind.MARK:
        return None
    if is_separator(rest[0], []) or any(map(_is_option, rest, rest[1:], rest[2:])) or _letter_alone(rest):
        return None  # several options
    return Choice(letter[0], _read(rest, 0))


def _is_option(before: Token, token: Token, after: Token) -> bool:
    return before.is_mark("(") and _letter_alone([token]) and after.is_mark(")")


def _letter_alone(tokens: Tokens) -> bool:
    return len(tokens) == 1 and len(tokens[0].text) == 1 and "A" <= tokens[0].text <= "J"


# Lists


def _read(tokens: Tokens, nesting: int) -> Form:
    """A list of items, or the one item there is."""
    separators: list[str] = []
    parts = _split(tokens, lambda token: is_separator(token, separators))
    if parts is None or nesting > _MAX_NESTING or not is_filled(parts, separators):
        return Opaque(spell(list(tokens)))
    items = [_item(part, nesting) for part in parts if part]
    if not items or (len(items) > 1 and not is_flat(items, set(separators))):
        return Opaque(spell(list(tokens)))
    if len(items) == 1:
        return items[0]
    return _named_list(_spliced(items, unordered="or" in separators))


def _split(tokens: Tokens, parts_at: Callable[[Token], bool]) -> list[Tokens] | None:
    """Parts between separators outside all brackets; None if brackets do not match."""
    parts: list[Tokens] = []
    stack: list[str] = []
    start = 0
    for place, token in enumerate(tokens):
        if token.is_mark(*_OPENING) or token.is_command("\\langle", "\\begin{matrix}", "\\begin{cases}"):
            stack.append(token.text)
        elif token.is_mark(*_CLOSING):
            if not stack or token.text not in _OPENING.get(stack.pop(), ()):
                return None
        elif token.is_command("\\rangle", "\\end{matrix}", "\\end{cases}"):
            if not stack or stack.pop() in _OPENING:
                return None
        elif not stack and parts_at(token):
            parts.append(tokens[start:place])
            start = place + 1
    return None if stack else [*parts, tokens[start:]]


def _spliced(items: Sequence[Form], *, unordered: bool) -> Several:
    flat: list[Form] = []
    for item in items:
        if isinstance(item, Several):
            flat.extend(item.items)
            unordered = unordered or item.unordered
        else:
            flat.append(item)
    return Several(tuple(flat), unordered)


def _named_list(several: Several) -> Form:
    r"""`x = 1, x = 2` and `x = 1, 2` as one name with two values; `x = 1, y = 2` stays a list of named values."""
    first, *rest = several.items
    if not isinstance(first, Named):
        return several
    if all(isinstance(item, Named) and item.name == first.name for item in rest):
        values = [item.value for item in several.items if isinstance(item, Named)]
        return replace(first, value=_spliced(values, unordered=True))
    if not any(isinstance(item, Named | Relation | Opaque) for item in rest):
        return replace(first, value=_spliced([first.value, *rest], unordered=several.unordered))
    return several


# Relations


def _item(tokens: Tokens, nesting: int) -> Form:
    if len(tokens) > 1 and tokens[0].is_command("\\approx"):
        rounded = _item(tokens[1:], nesting)
        return Approximate(None, rounded) if isinstance(rounded, Value) else Opaque(spell(list(tokens)))
    sides = _split(tokens, _is_sign)
    if sides is None or not all(sides) or any(map(_runs_on, sides[1:-1])):
        return Opaque(spell(list(tokens)))
    if len(sides) == 1:
        return _side(tokens, nesting)
    signs, place = [], -1
    for side in sides[:-1]:
        place += len(side) + 1
        signs.append(tokens[place].text)
    try:
        named = [_called(sides[0], nesting), *(_side(side, nesting) for side in sides[1:])]
        return _related(named, signs)
    except _UnreadError:
        return Opaque(spell(list(tokens)))


def _called(tokens: Tokens, nesting: int) -> Form:
    r"""The first side of an equation: where it is no expression, perhaps still a name, `E(X)` or `\max`."""
    side = _side(tokens, nesting)
    if not isinstance(side, Opaque) or tokens[0].kind in (Kind.MARK, Kind.NUMBER):
        return side
    applied = len(tokens) > 3 and tokens[1].is_mark("(") and tokens[-1].is_mark(")")
    is_call = applied and _split(tokens[2:-1], lambda _: False) is not None
    is_function = len(tokens) == 1 and tokens[0].text[1:] in FUNCTIONS
    return Words(spell(list(tokens))) if is_call or is_function else side


def _runs_on(side: Tokens) -> bool:
    """`x = 1 y = 2`: between two signs, the end of one equation and the start of the next."""
    return len(side) > 1 and side[-1].is_letters and side[-1].spaced


def _is_sign(token: Token) -> bool:
    return token.kind in (Kind.MARK, Kind.COMMAND) and token.text in _SIGNS


class _UnreadError(Exception):
    """Relations whose meaning is not certain."""


def _related(sides: list[Form], signs: list[str]) -> Form:
    if signs == ["\\in"]:
        if not is_name(sides[0], sides[1]) or _is_constant_form(sides[1]):
            raise _UnreadError
        return Named(sides[0], sides[1], is_equation=False)
    if set(signs) <= {"=", "\\approx"}:
        return _equated(sides, signs)
    if "\\approx" in signs or "\\in" in signs:
        raise _UnreadError
    return Relation(tuple(sides), tuple(signs))


def _equated(sides: list[Form], signs: list[str]) -> Form:
    """`name = ... = value`; a chain of equations says in the end what its first side is."""
    name: Form | None = None
    if is_name(sides[0], sides[-1]):
        name, sides, sign, signs = sides[0], sides[1:], signs[0], signs[1:]
        if sign == "\\approx":
            if signs or not isinstance(sides[0], Value):
                raise _UnreadError
            return Named(name, Approximate(None, sides[0]))
    elif len(sides) == 2 and is_name(sides[1], sides[0]) and signs == ["="]:
        return Named(sides[1], sides[0])
    elif not all(_is_constant_form(side) for side in sides):
        if set(signs) == {"="}:
            return Relation(tuple(sides), tuple(signs))
        raise _UnreadError
    exact = sides[: signs.index("\\approx") + 1] if "\\approx" in signs else sides
    if not all(_adds_nothing(side, exact[-1]) for side in exact[:-1]):
        raise _UnreadError  # each side may be what was asked for, or they contradict each other
    if not all(isinstance(side, Value) for side in sides[len(exact) :]):
        raise _UnreadError
    value = Approximate(exact[-1], sides[-1]) if "\\approx" in signs else sides[-1]
    return value if name is None else Named(name, value)


def _adds_nothing(side: Form, last: Form) -> bool:
    """Whether a chain's side is a step on the way to its last one."""
    if not isinstance(side, Value) or not isinstance(last, Value):
        return False
    verdict = compare_values(side, last)
    return verdict is Verdict.EQUAL or (verdict is Verdict.UNKNOWN and is_constant(side.tree))


def _is_constant_form(form: Form) -> bool:
    return isinstance(form, Value) and is_constant(form.tree)


# Sets, tuples, values


def _side(tokens: Tokens, nesting: int) -> Form:
    time = read_clock(tokens)
    if time is not None:
        return time
    if all(token.is_letters for token in tokens):
        return _words(tokens)
    for sign, build in (("\\cup", Union), ("\\setminus", None)):
        parts = _split(tokens, lambda token, sign=sign: token.is_command(sign))  # type: ignore[misc]
        if parts is not None and len(parts) > 1 and all(parts):
            sides = tuple(_side(part, nesting) for part in parts)
            if build is not None:
                return build(sides)
            return Without(sides[0], sides[1]) if len(sides) == 2 else Opaque(spell(list(tokens)))
    fence = _fence(tokens, nesting)
    if fence is not None:
        return fence
    parts = _split(tokens, lambda token: token.is_mark(":"))
    if parts is not None and len(parts) > 1:
        return _ratio(tokens, parts)
    return read_value(tokens)


def _words(tokens: Tokens) -> Form:
    tree: Expression | None = None
    if all(token.kind is not Kind.TEXT or len(token.text) == 1 for token in tokens):
        try:
            tree = parse_expression(tokens)
        except RefusalError:
            tree = None
    if tree is not None and (isinstance(tree, Symbol) or all(token.kind is Kind.SYMBOL for token in tokens)):
        return Value(tree)
    return Words(" ".join(token.text for token in tokens), tree)


def _fence(tokens: Tokens, nesting: int) -> Form | None:
    """What stands in the brackets that enclose all tokens; None if none do."""
    first, last = tokens[0], tokens[-1]
    if first.is_command("\\emptyset") and len(tokens) == 1:
        return Fence("\\{", (), "\\}")
    angled = first.is_command("\\langle") and last.is_command("\\rangle")
    bracketed = first.is_mark(*_OPENING) and last.is_mark(*_OPENING[first.text])
    if not (angled or bracketed) or _split(tokens[1:-1], lambda _: False) is None:
        return None
    inside = _ungrouped(tokens[1:-1])
    if not inside:
        return Fence(first.text, (), last.text) if first.text == "\\{" else None
    if first.text == "\\{":
        builder = _set_builder(inside, nesting)
        if builder is not None:
            return builder
    listed = _read(inside, nesting + 1)
    if isinstance(listed, Named) and isinstance(listed.value, Several) and listed.is_equation:
        return None  # `(x = 1, 2)`: two numbers, or a tuple that begins with an equation?
    several = isinstance(listed, Several)
    items = listed.items if isinstance(listed, Several) else (listed,)
    if first.text == "\\{":
        return Fence("\\{", items, "\\}")
    if not several:
        return listed if first.text in ("(", "[", "{") and (first.text, last.text) != ("[", ")") else None
    if first.text == "{":
        return Braced(items)
    if any(token.is_command("\\pm", "\\mp") for token in inside) or listed.unordered:  # type: ignore[union-attr]
        return Opaque(spell(list(tokens)))  # two tuples, or a longer one?
    opening, closing = ("(", ")") if angled else (first.text, last.text)
    return Fence(opening, items, closing)


def _ungrouped(tokens: Tokens) -> Tokens:
    """Without braces around the whole, which formula editors put anywhere."""
    while len(tokens) > 1 and tokens[0].is_mark("{") and tokens[-1].is_mark("}"):
        if _split(tokens[1:-1], lambda _: False) is None:
            break
        tokens = tokens[1:-1]
    return tokens


def _set_builder(inside: Tokens, nesting: int) -> Form | None:
    r"""`\{x \mid x > 2\}`: the relation says which numbers they are."""
    parts = _split(inside, lambda token: token.is_mark("|", ":"))
    if parts is None or len(parts) != 2 or not all(parts):
        return None
    variable, condition = _item(parts[0], nesting), _read(parts[1], nesting + 1)
    if isinstance(variable, Named) and variable.value == REAL_LINE:
        variable = variable.name
    is_plain = isinstance(variable, Value) and is_variable(variable.tree) and isinstance(condition, Relation)
    is_plain = is_plain and variable in condition.sides  # type: ignore[union-attr]
    return condition if is_plain else Opaque(spell(list(inside)))


def _ratio(tokens: Tokens, parts: list[Tokens]) -> Form:
    trees = []
    if any(_introduces(part, after) for part, after in pairwise(parts)):
        return Opaque(spell(list(tokens)))
    for part in parts:
        form = read_value(part) if part else None
        words = _words(part) if part and all(token.is_letters for token in part) else None
        tree = words.tree if isinstance(words, Words | Value) else getattr(form, "tree", None)
        if tree is None or getattr(form, "unit", None) is not None:
            return Opaque(spell(list(tokens)))
        trees.append(tree)
    return Ratio(tuple(trees))


def _introduces(before: Tokens, after: Tokens) -> bool:
    """`x: 5` says what x is, `x : 5` and `x:5` are ratios."""
    return bool(before and after) and all(token.is_letters for token in before) and after[0].spaced
