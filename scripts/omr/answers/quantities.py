r"""Tokens -> an expression with the unit behind it: `5\text{ cm}`, `\$3`, `1\text{ hour }30\text{ minutes}`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from omr.answers.algebra import expand_signs
from omr.answers.expressions import parse_expression
from omr.answers.forms import Form, Opaque, Several, Value
from omr.answers.spelling import spell
from omr.answers.tokens import Kind, Token
from omr.answers.trees import Call, Expression, Number, RefusalError
from omr.answers.units import NotAUnitError, Unit, find_unit, is_unit_word, read_unit

_CURRENCIES = ("\\$", "€", "£", "¥", "₹", "¢")

_DEGREE = ["^", "{", "\\circ", "}"]
_TEMPERATURES = {"C": "celsius", "F": "fahrenheit"}

Tokens = Sequence[Token]


def read_value(tokens: Tokens) -> Form:
    """An expression with its unit; two of them where it holds a double sign."""
    try:
        tree, unit = _measure(tokens)
    except (RefusalError, NotAUnitError):
        return _compound(tokens) or Opaque(spell(list(tokens)))
    values = [Value(signed, unit, spell(list(tokens))) for signed in expand_signs(tree)]
    return values[0] if len(values) == 1 else Several(tuple(values), unordered=True)


def _measure(tokens: Tokens) -> tuple[Expression, Unit | None]:
    if [token.text for token in tokens[-5:-1]] == _DEGREE and tokens[-1].text in _TEMPERATURES and len(tokens) > 5:
        return parse_expression(tokens[:-5]), find_unit(_TEMPERATURES[tokens[-1].text])
    head, unit, factor = _without_unit(tokens)
    tree = parse_expression(head)
    if isinstance(tree, Call) and tree.name == "degree" and unit in map(find_unit, _TEMPERATURES.values()):
        return tree.args[0], unit  # `30 degrees Celsius`
    signed = isinstance(tree, Call) and tree.name in ("degree", "percent")
    if signed and (factor != 1 or unit is not None):
        raise NotAUnitError  # `30^\circ N` is north
    return (tree if factor == 1 else Call("mul", (tree, Number(Fraction(factor))))), unit


def _compound(tokens: Tokens) -> Value | None:
    """`1 hour 30 minutes` in the smallest of its units; None if it is no row of ever smaller measures."""
    starts = [
        place
        for place, token in enumerate(tokens)
        if token.kind is Kind.NUMBER and (place == 0 or tokens[place - 1].is_letters)
    ]
    if len(starts) < 2 or starts[0] != 0:
        return None
    try:
        measures = [_measure(tokens[start:end]) for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True)]
    except (RefusalError, NotAUnitError):
        return None
    units = [unit for _, unit in measures if unit is not None and unit.dimension is not None]
    falling = all(one.dimension == two.dimension and one.size > two.size for one, two in pairwise(units))
    if len(units) < len(measures) or not falling or not all(isinstance(tree, Number) for tree, _ in measures):
        return None
    smallest = units[-1]
    terms = [
        Call("mul", (tree, Number(unit.size / smallest.size))) for (tree, _), unit in zip(measures, units, strict=True)
    ]
    return Value(Call("add", tuple(terms)), replace(smallest, compound=True), spell(list(tokens)))


def _without_unit(tokens: Tokens) -> tuple[Tokens, Unit | None, int]:
    sign = 1 if tokens[0].is_mark("-", "+") else 0
    if len(tokens) > sign + 1 and tokens[sign].is_mark(*_CURRENCIES):
        money, _ = read_unit(tokens[sign : sign + 1])
        head, unit, factor = _without_unit([*tokens[:sign], *tokens[sign + 1 :]])
        if unit is not None and unit.dimension != (money and money.dimension):
            raise NotAUnitError
        return head, money, factor
    start = next((place for place in range(1, len(tokens)) if _starts_unit(tokens, place)), len(tokens))
    if start == len(tokens):
        return tokens, None, 1
    unit, factor = read_unit(tokens[start:])
    return tokens[:start], unit, factor


def _starts_unit(tokens: Tokens, place: int) -> bool:
    token, before = tokens[place], tokens[place - 1]
    if token.is_mark(*_CURRENCIES):
        return True
    if before.is_mark("^", "_", "{", "(", "/", "+", "-") or before.is_command("\\cdot", "\\angle"):
        return False
    return is_unit_word(token, before)
