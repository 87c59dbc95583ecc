"""Folders for trainers: the forms as they load, the card, and what happens without rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import write_product
import yaml
from omr.errors import UserError
from omr.threads.origins import COLUMN_OF
from omr.training.columns import COLUMNS
from omr.training.forms import FORMS
from solution_files import write_rows

Row = dict[str, Any]

#: Runs the card's own code for every form.
LOADS = """
import sys, json, re
folder = sys.argv[1]
loaded = {}
for form, code in re.findall(r"### `(.+?)`.*?```python\\n(.*?)```", open(folder + "/README.md").read(), re.DOTALL):
    names = {}
    exec(re.sub("path/(?:or/name/)?of/this/dataset", folder, code), names)
    loaded[form] = list(names["rows"])
print(json.dumps(loaded))
"""
#: Where rows come from, of which some is told.
ORIGIN = dict.fromkeys(COLUMN_OF.values()) | {
    "problem_source": "forum",
    "source_url": "https://example.org/1",
    "source_license": "CC BY-SA 4.0",
}
COUNTS = {
    "stage": "prepare_rl",
    "read": 9,
    "passed": 0,
    "written": 0,
    "dropped": {"vote_disagrees": 8, "no_pass_rate": 1},
}


def rl_row(number: int, answer: str = r"\frac{1}{2}") -> Row:
    return {
        "id": f"a-{number}", "problem": f"What is {number}?", "expected_answer": answer, "answer_source": "extracted",
        "problem_type": "has_answer_extracted", "pass_rate": 0.5, "pass_rate_by": "cot-a",
        "majority_votes": 5, "total_votes": 6, "prompt": [{"role": "user", "content": f"Solve: what is {number}?"}],
    } | ORIGIN  # fmt: skip


def write(folder: Path, rows: list[Row], *options: str, kind: str = "rl") -> Path:
    """Run the script on rows in two files; returns the folder that it made."""
    files = [write_rows(folder / f"{part}.jsonl", rows[part::2]) for part in range(2)]
    counts = folder / "counts.json"
    counts.write_text(json.dumps(COUNTS))
    given = ["--kind", kind, "--rows", *map(str, files), "--title=a title", f"--output={folder / 'made'}"]
    given += ["--counts", str(counts), *options]
    assert write_product.main(given if kind == "preferences" else [*given, "--data-source=checked"]) == 0
    return folder / "made"


def load(folder: Path) -> dict[str, list[Row]]:
    """What `datasets` makes of a folder, without network, form by form, as its card says."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(folder.parent / "cache")}
    command = [sys.executable, "-c", LOADS, str(folder)]
    done = subprocess.run(command, env=os.environ | offline, capture_output=True, text=True, check=True)
    loaded: dict[str, list[Row]] = json.loads(done.stdout)
    return loaded


def test_every_form_for_reinforcement_learning_loads_as_its_trainer_wants_it(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, [rl_row(1), rl_row(2, "7")]))
    prompt = [{"role": "user", "content": "Solve: what is 1?"}]
    known = {"id": "a-1", "answer_source": "extracted", "pass_rate": 0.5} | ORIGIN
    assert loaded["verl"][0] == {
        "data_source": "checked",
        "prompt": prompt,
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": r"\frac{1}{2}"},
        "extra_info": known | {"split": "train", "index": 0, "problem": "What is 1?", "pass_rate_by": "cot-a"},
    }
    assert loaded["trl"][0] == known | {
        "prompt": prompt,
        "solution": r"\boxed{\frac{1}{2}}",
        "expected_answer": r"\frac{1}{2}",
    }
    assert (
        loaded["nemo_gym"][0]
        == {
            "responses_create_params": {"input": prompt},
            "question": "What is 1?",
            "expected_answer": r"\frac{1}{2}",
            "agent_ref": {"type": "responses_api_agents", "name": "math_with_judge_simple_agent"},
            "id": "a-1",
            "pass_rate": 0.5,
        }
        | ORIGIN
    )
    assert [row["extra_info"]["index"] for row in loaded["verl"]] == [0, 1]


