r"""Answers composed from a grammar, each with the value it has: what a comparison of answers is tried on.

`spelled(meaning, random)` writes a meaning in one of the ways people write it; `permitted(one, other)` says which
verdicts on two meanings are true. Equality may always be left unknown, and so may difference; what is claimed must hold.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt, prod

from omr.answers.verdict import Verdict

SAME = frozenset({Verdict.EQUAL, Verdict.UNKNOWN})
APART = frozenset({Verdict.DIFFERENT, Verdict.UNKNOWN})
UNSURE = frozenset({Verdict.UNKNOWN})


@dataclass(frozen=True)
class Number:
    """An exact number, or a decimal of so many `places`, which may have been rounded."""

    value: Fraction
    places: int | None = None


@dataclass(frozen=True)
class Root:
    """The square root of a number that is no square."""

    of: int


@dataclass(frozen=True)
class Complex:
    real: int
    imaginary: int


@dataclass(frozen=True)
class Product:
    """Factors that were not multiplied."""

    factors: tuple[int, ...]


@dataclass(frozen=True)
class Measure:
    """`numeral` units of a dimension (two of them in a compound one), `size` in its smallest unit."""

    dimension: str
    size: Fraction
    numerals: tuple[tuple[Fraction, str], ...]


@dataclass(frozen=True)
class Time:
    """Minutes since midnight."""

    minutes: int


@dataclass(frozen=True)
class Phrase:
    """A number with words around it that change what it says."""

    text: str


@dataclass(frozen=True)
class Named:
    name: str
    value: Meaning


@dataclass(frozen=True)
class Listed:
    """`kind`: list (no brackets), braces (plain ones), tuple, set, or, named (values that are all named)."""

    kind: str
    items: tuple[Meaning, ...]


@dataclass(frozen=True)
class Parts:
    style: str
    items: tuple[Meaning, ...]


@dataclass(frozen=True)
class Region:
    """An interval with its ends, None at infinity, and whether these belong to it."""

    low: Fraction | None
    low_closed: bool
    high: Fraction | None
    high_closed: bool


Meaning = Number | Root | Complex | Product | Measure | Time | Phrase | Named | Listed | Parts | Region

_UNITS = {
    "time": [("hour", 3600), ("minute", 60), ("second", 1)],
    "length": [("km", 1_000_000), ("m", 1000), ("cm", 10), ("mm", 1)],
    "imperial": [("yard", 36), ("feet", 12), ("inches", 1)],
    "area": [("m^2", 10_000), ("cm^2", 1)],
    "count": [("units", 1)],
    "square count": [("square units", 1)],
    "cubic count": [("cubic units", 1)],
    "money": [("dollars", 100), ("cents", 1)],
}
_PHRASES = [
    "{a} \\text{{ out of }} {b}", "{a} \\text{{ to }} {b}", "{a}\\text{{ remainder }}{b}", "{a} \\text{{ apples}}",
    "\\text{{at least }}{a}", "{a}\\text{{ squared}}", "{a}\\text{{ or more}}", "{a}\\text{{ over }}{b}",
    "\\text{{about }}{a}", "{a} \\text{{ choose }} {b}", "\\text{{not }}{a}", "{a}\\text{{ mod }}{b}",
    "{a}\\text{{ R }}{b}", "{a} \\text{{ if }} {b}", "{a}\\text{{ each}}", "between {a} and {b}", "{a}\\text{{ more than }}{b}",
]  # fmt: skip
_NAMES = ["x", "y", "n", "a_1", "P(A)", "P(B)", "f(2)", "\\angle A", "\\text{Area}", "m", "S"]
_LABELS = {"letters": "abcd", "numbers": "1234", "roman": ("i", "ii", "iii", "iv")}


# What may be said of two meanings


def permitted(one: Meaning, other: Meaning) -> frozenset[Verdict]:
    """The verdicts that are true of two meanings."""
    if one == other:
        return SAME
    for kind, judge in _JUDGES:
        if isinstance(one, kind):
            return judge(one, other)
        if isinstance(other, kind):
            return judge(other, one)
    return APART


def _every(pairs: Sequence[tuple[Meaning, Meaning]]) -> frozenset[Verdict]:
    found = [permitted(one, other) for one, other in pairs]
    if APART in found:
        return APART
    return UNSURE if UNSURE in found else SAME


def _judge_phrase(one: Phrase, other: Meaning) -> frozenset[Verdict]:
    return APART


def _judge_parts(one: Parts, other: Meaning) -> frozenset[Verdict]:
    if not isinstance(other, Parts) or len(one.items) != len(other.items):
        return APART
    verdicts = _every(list(zip(one.items, other.items, strict=True)))
    return verdicts if one.style == other.style else verdicts | UNSURE


def _judge_named(one: Named, other: Meaning) -> frozenset[Verdict]:
    if isinstance(other, Named):
        return permitted(one.value, other.value) if one.name == other.name else APART
    return permitted(one.value, other)


def _judge_listed(one: Listed, other: Meaning) -> frozenset[Verdict]:
    if not isinstance(other, Listed):
        single = one.kind != "tuple" and len(set(one.items)) == 1
        return permitted(one.items[0], other) | UNSURE if single else APART
    unordered = {"set", "or", "named"}
    ordered = _every(list(zip(one.items, other.items, strict=True))) if len(one.items) == len(other.items) else APART
    among = _among(one.items, other.items)
    kinds = {one.kind, other.kind}
    if "tuple" in kinds:
        return ordered if kinds <= {"tuple", "list", "named"} else APART | (ordered & UNSURE)
    if one.kind in unordered or other.kind in unordered:
        return among
    return ordered if ordered is not APART or among is APART else UNSURE


def _among(one: Sequence[Meaning], other: Sequence[Meaning]) -> frozenset[Verdict]:
    table = [[permitted(left, right) for right in other] for left in one]
    lines = [*table, *zip(*table, strict=True)]
    if all(SAME in line for line in lines):
        return SAME
    return APART if any(all(cell == APART for cell in line) for line in lines) else UNSURE


def _judge_region(one: Region, other: Meaning) -> frozenset[Verdict]:
    return APART


def _judge_measure(one: Measure, other: Meaning) -> frozenset[Verdict]:
    if isinstance(other, Measure):
        if one.dimension == other.dimension:
            return SAME if one.size == other.size else APART
        return APART
    if isinstance(other, Number | Root | Product) and len(one.numerals) == 1:
        # A unit adds nothing where the other has none; where numbers differ, the other unit may be meant.
        return SAME if permitted(Number(one.numerals[0][0]), other) == SAME else UNSURE
    return UNSURE if isinstance(other, Number) else APART


def _judge_product(one: Product, other: Meaning) -> frozenset[Verdict]:
    value = Number(Fraction(prod(one.factors)))
    if isinstance(other, Product):
        return UNSURE if prod(one.factors) == prod(other.factors) else APART
    return permitted(value, other)


def _judge_number(one: Number, other: Meaning) -> frozenset[Verdict]:
    unit = Fraction(1, 10**one.places) if one.places is not None else Fraction(0)
    if isinstance(other, Root):
        scale = 10**12
        value = Fraction(isqrt(other.of * scale * scale), scale)
        return UNSURE if abs(value - one.value) <= unit else APART
    if not isinstance(other, Number):
        return APART
    if one.value == other.value:
        return SAME
    unit = max(unit, Fraction(1, 10**other.places) if other.places is not None else Fraction(0))
    return UNSURE if abs(one.value - other.value) <= unit else APART


_JUDGES: list[tuple[type, Callable[..., frozenset[Verdict]]]] = [
    (Phrase, _judge_phrase),
    (Parts, _judge_parts),
    (Named, _judge_named),
    (Listed, _judge_listed),
    (Region, _judge_region),
    (Measure, _judge_measure),
    (Product, _judge_product),
    (Number, _judge_number),
]


# Meanings


def meaning(rng: random.Random, depth: int = 2) -> Meaning:
    """A meaning; `depth` bounds how far lists and names nest."""
    flat: list[Callable[[random.Random], Meaning]] = [
        number, number, number, _root, _complex, _product, _measure, _time, _phrase, _region,
    ]  # fmt: skip
    if depth and rng.random() < 0.5:
        return rng.choice([_named, _listed, _listed, _parts])(rng, depth - 1)
    return rng.choice(flat)(rng)


def number(rng: random.Random) -> Number:
    kind = rng.randrange(4)
    if kind == 0:
        return Number(Fraction(rng.randint(-12, 12)))
    if kind == 1:
        return Number(Fraction(rng.randint(-9, 9), rng.randint(1, 9)))
    if kind == 2:
        places = rng.choice([1, 2, 3, 5])
        return _decimal(Fraction(rng.randint(-3 * 10**places, 3 * 10**places), 10**places))
    # A decimal close to something exact.
    places = rng.choice([2, 4, 5, 6])
    exact = rng.choice([Fraction(1, 3), Fraction(2, 3), Fraction(1), Fraction(isqrt(2 * 10**12), 10**6)])
    return _decimal(Fraction(round(exact * 10**places) + rng.choice([0, 0, 1, -1]), 10**places))


def _decimal(value: Fraction) -> Number:
    places = next(places for places in range(20) if (value * 10**places).denominator == 1)
    return Number(value, places or None)


def _root(rng: random.Random) -> Root:
    return Root(rng.choice([2, 3, 5, 7]))


def _complex(rng: random.Random) -> Complex:
    return Complex(rng.randint(0, 3), rng.randint(2, 5))


def _product(rng: random.Random) -> Product:
    return Product(tuple(rng.randint(2, 6) for _ in range(rng.randint(2, 3))))


def _measure(rng: random.Random) -> Measure:
    dimension = rng.choice(list(_UNITS))
    units = _UNITS[dimension]
    start = rng.randrange(len(units))
    chosen = units[start : start + (2 if rng.random() < 0.4 and dimension in ("time", "imperial") else 1)]
    numerals = tuple((Fraction(rng.randint(1, 6)), unit) for unit, _ in chosen)
    sizes = dict(units)
    return Measure(dimension, sum((count * sizes[unit] for count, unit in numerals), Fraction(0)), numerals)


def _time(rng: random.Random) -> Time:
    return Time(rng.choice([0, 5, 30, 59]) + 60 * rng.randint(0, 23))


def _phrase(rng: random.Random) -> Phrase:
    return Phrase(rng.choice(_PHRASES).format(a=rng.randint(2, 6), b=rng.randint(2, 6)))


def _region(rng: random.Random) -> Region:
    low, high = sorted(rng.sample([Fraction(number) for number in (-3, -1, 0, 2, 5)] + [Fraction(1, 2)], 2))
    left, right = rng.random() < 0.8, rng.random() < 0.8
    if not left and not right:
        left = True
    return Region(
        low if left else None, left and rng.random() < 0.5, high if right else None, right and rng.random() < 0.5
    )


def _plain(rng: random.Random) -> Meaning:
    return rng.choice([number, number, _root])(rng)


def _named(rng: random.Random, depth: int) -> Named:
    return Named(rng.choice(_NAMES), _plain(rng))


def _listed(rng: random.Random, depth: int) -> Listed:
    kind = rng.choice(["list", "braces", "tuple", "set", "or", "named", "points"])
    if kind == "points":
        return Listed("or", tuple(Listed("tuple", (_plain(rng), _plain(rng))) for _ in range(2)))
    length = rng.choice([2, 2, 3])
    if kind == "named":
        names = sorted(rng.sample(["P(A)", "P(B)", "a", "b", "x", "y"], length))
        return Listed(kind, tuple(Named(name, _plain(rng)) for name in names))
    return Listed(kind, tuple(_plain(rng) for _ in range(length)))


def _parts(rng: random.Random, depth: int) -> Parts:
    return Parts(rng.choice(list(_LABELS)), tuple(meaning(rng, 0) for _ in range(rng.choice([2, 2, 3]))))


def neighbour(one: Meaning, rng: random.Random) -> Meaning:
    """A meaning of the same kind that is near: one leaf changed, or two of them swapped."""
    if isinstance(one, Listed | Parts):
        items = list(one.items)
        if rng.random() < 0.4 and not any(isinstance(item, Named) for item in items):
            rng.shuffle(items)
        elif rng.random() < 0.5 and all(isinstance(item, Named) for item in items):
            values = [item.value for item in items if isinstance(item, Named)]
            items = [replace(item, value=value) for item, value in zip(items, values[::-1], strict=True)]  # type: ignore[type-var]
        else:
            place = rng.randrange(len(items))
            items[place] = neighbour(items[place], rng)
        return replace(one, items=tuple(items))
    if isinstance(one, Named):
        return replace(one, value=neighbour(one.value, rng))
    if isinstance(one, Number):
        return number(rng) if rng.random() < 0.5 else Number(one.value + rng.choice([1, -1]), one.places)
    makers: dict[type, Callable[[random.Random], Meaning]] = {
        Root: _plain, Complex: _complex, Product: _product, Measure: _measure, Time: _time, Phrase: _phrase, Region: _region,
    }  # fmt: skip
    return makers[type(one)](rng)


# Spellings


def spelled(one: Meaning, rng: random.Random) -> str:
    """One of the ways in which a meaning is written."""
    text = _SPELLERS[type(one)](one, rng)
    return rng.choice(["{}", "{}", "{}", "${}$", "$ {} $."]).format(text) if isinstance(one, Number | Root) else text


def _spell_number(one: Number, rng: random.Random) -> str:
    above, below = one.value.numerator, one.value.denominator
    if one.places is not None:
        digits = f"{abs(int(one.value * 10**one.places)):0{one.places + 1}d}"
        return f"{'-' if above < 0 else ''}{digits[: -one.places]}.{digits[-one.places :]}"
    if below == 1:
        return rng.choice([f"{above}", f"{above}", f"{{{above}}}", f"\\frac{{{2 * above}}}{{2}}"])
    factor = rng.choice([1, 1, 3])
    return rng.choice(
        [f"{above}/{below}", f"\\frac{{{factor * above}}}{{{factor * below}}}", f"\\dfrac{{{above}}}{{{below}}}"]
    )


def _spell_complex(one: Complex, rng: random.Random) -> str:
    unit = rng.choice(["i", "\\mathrm{i}", "\\mathrm i", "\\text{i}", "{\\rm i}"])
    return (f"{one.real}+" if one.real else "") + f"{one.imaginary}{unit}"


def _spell_measure(one: Measure, rng: random.Random) -> str:
    return " ".join(f"{count}\\text{{ {unit}}}" for count, unit in one.numerals)


def _spell_time(one: Time, rng: random.Random) -> str:
    hour, minute = divmod(one.minutes, 60)
    half = "p" if hour >= 12 else "a"
    shown = f"{(hour - 1) % 12 + 1}:{minute:02d}" if minute or rng.random() < 0.5 else f"{(hour - 1) % 12 + 1}"
    return shown + rng.choice(["\\text{ H.m.}", "\\text{ Hm}", " Hm", "\\text{ HM}"]).replace("H", half)


def _spell_listed(one: Listed, rng: random.Random) -> str:
    items = [spelled(item, rng).strip("$ .") for item in one.items]
    if one.kind == "named":
        return ", ".join(items) if rng.random() < 0.5 else " \\text{ and } ".join(items)
    if one.kind == "or":
        return " \\text{ or } ".join(items)
    comma = rng.choice([", ", ","]) if not all(item.isdigit() for item in items) else ", "
    inside = comma.join(items)
    wrap = rng.choice(["{}", "{{{}}}"])
    brackets = {"list": ["{}"], "braces": ["{{{}}}"], "tuple": ["({})", "\\left( {} \\right)"], "set": ["\\{{{}\\}}"]}
    form = rng.choice(brackets[one.kind])
    return form.format(wrap.format(inside) if one.kind in ("tuple", "set") else inside)


def _spell_parts(one: Parts, rng: random.Random) -> str:
    form = rng.choice(["({}) {}", "\\text{{({}) }}{}", "{}) {}", "\\textbf{{({})}}\\ {}"])
    joint = rng.choice([" ", ", ", "; ", "\\quad "])
    labels = _LABELS[one.style]
    return joint.join(form.format(label, spelled(item, rng)) for label, item in zip(labels, one.items, strict=False))


def _spell_region(one: Region, rng: random.Random) -> str:
    low = "-\\infty" if one.low is None else str(one.low)
    high = "\\infty" if one.high is None else str(one.high)
    style = rng.randrange(3)
    if style == 0:
        return f"{'[' if one.low_closed else '('}{low}, {high}{']' if one.high_closed else ')'}"
    if style == 1:
        return f"{'[' if one.low_closed else ']'}{low};{high}{']' if one.high_closed else '['}"
    signs = ("\\le" if one.low_closed else "<"), ("\\le" if one.high_closed else "<")
    left = "" if one.low is None else f"{low} {signs[0]} "
    return f"{left}x" + ("" if one.high is None else f" {signs[1]} {high}")


_SPELLERS: dict[type, Callable[..., str]] = {
    Number: _spell_number,
    Root: lambda one, rng: rng.choice([f"\\sqrt{{{one.of}}}", f"\\sqrt{one.of}", f"{one.of}^{{1/2}}"]),
    Complex: _spell_complex,
    Product: lambda one, rng: rng.choice([" \\cdot ", "\\times "]).join(map(str, one.factors)),
    Measure: _spell_measure,
    Time: _spell_time,
    Phrase: lambda one, rng: one.text,
    Named: lambda one, rng: f"{one.name}{rng.choice([' = ', '='])}{spelled(one.value, rng).strip('$ .')}",
    Listed: _spell_listed,
    Parts: _spell_parts,
    Region: _spell_region,
}
