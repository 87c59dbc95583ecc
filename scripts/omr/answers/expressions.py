r"""Tokens of one mathematical expression -> a tree; what cannot be read with certainty is refused, never guessed.

A grammar of our own instead of a computer algebra system's text parser: that one evaluates Python. Refused are, among
others, `\sqrt12` (which root?), `a/bc` (what is below?), `\sin x/2`, sums, integrals, and words.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from omr.answers.atoms import AtomParser
from omr.answers.tokens import Kind, Token
from omr.answers.trees import MAX_DEPTH, Call, Expression, Number, RefusalError, Symbol, joined
from omr.answers.vocabulary import CONSTANT_WORDS, DECORATIONS, FENCES, FUNCTIONS, GREEK, ORDINALS

#: Double signs and slashes, which nest without brackets.
_MAX_STEPS = 16
_MAX_POSTFIXES = 4


def parse_expression(tokens: Sequence[Token]) -> Expression:
    """The tree of an expression.

    Raises: RefusalError
    """
    parser = _Parser(tokens)
    tree = parser.sum()
    parser.expect_end()
    return tree


class _Parser(AtomParser):
    """Recursive descent over tokens, in time linear in their number."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__(tokens)
        self._depth = 0
        self._steps = 0

    # Sums and products

    def sum(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RefusalError("nested too deeply")
        terms = [self._signed_term()]
        while True:
            if self.take("+"):
                terms.append(self._term())
            elif self.take("-"):
                terms.append(Call("neg", (self._term(),)))
            elif self.sees_command("\\pm", "\\mp"):
                terms = [self._two_signs(joined("add", terms))]
            else:
                break
        self._depth -= 1
        return joined("add", terms)

    def _signed_term(self) -> Expression:
        if self.take("-"):
            return Call("neg", (self._term(),))
        if self.sees_command("\\pm", "\\mp"):
            return self._two_signs(Number(Fraction(0)))
        self.take("+")
        return self._term()

    def _two_signs(self, left: Expression) -> Expression:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise RefusalError("too many signs")
        return Call(self.next().text[1:], (left, self._term()))

    def _term(self) -> Expression:
        factors = [self.factor()]
        divided = False  # after a bare `/`, a factor side by side could belong above or below the line
        while True:
            if self.sees_command("\\cdot"):
                self.next()
                factors.append(self._signed_factor())
                divided = False
            elif self.sees("/"):
                if divided:
                    raise RefusalError("two slashes, or a date")
                factors, divided = [self._quotient(joined("mul", factors))], True
            elif self._starts_factor():
                if divided:
                    raise RefusalError("side by side after a slash")
                factors = self._side_by_side(factors)
            elif sum(isinstance(factor, Symbol) and factor.name.startswith("\\vec") for factor in factors) > 1:
                raise RefusalError("a product of vectors, of which kind?")
            else:
                return joined("mul", factors)

    def _quotient(self, above: Expression) -> Call:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise RefusalError("too many slashes")
        self.expect("/")
        self.refuse_letters()
        below = self._signed_factor()
        if isinstance(below, Call) and below.name in ("percent", "degree"):
            return Call(below.name, (Call("div", (above, below.args[0])),))  # `1/2%` is half a percent
        return Call("div", (above, below))

    def refuse_letters(self) -> None:
        """After a slash or a caret, `ab` may be `a` with a factor `b` behind it."""
        token = self.peek()
        if token is not None and token.kind is Kind.WORD and token.text not in FUNCTIONS | CONSTANT_WORDS.keys():
            raise RefusalError("letters of which one may be meant")

    def _side_by_side(self, factors: list[Expression]) -> list[Expression]:
        before, after, left = self.tokens[self.place - 1], self.peek(), factors[-1]
        assert after is not None, "a factor starts here"
        if after.kind is Kind.NUMBER:
            if before.kind is Kind.NUMBER and isinstance(left, Number) and after.spaced and len(factors) == 1:
                return [self._mixed(left)]
            raise RefusalError("a numeral after a factor")
        self._refuse_labels(before, after, left)
        part = self.factor()
        mixed = before.kind is Kind.NUMBER and after.is_command("\\frac") and len(factors) == 1 and _is_proper(part)
        if mixed and isinstance(left, Number) and left.decimals is None:
            return [Call("add", (left, part))]
        return [*factors, part]

    def _refuse_labels(self, before: Token, after: Token, left: Expression) -> None:
        """`(2) x`, `(a) 6`: a factor, or the label of a part? `a(2)`: a factor, or an argument? `2{3}`: six, or 23?"""
        beyond = self.peek(1)
        grouped = after.is_mark("{") and (before.is_mark("}") or before.kind is Kind.NUMBER)
        if grouped and beyond is not None and beyond.kind is Kind.NUMBER:
            raise RefusalError("a numeral after a factor")
        if self._stands_behind_label() and (after.spaced or not after.is_mark("(")):
            raise RefusalError("a label")
        closing = self.peek(2)
        if after.is_mark("(") and closing is not None and closing.is_mark(")") and _is_variable(left):
            raise RefusalError("an argument, or a factor")

    def _stands_behind_label(self) -> bool:
        """Whether all that comes before is one letter or number in parentheses."""
        return self.place == 3 and self.tokens[0].is_mark("(") and self.tokens[2].is_mark(")")

    def _mixed(self, whole: Number) -> Expression:
        above = self.number(self.next())
        self.expect("/")
        below = self.number(self.next())
        part = Call("div", (above, below))
        if not _is_proper(part) or whole.decimals is not None:
            raise RefusalError("two numerals side by side")
        return Call("add", (whole, part))

    def _signed_factor(self) -> Expression:
        if self.take("-"):
            return Call("neg", (self.factor(),))
        self.take("+")
        return self.factor()

    def _starts_factor(self) -> bool:
        token = self.peek()
        if token is None:
            return False
        if token.kind is Kind.MARK:
            return token.text in ("(", "[", "{") or (token.text == "|" and not self.in_bars)
        if token.kind is Kind.TEXT:
            return len(token.text) == 1
        if token.kind is Kind.COMMAND:
            return token.text in GREEK or token.text in FENCES or token.text[1:] in FUNCTIONS or _opens(token)
        return True

    # Powers and what stands behind a factor

    def factor(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RefusalError("nested too deeply")
        base = self.postfix(self.atom())
        self._depth -= 1
        return base

    def postfix(self, base: Expression) -> Expression:
        for _ in range(_MAX_POSTFIXES):
            if self.take("!"):
                if self.sees("!"):
                    raise RefusalError("a double factorial")
                base = Call("factorial", (base,))
            elif self.take("%"):
                base = _signed(base, "percent")
            elif self.sees("^"):
                base = self._power(base)
            else:
                return base
        raise RefusalError("too much behind a factor")

    def _power(self, base: Expression) -> Expression:
        self.expect("^")
        inside = self.peek(1)
        if self.sees("{") and inside is not None:
            if inside.is_command("\\circ"):
                self.group_of_one()
                return _signed(base, "degree")
            if inside.is_letters and inside.text in ORDINALS:
                self.group_of_one()
                return base
        return Call("pow", (base, self.exponent()))

    def exponent(self) -> Expression:
        if self.take("{"):
            exponent = self._inner("}")
            if self.sees("^"):
                raise RefusalError("two exponents")
            return exponent
        if self.take("-"):
            return Call("neg", (self.factor(),))
        self.refuse_letters()
        return self.factor()


def _signed(base: Expression, sign: str) -> Call:
    if isinstance(base, Call) and base.name in ("percent", "degree"):
        raise RefusalError("percent of percent")
    return Call(sign, (base,))


def _opens(token: Token) -> bool:
    return token.text in DECORATIONS or token.is_command("\\frac", "\\binom", "\\sqrt", "\\begin{matrix}")


def _is_variable(tree: Expression) -> bool:
    return isinstance(tree, Symbol) and tree.name not in ("\\pi", "e", "i")


def _is_proper(part: Expression) -> bool:
    """A fraction of whole numerals below one, as in `2\\frac{1}{3}`."""
    if not isinstance(part, Call) or part.name != "div":
        return False
    above, below = part.args
    if not isinstance(above, Number) or not isinstance(below, Number):
        return False
    whole = above.value.denominator == below.value.denominator == 1
    return whole and 0 < above.value < below.value