def test_groups_to_choose_from_load_with_the_indexes_of_all_right_candidates(tmp_path: Path) -> None:
    row = rl_row(1) | {"id": "a-1-g0", "right": [0, 2], "num_solutions": 4}
    loaded = load(write(tmp_path, [row, row | {"id": "a-1-g1", "right": [3]}], kind="rl_selections"))
    assert set(loaded) == {"verl", "trl"}
    assert [(found["id"], found["right"], found["num_solutions"]) for found in loaded["trl"]] == [
        ("a-1-g0", [0, 2], 4), ("a-1-g1", [3], 4),
    ]  # fmt: skip
    assert loaded["verl"][0]["reward_model"] == {"style": "rule", "ground_truth": "[0, 2]"}
    assert json.loads(loaded["verl"][1]["reward_model"]["ground_truth"]) == [3]
    assert loaded["verl"][0]["data_source"] == "checked"
    assert loaded["trl"][0].items() >= ORIGIN.items()
    assert loaded["verl"][0]["extra_info"].items() >= ORIGIN.items()
    assert "which is best" in (tmp_path / "made/README.md").read_text()


def test_every_form_has_the_columns_that_training_rows_have_for_where_they_come_from() -> None:
    assert set(ORIGIN) <= {column.name for column in COLUMNS}
    for form in (form for forms in FORMS.values() for form in forms):
        told = form.columns.get("extra_info", " ".join(form.columns))
        assert not [name for name in ORIGIN if name not in told], form.name


def test_the_library_behind_rewards_reads_the_answers_of_the_form_for_trl(tmp_path: Path) -> None:
    math_verify = pytest.importorskip("math_verify")
    answers = ["7", r"\frac{1}{2}", "$x^2+1$", r"\{1, 2\}", r"(3, \infty)", "2:3", r"\sqrt{2}"]
    made = write(tmp_path, [rl_row(number, answer) for number, answer in enumerate(answers)])
    rows = pq.read_table(next((made / "trl").iterdir())).to_pylist()
    for row in rows:
        gold = math_verify.parse(row["solution"])
        said = math_verify.parse(f"So it is $\\boxed{{{row['expected_answer'].strip('$')}}}$.")
        assert math_verify.verify(gold, said), row["solution"]
        assert not math_verify.verify(gold, math_verify.parse(r"$\boxed{12345}$")), row["solution"]
    assert len(rows) == len(answers)


def test_the_card_names_every_form_and_tells_what_was_dropped(tmp_path: Path) -> None:
    made = write(tmp_path, [rl_row(1), rl_row(2)], "--license=cc-by-4.0", "--authored")
    _, head, body = (made / "README.md").read_text().split("---\n", 2)
    front = yaml.safe_load(head)
    assert front["license"] == "cc-by-4.0"
    paths = {config["config_name"]: config["data_files"][0]["path"] for config in front["configs"]}
    found = {name: [path.name for path in made.glob(paths[name])] for name in paths}
    assert found == {name: ["train-00000-of-00001.parquet"] for name in ("verl", "trl")}
    assert "2 problems for reinforcement learning" in body
    assert "no model wrote them" in body
    assert "| `prepare_rl` | 9 | 0 | 0 | no_pass_rate 1, vote_disagrees 8 |" in body


def test_without_rows_the_error_says_what_they_were_dropped_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="prepare_rl read 9 problems: no_pass_rate 1, vote_disagrees 8"):
        write(tmp_path, [])
    assert not (tmp_path / "made").exists()


def test_rows_are_spread_over_files_of_bounded_size_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_product, "size_of", lambda row: 600_000)
    rows = [rl_row(number) for number in range(6)]
    made = write(tmp_path, rows, "--shard-megabytes=1")
    paths = sorted((made / "verl").iterdir())
    assert [path.name for path in paths] == [f"train-{n:05d}-of-00003.parquet" for n in range(3)]
    stored = [row["extra_info"]["id"] for path in paths for row in pq.read_table(path).to_pylist()]
    assert stored == [row["id"] for row in rows[::2] + rows[1::2]]


