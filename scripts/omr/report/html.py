"""Small pieces of HTML for the report. What is data is escaped here; `Html` marks what is markup already."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence

from omr.report.words import reason_in_words


class Html(str):
    """Text that is markup."""

    __slots__ = ()


Cell = str | int | float | None


def escaped(value: Cell) -> str:
    """A value as markup: numbers with thousands separators, None as a dash."""
    if isinstance(value, Html):
        return value
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else html.escape(value)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    numbers: Iterable[int] = (),
    *,
    sum_row: bool = False,
    narrow: bool = False,
) -> Html:
    """A table; columns in `numbers` are right-aligned; with `sum_row` the last row is a sum; `narrow` takes no more
    room than it needs."""
    right = set(numbers)

    def cells(tag: str, row: Sequence[Cell]) -> str:
        classes = [" class=n" if column in right else "" for column in range(len(row))]
        return "".join(f"<{tag}{css}>{escaped(value)}</{tag}>" for css, value in zip(classes, row, strict=True))

    body = [f"<tr>{cells('td', row)}</tr>" for row in rows]
    if sum_row and body:
        body[-1] = body[-1].replace("<tr>", "<tr class=sum>", 1)
    css = " class=narrow" if narrow else ""
    return Html(
        f"<div class=scroll><table{css}><thead><tr>{cells('th', head)}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def paragraph(*parts: Cell) -> Html:
    return Html(f"<p>{''.join(map(escaped, parts))}</p>")


def with_code(text: str) -> Html:
    """Plain text in which backquotes set off what stands in config or on a command line."""
    parts = [html.escape(part) for part in text.split("`")]
    return Html("".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)))


def section(title: str, *parts: str) -> Html:
    name = "".join(char if char.isalnum() else "-" for char in title.lower())
    return Html(f"<section id='{html.escape(name)}'><h2>{html.escape(title)}</h2>{''.join(parts)}</section>")


def tiles(figures: Iterable[tuple[Cell, str]]) -> Html:
    """Key figures, each with what it counts."""
    shown = (
        f"<div class=tile><b>{escaped(value)}</b><span>{html.escape(what)}</span></div>" for value, what in figures
    )
    return Html(f"<div class=tiles>{''.join(shown)}</div>")


def percent(part: float, whole: float) -> str:
    """A share; a dash of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else "–"


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} s"


def reasons_list(dropped: Counter[str]) -> Html:
    """Drop reasons in words with their numbers, the commonest first."""
    lines = [f"<li><b>{n:,}</b> {html.escape(reason_in_words(reason))}</li>" for reason, n in dropped.most_common()]
    return Html(f"<ul class=why>{''.join(lines)}</ul>" if lines else "–")
