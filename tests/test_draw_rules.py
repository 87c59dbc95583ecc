"""The picture of the rules: which arrows it shows, and that it is of the rules as they are."""

from __future__ import annotations

import html
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from omr.runs.counts import PROBLEM_STAGES, RECIPE_STAGES
from workflow.projects import ROOT, Project, copy_project

PICTURE = ROOT / "docs/rulegraph.svg"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_rules", ROOT / "docs/draw_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["draw_rules"] = module
    spec.loader.exec_module(module)
    return module


draw_rules = load()


def edges(text: str) -> set[tuple[str, str]]:
    """`a>b b>c` -> arrows."""
    return {(pair.split(">")[0], pair.split(">")[1]) for pair in text.split()}


def file_of(rule: str) -> str:
    return rule[0]


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("a1>a2 a2>a3 a1>a3", "a1>a2 a2>a3"),  # implied within a file
        ("a1>b1 b1>b2 b2>c1 a1>c1", "a1>b1 b1>b2 b2>c1 a1>c1"),  # past a file that can be skipped
        ("a1>b1 b1>c1 c1>d1 a1>d1", "a1>b1 b1>c1 c1>d1"),  # past two files
        ("a1>b1 b1>c1 a1>a2 a2>c1 a1>c1", "a1>b1 b1>c1 a1>a2 a2>c1"),  # there is a nearer way
        ("a1>b1 a1>b2", "a1>b1 a1>b2"),
    ],
)
def test_arrows_that_others_imply_are_left_out_but_for_those_past_one_file(drawn: str, expected: str) -> None:
    assert draw_rules.shown(edges(drawn), file_of) == edges(expected)


def test_an_arrow_against_the_order_is_dashed_only_where_rules_wait_for_each_other() -> None:
    order = {"a1": 0, "a2": 1, "b1": 2}
    assert draw_rules.in_circles(edges("a1>a2 a2>a1 b1>a1"), order) == edges("a2>a1")


def test_all_model_stages_are_told_from_the_others() -> None:
    rules = draw_rules.rules_in_order()
    asking = {rule for rule in rules if draw_rules.kind_of(rule, rules) == "model"}
    assert asking == {*PROBLEM_STAGES, *RECIPE_STAGES, "judge_answers_of_round"}


@pytest.mark.workflow
def test_the_picture_is_of_the_rules_as_they_are(tmp_path: Path) -> None:
    """Else `make rulegraph` draws it again."""
    project: Project = copy_project(tmp_path / "project")
    said = project.make("--configfile", "config/demo.yaml", "--rulegraph", "dot")
    graph = draw_rules.graph(said[said.index("digraph") :], draw_rules.rules_in_order())
    nodes = set(re.findall(r'^  (\w+) \[class="(\w+)"', graph, re.MULTILINE))
    arrows = set(re.findall(r"^  (\w+) -> (\w+)", graph, re.MULTILINE))
    drawn_nodes, drawn_arrows = set(), set()
    for group in ElementTree.parse(PICTURE).iter("{http://www.w3.org/2000/svg}g"):
        kind, title = group.get("class", "").split(), group.find("{http://www.w3.org/2000/svg}title")
        if title is None or title.text is None:
            continue
        name = html.unescape(title.text)
        if kind[0] == "node":
            drawn_nodes.add((name, kind[1]))
        elif kind[0] == "edge":
            drawn_arrows.add(tuple(name.split("->")))
    assert drawn_nodes == nodes
    assert drawn_arrows == arrows


def test_the_picture_has_colours_for_light_and_dark_pages_and_fits_the_width_of_a_page() -> None:
    svg = PICTURE.read_text()
    assert "@media (prefers-color-scheme: dark)" in svg
    width = re.search(r'viewBox="0 0 (\d+) ', svg)
    assert width is not None
    assert int(width[1]) <= 1000
    for words, *_ in draw_rules.KINDS.values():
        assert f">{words}</text>" in svg


@pytest.mark.workflow
def test_the_list_of_rules_says_of_each_stage_what_it_does(tmp_path: Path) -> None:
    said = copy_project(tmp_path / "project").make("--configfile", "config/demo.yaml", "--list")
    told = dict(re.findall(r"^(\w+) \((.+)\)$", said, re.MULTILINE))
    asking = {*PROBLEM_STAGES, *RECIPE_STAGES, "judge_answers_of_round"}
    assert asking <= set(told)
    assert len({told[rule] for rule in asking} - {told["ask_model"]}) == len(asking)
