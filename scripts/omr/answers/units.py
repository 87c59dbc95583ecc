r"""Units of measure, read from what stands behind a value: a closed vocabulary, every word of it understood.

In it are names and symbols of units of length, mass, time, angle, volume, temperature, money and mechanics, the word
`unit` itself, powers (`square`, `^2`), quotients (`per`), and the counting words `dozen` to `trillion`. What is not in
it (`5\text{ apples}`, `2\text{ to }3`, `5\text{ squared}`) is no unit: whoever reads the value must not drop it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from omr.answers.tokens import Kind, Token
from omr.answers.vocabulary import UNIT_LETTERS
from omr.files.patterns import lazy


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its canonical `name`, the `dimension` it measures (None: not known to us), its size in that dimension.

    Dimensions that share their first word cannot be compared: dollars and euros, days and months. A `compound` unit
    came of several (`1 hour 30 minutes`).
    """

    name: str
    dimension: str | None = None
    size: Fraction = Fraction(1)
    compound: bool = False


#: Ambiguous names have no dimension: a pound is a mass or money, a ton metric or not, an ounce a mass or a volume.
_TABLE = """
length: m 1 meter meters metre metres | cm 1/100 centimeter centimeters centimetre centimetres
length: mm 1/1000 millimeter millimeters millimetre millimetres | km 1000 kilometer kilometers kilometre kilometres
length: dm 1/10 decimeter decimeters decimetre decimetres | in 127/5000 inch inches | ft 381/1250 foot feet
length: yd 1143/1250 yard yards | mi 201168/125 mile miles
mass: g 1 gram grams | kg 1000 kilogram kilograms | mg 1/1000 milligram milligrams | lb 45359237/100000 lbs
time: s 1 sec secs second seconds | min 60 mins minute minutes | h 3600 hr hrs hour hours | day 86400 days
time: week 604800 weeks
time calendar: month 1 months | year 12 years
angle: rad 1 radian radians
money dollar: \\$ 1 dollar dollars usd | cent 1/100 cents ¢
money euro: € 1 euro euros eur
money sterling: £ 1 gbp
money yuan: yuan 1 rmb ¥ 元
money rupee: ₹ 1 rupee rupees rs
length^3: l 1/1000 L liter liters litre litres | ml 1/1000000 mL milliliter milliliters millilitre millilitres
temperature celsius: °c 1 celsius
temperature fahrenheit: °f 1 fahrenheit
force: N 1 newton newtons
energy: J 1 joule joules
power: W 1 watt watts
any: unit 1 units
none: pound 1 pounds | ounce 1 ounces oz | ton 1 tons | tonne 1 tonnes | gallon 1 gallons gal
"""


def _read_table() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for line in _TABLE.strip().splitlines():
        dimension, _, entries = line.partition(": ")
        for entry in entries.split(" | "):
            name, size, *aliases = entry.split()
            unit = Unit(name, None if dimension == "none" else dimension, Fraction(size))
            units |= dict.fromkeys([name, *aliases], unit)
    return units


_UNITS = _read_table()
_MULTIPLIERS = {
    "dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_POWERS_BEFORE = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_POWERS_BEHIND = {"squared": 2, "cubed": 3, "^2": 2, "^3": 3}
_EXPONENT = lazy(r"\^\{?([23])\}?")
#: Below this, letters outside of text may be a product of variables, as the weight `mg` is.
_WORD_LETTERS = 3


class NotAUnitError(Exception):
    """The words behind a value are not a unit; the value must not be read without them."""


def find_unit(word: str) -> Unit | None:
    """The unit of a name, in any case, or of a symbol, whose case counts."""
    return _UNITS.get(word) or (_UNITS.get(word.casefold()) if len(word) >= _WORD_LETTERS else None)


def is_unit_word(token: Token, before: Token) -> bool:
    """Whether letters behind `before` are a unit, or numbers: in text or outside (`12 miles`, `5 cm`, not `5mg`)."""
    if token.kind is Kind.TEXT:
        return len(token.text) > 1 or token.text in UNIT_LETTERS
    if token.kind is not Kind.WORD:
        return False
    if token.text.casefold() in _MULTIPLIERS.keys() | _POWERS_BEFORE.keys():
        return True
    certain = len(token.text) >= _WORD_LETTERS or (token.spaced and before.kind is Kind.NUMBER)
    return certain and find_unit(token.text) is not None


def read_unit(tokens: Sequence[Token]) -> tuple[Unit | None, int]:
    r"""The unit that tokens spell (None: a counting word is all there is), and the number that it multiplies by.

    Raises: NotAUnitError
    """
    words = _words(tokens)
    factor = 1
    while words and words[0].casefold() in _MULTIPLIERS:
        factor *= _MULTIPLIERS[words.pop(0).casefold()]
    if not words:
        return None, factor
    above, slash, below = " ".join(words).replace(" per ", " / ").partition(" / ")
    if not slash:
        return _simple(above.split()), factor
    return _quotient(_simple(above.split()), _simple(below.split())), factor


def _words(tokens: Sequence[Token]) -> list[str]:
    words: list[str] = []
    spelled = "".join(f" {token.text} " if token.is_letters or token.is_mark("/") else token.text for token in tokens)
    for word in _EXPONENT.sub(r" ^\1 ", spelled).split():
        if word.casefold() == "mph":
            words += ["mi", "/", "h"]
        elif word != "." or not words or words[-1] not in _POWERS_BEFORE.keys() | _UNITS.keys():
            words.append(word)  # a dot ends an abbreviation, `sq. ft.`, and nothing else
    return words


def _simple(words: list[str]) -> Unit:
    power = 1
    if len(words) == 2 and words[0].casefold() in _POWERS_BEFORE:
        power = _POWERS_BEFORE[words[0].casefold()]
        words = words[1:]
    elif len(words) == 2 and words[1].casefold() in _POWERS_BEHIND:
        power = _POWERS_BEHIND[words[1].casefold()]
        words = words[:1]
    unit = find_unit(words[0]) if len(words) == 1 else None
    if unit is None:
        raise NotAUnitError
    if power == 1:
        return unit
    dimension = unit.dimension and f"{unit.dimension}^{power}"
    return Unit(f"{unit.name}^{power}", dimension, unit.size**power)


def _quotient(above: Unit, below: Unit) -> Unit:
    dimension = f"{above.dimension}/{below.dimension}" if above.dimension and below.dimension else None
    return Unit(f"{above.name}/{below.name}", dimension, above.size / below.size)
