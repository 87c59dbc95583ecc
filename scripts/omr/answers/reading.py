r"""An answer's tokens -> its form: value with unit, tuple, set, interval, list, named value, relation, words.

Reading never fails: what has no form we know is `Opaque`, and equal only to itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from omr.answers.algebra import expand_signs, is_constant
from omr.answers.expressions import parse_expression
from omr.answers.forms import (
    REAL_LINE,
    Approximate,
    Choice,
    Fence,
    Form,
    Named,
    Opaque,
    Ratio,
    Relation,
    Several,
    Union,
    Value,
    Without,
    Words,
)
from omr.answers.spelling import spell, tokenise
from omr.answers.tokens import Kind, Token
from omr.answers.trees import Call, Expression, Number, RefusalError, Symbol
from omr.answers.units import NotAUnitError, Unit, is_unit_word, read_unit

_OPENING = {"(": (")", "]"), "[": (")", "]"), "\\{": ("\\}",), "{": ("}",)}
_CLOSING = frozenset({")", "]", "\\}", "}"})
_SIGNS = frozenset({"=", "<", ">", "\\leq", "\\geq", "\\neq", "\\approx", "\\in"})
_OTHER_RELATIONS = frozenset(
    str.split(
        "\\notin \\equiv \\sim \\cong \\subset \\subseteq \\supset \\to \\mapsto \\implies \\iff \\Rightarrow \\cap"
        " \\pmod \\parallel \\perp \\propto \\Leftrightarrow \\forall \\exists"
    )
)
_CURRENCIES = ("\\$", "€", "£", "¥", "₹", "¢")
_MAX_NESTING = 6
_REPEATING = re.compile(r"(\d{0,40})\.(\d{0,40})\\overline\s{0,9}\{(\d{1,40})\}")

Tokens = Sequence[Token]


def read_answer(answer: str) -> Form:
    """The form of an answer of at most `MAX_ANSWER_CHARS` characters."""
    tokens = tokenise(_REPEATING.sub(_repeating_decimal, answer))
    if any(token.kind is Kind.COMMAND and token.text in _OTHER_RELATIONS for token in tokens):
        return Opaque(spell(list(tokens)))
    return _choice(tokens) or _read(tokens, 0)


def _repeating_decimal(found: re.Match[str]) -> str:
    whole, fixed, cycle = found[1] or "0", found[2], found[3]
    above = int(whole + fixed + cycle) - int(whole + fixed)
    return f"\\frac{{{above}}}{{{10 ** len(fixed) * (10 ** len(cycle) - 1)}}}"


def _choice(tokens: Tokens) -> Choice | None:
    """`(B) 12`, `B. 12`: a capital letter that brackets or a dot set apart from what follows."""
    spelled = [token.text for token in tokens[:4]]
    width = 3 if spelled[:1] == ["("] and spelled[2:3] == [")"] else 2
    letter = spelled[1:2] if width == 3 else spelled[:1]
    if len(tokens) <= width or len(letter[0]) != 1 or not "A" <= letter[0] <= "J":
        return None
    rest = tokens[width:]
    if width == 2 and not (tokens[1].is_mark(")", ".", ":") and rest[0].spaced):
        return None
    if not rest[0].spaced and rest[0].kind is Kind.MARK:
        return None
    return Choice(letter[0], _read(rest, 0))


# Lists


def _read(tokens: Tokens, nesting: int) -> Form:
    """A list of items, or the one item there is."""
    parts = _split(tokens, lambda token: token.is_mark(",", ";") or _is_conjunction(token))
    if parts is None or nesting > _MAX_NESTING:
        return Opaque(spell(list(tokens)))
    items = [_item(part, nesting) for part in parts if part]
    if len(items) == 1:
        return items[0]
    if not items:
        return Opaque(spell(list(tokens)))
    alternatives = any(token.is_letters and token.text.casefold() == "or" for token in tokens)
    return _named_list(_spliced(items, unordered=alternatives))


def _is_conjunction(token: Token) -> bool:
    return (token.is_letters and token.text.casefold() in ("and", "or")) or token.is_command("\\land", "\\lor")


def _split(tokens: Tokens, parts_at: Callable[[Token], bool]) -> list[Tokens] | None:
    """Parts between separators outside all brackets; None if brackets do not match."""
    parts: list[Tokens] = []
    stack: list[str] = []
    start = 0
    for place, token in enumerate(tokens):
        if token.is_mark(*_OPENING) or token.is_command("\\langle", "\\begin{matrix}", "\\begin{cases}"):
            stack.append(token.text)
        elif token.is_mark(*_CLOSING):
            if not stack or token.text not in _OPENING.get(stack.pop(), ()):
                return None
        elif token.is_command("\\rangle", "\\end{matrix}", "\\end{cases}"):
            if not stack or stack.pop() in _OPENING:
                return None
        elif not stack and parts_at(token):
            parts.append(tokens[start:place])
            start = place + 1
    return None if stack else [*parts, tokens[start:]]


def _spliced(items: Sequence[Form], *, unordered: bool) -> Several:
    flat: list[Form] = []
    for item in items:
        if isinstance(item, Several):
            flat.extend(item.items)
            unordered = unordered or item.unordered
        else:
            flat.append(item)
    return Several(tuple(flat), unordered)


def _named_list(several: Several) -> Form:
    r"""`x = 1, x = 2` and `x = 1, 2` as one name with two values; `x = 1, y = 2` stays a list of named values."""
    first, *rest = several.items
    if not isinstance(first, Named):
        return several
    if all(isinstance(item, Named) and item.name == first.name for item in rest):
        values = [item.value for item in several.items if isinstance(item, Named)]
        return replace(first, value=_spliced(values, unordered=True))
    if not any(isinstance(item, Named | Relation | Opaque) for item in rest):
        return replace(first, value=_spliced([first.value, *rest], unordered=several.unordered))
    return several


# Relations


def _item(tokens: Tokens, nesting: int) -> Form:
    sides = _split(tokens, _is_sign)
    if sides is None or not all(sides) or any(map(_runs_on, sides[1:-1])):
        return Opaque(spell(list(tokens)))
    if len(sides) == 1:
        return _side(tokens, nesting)
    signs, place = [], -1
    for side in sides[:-1]:
        place += len(side) + 1
        signs.append(tokens[place].text)
    return _related([_side(side, nesting) for side in sides], signs)


def _runs_on(side: Tokens) -> bool:
    """`x = 1 y = 2`: between two signs, the end of one equation and the start of the next."""
    return len(side) > 1 and side[-1].is_letters and side[-1].spaced


def _is_sign(token: Token) -> bool:
    return token.kind in (Kind.MARK, Kind.COMMAND) and token.text in _SIGNS


def _related(sides: list[Form], signs: list[str]) -> Form:
    if signs == ["\\in"]:
        return Named(sides[0], sides[1], is_equation=False)
    if set(signs) <= {"=", "\\approx"}:
        return _equated(sides, signs)
    if "\\approx" in signs or "\\in" in signs:
        return Opaque(repr((sides, signs)))
    return Relation(tuple(sides), tuple(signs))


def _equated(sides: list[Form], signs: list[str]) -> Form:
    """`name = ... = value`; a chain of equations says in the end what its first side is."""
    if is_name(sides[0], sides[-1]):
        name, sides, signs = sides[0], sides[1:], signs[1:]
    elif len(sides) == 2 and is_name(sides[1], sides[0]) and signs == ["="]:
        return Named(sides[1], sides[0])
    elif all(_is_constant_form(side) for side in sides):
        name = None
    else:
        return Relation(tuple(sides), tuple(signs)) if set(signs) == {"="} else Opaque(repr((sides, signs)))
    value = sides[-1]
    if "\\approx" in signs:
        value = Approximate(sides[signs.index("\\approx")], value)
    return value if name is None else Named(name, value)


def _is_constant_form(form: Form) -> bool:
    return isinstance(form, Value) and is_constant(form.tree)


def is_name(form: Form, value: Form) -> bool:
    r"""Whether `form = value` only says what `form` is called: `x`, `f(x)`, `AB`, `\frac{AB}{CD}`, `(x, y)`, `Area`.

    No name holds a number or a sum (`a + 3z = 0` is an equation), and no product is the name of nothing (`xy = 0`).
    """
    if isinstance(form, Fence):
        return form.opening == "(" and all(isinstance(item, Value) and _is_symbol(item.tree) for item in form.items)
    if isinstance(form, Words):
        return True
    if isinstance(form, Ratio):
        return isinstance(value, Ratio | Value) and all(_is_name_tree(part) for part in form.parts)
    if not isinstance(form, Value) or form.unit is not None:
        return False
    if _is_symbol(form.tree) or (isinstance(form.tree, Call) and form.tree.name.startswith("apply:")):
        return True
    return _is_name_tree(form.tree) and value != Value(Number(Fraction(0)))


def _is_symbol(tree: Expression) -> bool:
    return isinstance(tree, Symbol) and not is_constant(tree)


def _is_name_tree(tree: Expression) -> bool:
    if isinstance(tree, Symbol):
        return not is_constant(tree)
    if not isinstance(tree, Call) or tree.name in ("add", "neg", "pow", "pm", "mp", "factorial", "percent", "degree"):
        return False
    return tree.name.startswith("apply:") or all(_is_name_tree(arg) for arg in tree.args)


# Sets, tuples, values


def _side(tokens: Tokens, nesting: int) -> Form:
    if all(token.is_letters for token in tokens):
        return _words(tokens)
    for sign, build in (("\\cup", Union), ("\\setminus", None)):
        parts = _split(tokens, lambda token, sign=sign: token.is_command(sign))  # type: ignore[misc]
        if parts is not None and len(parts) > 1 and all(parts):
            sides = tuple(_side(part, nesting) for part in parts)
            if build is not None:
                return build(sides)
            return Without(sides[0], sides[1]) if len(sides) == 2 else Opaque(spell(list(tokens)))
    fence = _fence(tokens, nesting)
    if fence is not None:
        return fence
    parts = _split(tokens, lambda token: token.is_mark(":"))
    if parts is not None and len(parts) > 1:
        return _ratio(tokens, parts)
    return _value(tokens)


def _words(tokens: Tokens) -> Form:
    tree: Expression | None = None
    if all(token.kind is not Kind.TEXT or len(token.text) == 1 for token in tokens):
        try:
            tree = parse_expression(tokens)
        except RefusalError:
            tree = None
    if tree is not None and (isinstance(tree, Symbol) or all(token.kind is Kind.SYMBOL for token in tokens)):
        return Value(tree)
    return Words(" ".join(token.text for token in tokens), tree)


def _fence(tokens: Tokens, nesting: int) -> Form | None:
    """What stands in the brackets that enclose all tokens; None if none do."""
    first, last = tokens[0], tokens[-1]
    if first.is_command("\\emptyset") and len(tokens) == 1:
        return Fence("\\{", (), "\\}")
    angled = first.is_command("\\langle") and last.is_command("\\rangle")
    bracketed = first.is_mark(*_OPENING) and last.is_mark(*_OPENING[first.text])
    if not (angled or bracketed) or _split(tokens[1:-1], lambda _: False) is None:
        return None
    inside = tokens[1:-1]
    if not inside:
        return Fence(first.text, (), last.text) if first.text == "\\{" else None
    if first.text == "\\{":
        builder = _set_builder(inside, nesting)
        if builder is not None:
            return builder
    listed = _read(inside, nesting + 1)
    if isinstance(listed, Named) and isinstance(listed.value, Several) and listed.is_equation:
        return None  # `(x = 1, 2)`: two numbers, or a tuple that begins with an equation?
    several = isinstance(listed, Several)
    items = listed.items if isinstance(listed, Several) else (listed,)
    if first.text in ("\\{", "{") and (several or first.text == "\\{"):
        return Fence("\\{", items, "\\}")
    if not several:
        return listed if first.text in ("(", "[", "{") and (first.text, last.text) != ("[", ")") else None
    opening, closing = ("(", ")") if angled else (first.text, last.text)
    return Fence(opening, items, closing)


def _set_builder(inside: Tokens, nesting: int) -> Form | None:
    r"""`\{x \mid x > 2\}`: the relation says which numbers they are."""
    parts = _split(inside, lambda token: token.is_mark("|", ":"))
    if parts is None or len(parts) != 2 or not all(parts):
        return None
    variable, condition = _item(parts[0], nesting), _read(parts[1], nesting + 1)
    if isinstance(variable, Named) and variable.value == REAL_LINE:
        variable = variable.name
    is_plain = isinstance(variable, Value) and _is_symbol(variable.tree) and isinstance(condition, Relation)
    return condition if is_plain else Opaque(spell(list(inside)))


def _ratio(tokens: Tokens, parts: list[Tokens]) -> Form:
    trees = []
    for part in parts:
        form = _value(part) if part else None
        words = _words(part) if part and all(token.is_letters for token in part) else None
        tree = words.tree if isinstance(words, Words | Value) else getattr(form, "tree", None)
        if tree is None:
            return Opaque(spell(list(tokens)))
        trees.append(tree)
    return Ratio(tuple(trees))


def _value(tokens: Tokens) -> Form:
    """An expression with its unit; two of them where it holds a double sign."""
    try:
        head, unit, factor = _without_unit(tokens)
        tree = parse_expression(head)
    except (RefusalError, NotAUnitError):
        return Opaque(spell(list(tokens)))
    if factor != 1:
        tree = Call("mul", (tree, Number(Fraction(factor))))
    values = [Value(signed, unit, spell(list(tokens))) for signed in expand_signs(tree)]
    return values[0] if len(values) == 1 else Several(tuple(values), unordered=True)


def _without_unit(tokens: Tokens) -> tuple[Tokens, Unit | None, int]:
    sign = 1 if tokens[0].is_mark("-", "+") else 0
    if len(tokens) > sign + 1 and tokens[sign].is_mark(*_CURRENCIES):
        money, _ = read_unit(tokens[sign : sign + 1])
        head, unit, factor = _without_unit([*tokens[:sign], *tokens[sign + 1 :]])
        if unit is not None and unit.dimension != (money and money.dimension):
            raise NotAUnitError
        return head, money, factor
    start = next((place for place in range(1, len(tokens)) if _starts_unit(tokens, place)), len(tokens))
    if start == len(tokens):
        return tokens, None, 1
    unit, factor = read_unit(tokens[start:])
    return tokens[:start], unit, factor


def _starts_unit(tokens: Tokens, place: int) -> bool:
    token, before = tokens[place], tokens[place - 1]
    if token.is_mark(*_CURRENCIES):
        return True
    if token.kind is Kind.TEXT:
        # One letter in a text font may be a constant (`2\mathrm{e}`): a unit only where nothing follows.
        return not before.is_mark("^", "_", "{", "(", "/", "+", "-") and not before.is_command("\\cdot", "\\angle")
    if token.kind is not Kind.WORD:
        return False
    return is_unit_word(token) or (token.spaced and before.kind is Kind.NUMBER and len(token.text) > 2)
