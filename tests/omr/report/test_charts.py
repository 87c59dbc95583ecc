"""Charts: drawn for both screens, without anything that a page must not have, with their numbers as text."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from omr.report.blocks import Chart
from omr.report.charts import by_bars, drawn, nice_step
from omr.report.words import SHARE_GROUPS

CHART = Chart("Lengths", ["10", "20", "30"], {"right": [1, 0, 5], "wrong <b>": [2, None, 4]}, "below", "solutions")


def svgs(chart: Chart) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", drawn(chart).drawings, re.S)]


def test_a_chart_is_drawn_for_a_wide_and_for_a_narrow_screen() -> None:
    assert [svg.get("class") for svg in svgs(CHART)] == ["plot-wide", "plot-narrow"]


def test_every_bar_that_is_not_empty_is_drawn_and_says_its_number() -> None:
    for svg in svgs(CHART):
        said = {title.text for title in svg.iter("title")}
        assert said == {"10: 1, right", "30: 5, right", "10: 2, wrong <b>", "30: 4, wrong <b>"}


@pytest.mark.parametrize("stacked", [True, False])
def test_heights_are_as_the_numbers(stacked: bool) -> None:
    chart = Chart("", ["a", "b"], {"x": [10, 40]}, "", "", stacked)
    for svg in svgs(chart):
        heights = [float(rect.get("height", 0)) for rect in svg.iter("rect") if rect.find("title") is not None]
        assert heights[1] == pytest.approx(4 * heights[0], rel=0.02)


def test_a_drawing_has_no_script_no_style_no_id_and_no_address() -> None:
    markup = drawn(CHART).drawings
    assert not re.search(r"<script|<style|<desc|<defs|style=|\bid=|xlink|<!--|pygal\.org", markup)
    assert "<b>" not in markup
    assert markup == drawn(CHART).drawings


def test_the_table_has_the_numbers_of_the_bars() -> None:
    assert list(by_bars(CHART)) == [("10", 1, 2), ("20", 0, None), ("30", 5, 4)]


def labels_of(svg: ElementTree.Element) -> list[str | None]:
    """What stands below the bars."""
    return [text.text for text in svg.iter("text") if text.get("x") != "-5"]


def test_the_last_label_and_that_of_the_highest_bar_stand_on_both_screens() -> None:
    for highest in (0, 3, 6, 9):
        values = [40 if place == highest else 1 for place in range(12)]
        wide, narrow = svgs(Chart("", SHARE_GROUPS, {"x": values}, "", ""))
        assert labels_of(wide) == list(SHARE_GROUPS)
        assert labels_of(narrow)[-1] == "all"
        assert SHARE_GROUPS[highest] in labels_of(narrow)
        assert len(labels_of(narrow)) >= 5


@pytest.mark.parametrize("bars", [1, 2, 5, 12, 24])
def test_labels_do_not_run_into_each_other(bars: int) -> None:
    chart = Chart("", [f"{n + 10}0k" for n in range(bars)], {"x": list(range(bars))}, "", "")
    for svg in svgs(chart):
        places = [float(text.get("x", 0)) for text in svg.iter("text") if text.get("x") != "-5"]
        assert labels_of(svg)[-1] == chart.labels[-1]
        assert all(right - left > 36 for left, right in pairwise(places))


@pytest.mark.parametrize(("most", "parts", "step"), [(3, 4, 1), (11, 4, 5), (100, 4, 50), (17_000_000, 4, 5_000_000)])
def test_steps_of_an_axis_are_round(most: int, parts: int, step: int) -> None:
    assert nice_step(most, parts) == step
