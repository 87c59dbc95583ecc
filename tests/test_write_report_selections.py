"""The report of a recipe that compares solutions says what the choices are worth, also where that is nothing."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest
import run_files
from omr.selections.figures import Picks, Shown
from row_shards import whole_row, write_shard
from selection_runs import HOME, selection_config
from test_write_report import read
from write_report import main

RIGHT, WRONG, OTHER = Shown(0, True), Shown(1, False), Shown(2, False)


def text_of_report(folder: Path, groups: list[tuple[list[Shown], int]], source: str = "extracted") -> str:
    """The visible text of the page of a run with these picks."""
    run = run_files.write_run(folder)
    run_files.write_config(run, **selection_config())
    picks = Picks()
    for group, picked in groups:
        picks.add(group, picked, source)
    right = sum(group[picked].right for group, picked in groups)
    home, shard = run / HOME / "counts", "shard-000-of-001.json"
    counts = {"dropped": {}, "written": len(groups)}
    run_files.write_counts(home / "form_groups" / shard, read=1, passed=1, **counts)
    told = {"read": len(groups), "passed": right, "written": right, "dropped": {"wrong_pick": len(groups) - right}}
    run_files.write_counts(home / "parse_selections" / shard, **told, picks=picks.as_json())
    repaired = {"read": 4, "passed": 3, "written": 3, "dropped": {"answer_repaired": 1}}
    fates = {"faithful": 10, "answer_repaired": 6}
    wrong = run / run_files.RECIPE / "counts/merge_wrong_summaries" / shard
    run_files.write_counts(wrong, **repaired, candidates=fates)
    return page_of(run)


def page_of(run: Path) -> str:
    """The visible text of the page of a run."""
    flags = ["--run", str(run), "--recipe", HOME, "--config", str(run / "config.yaml"), "--output", str(run / "page")]
    assert main(flags) == 0
    return " ".join(re.sub(r"<[^>]+>", " ", (run / "page").read_text()).split())


def test_choices_no_better_than_the_majority_are_said_to_add_nothing(tmp_path: Path) -> None:
    text = text_of_report(tmp_path, [([RIGHT, RIGHT, WRONG], 0)] * 40)
    assert "Of 40 choices that could be read, 100.0% are right" in text
    assert "This branch adds nothing: the choices are as good as the majority of the same groups." in text


def test_choices_worse_than_the_majority_are_said_to_add_nothing(tmp_path: Path) -> None:
    text = text_of_report(tmp_path, [([RIGHT, RIGHT, WRONG], number % 2 * 2) for number in range(40)])
    assert "This branch adds nothing: the choices are 50.0 points worse than the majority" in text


def test_choices_that_beat_the_majority_are_said_to(tmp_path: Path) -> None:
    text = text_of_report(tmp_path, [([RIGHT, WRONG, WRONG], 0 if number % 4 else 1) for number in range(40)])
    assert "better than the majority of the same groups, by 75.0 points" in text


@pytest.mark.parametrize("is_same", [True, False])
def test_who_rewrote_the_solutions_is_named_where_they_are_several(tmp_path: Path, is_same: bool) -> None:
    run = run_files.write_run(tmp_path)
    changes = selection_config()
    recipe = changes["recipes"][run_files.RECIPE]
    other = recipe | {"summaries": recipe["summaries"] | {"model": "solver" if is_same else "other"}}
    changes["recipes"] |= {"cot-other": other}
    changes["recipes"][HOME]["candidates"]["from"].append("cot-other")
    models = run_files.config()["models"]
    run_files.write_config(run, **changes, models=models | {"other": models["solver"] | {"path": "an/other"}})
    text = page_of(run)
    assert ("all rewritten by one model" in text) is is_same
    assert ("all rewritten (those of cot-small by some/solver, those of cot-other by an/other)" in text) is not is_same


def test_a_liking_for_a_position_is_told(tmp_path: Path) -> None:
    groups = [([RIGHT, WRONG, OTHER] if number % 3 else [WRONG, RIGHT, OTHER], 0) for number in range(90)]
    text = text_of_report(tmp_path, groups)
    assert "The choices lean: position 0 (more often), 1 (less often), 2 (less often)" in text
    # Of none that were chosen there is no share, which is not an unknown one.
    assert "2 90 0 30.0 – The choices lean" in text


@pytest.mark.parametrize(("source", "warned"), [("majority", True), ("extracted", False)])
def test_groups_whose_right_answer_is_a_vote_come_with_a_warning(tmp_path: Path, source: str, warned: bool) -> None:
    text = text_of_report(tmp_path, [([RIGHT, WRONG], 0)] * 3, source)
    assert ("Such groups teach to choose the commonest answer" in text) is warned


def test_wrong_solutions_that_were_repaired_are_told(tmp_path: Path) -> None:
    text = text_of_report(tmp_path, [([RIGHT, WRONG], 0)])
    assert "Of 16 such texts, 10 provably state the solution" in text
    assert "6 (37.5%) state the right one instead" in text


def test_before_any_choice_was_read_the_page_says_so(tmp_path: Path) -> None:
    assert "No comparison has been read yet." in text_of_report(tmp_path, [])


def test_wrong_choices_are_shown_with_what_was_said(tmp_path: Path) -> None:
    text_of_report(tmp_path, [([RIGHT, WRONG], 0)])
    run = tmp_path / "small"
    counts = run / HOME / "counts/parse_selections/shard-000-of-001.json"
    row = {"id": "ab-1-g0", "problem_id": "ab-1", "selected_id": "cot/ab-1-3", "group_size": 2}
    row |= {"predicted_answer": "7", "expected_answer": "<b>8</b>", "said": [["solution", "I take **1**.", 0]]}
    row |= {"problem": "What is $8$?", "candidates": [[1, "It is seven.", 0], [0, "It is eight.", 700]]}
    run_files.write_counts(counts, **orjson.loads(counts.read_bytes()) | {"wrong_samples": {"ab-1-g0": row}})
    write_shard(run / HOME, [whole_row(id="ab-1-g1", inference_mode="genselect")])
    flags = ["--run", str(run), "--recipe", HOME, "--config", str(run / "config.yaml"), "--output", str(run / "page")]
    assert main(flags) == 0
    page = (run / "page").read_text()
    assert "the model chose a wrong solution</b> <code>ab-1-g0</code>" in page
    assert "<dt>its answer</dt><dd>7</dd><dt>expected answer</dt><dd>&lt;b&gt;8&lt;/b&gt;</dd>" in page
    assert "I take <strong>1</strong>." in page
    text = read(page).text
    assert "What is 8 ?" in text
    assert "the solution that was chosen, number 1 It is seven." in text
    assert "a right one, number 0 It is eight. … and 700 more characters, which are not on this page" in text
    assert "what the model said, 13 characters I take 1 ." in text
