"""What an expression is made of: numerals, symbols, words, commands with arguments, functions, brackets, matrices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction

from omr.answers.cursor import Cursor
from omr.answers.spelling import spell
from omr.answers.tokens import Kind, Token
from omr.answers.trees import Call, Expression, Matrix, Number, RefusalError, Symbol, joined
from omr.answers.vocabulary import (
    CONSTANT_WORDS,
    DECORATIONS,
    FENCES,
    FUNCTION_COMMANDS,
    FUNCTION_LETTERS,
    FUNCTIONS,
    GREEK,
    INVERSES,
    is_product,
)

_MAX_EXPONENT_OF_TEN = 4000


class AtomParser(Cursor, ABC):
    """Parses atoms; what stands around them, and inside their brackets, is a subclass's to parse."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__(tokens)
        self.in_bars = False

    @abstractmethod
    def sum(self) -> Expression:
        """The longest expression from here on."""

    @abstractmethod
    def factor(self) -> Expression:
        """One atom with its powers and signs behind it."""

    @abstractmethod
    def postfix(self, base: Expression) -> Expression:
        """`base` with the powers and signs that come next."""

    @abstractmethod
    def exponent(self) -> Expression:
        """What stands behind a caret."""

    def atom(self) -> Expression:
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
        in_bars, self.in_bars = self.in_bars, closing == "|"
        tree = self.sum()
        self.expect(closing)
        self.in_bars = in_bars
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
        return self.number(token)

    def number(self, token: Token) -> Number:
        if token.kind is not Kind.NUMBER:
            raise RefusalError("not a numeral")
        mantissa, _, exponent = token.text.partition("e")
        if len(exponent) > 5 or abs(int(exponent or 0)) > _MAX_EXPONENT_OF_TEN:
            raise RefusalError("an exponent beyond reason")
        decimals = len(mantissa.partition(".")[2]) if "." in mantissa else None
        return Number(Fraction(token.text), None if exponent else decimals)

    def _in_base(self, token: Token) -> Expression:
        base = self.number(self.group_of_one())
        if not token.text.isdigit() or base.value.denominator != 1 or not 2 <= base.value <= 36:
            raise RefusalError("not a base")
        digits, radix = token.text, int(base.value)
        if any(int(digit) >= radix for digit in digits):
            raise RefusalError("a digit beyond its base")
        return Call("base", (Number(Fraction(int(digits, radix))), Number(Fraction(int(digits))), base))

    def group_of_one(self) -> Token:
        self.expect("{")
        token = self.next()
        self.expect("}")
        return token

    def _symbol(self, name: str) -> Expression:
        if self.take("_"):
            name += f"_{{{self._subscript()}}}"
        while self.take("'"):
            name += "'"
        if self.sees("(") and (name[0] in FUNCTION_LETTERS or name in FUNCTION_COMMANDS):
            return Call(f"apply:{name}", self._arguments())
        return Symbol(name)

    def _subscript(self) -> str:
        if not self.take("{"):
            return self.next().text
        start, depth = self.place, 1
        while depth:
            token = self.next()
            depth += token.is_mark("{") - token.is_mark("}")
        if self.place - 1 == start:
            raise RefusalError("nothing in braces")
        return spell(list(self.tokens[start : self.place - 1]))

    def _arguments(self) -> tuple[Expression, ...]:
        self.expect("(")
        in_bars, self.in_bars = self.in_bars, False
        args = [self.sum()]
        while self.take(","):
            args.append(self.sum())
        self.expect(")")
        self.in_bars = in_bars
        return tuple(args)

    def _word(self, word: str) -> Expression:
        if word in FUNCTIONS:
            return self._function(word)
        if word in CONSTANT_WORDS:
            return self._symbol(CONSTANT_WORDS[word])
        if not is_product(word):
            raise RefusalError("a word")
        if word.isupper() and self.sees("^", "!"):
            raise RefusalError("a power of a length, or of its last letter?")
        letters, last = word[:-1], word[-1]
        # What stands behind the letters belongs to the last of them: `xy^2`.
        return joined("mul", [*(Symbol(letter) for letter in letters), self.postfix(self._symbol(last))])

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
        if name in FUNCTIONS:
            return self._function(name)
        if command in GREEK or command.startswith("\\mathbb"):
            return self._symbol(command)
        if command in FENCES:
            return self._between(*FENCES[command])
        if command in DECORATIONS:
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
            base = self._group() if self.sees("{") else self.factor()
            return Call("log_base", (base, self._logarithm_of()))
        if self.sees("^"):
            self.next()
            power = self.exponent()
            if power == Call("neg", (Number(Fraction(1)),)):
                if name not in INVERSES:
                    raise RefusalError("an inverse of which kind?")
                name, power = INVERSES[name], None
        if name in ("gcd", "lcm", "max", "min"):
            arguments = self._arguments()
            if len(arguments) < 2:
                raise RefusalError("of what else?")
            return Call(name, arguments)
        call = Call(name, (self._logarithm_of() if name in ("ln", "log", "log_10") else self._argument(),))
        return call if power is None else Call("pow", (call, power))

    def _logarithm_of(self) -> Expression:
        argument = self._argument()
        if self.sees("^"):
            raise RefusalError("a power of the logarithm, or of its argument?")
        return argument

    def _argument(self) -> Expression:
        if self.sees("("):
            self.next()
            return self._inner(")")
        if self.sees("{"):
            return self._group()
        factors = [self.factor()]
        while self._starts_simple_factor():
            factors.append(self.factor())
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
            or (token.kind is Kind.COMMAND and token.text in GREEK)
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


def _is_differential(tree: Expression) -> bool:
    first = tree.args[0] if isinstance(tree, Call) and tree.name == "mul" else tree
    return first == Symbol("d")