def test_preferences_load_as_trl_wants_them(tmp_path: Path) -> None:
    said = {
        name: [{"role": "assistant", "content": f"<think>\n{name}\n</think>\n\n7"}] for name in ("chosen", "rejected")
    }
    row = {
        "id": "a-1-0-1", "problem_id": "a-1", "problem": "What?", "expected_answer": "7",
        "answer_source": "extracted", "pass_rate": 0.5, "prompt": [{"role": "user", "content": "Solve: what?"}],
        "chosen_answer": "7", "rejected_answer": "8", "chosen_judged_by": "symbolic", "rejected_judged_by": "llm",
    } | said | ORIGIN  # fmt: skip
    made = write(tmp_path, [row], kind="preferences")
    assert load(made) == {"preference": [row]}
    assert "1 pair of a right and a wrong solution" in (made / "README.md").read_text()


def test_rows_of_which_no_origin_is_told_load_beside_others_that_have_one(tmp_path: Path) -> None:
    unknown = rl_row(1) | dict.fromkeys(ORIGIN)
    loaded = load(write(tmp_path, [unknown, unknown | {"id": "a-2"}, rl_row(3)]))
    for form in ("verl", "trl", "nemo_gym"):
        told = [row.get("extra_info", row) for row in loaded[form]]
        assert [row["source_license"] for row in told if row["id"] in ("a-1", "a-2")] == [None, None]
        assert [row["source_license"] for row in told if row["id"] == "a-3"] == ["CC BY-SA 4.0"]


def test_a_search_for_reposts_beyond_its_bound_stops_the_product(tmp_path: Path) -> None:
    table = tmp_path / "stages.json"
    misses = {"recounted": {"planted": 20, "taken_for_copies": 3}}
    stage = {"stage": "deduplicate", "read": 30, "passed": 30, "written": 30, "dropped": {}, "near_misses": misses}
    table.write_text(json.dumps([stage]))
    write(tmp_path, [rl_row(1)], f"--stages={table}", "--false-reposts=0.15")
    (tmp_path / "again").mkdir()
    with pytest.raises(UserError, match=r"3 of 20 \(15%\) were taken for reposts \(false_reposts 0.1\)"):
        write(tmp_path / "again", [rl_row(1)], f"--stages={table}", "--false-reposts=0.1")
    assert not (tmp_path / "again" / "made").exists()


def test_one_row_is_one_and_what_is_unknown_is_null(tmp_path: Path) -> None:
    card = (write(tmp_path, [rl_row(1) | {"problem_source": None}]) / "README.md").read_text()
    assert "\n1 problem for reinforcement learning" in card
    assert "| null | 1 |" in card
    assert "None" not in card


def test_a_bound_that_does_not_hold_stops_the_product(tmp_path: Path) -> None:
    table, measured = tmp_path / "stages.json", tmp_path / "judged.json"
    stage = {"stage": "parse_classes", "read": 30, "passed": 30, "written": 30, "dropped": {}}
    table.write_text(json.dumps([stage | {"verdicts": {"classify_proof": {"true": 29, "false": 1}}}]))
    measured.write_text(json.dumps({"stage": "merge_judgements", "audit": {"equal": {"yes": 15, "no": 10}}}))
    given = [f"--stages={table}", "--measured", str(measured), str(measured)]
    write(tmp_path, [rl_row(1)], *given, "--judge-agreement=0.6", "--same-verdict=0.97")
    (tmp_path / "again").mkdir()
    with pytest.raises(UserError) as error:
        write(tmp_path / "again", [rl_row(1)], *given, "--judge-agreement=0.7", "--same-verdict=0.95")
    assert "30 of 50 (60%) pairs proven equal" in str(error.value)
    assert "classify_proof (parse_classes) said 'true' in 29 of 30" in str(error.value)
    assert not (tmp_path / "again" / "made").exists()
