"""Charts as inline SVG that needs nothing from anywhere: drawn by pygal, coloured by the page's style sheet.

What pygal adds for its own style and script (and a random id, and the date) is taken out, so that the page is the same
bytes again, follows the reader's light or dark, and loads nothing. Each chart is drawn twice, for a wide and for a
narrow screen, of which the style sheet shows one: letters of one drawing would be too small on the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pygal
from markupsafe import Markup

from omr.report.blocks import Chart, short_number


class _Screen(NamedTuple):
    name: str
    width: int
    height: int


_SCREENS = (_Screen("wide", 760, 260), _Screen("narrow", 340, 220))
#: Of the letters below the bars, at most; between two labels; and what numbers beside the axis take.
_LETTER_PX, _GAP_PX, _AXIS_PX = 8, 5, 52
_LONG_NUMBER = re.compile(r"(?<!\d)\d+\.\d{2,}")


class Drawn(NamedTuple):
    """A chart as the page shows it: markup of both drawings, and what is read aloud instead of them."""

    drawings: Markup
    spoken: str


def drawn(chart: Chart) -> Drawn:
    """The drawings of a chart that has something to show."""
    return Drawn(Markup("").join(_drawing(chart, screen) for screen in _SCREENS), _spoken(chart))


def _drawing(chart: Chart, screen: _Screen) -> Markup:
    kind = pygal.StackedBar if chart.stacked else pygal.Bar
    plot = kind(
        width=screen.width,
        height=screen.height,
        css=[],
        js=[],
        show_legend=False,
        explicit_size=False,
        margin=6,
        truncate_label=-1,
        show_minor_x_labels=False,
    )
    plot.x_labels = list(chart.labels)
    plot.x_labels_major = [chart.labels[place] for place in shown_labels(chart, screen.width - _AXIS_PX)]
    most = max(_heights(chart), default=0)
    step = nice_step(most, 4)
    plot.y_labels = [{"value": value, "label": short_number(value)} for value in range(0, int(most) + step, step)]
    for name, values in chart.series.items():
        plot.add(
            name, [{"value": value or 0, "label": _told(chart, name, place)} for place, value in enumerate(values)]
        )
    tree = plot.render_tree()
    _tidy(tree)
    tree.attrib = {"viewBox": f"0 0 {screen.width} {screen.height}", "class": f"plot-{screen.name}"}
    svg = ElementTree.tostring(tree, encoding="unicode")
    return Markup(_LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}", svg))


def shown_labels(chart: Chart, width: int) -> list[int]:
    """The places of the labels that fit below bars of so many pixels in all: the last one, that of the highest bar and
    the first one if they can, then as many as there is room for."""
    apart = (max(map(len, chart.labels)) * _LETTER_PX + _GAP_PX) * len(chart.labels) / width
    last = len(chart.labels) - 1
    kept: list[int] = []
    for place in (last, _highest_place(chart), 0, *range(last, -1, -1)):
        if all(abs(place - other) >= apart for other in kept):
            kept.append(place)
    return sorted(kept)


def _highest_place(chart: Chart) -> int:
    heights = _heights(chart)
    return heights.index(max(heights))


def _heights(chart: Chart) -> list[float]:
    """How high each label's bars are, one on the other or the highest of those side by side."""
    columns = zip(*([value or 0 for value in values] for values in chart.series.values()), strict=True)
    return [sum(column) if chart.stacked else max(column) for column in columns]


def _told(chart: Chart, name: str, place: int) -> str:
    """What a bar says when the pointer stays on it."""
    value = chart.series[name][place]
    return f"{chart.labels[place]}: {'none' if value is None else f'{value:,}'}, {name}"


def _tidy(element: Any) -> None:
    """Keep what is drawn: no style, script or overlay of pygal's own; what bars say becomes their `<title>`."""
    for child in list(element):
        css = child.get("class") or ""
        if not isinstance(child.tag, str) or child.tag in ("defs", "desc", "title") or "overlay" in css:
            element.remove(child)
        elif css == "bar":
            _tidy_bar(child)
        else:
            _tidy(child)


def _tidy_bar(bar: Any) -> None:
    label = "".join(desc.text or "" for desc in bar.findall("desc") if desc.get("class") == "label")
    for child in list(bar):
        if child.tag != "rect" or not float(child.get("height")) or not float(child.get("width")):
            bar.remove(child)
            continue
        child.attrib = {name: child.get(name) for name in ("x", "y", "width", "height")}
        ElementTree.SubElement(child, "title").text = label


def _spoken(chart: Chart) -> str:
    return f"{chart.title}. The highest bar is {chart.labels[_highest_place(chart)]}. The numbers follow as a table."


def nice_step(most: float, parts: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, ... that divides `most` into at most so many parts (and at least 1)."""
    return next(step for step in _round_numbers() if most / step <= parts)


def _round_numbers() -> Iterator[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def by_bars(chart: Chart) -> Iterator[Sequence[float | str | None]]:
    """The rows of the chart's table: a label and its value in every series."""
    for label, *values in zip(chart.labels, *chart.series.values(), strict=True):
        yield (label, *values)
