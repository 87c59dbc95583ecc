"""All recipes of a run as one dataset folder, which loads offline with the subsets of the published one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import join_datasets
import pyarrow.parquet as pq
import pytest
import write_dataset
import yaml
from omr.config.row_models import Authored
from omr.errors import UserError
from omr.training.joined_card import Subset, joined_card
from row_shards import SHARD, write_shard
from sft_files import training_rows, write_lines

Row = dict[str, Any]
LOAD = (
    "import sys, json, datasets\n"
    "folder, *subsets = sys.argv[1:]\n"
    "own = {name: list(datasets.load_dataset(folder, name=name, split='train')) for name in subsets}\n"
    "all_of_it = datasets.load_dataset(folder)\n"
    "print(json.dumps([own, {name: list(rows) for name, rows in all_of_it.items()}]))"
)


def dataset(folder: Path, rows: list[Row], **options: Any) -> Path:
    folder.mkdir()
    rates = [row["pass_rates"] or {} for row in rows]
    shard, figures = write_shard(folder, rows, measures=list(rates[0]), **options), folder / "figures" / f"{SHARD}.json"
    given = [f"--shards={shard}", f"--figures={figures}", f"--output={folder / 'dataset'}", "--title=one recipe"]
    assert write_dataset.main(given) == 0
    return folder / "dataset"


def comparison(row: Row, number: int) -> Row:
    group = f"{row['problem_id']}-g{number}"
    fields = {"id": group, "group": group, "inference_mode": "genselect", "original_problem": row["problem"]}
    fields |= {"candidate_ids": ["a/1", "b/2"], "selected": 1, "selected_id": "b/2", "group_size": 2, "group_right": 1}
    return row | fields


def join(folder: Path, problems: list[Row], *datasets: str) -> Path:
    path = write_lines(folder / "decontaminated.jsonl", problems)
    given = ["--datasets", *datasets, "--problems", str(path), "--title", "a run", "--output", str(folder / "joined")]
    assert join_datasets.main(given) == 0
    return folder / "joined"


def problem(problem_id: str, **fields: Any) -> Row:
    row = {"id": problem_id, "problem": f"What is {problem_id}?", "expected_answer": None}
    return row | {"problem_type": "no_answer_extracted"} | fields


@pytest.fixture
def joined(tmp_path: Path) -> Path:
    rows = training_rows(tmp_path / "made", 4)
    first, second = dataset(tmp_path / "first", rows), dataset(tmp_path / "second", rows[:1])
    chosen = dataset(tmp_path / "chosen", [comparison(rows[0], 3)])
    known = [problem(row["problem_id"]) for row in rows]
    given = [f"cot/cot-a={first}", f"genselect/genselect-a={chosen}", f"cot/cot-b={second}"]
    return join(tmp_path, [*known, problem("bb-1"), problem("bb-2", expected_answer="5"), problem("bb-1")], *given)


def test_every_subset_loads_offline_by_its_name_and_as_a_split(joined: Path, tmp_path: Path) -> None:
    subsets = ["cot", "genselect", "additional_problems"]
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(joined), *subsets],
        capture_output=True,
        text=True,
        env=os.environ | offline,
        timeout=300,
        check=True,
    )
    own, all_of_it = json.loads(done.stdout.strip().splitlines()[-1])
    assert own == all_of_it
    assert {name: len(rows) for name, rows in own.items()} == {"cot": 5, "genselect": 1, "additional_problems": 2}
    assert own["genselect"][0]["candidate_ids"] == ["a/1", "b/2"]
    assert own["cot"][0]["candidate_ids"] is None
    assert [(row["id"], row["expected_answer"]) for row in own["additional_problems"]] == [
        ("bb-1", None),
        ("bb-2", "5"),
    ]
    assert all(row["generated_solution"] is None for row in own["additional_problems"])


def test_the_card_names_its_rows_so_that_no_cache_takes_other_ones_for_them(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 2)
    told = []
    for number, problems in enumerate(("bb-1", "bb-2", "bb-1")):
        home = tmp_path / str(number)
        home.mkdir()
        made = dataset(home / "first", rows)
        card = (join(home, [problem(problems)], f"cot/cot-a={made}") / "README.md").read_text()
        told.append({config["description"] for config in yaml.safe_load(card.split("---\n")[1])["configs"]})
    assert told[0] == told[2] != told[1]
    assert all(len(one) == 1 for one in told)


def test_the_files_of_the_recipes_are_linked_and_not_written_anew(joined: Path, tmp_path: Path) -> None:
    source = tmp_path / "chosen/dataset/data/train-00000-of-00001.parquet"
    assert (joined / "data/genselect-00000-of-00001.parquet").stat().st_ino == source.stat().st_ino
    names = sorted(path.name for path in (joined / "data").iterdir())
    assert names == [
        "additional_problems-00000-of-00001.parquet",
        "cot-00000-of-00002.parquet",
        "cot-00001-of-00002.parquet",
        "genselect-00000-of-00001.parquet",
    ]


def test_where_nothing_can_be_linked_files_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", refuse)
    source = dataset(tmp_path / "one", training_rows(tmp_path / "made", 2))
    folder = join(tmp_path, [], f"tir/tir-a={source}")
    assert pq.read_table(folder / "data/tir-00000-of-00001.parquet").num_rows == 2


def test_a_subset_without_rows_is_not_declared(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 2)
    source = dataset(tmp_path / "one", rows)
    folder = join(tmp_path, [problem(row["problem_id"]) for row in rows], f"cot/cot-a={source}")
    head = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    assert [config["config_name"] for config in head["configs"]] == ["default", "cot"]
    assert [path.name for path in (folder / "data").iterdir()] == ["cot-00000-of-00001.parquet"]


def test_the_card_counts_rows_and_problems_of_each_subset(joined: Path) -> None:
    card = (joined / "README.md").read_text()
    assert "| `cot` | 5 | 2 | cot-a, cot-b |" in card
    assert "| `additional_problems` | 2 | 2 | - |" in card


def test_a_dataset_with_other_columns_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    source = dataset(tmp_path / "one", training_rows(tmp_path / "made", 1))
    file = source / "data/train-00000-of-00001.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["group"]), file)
    with pytest.raises(UserError, match="other columns"):
        join(tmp_path, [], f"cot/cot-a={source}")
    assert not (tmp_path / "joined").exists()


def test_pass_rates_of_other_recipes_are_columns_of_every_subset(tmp_path: Path) -> None:
    rows = [row | {"pass_rates": {"measure": 0.5}} for row in training_rows(tmp_path / "made", 2)]
    first, second = dataset(tmp_path / "first", rows), dataset(tmp_path / "second", [comparison(rows[0], 3)])
    folder = join(tmp_path, [problem("bb-1")], f"cot/cot-a={first}", f"genselect/genselect-a={second}")
    kinds = {str(pq.read_schema(path).field("pass_rates").type) for path in (folder / "data").iterdir()}
    assert kinds == {"struct<measure: double>"}


def test_a_folder_without_a_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no dataset"):
        join(tmp_path, [], f"cot/cot-a={tmp_path}")


@pytest.mark.parametrize("given", ["cot-a=x", "cot/cot-a", "other/cot-a=x", "cot/=x"])
def test_a_dataset_is_named_with_its_subset_and_recipe(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        join_datasets.parse_arguments([f"--datasets={given}", "--problems=p", "--title=t", "--output=o"])
    assert "SUBSET/RECIPE=FOLDER" in capsys.readouterr().err


def test_the_card_says_where_people_authored_the_replies(joined: Path) -> None:
    assert "authored" not in (joined / "README.md").read_text()
    subsets = [Subset("cot", 3, 2, ["demo"])]
    assert "no model wrote them" in joined_card("demo", None, subsets, authored=Authored(is_all=True))
    some = joined_card("demo", None, subsets, authored=Authored(("cot-a/judge_answers",)))
    assert "no model wrote those of `cot-a/judge_answers`" in some
    assert "no model wrote them" not in some


def without_reasoning(row: Row) -> Row:
    text = row["generated_solution"].rpartition("</think>")[2].strip()
    return row | {
        "generated_solution": text,
        "messages": [*row["messages"][:-1], {"role": "assistant", "content": text}],
    }


def test_the_card_says_how_many_rows_of_each_subset_have_reasoning(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 4)
    made = {
        "cot/a": dataset(tmp_path / "a", rows),
        "cot/b": dataset(tmp_path / "b", [without_reasoning(rows[0])]),
        "tir/c": dataset(tmp_path / "c", [without_reasoning(row) | {"inference_mode": "tir"} for row in rows]),
    }
    figures = [str(next((tmp_path / name / "figures").iterdir())) for name in "abc"]
    parts = [f"{name}={folder}" for name, folder in made.items()]
    card = (join(tmp_path, [], *parts, "--figures", *figures) / "README.md").read_text()
    assert "| a, b | solutions, 4 of 5 with reasoning |" in card
    assert "| c | solutions with code that was run, without reasoning |" in card
    assert "then reasoning in `<think>` tags (in 4 of 9 solutions), then the solution |" in card
    card = (join(tmp_path, [], *parts) / "README.md").read_text()
    assert "| a, b | solutions |" in card
    assert "reasoning in `<think>` tags where there is any, then the solution |" in card


def test_problems_without_rows_say_where_they_come_from_and_whose_reposts_they_are(tmp_path: Path) -> None:
    told = {"problem_source": "forum", "source_url": "https://example.org/1", "source_license": "CC BY-SA 4.0"}
    told |= {"source_author": "someone", "source_date": "2020-01-01", "cluster": "aa-1", "duplicate_of": "aa-1"}
    told |= {"original_problem": "Prove it."}
    source = dataset(tmp_path / "one", training_rows(tmp_path / "made", 1))
    folder = join(tmp_path, [problem("bb-9") | told], f"cot/cot-a={source}")
    (row,) = pq.read_table(folder / "data/additional_problems-00000-of-00001.parquet").to_pylist()
    assert {name: row[name] for name in told} == told


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["messages"], 'is its last message: `row["messages"][-1]["content"]`'),
        (["generated_solution"], "rows = rows.map(chat)"),
    ],
)
def test_datasets_whose_texts_stand_once_load_and_their_cards_say_where(
    tmp_path: Path, texts: list[str], said: str
) -> None:
    rows = training_rows(tmp_path / "made", 2)
    made = dataset(tmp_path / "one", rows, text_columns=texts)
    whole = join(tmp_path, [problem("bb-1")], f"cot/cot-a={made}")
    for folder in (made, whole):
        card = (folder / "README.md").read_text()
        assert said in card
        table = card.partition("## Columns")[2].partition("## ")[0]
        assert [f"| `{name}` |" in table for name in ("generated_solution", "messages", "messages_with_tools")] == [
            name in texts for name in ("generated_solution", "messages", "messages_with_tools")
        ]
    code = LOAD.replace("datasets.load_dataset(folder)", "datasets.load_dataset(folder, 'cot')")
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    loaded = subprocess.run(
        [sys.executable, "-c", code, str(whole), "cot", "additional_problems"],
        env=env, check=True, capture_output=True, text=True,
    )  # fmt: skip
    own = json.loads(loaded.stdout.splitlines()[-1])[0]
    assert [row[texts[0]] for row in own["cot"]] == [row[texts[0]] for row in rows]
    assert own["additional_problems"][0][texts[0]] is None


def test_datasets_of_other_text_columns_are_not_joined(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 2)
    both, one = dataset(tmp_path / "a", rows), dataset(tmp_path / "b", rows, text_columns=["messages"])
    with pytest.raises(UserError, match="other columns"):
        join(tmp_path, [], f"cot/cot-a={both}", f"cot/cot-b={one}")
