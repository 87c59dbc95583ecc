r"""Integrals, sums, limits, determinants: what our grammar refuses, read by Math-Verify's LaTeX parser, settled by SymPy.

Its grader is not used: it takes `\{1,2\}` for `(1,2)`, `x^2` for `X^2`, and reads numbers that agree to 15 digits as
equal. Its grammar is ANTLR's and runs nothing, but SymPy would evaluate any *string* that reached it as Python; that
door is closed here. Slow, and may run without end: only for a process that may be killed.
"""

from __future__ import annotations

from typing import Any, NoReturn

import sympy
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, latex2sympy
from sympy.parsing import sympy_parser

from omr.answer_forms import Form, Named, Opaque, Value, read_answer
from omr.answer_spelling import tokenise
from omr.answer_tokens import Kind
from omr.answer_verdict import Verdict

_MAX_CHARS = 300
_CONVERSION = ConversionConfig(lowercase_symbols=False, interpret_as_mixed_fractions=False)


def _refuse_evaluation(*_: object, **__: object) -> NoReturn:
    raise ValueError("text of a model is never evaluated")


# `sympify` of a string, however deep in SymPy it is called, ends in this function and there in `eval`.
sympy_parser.eval_expr = _refuse_evaluation


def compare_symbolically(one: str, other: str) -> Verdict:
    """Whether two answers are the same expression, for answers that omr.answer_comparison could not settle."""
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
    return Verdict.DIFFERENT if apart else Verdict.UNKNOWN


def _expression(form: Form) -> Any | None:
    """The SymPy expression of a form that is one expression and nothing else."""
    if isinstance(form, Named) and form.is_equation:
        form = form.value
    if isinstance(form, Value):
        spelling = form.spelling if form.unit is None else ""
    else:
        spelling = form.spelling if isinstance(form, Opaque) else ""
    if not spelling or len(spelling) > _MAX_CHARS or any(token.kind is Kind.TEXT for token in tokenise(spelling)):
        return None
    try:
        tree = latex2sympy(spelling, normalization_config=None, conversion_config=_CONVERSION)
    except Exception:  # noqa: BLE001 -- the parser raises bare Exception for text outside its grammar
        return None
    return tree if isinstance(tree, sympy.Expr) else None


