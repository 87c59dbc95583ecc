r"""The value of an expression at a point: exact where it is rational, else to as many digits as asked for.

Sizes are bounded before they are computed: `9^{9^{9^9}}`, `\binom{10^9}{10^8}` and `(10^9)!` raise, they do not run.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from hashlib import blake2b
from typing import Any

from mpmath import mp  # type: ignore[import-untyped]

from omr.answers.trees import Expression, Matrix, Number, RefusalError, Symbol

#: Values of symbols at the point of comparison.
Point = dict[str, Fraction]
#: A scalar of the arithmetic in use, or the rows of a matrix of such.
Value = Any


class UndefinedError(ArithmeticError):
    """The expression has no (real) value at this point."""


class SizeError(ArithmeticError):
    """The value is beyond what is worth computing."""


class InexactError(ArithmeticError):
    """The value is not rational, or not known to be."""


_MAX_BITS = 200_000
_MAX_FACTORIAL = 3_000
_MAX_NUMERIC_FACTORIAL = 1e5
#: Beyond 2^140 or below its inverse, agreement to all digits computed need not mean that two values are the same.
_TRUSTED_BITS = 140
_MAX_EXPONENT_BITS = 1_000_000


def pseudo_random(name: str) -> Fraction:
    """A rational in (0, 3) that depends on the name alone: the same in every run and process."""
    bits = int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).digest())
    return Fraction(bits % 2989 + 1, 997)


class Arithmetic(ABC):
    """How nodes of a tree get values; matrices are built here from the scalars of a subclass."""

    def value(self, tree: Expression, point: Point) -> Value:
        """The value of `tree`.

        Raises: UndefinedError, SizeError, InexactError, RefusalError
        """
        if isinstance(tree, Number):
            return self.rational(tree.value)
        if isinstance(tree, Symbol):
            return self.symbol(tree.name, point)
        if isinstance(tree, Matrix):
            return [[self.value(cell, point) for cell in row] for row in tree.rows]
        args = [self.value(arg, point) for arg in tree.args]
        if tree.name not in ("add", "mul"):
            return self._apply(tree.name, args)
        return reduce(lambda left, right: self._apply(tree.name, [left, right]), args)

    def _apply(self, name: str, args: list[Value]) -> Value:
        if any(isinstance(arg, list) for arg in args):
            return self._matrix_call(name, args)
        return self.call(name, args)

    @abstractmethod
    def rational(self, value: Fraction) -> Value:
        """The scalar of a rational number."""

    @abstractmethod
    def symbol(self, name: str, point: Point) -> Value:
        """The scalar of a variable or constant."""

    @abstractmethod
    def call(self, name: str, args: list[Value]) -> Value:
        """The scalar of an operation on scalars."""

    def _matrix_call(self, name: str, args: list[Value]) -> Value:
        if name == "neg":
            return self._cellwise("neg", args)
        if name == "add" and all(isinstance(arg, list) for arg in args):
            return self._cellwise(name, args)
        if name == "mul":
            left, right = args
            if isinstance(left, list) and isinstance(right, list):
                return self._product(left, right)
            scalar, rows = (right, left) if isinstance(left, list) else (left, right)
            return [[self.call("mul", [scalar, cell]) for cell in row] for row in rows]
        if name == "div" and isinstance(args[0], list) and not isinstance(args[1], list):
            return [[self.call("div", [cell, args[1]]) for cell in row] for row in args[0]]
        raise RefusalError(f"{name} of a matrix")

    def _cellwise(self, name: str, args: list[Value]) -> Value:
        if len({(len(rows), len(rows[0])) for rows in args}) != 1:
            raise UndefinedError("matrices of different shapes")
        return [[self.call(name, list(cells)) for cells in zip(*rows, strict=True)] for rows in zip(*args, strict=True)]

    def _product(self, left: list[list[Value]], right: list[list[Value]]) -> Value:
        if len(left[0]) != len(right):
            raise UndefinedError("matrices that do not multiply")
        return [[self._dot(row, column) for column in zip(*right, strict=True)] for row in left]

    def _dot(self, row: list[Value], column: tuple[Value, ...]) -> Value:
        total = self.rational(Fraction(0))
        for one, other in zip(row, column, strict=True):
            total = self.call("add", [total, self.call("mul", [one, other])])
        return total


def _natural(value: Fraction, limit: int) -> int:
    if value.denominator != 1:
        raise InexactError("not whole")
    if value < 0:
        raise UndefinedError("negative")
    if value > limit:
        raise SizeError("a factorial")
    return int(value)


def _choose(above: Fraction, below: Fraction) -> Fraction:
    limit = 1 << 64
    total, chosen = _natural(above, limit), _natural(below, limit)
    if min(chosen, max(total - chosen, 0)) * total.bit_length() > _MAX_BITS:
        raise SizeError("a binomial")
    return Fraction(math.comb(total, chosen))


class Exact(Arithmetic):
    """Rational arithmetic; anything else is InexactError."""

    def rational(self, value: Fraction) -> Fraction:
        return value

    def symbol(self, name: str, point: Point) -> Fraction:
        if name not in point:
            raise InexactError(name)
        return point[name]

    def call(self, name: str, args: list[Any]) -> Fraction:
        if name.startswith("apply:"):
            return pseudo_random(f"{name}({args})")
        operation = _EXACT.get(name)
        if operation is None:
            raise InexactError(name)
        value = operation(*args)
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
            raise SizeError(name)
        return value


def _exact_power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise InexactError("a root")
    if base == 0 and exponent <= 0:
        raise UndefinedError("a power of zero")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) != 1 and bits * abs(exponent) > _MAX_BITS:
        raise SizeError("a power")
    return base ** int(exponent % 2) if abs(base) == 1 else base ** int(exponent)


def _exact_quotient(above: Fraction, below: Fraction) -> Fraction:
    if below == 0:
        raise UndefinedError("division by zero")
    return above / below


def _whole(function: Callable[..., int]) -> Callable[..., Fraction]:
    def of_whole(*args: Fraction) -> Fraction:
        if any(arg.denominator != 1 for arg in args):
            raise UndefinedError("not whole")
        return Fraction(function(*map(int, args)))

    return of_whole


_EXACT: dict[str, Callable[..., Fraction]] = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "div": _exact_quotient,
    "neg": lambda a: -a,
    "pow": _exact_power,
    "abs": abs,
    "percent": lambda a: a / 100,
    "base": lambda value, digits, radix: value,
    "factorial": lambda a: Fraction(math.factorial(_natural(a, _MAX_FACTORIAL))),
    "binom": _choose,
    "floor": lambda a: Fraction(math.floor(a)),
    "ceil": lambda a: Fraction(math.ceil(a)),
    "gcd": _whole(math.gcd),
    "lcm": _whole(math.lcm),
    "max": max,
    "min": min,
}


class Numeric(Arithmetic):
    """Arithmetic with `digits` digits; real unless `allow_complex`. `extreme` tells that sizes left the trusted range.

    The digits are those of mpmath's global context, to be set by the caller: `with mp.workdps(...)`.
    """

    def __init__(self, *, allow_complex: bool) -> None:
        self._allow_complex = allow_complex
        self.extreme = False

    def rational(self, value: Fraction) -> Any:
        # So long a numeral may be the beginning of another number's digits.
        self.extreme = (
            self.extreme or max(value.numerator.bit_length(), value.denominator.bit_length()) > 2 * _TRUSTED_BITS
        )
        return self._checked(mp.mpf(value.numerator) / value.denominator)

    def symbol(self, name: str, point: Point) -> Any:
        if name == "\\pi":
            return +mp.pi
        if name == "e":
            return +mp.e
        if name == "i":
            return mp.mpc(0, 1)
        return self.rational(point[name])

    def call(self, name: str, args: list[Any]) -> Any:
        if name.startswith("apply:"):
            rounded = ",".join(str(mp.nstr(arg, 25)) for arg in args)
            return self.rational(pseudo_random(f"{name}({rounded})"))
        operation = _NUMERIC.get(name)
        if operation is None:
            raise RefusalError(name)
        try:
            value = operation(*args)
            # So near one, which digits differ is not to be seen.
            self.extreme = self.extreme or (name == "tanh" and abs(args[0]) > _TRUSTED_BITS / 3)
        except (ValueError, ZeroDivisionError, mp.NoConvergence) as error:
            raise UndefinedError(name) from error
        return self._checked(value)

    def _checked(self, value: Any) -> Any:
        if not mp.isfinite(value):
            raise UndefinedError("not finite")
        if isinstance(value, mp.mpc) and not self._allow_complex:
            if value.imag != 0:
                raise UndefinedError("not real")
            value = value.real
        if value != 0:
            size = abs(int(mp.mag(value)))
            if size > _MAX_EXPONENT_BITS:
                raise SizeError("a number")
            self.extreme = self.extreme or size > _TRUSTED_BITS
        return value


def _power(base: Any, exponent: Any) -> Any:
    if base == 0:
        if mp.re(exponent) <= 0:
            raise UndefinedError("a power of zero")
        return base
    if exponent != 0:
        growth = int(mp.mag(exponent)) + max(int(mp.mag(mp.log(abs(base)) + mp.mpf(2) ** -60)), 0)
        if growth > 20:
            raise SizeError("a power")
    return mp.power(base, exponent)


def _root(index: Any, base: Any) -> Any:
    if mp.isint(index) and int(index) % 2 and not isinstance(base, mp.mpc) and base < 0:
        return -mp.power(-base, 1 / index)  # the real root: what people mean by the cube root of -8
    return _power(base, 1 / index)


def _bounded(function: Callable[..., Any], limit: float) -> Callable[..., Any]:
    def of_bounded(*args: Any) -> Any:
        if any(abs(arg) > limit for arg in args):
            raise SizeError("an argument")
        return function(*args)

    return of_bounded


def _rounded(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def of_nearly_whole(value: Any) -> Any:
        nearest = mp.nint(value)
        # A whole number that was computed, as the logarithm of 8 to base 2, may lie a rounding error off.
        return nearest if abs(value - nearest) < mp.mpf(10) ** (-mp.dps // 2) else function(value)

    return of_nearly_whole


def _logarithm(value: Any) -> Any:
    if value == 0:
        raise UndefinedError("logarithm of zero")
    return mp.log(value)


def _inverse_cotangent(value: Any) -> Any:
    if value < 0:
        raise UndefinedError("an angle that is negative to some and obtuse to others")
    return mp.acot(value)


#: `\log` without a base is natural to some and decimal to others: the same unknown base everywhere.
_UNSAID_BASE = Fraction(1873, 997)

_NUMERIC: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "pow": _power,
    "sqrt": mp.sqrt,
    "root": _root,
    "abs": abs,
    "percent": lambda a: a / 100,
    "degree": lambda a: a * mp.pi / 180,
    "base": lambda value, digits, radix: value,
    "exp": _bounded(mp.exp, 1e5),
    "ln": _logarithm,
    "log": lambda a: _logarithm(a) * _UNSAID_BASE.denominator / _UNSAID_BASE.numerator,
    "log_10": lambda a: _logarithm(a) / mp.log(10),
    "log_base": lambda base, a: _logarithm(a) / _logarithm(base),
    "factorial": _bounded(mp.factorial, _MAX_NUMERIC_FACTORIAL),
    "binom": _bounded(mp.binomial, _MAX_NUMERIC_FACTORIAL),
    "floor": _rounded(mp.floor),
    "ceil": _rounded(mp.ceil),
    "max": max,
    "min": min,
    **{name: _bounded(getattr(mp, name), 1e30) for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{name: _bounded(getattr(mp, name), 1e5) for name in ("sinh", "cosh", "tanh")},
    "arcsin": mp.asin,
    "arccos": mp.acos,
    "arctan": mp.atan,
    "arccot": _inverse_cotangent,
}
