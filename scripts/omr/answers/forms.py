"""Forms of answers, as omr.answers.reading reads them: values, tuples, sets, lists, named values, relations, words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeGuard

from omr.answers.trees import Expression, Symbol
from omr.answers.units import Unit


@dataclass(frozen=True, slots=True)
class Value:
    """An expression, with the unit that stood behind it; `spelling` is how it was written."""

    tree: Expression
    unit: Unit | None = None
    spelling: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Words:
    """Text; `tree` is what the letters mean as a product of variables, where they could be one."""

    text: str
    tree: Expression | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    r"""Elements in brackets: a tuple or an interval; `\{` opens a set."""

    opening: str
    items: tuple[Form, ...]
    closing: str


@dataclass(frozen=True, slots=True)
class Several:
    """Elements side by side; `unordered` where their order says nothing (`or`, `\\pm`)."""

    items: tuple[Form, ...]
    unordered: bool = False


@dataclass(frozen=True, slots=True)
class Union:
    r"""Sets joined by `\cup`."""

    parts: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Without:
    r"""`whole \setminus removed`."""

    whole: Form
    removed: Form


@dataclass(frozen=True, slots=True)
class Ratio:
    """`7:32`."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Named:
    r"""`name = value`, `name \in value`."""

    name: Form
    value: Form
    is_equation: bool = True


@dataclass(frozen=True, slots=True)
class Approximate:
    r"""`exact \approx rounded`, or `\approx rounded`, where nothing says of what."""

    exact: Form | None
    rounded: Form


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain of relations: one more side than signs; a sign is one of `=`, `<`, `>`, `\\leq`, `\\geq`, `\\neq`."""

    sides: tuple[Form, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A lettered option, with what was written behind the letter."""

    letter: str
    content: Form


@dataclass(frozen=True, slots=True)
class Braced:
    r"""A list in plain braces: a set (`\{1, 2\}`), or a list in braces that only group."""

    items: tuple[Form, ...]

    @property
    def readings(self) -> tuple[Form, Form]:
        """What it may mean."""
        return Fence("\\{", self.items, "\\}"), Several(self.items)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day in seconds; `half` is `a` or `p`, None where nothing says which half of the day."""

    seconds: int
    half: str | None


@dataclass(frozen=True, slots=True)
class Parts:
    """Answers to the parts of a problem, by their labels: `(a) 6 (b) 2`."""

    labels: tuple[str, ...]
    answers: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """Anything else, by its canonical spelling."""

    spelling: str


Form = (
    Value
    | Words
    | Fence
    | Several
    | Braced
    | Union
    | Without
    | Ratio
    | Named
    | Approximate
    | Relation
    | Choice
    | Clock
    | Parts
    | Opaque
)

REAL_LINE = Value(Symbol("\\mathbb{R}"))


def is_set(form: Form) -> TypeGuard[Fence]:
    """Whether a form is a set that lists its elements."""
    return isinstance(form, Fence) and form.opening == "\\{"
