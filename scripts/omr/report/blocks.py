"""What a page consists of: headings, paragraphs, tables, charts, samples. Templates say what they look like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup

from omr.files.counted import counted, verb_for
from omr.report.words import reason_in_words


@dataclass(frozen=True)
class Named:
    """What something is, with a word on it and the name that it has in files below it."""

    kind: ClassVar[str] = "named"
    text: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class Words:
    """Plain text; backquotes set off what stands in config, on a command line or is a path."""

    kind: ClassVar[str] = "words"
    text: str


@dataclass(frozen=True)
class Share:
    """A bar as wide as a part is of the whole; the numbers stand beside it."""

    kind: ClassVar[str] = "share"
    part: float
    whole: float

    @property
    def percent(self) -> float:
        return min(100 * self.part / self.whole, 100.0) if self.whole else 0.0


@dataclass(frozen=True)
class Reasons:
    """Drop reasons in words with their numbers, the commonest first; `parts` are those of parts of rows that passed, or
    of what rows were made from."""

    kind: ClassVar[str] = "reasons"
    numbers: Mapping[str, int]
    stage: str = ""
    parts: Mapping[str, int] = field(default_factory=dict)

    @property
    def lines(self) -> list[tuple[int, str]]:
        return self._in_words(self.numbers)

    @property
    def lines_of_parts(self) -> list[tuple[int, str]]:
        return self._in_words(self.parts)

    def _in_words(self, numbers: Mapping[str, int]) -> list[tuple[int, str]]:
        return [(n, reason_in_words(reason, self.stage)) for reason, n in Counter(numbers).most_common() if n]


#: None is what nobody knows. `Markup` comes from the converters of formulas and Markdown alone.
Cell = str | int | float | Markup | Words | Named | Share | Reasons | None


@dataclass(frozen=True)
class Heading:
    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Plain text, in which backquotes do as in `Words`."""

    kind: ClassVar[str] = "paragraph"
    text: str
    tone: str = ""  # `strong`, `soft`, or as other text


@dataclass(frozen=True)
class Table:
    """`numbers` are the columns that hold numbers; with `has_sum` the last row is a sum; a `narrow` one takes no more
    room than it needs."""

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: frozenset[int] = frozenset()
    has_sum: bool = False
    narrow: bool = False


@dataclass(frozen=True)
class Chart:
    """Bars, one for each label, stacked or side by side: `series` maps a name to its values."""

    kind: ClassVar[str] = "chart"
    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    x_label: str
    y_label: str
    stacked: bool = True

    @property
    def is_empty(self) -> bool:
        return not any(value for values in self.series.values() for value in values)


@dataclass(frozen=True)
class Text:
    """A text of a model or a person: as markup, cut where it is enormous, or as it is where it is code."""

    kind: ClassVar[str] = "text"
    shown: Markup | str
    left_out: int = 0  # characters
    as_code: str = ""  # `code`, `output`, or none

    @property
    def rest(self) -> str:
        """What is told of the characters that were left out."""
        are = verb_for(self.left_out)
        return f"… and {counted(self.left_out, 'more character')}, which {are} not on this page"


@dataclass(frozen=True)
class Fold:
    """Texts under a line to open."""

    kind: ClassVar[str] = "fold"
    title: str
    texts: Sequence[Text]
    is_open: bool = False


@dataclass(frozen=True)
class Sample:
    """One solution: its problem, what is known of it, and its texts."""

    kind: ClassVar[str] = "sample"
    id: str
    mark: str  # `right`, `wrong`, `dropped`
    fate: str  # what became of it, in words
    problem: Text
    facts: Sequence[tuple[str, Cell]]
    folds: Sequence[Fold]


Block = Heading | Paragraph | Table | Chart | Fold | Sample


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[Block]

    @property
    def anchor(self) -> str:
        """Where the page's list of contents leads."""
        return "".join(char if char.isalnum() else "-" for char in self.title.lower()).strip("-")


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    numbers: Iterable[int] = (),
    *,
    has_sum: bool = False,
    narrow: bool = False,
) -> Table:
    """A table from whatever has rows."""
    return Table(head, [list(row) for row in rows], frozenset(numbers), has_sum, narrow)


def shares(what: str, numbers: Mapping[str, int], words: Mapping[str, str] | None = None) -> Table:
    """A small table of numbers and their shares; those with `words` come first, in their order."""
    words, total = words or {}, sum(numbers.values())
    names = [*(name for name in words if name in numbers), *(name for name in numbers if name not in words)]
    rows: list[list[Cell]] = [[words.get(name, name), numbers[name], percent(numbers[name], total)] for name in names]
    return table([what, "number", f"share of {total:,}"], rows, (1, 2), narrow=True)


def percent(part: float, whole: float) -> str:
    """A share; a dash of nothing, whose share is not unknown: there is none."""
    return f"{100 * part / whole:.1f}%" if whole else "–"


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} s"


def short_number(value: float) -> str:
    """A number in few characters: 950, 12.5k, 3M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"
