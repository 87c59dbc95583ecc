"""Small charts as inline SVG: colours come from the page's style, the numbers are also there as text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple


class Bar(NamedTuple):
    """One bar of a histogram: its label below, and its stacked parts, one per series."""

    label: str
    parts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.parts)


_HEIGHT, _BASE, _TOP, _LEFT = 220, 176, 22, 46


def histogram(title: str, bars: Sequence[Bar], series: Sequence[str], x_label: str, y_label: str) -> str:
    """A histogram of stacked bars with a legend (for several series) and its numbers as a table to open."""
    most = max((bar.total for bar in bars), default=0)
    if not most:
        return f"<p class='empty'>{html.escape(title)}: nothing to show.</p>"
    width = 720
    step = (width - _LEFT - 8) / len(bars)
    drawn = "".join(_bar(bar, _LEFT + index * step, step, most, series) for index, bar in enumerate(bars))
    every = max(1, -(-len(bars) // 14))
    labels = "".join(
        f"<text x='{_LEFT + (index + 0.5) * step:.1f}' y='{_BASE + 15}' class='tick mid'>"
        f"{html.escape(bar.label)}</text>"
        for index, bar in enumerate(bars)
        if index % every == 0
    )
    return (
        f"<figure><figcaption>{html.escape(title)}{_legend(series)}</figcaption>"
        f"<svg viewBox='0 0 {width} {_HEIGHT}' role='img' aria-label='{html.escape(_spoken(title, bars, series))}'>"
        f"{_grid(most, width)}{drawn}{labels}"
        f"<text x='{_LEFT + (width - _LEFT) / 2:.0f}' y='{_HEIGHT - 8}' class='axis mid'>{html.escape(x_label)}</text>"
        f"<text x='4' y='12' class='axis'>{html.escape(y_label)}</text></svg>"
        f"{_table(bars, series, x_label)}</figure>"
    )


def _bar(bar: Bar, x: float, step: float, most: int, series: Sequence[str]) -> str:
    pieces, y = [], float(_BASE)
    for index, part in enumerate(bar.parts):
        height = (_BASE - _TOP) * part / most
        if part:
            y -= height
            name = f"{bar.label}: {part:,}" + (f" {series[index]}" if len(series) > 1 else "")
            pieces.append(
                f"<rect x='{x + step * 0.1:.1f}' y='{y:.1f}' width='{step * 0.8:.1f}' height='{max(height, 1):.1f}' "
                f"class='s{index}'><title>{html.escape(name)}</title></rect>"
            )
    return "".join(pieces)


def _grid(most: int, width: int) -> str:
    """Lines at round numbers, with the numbers."""
    step = nice_step(most, 4)
    lines = []
    for value in range(0, most + 1, step):
        y = _BASE - (_BASE - _TOP) * value / most
        lines.append(
            f"<line x1='{_LEFT}' x2='{width - 8}' y1='{y:.1f}' y2='{y:.1f}' class='grid'/>"
            f"<text x='{_LEFT - 6}' y='{y + 4:.1f}' class='tick end'>{short_number(value)}</text>"
        )
    return "".join(lines)


def nice_step(most: int, parts: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, ... that divides `most` into at most so many parts (and at least 1)."""
    step, factors = 1, (2, 2.5, 2)
    index = 0
    while most / step > parts:
        step = int(step * factors[index % 3])
        index += 1
    return step


def short_number(value: float) -> str:
    """A number in few characters: 950, 12.5k, 3M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def _legend(series: Sequence[str]) -> str:
    if len(series) < 2:
        return ""
    marks = "".join(f"<span class='key k{index}'>{html.escape(name)}</span>" for index, name in enumerate(series))
    return f" <span class='legend'>{marks}</span>"


def _spoken(title: str, bars: Sequence[Bar], series: Sequence[str]) -> str:
    total = sum(bar.total for bar in bars)
    highest = max(bars, key=lambda bar: bar.total)
    return f"{title}. {total:,} in all; most ({highest.total:,}) at {highest.label}. The numbers follow as a table."


def _table(bars: Sequence[Bar], series: Sequence[str], x_label: str) -> str:
    head = "".join(f"<th class='n'>{html.escape(name)}</th>" for name in series)
    rows = "".join(
        f"<tr><td>{html.escape(bar.label)}</td>{''.join(f'<td class=n>{part:,}</td>' for part in bar.parts)}</tr>"
        for bar in bars
    )
    return (
        f"<details><summary>the numbers</summary><table class='narrow'><tr><th>{html.escape(x_label)}</th>{head}</tr>"
        f"{rows}</table></details>"
    )


def share_bar(part: float, whole: float) -> str:
    """A bar as wide as the share; the number stands beside it, so it is hidden from readers aloud."""
    width = 0.0 if not whole else 100 * part / whole
    return f"<span class='bar' aria-hidden='true'><span style='width:{min(width, 100):.1f}%'></span></span>"
