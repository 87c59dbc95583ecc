r"""Tokens of one mathematical expression -> a tree; what cannot be read with certainty is refused, never guessed.

A grammar of our own instead of a computer algebra system's text parser: that one evaluates Python. RefusalError are, among
others, `\sqrt12` (which root?), `a/bc` (what is below?), `\sin x/2`, sums, integrals, and words.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from omr.answer_cursor import Cursor
from omr.answer_spelling import spell
from omr.answer_tokens import Kind, Token
from omr.answer_trees import MAX_DEPTH, Call, Expression, Matrix, Number, RefusalError, Symbol, joined


_MAX_EXPONENT_OF_TEN = 4000
#: Double signs and slashes, which nest without brackets.
_MAX_STEPS = 16
_MAX_POSTFIXES = 4

_FUNCTIONS: Final = frozenset(
    str.split(
        "sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh ln log exp gcd lcm max min sqrt abs floor ceil"
        " log_10"
    )
)
_INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot"}
_CONSTANT_WORDS = {"pi": "\\pi", "infinity": "\\infty", "inf": "\\infty", "oo": "\\infty", "theta": "\\theta"}
_CONSTANT_WORDS |= {name: f"\\{name}" for name in ("alpha", "beta", "gamma", "delta", "lambda", "phi", "omega")}
_GREEK = frozenset(
    "\\" + name
    for name in str.split(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
        " omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega infty ell emptyset hbar Re Im"
    )
)
_DECORATIONS = frozenset({"\\overline", "\\vec", "\\hat", "\\tilde", "\\angle", "\\triangle", "\\dot"})
#: A letter of these before a parenthesis is a function's name; any other letter is a factor.
_FUNCTION_LETTERS = frozenset("fghFGHPQW")
_SHORT_WORDS = frozenset(
    str.split("am an as at be by do go he if in is it me my no of on or so to up us we th st nd rd")
)
_ORDINALS = frozenset({"th", "st", "nd", "rd"})
_FENCES = {"\\lfloor": ("\\rfloor", "floor"), "\\lceil": ("\\rceil", "ceil")}


def parse_expression(tokens: Sequence[Token]) -> Expression:
    """The tree of an expression.

    Raises: RefusalError
    """
    parser = _Parser(tokens)
    tree = parser.sum()
    parser.expect_end()
    return tree


class _Parser(Cursor):
    """Recursive descent over tokens, in time linear in their number."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__(tokens)
        self._depth = 0
        self._in_bars = False
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
        factors = [self._factor()]
        divided = False  # after a bare `/`, a factor side by side could belong above or below the line
        while True:
            if self.sees_command("\\cdot"):
                self.next()
                factors.append(self._signed_factor())
                divided = False
            elif self.sees("/"):
                factors, divided = [self._quotient(joined("mul", factors))], True
            elif self._starts_factor():
                if divided:
                    raise RefusalError("side by side after a slash")
                factors = self._side_by_side(factors)
            else:
                return joined("mul", factors)

    def _quotient(self, above: Expression) -> Call:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise RefusalError("too many slashes")
        self.expect("/")
        self._refuse_letters()
        return Call("div", (above, self._signed_factor()))

    def _refuse_letters(self) -> None:
        """After a slash or a caret, `ab` may be `a` with a factor `b` behind it."""
        token = self.peek()
        if token is not None and token.kind is Kind.WORD and token.text not in _FUNCTIONS | _CONSTANT_WORDS.keys():
            raise RefusalError("letters of which one may be meant")

    def _side_by_side(self, factors: list[Expression]) -> list[Expression]:
        before, after, left = self.tokens[self.place - 1], self.peek(), factors[-1]
        assert after is not None, "a factor starts here"
        if after.kind is Kind.NUMBER:
            if before.kind is Kind.NUMBER and isinstance(left, Number) and after.spaced:
                return [*factors[:-1], self._mixed(left)]
            if not before.is_mark(")", "]"):
                raise RefusalError("a numeral after a factor")
        part = self._factor()
        mixed = before.kind is Kind.NUMBER and after.is_command("\\frac") and len(factors) == 1 and _is_proper(part)
        if mixed and isinstance(left, Number) and left.decimals is None:
            return [Call("add", (left, part))]
        return [*factors, part]

    def _mixed(self, whole: Number) -> Expression:
        above = self._number(self.next())
        self.expect("/")
        below = self._number(self.next())
        part = Call("div", (above, below))
        if not _is_proper(part) or whole.decimals is not None:
            raise RefusalError("two numerals side by side")
        return Call("add", (whole, part))

    def _signed_factor(self) -> Expression:
        if self.take("-"):
            return Call("neg", (self._factor(),))
        self.take("+")
        return self._factor()

    def _starts_factor(self) -> bool:
        token = self.peek()
        if token is None:
            return False
        if token.kind is Kind.MARK:
            return token.text in ("(", "[", "{") or (token.text == "|" and not self._in_bars)
        if token.kind is Kind.TEXT:
            return len(token.text) == 1
        if token.kind is Kind.COMMAND:
            return token.text in _GREEK or token.text in _FENCES or token.text[1:] in _FUNCTIONS or _opens(token)
        return True

    # Powers and what stands behind a factor

    def _factor(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RefusalError("nested too deeply")
        base = self._postfix(self._atom())
        self._depth -= 1
        return base

    def _postfix(self, base: Expression) -> Expression:
        for _ in range(_MAX_POSTFIXES):
            if self.take("!"):
                if self.sees("!"):
                    raise RefusalError("a double factorial")
                base = Call("factorial", (base,))
            elif self.take("%"):
                base = Call("percent", (base,))
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
                self._group_of_one()
                return Call("degree", (base,))
            if inside.is_letters and inside.text in _ORDINALS:
                self._group_of_one()
                return base
        return Call("pow", (base, self._exponent()))

    def _exponent(self) -> Expression:
        if self.take("{"):
            exponent = self._inner("}")
            if self.sees("^"):
                raise RefusalError("two exponents")
            return exponent
        if self.take("-"):
            return Call("neg", (self._factor(),))
        self._refuse_letters()
        return self._factor()

    # Atoms

    def _atom(self) -> Expression:
        token = self.next()
        if token.kind is Kind.NUMBER:
            return self._numeral(token)
        if token.kind is Kind.SYMBOL or (token.kind is Kind.TEXT and len(token.text) == 1):
            return self._symbol(token.text)
        if token.kind is Kind.WORD:
            return self._word(token.text)
        if token.kind is Kind.COMMAND:
            return self._command(token.text)
        return self._fenced(token)

    def _inner(self, closing: str) -> Expression:
        in_bars, self._in_bars = self._in_bars, closing == "|"
        tree = self.sum()
        self.expect(closing)
        self._in_bars = in_bars
        return tree

    def _fenced(self, token: Token) -> Expression:
        closing = {"(": ")", "[": "]", "{": "}", "|": "|"}.get(token.text)
        if closing is None:
            raise RefusalError(f"{token.text} starts nothing")
        inside = self._inner(closing)
        return Call("abs", (inside,)) if closing == "|" else inside

    def _numeral(self, token: Token) -> Expression:
        if self.take("_"):
            return self._in_base(token)
        return self._number(token)

    def _number(self, token: Token) -> Number:
        if token.kind is not Kind.NUMBER:
            raise RefusalError("not a numeral")
        mantissa, _, exponent = token.text.partition("e")
        if len(exponent) > 5 or abs(int(exponent or 0)) > _MAX_EXPONENT_OF_TEN:
            raise RefusalError("an exponent beyond reason")
        decimals = len(mantissa.partition(".")[2]) if "." in mantissa else None
        return Number(Fraction(token.text), None if exponent else decimals)

    def _in_base(self, token: Token) -> Expression:
        base = self._number(self._group_of_one())
        if not token.text.isdigit() or base.value.denominator != 1 or not 2 <= base.value <= 36:
            raise RefusalError("not a base")
        digits, radix = token.text, int(base.value)
        if any(int(digit) >= radix for digit in digits):
            raise RefusalError("a digit beyond its base")
        return Call("base", (Number(Fraction(int(digits, radix))), Number(Fraction(int(digits))), base))

    def _group_of_one(self) -> Token:
        self.expect("{")
        token = self.next()
        self.expect("}")
        return token

    def _symbol(self, name: str) -> Expression:
        if self.take("_"):
            name += f"_{{{self._subscript()}}}"
        while self.take("'"):
            name += "'"
        if self.sees("(") and name[0] in _FUNCTION_LETTERS:
            return Call(f"apply:{name}", self._arguments())
        return Symbol(name)

    def _subscript(self) -> str:
        if not self.take("{"):
            return self.next().text
        start, depth = self.place, 1
        while depth:
            token = self.next()
            depth += token.is_mark("{") - token.is_mark("}")
        return spell(list(self.tokens[start : self.place - 1]))

    def _arguments(self) -> tuple[Expression, ...]:
        self.expect("(")
        in_bars, self._in_bars = self._in_bars, False
        args = [self.sum()]
        while self.take(","):
            args.append(self.sum())
        self.expect(")")
        self._in_bars = in_bars
        return tuple(args)

    def _word(self, word: str) -> Expression:
        if word in _FUNCTIONS:
            return self._function(word)
        if word in _CONSTANT_WORDS:
            return self._symbol(_CONSTANT_WORDS[word])
        if not _is_product(word):
            raise RefusalError("a word")
        letters, last = word[:-1], word[-1]
        return joined("mul", [*(Symbol(letter) for letter in letters), self._symbol(last)])

    def _command(self, command: str) -> Expression:
        name = command[1:]
        if command == "\\frac":
            above, below = self._group(), self._group()
            if _is_differential(above) and _is_differential(below):
                raise RefusalError("a derivative")
            return Call("div", (above, below))
        if command == "\\binom":
            return Call("binom", (self._group(), self._group()))
        if command == "\\sqrt":
            return self._root()
        if name in _FUNCTIONS:
            return self._function(name)
        if command in _GREEK or command.startswith("\\mathbb"):
            return self._symbol(command)
        if command in _FENCES:
            return self._between(*_FENCES[command])
        if command in _DECORATIONS:
            return self._decorated(command)
        if command == "\\begin{matrix}":
            return self._matrix()
        raise RefusalError(command)

    def _group(self) -> Expression:
        self.expect("{")
        return self._inner("}")

    def _between(self, closing: str, name: str) -> Expression:
        inside = self.sum()
        if not self.sees_command(closing):
            raise RefusalError(f"no {closing}")
        self.next()
        return Call(name, (inside,))

    def _root(self) -> Expression:
        if self.take("["):
            return Call("root", (self._inner("]"), self._group()))
        if self.take("("):
            return Call("sqrt", (self._inner(")"),))
        return Call("sqrt", (self._group(),))

    def _decorated(self, command: str) -> Expression:
        if self.sees("{"):
            return self._symbol(f"{command} {self._subscript()}")
        token = self.next()
        if not token.is_letters:
            raise RefusalError("a decoration of no letter")
        return self._symbol(f"{command} {token.text}")

    # Functions

    def _function(self, name: str) -> Expression:
        power: Expression | None = None
        if name == "log" and self.take("_"):
            base = self._group() if self.sees("{") else self._factor()
            return Call("log_base", (base, self._argument()))
        if self.sees("^"):
            self.next()
            power = self._exponent()
            if power == Call("neg", (Number(Fraction(1)),)):
                if name not in _INVERSES:
                    raise RefusalError("an inverse of which kind?")
                name, power = _INVERSES[name], None
        if name in ("gcd", "lcm", "max", "min"):
            return Call(name, self._arguments())
        call = Call(name, (self._argument(),))
        return call if power is None else Call("pow", (call, power))

    def _argument(self) -> Expression:
        if self.sees("("):
            self.next()
            return self._inner(")")
        if self.sees("{"):
            return self._group()
        factors = [self._factor()]
        while self._starts_simple_factor():
            factors.append(self._factor())
        if self.sees("/"):
            raise RefusalError("a slash after a bare argument")
        return joined("mul", factors)

    def _starts_simple_factor(self) -> bool:
        token = self.peek()
        if token is None:
            return False
        return (
            token.kind is Kind.SYMBOL
            or token.is_command("\\frac", "\\sqrt")
            or (token.kind is Kind.COMMAND and token.text in _GREEK)
        )

    # Matrices

    def _matrix(self) -> Expression:
        rows: list[tuple[Expression, ...]] = []
        row: list[Expression] = []
        while True:
            row.append(self.sum())
            if self.take("&"):
                continue
            rows.append(tuple(row))
            row = []
            if self.take("\\\\") and not self.sees_command("\\end{matrix}"):
                continue
            break
        if not self.sees_command("\\end{matrix}") or len({len(row) for row in rows}) != 1:
            raise RefusalError("a torn matrix")
        self.next()
        return Matrix(tuple(rows))


def _is_product(word: str) -> bool:
    """Whether letters side by side are variables: `xy`, `abc`, `ABCD`; not `is`, `sum`, `sinx`."""
    if word.isupper():
        return len(word) <= 4
    return (len(word) == 2 and word not in _SHORT_WORDS) or word in "abcdefgh" or word in "pqrstuvwxyz"


def _opens(token: Token) -> bool:
    return token.text in _DECORATIONS or token.is_command("\\frac", "\\binom", "\\sqrt", "\\begin{matrix}")


def _is_differential(tree: Expression) -> bool:
    first = tree.args[0] if isinstance(tree, Call) and tree.name == "mul" else tree
    return first == Symbol("d")


def _is_proper(part: Expression) -> bool:
    """A fraction of whole numerals below one, as in `2\\frac{1}{3}`."""
    if not isinstance(part, Call) or part.name != "div":
        return False
    above, below = part.args
    if not isinstance(above, Number) or not isinstance(below, Number):
        return False
    whole = above.value.denominator == below.value.denominator == 1
    return whole and 0 < above.value < below.value
