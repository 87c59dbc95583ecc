r"""Texts like those of models, for the benchmarks: LaTeX, `\le` beside `≤`, quotes, line ends, and no two alike.

Escapes and characters beyond ASCII are what reading and writing JSON costs most for; answers that differ are what
comparing costs. A text of plain letters measures neither.
"""

from __future__ import annotations

import random
from fractions import Fraction

_STEPS = (
    "Let me set $a_{%d} = \\frac{%d}{n+1}$ and use $\\sum_{k=1}^{n} \\left(x_k - \\bar{x}\\right)^2 \\ge 0$. Then"
    '\n\\[\n\\int_0^1 x^{%d}\\,dx = \\frac{1}{%d},\n\\]\nso the bound is "tight" — wait, let me check that again.\n\n',
    "Since x ≥ %d and y ≤ %d, we get x + y ≤ %d; in other words \\(x + y \\le %d\\). Hmm, that isn’t enough…\n\n",
    "Case %d: if $p \\mid n^2 - %d$, then $p \\equiv \\pm 1 \\pmod{%d}$, hence $\\varphi(n) \\neq %d$.\n"
    "  - so $\\angle ABC = 60^\\circ$ and AB ⟂ CD.\n\n",
    "So $S_{%d} = \\{ (a, b) \\in \\mathbb{Z}^2 : a + b \\leq %d \\}$ has $\\binom{%d}{2} = %d$ elements → next.\n\n",
)
#: In one text of twenty: what an escape may have made of `\times`, and mostly is what it is.
_TABS = "As a table:\nn\tf(n)\n1\t1\n2\t4\n\n"
_WORDS = [
    "therefore",
    "consider",
    "triangle",
    "prime",
    "factor",
    "bound",
    "equality",
    "maximum",
    "sequence",
    "we",
    "note",
    "that",
    "the",
    "other",
    "case",
    "holds",
]


class Texts:
    """Draws texts and answers; the same seed gives the same ones."""

    def __init__(self, seed: int = 0) -> None:
        self.draw = random.Random(seed)
        self._pool = [self._step() for _ in range(3000)]

    def _step(self) -> str:
        draw = self.draw
        words = " ".join(draw.choices(_WORDS, k=draw.randint(5, 25))).capitalize()
        return draw.choice(_STEPS) % tuple(draw.randint(1, 999) for _ in range(4)) + f"{words}.\n\n"

    def text(self, characters: int) -> str:
        """About so many characters."""
        parts, size = [_TABS] if self.draw.random() < 0.05 else [], 0
        while size < characters:
            parts.append(self.draw.choice(self._pool))
            size += len(parts[-1])
        return "".join(parts)

    def spellings(self) -> list[str]:
        """An answer in three spellings; most are integers, as in contests."""
        draw, kind = self.draw, self.draw.random()
        p, q = draw.randint(2, 999), draw.randint(2, 60)
        if kind < 0.55:
            return [str(p * q), f"{p * q}.", f"x = {p * q}"]
        if kind < 0.75:
            value = Fraction(p, q)
            short = f"{value.numerator}/{value.denominator}"
            return [f"\\frac{{{value.numerator}}}{{{value.denominator}}}", short, f"\\dfrac{{{3 * p}}}{{{3 * q}}}"]
        if kind < 0.87:
            return [f"{p}\\sqrt{{{q}}}", f"\\sqrt{{{p * p * q}}}", f"{p} \\cdot {q}^{{1/2}}"]
        if kind < 0.96:
            return [f"({p}, {q})", f"\\left({p},{q}\\right)", f"x={p}, y={q}"]
        return [f"x ≤ {p}", f"x \\le {p}", f"(-\\infty, {p}]"]
