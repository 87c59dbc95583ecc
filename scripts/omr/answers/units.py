"""What stands behind a value: units of measure with their factors, multiplying words, and words that are no unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from omr.answers.tokens import Kind, Token


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its canonical `name`, the `dimension` it measures (None: not known to us), its size in that dimension.

    `5 apples` has the unit `apple` of no known dimension and size 1.
    """

    name: str
    dimension: str | None = None
    size: Fraction = Fraction(1)


_TABLE = """
length: m 1 meter meters metre metres | cm 1/100 centimeter centimeters centimetre centimetres
length: mm 1/1000 millimeter millimeters millimetre millimetres | km 1000 kilometer kilometers kilometre kilometres
length: dm 1/10 decimeter decimeters | in 127/5000 inch inches | ft 381/1250 foot feet | yd 1143/1250 yard yards
length: mi 201168/125 mile miles
mass: g 1 gram grams | kg 1000 kilogram kilograms | mg 1/1000 milligram milligrams
mass: lb 45359237/100000 lbs pound pounds | oz 45359237/1600000 ounce ounces | ton 1000000 tons tonne tonnes
time: s 1 sec secs second seconds | min 60 mins minute minutes | h 3600 hr hrs hour hours | day 86400 days
time: week 604800 weeks
angle: rad 1 radian radians
dollar: \\$ 1 dollar dollars usd | cent 1/100 cents ¢
euro: € 1 euro euros eur
pound sterling: £ 1 gbp
yuan: yuan 1 rmb ¥ 元
rupee: ₹ 1 rupee rupees rs
volume: l 1 liter liters litre litres | ml 1/1000 milliliter milliliters millilitre millilitres
volume: gal 473176473/125000000 gallon gallons
temperature celsius: °c 1 celsius
temperature fahrenheit: °f 1 fahrenheit
force: n 1 newton newtons
energy: j 1 joule joules
power: w 1 watt watts
"""


def _read_table() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for line in _TABLE.strip().splitlines():
        dimension, _, entries = line.partition(": ")
        for entry in entries.split(" | "):
            name, size, *aliases = entry.split()
            unit = Unit(name, dimension, Fraction(size))
            units |= dict.fromkeys([name, *aliases], unit)
    return units


_UNITS = _read_table()
_NO_UNIT = frozenset({"unit", "units", "total", "exactly", "ways", "way"})
_MULTIPLIERS = {
    "dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
#: Words that change what the value before them says, so that it may not be compared without them.
_CHANGING = frozenset(
    str.split(
        "if or and more less than least most when where for not mod only except otherwise to from is are no none with"
        " without unless plus minus times over is between but either modulo remainder"
        " negative approximately about half halves thirds quarter quarters even odd am pm a.m p.m"
    )
)
_POWERS = {"square": 2, "squared": 2, "sq": 2, "cubic": 3, "cubed": 3, "cu": 3}
_EXPONENT = re.compile(r"\^\{?([23])\}?")


class NotAUnitError(Exception):
    """The words behind a value are not a unit; the value must not be read without them."""


def is_unit_word(token: Token) -> bool:
    """Whether letters outside `\\text{}` are certainly a unit: `cm`, `miles`; single letters are variables."""
    return token.kind is Kind.WORD and (token.text.casefold() in _UNITS or token.text.casefold() in _MULTIPLIERS)


def read_unit(tokens: Sequence[Token]) -> tuple[Unit | None, int]:
    r"""The unit that tokens spell (None: they add nothing, as `units`), and the number that it multiplies by.

    Raises: NotAUnitError
    """
    words = _words(tokens)
    factor = 1
    while words and words[0] in _MULTIPLIERS:
        factor *= _MULTIPLIERS[words.pop(0)]
    if words and words[0] == "of":
        words.pop(0)
    if _CHANGING.intersection(words):
        raise NotAUnitError
    if all(word in _NO_UNIT or word in _POWERS for word in words):
        return None, factor
    above, _, below = " ".join(words).replace(" per ", " / ").partition(" / ")
    if not below:
        return _simple(above.split()), factor
    return _quotient(_simple(above.split()), _simple(below.split())), factor


def _words(tokens: Sequence[Token]) -> list[str]:
    words: list[str] = []
    spelled = "".join(f" {token.text}" if token.is_letters or token.is_mark("/") else token.text for token in tokens)
    for word in _EXPONENT.sub(r" ^\1", spelled).replace(".", " ").split():
        folded = word.casefold()
        if folded == "mph":
            words += ["mi", "/", "h"]
        elif folded in ("/", "^2", "^3", "per") or folded[0].isalpha() or folded in _UNITS:
            words.append(folded)
        else:
            raise NotAUnitError
    return words


def _simple(words: list[str]) -> Unit:
    power, rest = 1, []
    for word in words:
        if word in _POWERS or word[0] == "^":
            power = _POWERS.get(word) or int(word[1:])
        else:
            rest.append(word)
    name = " ".join(rest)
    unit = _UNITS.get(name) or Unit(name.removesuffix("s"))
    if power == 1:
        return unit
    dimension = unit.dimension and f"{unit.dimension}^{power}"
    return Unit(f"{unit.name}^{power}", dimension, unit.size**power)


def _quotient(above: Unit, below: Unit) -> Unit:
    dimension = f"{above.dimension}/{below.dimension}" if above.dimension and below.dimension else None
    return Unit(f"{above.name}/{below.name}", dimension, above.size / below.size)
