from __future__ import annotations

from pathlib import Path

import pytest
from check_config import main
from omr.config.files import load_yaml
from omr.errors import UserError

ROOT = Path(__file__).parents[1]


def overlay(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", ["demo", "endpoint", "nim", "try"])
def test_the_overlays_that_ship_are_fine(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(ROOT / f"config/{name}.yaml")]) == 0
    assert capsys.readouterr().out.startswith("fine: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("run: mine\nraw_data: {limit: [5\nbudget: {}\n", 3),
        ("run: mine\nraw_data:\n\tlimit: 5\n", 3),
        ("run: mine\nraw_data: limit: 5\n", 2),
        ("run: 'mine\n", 2),
        ("run: mine\n  limit: 5\n", 2),
    ],
)
def test_a_fault_of_yaml_is_told_with_its_file_and_line(tmp_path: Path, text: str, line: int) -> None:
    path = overlay(tmp_path, text)
    with pytest.raises(UserError) as caught:
        main([path])
    assert (str(caught.value.file), caught.value.line) == (path, line)
    assert "\n" not in str(caught.value).partition("  remedy")[0].strip()


@pytest.mark.parametrize(
    ("text", "key", "first", "line"),
    [
        ("run: mine\nrun: other\n", "run", 1, 2),
        ("models:\n  a: {path: x}\nrun: mine\nmodels:\n  b: {path: y}\n", "models", 1, 4),
        ("benchmarks:\n- {name: a,\n   column: b,\n   name: c}\n", "name", 2, 4),
    ],
)
def test_a_key_that_stands_twice_is_told_with_both_lines(
    tmp_path: Path, text: str, key: str, first: int, line: int
) -> None:
    path = overlay(tmp_path, text)
    with pytest.raises(UserError, match=f"the key '{key}' stands here again, after line {first}") as caught:
        main([path])
    assert (str(caught.value.file), caught.value.line) == (path, line)


def test_a_key_may_overwrite_one_that_is_merged_in_and_an_anchor_may_hold_itself() -> None:
    assert load_yaml("a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: *b, x: 4}\n")["c"] == {"x": 4, "y": 2}
    assert load_yaml("{1: a, '1': b}") == {1: "a", "1": "b"}
    itself = load_yaml("&a {x: *a}")
    assert itself["x"] is itself
    assert load_yaml("") is None


@pytest.mark.parametrize("target", ["results/demo/classified.jsonl", "results/demo/stages.json", "judged"])
def test_a_target_behind_configfile_is_no_config_file(target: str) -> None:
    with pytest.raises(UserError, match="no config file") as caught:
        main([str(ROOT / "config/demo.yaml"), target])
    assert "name targets before --configfile" in str(caught.value)


def test_the_saved_config_of_a_run_is_a_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved = Path("results/mine/config.yaml")
    with pytest.raises(UserError, match="there is no such file"):
        main([str(saved)])
    saved.parent.mkdir(parents=True)
    saved.write_text("raw_data: {limit: 5}\n", encoding="utf-8")
    assert main([str(saved)]) == 0


def test_an_overlay_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nosuch\.yaml: there is no such file"):
        main([str(tmp_path / "nosuch.yaml")])


def test_what_the_schema_refuses_is_told_as_at_the_start_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"raw_data: unknown key 'limt'; did you mean 'limit'\?"):
        main([overlay(tmp_path, "raw_data: {limt: 5}\n")])


@pytest.mark.parametrize("text", ["- run\n", "run\n"])
def test_an_overlay_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="must be a mapping"):
        main([overlay(tmp_path, text)])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("recipes: {mine: {extends: cot-qwq, model: nosuch}}\nrecipes_to_run: [mine]\n", "no 'nosuch'"),
        ("recipes: {mine: {extends: cot-qwq, prompt: nosuch}}\nrecipes_to_run: [mine]\n", "nosuch"),
        ("recipes: {genselect-qwq: {candidates: {from: [genselect-qwq]}}}\n", "takes candidates from 'genselect-qwq'"),
        ("recipes: {cot-qwq: {seeds: 4, rounds: [2, 2], enough: null}}\n", "enough"),
        ("raw_data: {path: nowhere.jsonl}\n", "nowhere.jsonl"),
    ],
)
def test_what_a_run_would_refuse_is_not_fine(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        main([overlay(tmp_path, f"run: mine\n{text}")])


def test_an_overlay_whose_data_are_not_here_yet_names_their_key() -> None:
    with pytest.raises(UserError, match=r"raw_data\.path: there is no file stack-exchange/"):
        main([str(ROOT / "config/stackexchange.yaml")])
