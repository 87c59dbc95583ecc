"""Charts: drawn for both screens, without anything that a page must not have, with their numbers as text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from omr.report.blocks import Chart
from omr.report.charts import by_bars, drawn, nice_step

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


@pytest.mark.parametrize(("most", "parts", "step"), [(3, 4, 1), (11, 4, 5), (100, 4, 50), (17_000_000, 4, 5_000_000)])
def test_steps_of_an_axis_are_round(most: int, parts: int, step: int) -> None:
    assert nice_step(most, parts) == step
