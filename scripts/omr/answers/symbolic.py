r"""Integrals, sums, limits, determinants: what our grammar refuses, read by Math-Verify's parser, settled by SymPy.

Math-Verify's grader is not used: it takes `\{1,2\}` for `(1,2)` and `x^2` for `X^2`, and numbers that agree to 15
digits for equal. Its parser is an ANTLR grammar and runs nothing, but SymPy evaluates as Python any *string* that
reaches it, and the parser hands it the text of numerals. So numerals are converted here, that door of SymPy is shut
while text is parsed, and what comes out has names of variables that could not do harm. Slow, and may run without end:
only for a process that may be killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NoReturn

import sympy
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, _Latex2Sympy
from sympy.parsing import sympy_parser

from omr.answers.forms import Form, Named, Opaque, Value
from omr.answers.reading import read_answer
from omr.answers.spelling import tokenise
from omr.answers.tokens import Kind, Token
from omr.answers.trees import Call, Expression, Number, Symbol
from omr.answers.verdict import Verdict
from omr.answers.vocabulary import FUNCTION_LETTERS
from omr.files.patterns import lazy

_MAX_CHARS = 300
_PLAIN_NAME = lazy(
    r"[A-Za-z](?:_\d{1,3})?|alpha|beta|gamma|delta|theta|lambda|mu|phi|omega|[+-]"
)  # signs: sides of limits


def _refuse_evaluation(*_: object, **__: object) -> NoReturn:
    raise ValueError("text of a model is never evaluated")


@contextmanager
def _without_evaluation() -> Iterator[None]:
    """No string becomes SymPy meanwhile: `sympify`, however deep it is called, ends in this function and its `eval`.

    Not shut for good, since SymPy's own code uses it on its own constants.
    """
    evaluate = sympy_parser.eval_expr
    sympy_parser.eval_expr = _refuse_evaluation
    try:
        yield
    finally:
        sympy_parser.eval_expr = evaluate


class _UnknownError(Exception):
    """An expression that SymPy has no certain counterpart for."""


class _Parser(_Latex2Sympy):  # type: ignore[misc]
    def parse_number(self, text: str) -> Any:
        return _rational(Fraction(text.replace(",", "")))


def compare_symbolically(one: str, other: str) -> Verdict:
    """Whether two answers are the same expression, for answers that omr.answers.comparison could not settle."""
    first, second = _expression(read_answer(one)), _expression(read_answer(other))
    if first is None or second is None:
        return Verdict.UNKNOWN
    try:
        gap = sympy.simplify((first - second).doit())
        if gap == 0:
            return Verdict.EQUAL
        apart = gap.is_number and abs(complex(gap.evalf(30))) > 1e-10
    except Exception:  # noqa: BLE001 -- SymPy raises whatever the code it was in raises; any of it means "not settled"
        return Verdict.UNKNOWN
    rounded = any(token.kind is Kind.NUMBER and "." in token.text for side in (one, other) for token in tokenise(side))
    return Verdict.DIFFERENT if apart and not rounded else Verdict.UNKNOWN


def _expression(form: Form) -> Any | None:
    """The SymPy expression of a form that is one expression and nothing else."""
    if isinstance(form, Named) and form.is_equation:
        form = form.value
    try:
        if isinstance(form, Value) and form.unit is None:
            return _of_tree(form.tree)
        return _of_latex(form.spelling) if isinstance(form, Opaque) else None
    except _UnknownError:
        return None


def _of_latex(latex: str) -> Any:
    if len(latex) > _MAX_CHARS or not _is_certain(tokenise(latex)):
        raise _UnknownError
    try:
        with _without_evaluation():
            tree = _Parser(config=ConversionConfig(lowercase_symbols=False)).parse(latex)
    except Exception as error:  # what the parser raises for text outside its grammar
        raise _UnknownError from error
    if not isinstance(tree, sympy.Expr):
        raise _UnknownError
    if not all(_PLAIN_NAME.fullmatch(symbol.name) for symbol in tree.atoms(sympy.Symbol)):
        raise _UnknownError
    return tree


def _is_certain(tokens: Sequence[Token]) -> bool:
    r"""Whether there is one way to read an expression, where the parser would guess.

    It takes text for variables, `f(k)` for a product, `k 2` for `2k`, and leaves the 1 of `\sum k + 1` outside of the
    sum; an integral without bounds is known up to a constant only.
    """
    open_ended, depth = False, 0
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        depth += token.is_mark("(", "[", "{") - token.is_mark(")", "]", "}")
        open_ended = open_ended or token.is_command("\\sum", "\\prod", "\\lim")
        if token.kind is Kind.TEXT or (open_ended and depth <= 0 and token.is_mark("+", "-")):
            return False
        if token.is_command("\\int") and (after is None or not after.is_mark("_")):
            return False
        if before is not None and before.is_letters:
            closing = tokens[place + 2] if place + 2 < len(tokens) else None
            applied = before.text in FUNCTION_LETTERS or (closing is not None and closing.is_mark(")"))
            if token.kind is Kind.NUMBER or (token.is_mark("(") and applied):
                return False
        if before is not None and before.is_mark(")") and token.kind is Kind.NUMBER:
            return False
    return True


def _rational(value: Fraction) -> Any:
    return sympy.Rational(value.numerator, value.denominator)


def _of_tree(tree: Expression) -> Any:
    if isinstance(tree, Number):
        return _rational(tree.value)
    if isinstance(tree, Symbol):
        return _of_symbol(tree.name)
    if not isinstance(tree, Call) or tree.name not in _OPERATIONS:
        raise _UnknownError
    return _OPERATIONS[tree.name](*[_of_tree(arg) for arg in tree.args])


def _of_symbol(name: str) -> Any:
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if len(name) > 1 or name == "i":
        raise _UnknownError
    return sympy.Symbol(name)


_CONSTANTS = {"\\pi": sympy.pi, "e": sympy.E, "\\infty": sympy.oo}
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": sympy.Add,
    "mul": sympy.Mul,
    "div": lambda above, below: above / below,
    "neg": lambda a: -a,
    "pow": lambda base, exponent: base**exponent,
    "abs": sympy.Abs,
    "sqrt": sympy.sqrt,
    "root": lambda index, a: sympy.root(a, index),
    "factorial": sympy.factorial,
    "binom": sympy.binomial,
    "ln": sympy.log,
    "exp": sympy.exp,
    **{name: getattr(sympy, name) for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh")},
    **{f"arc{name}": getattr(sympy, f"a{name}") for name in ("sin", "cos", "tan", "cot")},
}
