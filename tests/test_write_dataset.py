from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import select_subset
import write_dataset
import yaml
from omr.errors import UserError
from omr.training.figures import Histogram
from omr.training.row_files import RowFiles, open_rows
from row_shards import SHARD, write_shard
from sft_files import ROOT, training_rows, write_lines

Row = dict[str, Any]


def shares(count: int, of: int) -> Row:
    return {"count": count, "of": of, "share": count / of}


CONTAMINATION = {
    "benchmarks": {"contest": {"rows": 30, "removed": {"contaminated_llm": 2}}},
    "canaries": {"verbatim": {"planted": 8, "caught_by_any_net": shares(8, 8), "removed": shares(6, 8)}},
}


def write(folder: Path, rows: list[Row], *options: str) -> Path:
    """Run the script; returns the dataset folder."""
    write_shard(folder, rows, measures=list(rows[0]["pass_rates"] or ()) if rows else [])
    return make(folder, *options)


def make(folder: Path, *options: str) -> Path:
    """Run the script on all shards of a recipe's folder; returns the dataset folder."""
    shards, figures = (sorted(map(str, (folder / name).iterdir())) for name in ("sft", "figures"))
    given = ["--shards", *shards, "--figures", *figures, f"--output={folder / 'dataset'}", "--title=a title"]
    assert write_dataset.main([*given, *options]) == 0
    return folder / "dataset"


def card_of(dataset: Path) -> tuple[Row, str]:
    """The front matter of a card, and its body."""
    _, head, body = (dataset / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(head), body


def stored(rows: list[Row]) -> list[Row]:
    """Rows as Parquet holds them: without pass rates of other recipes there is no column for them."""
    return [{name: value for name, value in row.items() if name != "pass_rates"} for row in rows]


def test_the_parquet_files_hold_the_rows_as_they_are(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 7)
    dataset = write(tmp_path, rows)
    assert [path.name for path in (dataset / "data").iterdir()] == ["train-00000-of-00001.parquet"]
    assert pq.read_table(dataset / "data" / "train-00000-of-00001.parquet").to_pylist() == stored(rows)


def test_a_bound_that_does_not_hold_stops_the_dataset_and_says_what_was_measured(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 2)
    report = tmp_path / "report.json"
    report.write_text(json.dumps(CONTAMINATION))
    audit = {"stage": "merge_judgements", "read": 9, "passed": 9, "written": 9, "dropped": {}}
    table = tmp_path / "stages.json"
    table.write_text(json.dumps([audit | {"audit": {"different": {"no": 5, "yes": 7}}}] * 2))
    given = ["--contamination", str(report), "--stages", str(table)]
    write(tmp_path, rows, *given, "--canary-recall=0.75", "--judge-agreement=0.4")
    with pytest.raises(UserError) as error:
        write(tmp_path / "again", rows, *given, "--canary-recall=0.8", "--judge-agreement=0.5")
    assert "6 of 8 (75%) were removed" in str(error.value)
    assert "10 of 24 (42%) pairs proven different" in str(error.value)
    assert not (tmp_path / "again" / "dataset").exists()


def test_models_that_obey_threads_more_often_than_the_bound_stop_the_dataset(tmp_path: Path) -> None:
    rows, report = training_rows(tmp_path / "made", 2), tmp_path / "planted.json"
    report.write_text(json.dumps({"prompts": {}, "obeyed": {"count": 3, "of": 28, "share": 0.1071}}))
    write(tmp_path, rows, f"--planted={report}")
    write(tmp_path, rows, f"--planted={report}", "--obeyed-instructions=0.2")
    with pytest.raises(UserError, match=r"3 of 28 \(11%\) were obeyed"):
        write(tmp_path / "again", rows, f"--planted={report}", "--obeyed-instructions=0.1")
    assert not (tmp_path / "again" / "dataset").exists()


def test_without_rows_the_error_names_the_stage_and_what_to_do(tmp_path: Path) -> None:
    counts = tmp_path / "counts.json"
    lost = {"stage": "prepare_sft", "read": 9, "passed": 0, "written": 0, "dropped": {"empty_reasoning": 8, "wrong": 1}}
    counts.write_text(json.dumps(lost))
    with pytest.raises(UserError, match="no rows are left after prepare_sft, which read 9: empty_reasoning 8, wrong 1"):
        write(tmp_path, [], "--counts", str(counts))


def test_load_dataset_takes_the_folder_with_the_published_types(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 5)
    code = (
        "import sys, json, datasets\n"
        "rows = datasets.load_dataset(sys.argv[1], split='train')\n"
        "types = {name: getattr(kind, 'dtype', str(kind)) for name, kind in rows.features.items()}\n"
        "print(json.dumps([types, list(rows)]))"
    )
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", code, str(write(tmp_path, rows))]
    said = subprocess.run(command, env=os.environ | offline, capture_output=True, text=True, check=True).stdout
    types, loaded = json.loads(said)
    assert loaded == stored(rows)
    published = dict.fromkeys(list(rows[0])[:8], "string") | {"used_in_kaggle": "bool"}
    assert {name: types[name] for name in published} == published


def loaded(results: Path, *folders: str) -> list[list[str]]:
    """What the README's own call finds in folders, in a process of its own with one cache."""
    code = "import sys, json, datasets; load = datasets.load_dataset\n"
    code += "print(json.dumps([load(one)['train']['generated_solution'][:] for one in sys.argv[1:]]))"
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(results / "cache")}
    command = [sys.executable, "-c", code, *folders]
    done = subprocess.run(command, env=os.environ | offline, cwd=results, capture_output=True, text=True, check=True)
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_load_dataset_gives_the_rows_of_a_folder_as_they_are_now_whatever_was_loaded_before(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 3)

    def solved(recipe: str, text: str) -> list[str]:
        home = tmp_path / "results/demo" / recipe
        shutil.rmtree(home, ignore_errors=True)
        write(home, [{**row, "generated_solution": text} for row in rows])
        # As after unpacking: the time of a file says nothing.
        for path in (home / "dataset").rglob("*"):
            os.utime(path, (1_000_000_000, 1_000_000_000))
        return [text] * 3

    folders = [f"results/demo/{recipe}/dataset" for recipe in ("cot-qwq", "cot-r1")]
    first = [solved("cot-qwq", "Text A."), solved("cot-r1", "Text B.")]
    assert loaded(tmp_path, *folders) == first
    again = [solved("cot-qwq", "Text C."), first[1]]
    assert loaded(tmp_path, *folders) == again


def test_the_card_of_a_subset_says_what_its_rows_have_in_common(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 2)
    _, body = card_of(write(tmp_path / "subset", rows, "--chosen", "`max_tokens` 9; `sources` <b>"))
    assert "Of the recipe's rows these are a subset: `max_tokens` 9; `sources` &lt;b>." in body
    assert "these are a subset" not in card_of(write(tmp_path / "whole", rows))[1]


def test_the_files_of_all_shards_are_linked_in_order(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 6)
    shards = [write_shard(tmp_path, rows[2 * n : 2 * n + 2], f"shard-{n:03d}-of-003") for n in range(3)]
    dataset = make(tmp_path)
    paths = sorted((dataset / "data").iterdir())
    assert [path.name for path in paths] == [f"train-{n:05d}-of-00003.parquet" for n in range(3)]
    assert [path.stat().st_ino for path in paths] == [next(shard.glob("*")).stat().st_ino for shard in shards]
    assert [row for path in paths for row in pq.read_table(path).to_pylist()] == stored(rows)
    assert "6 solutions of 3 mathematics problems" in card_of(dataset)[1]


def test_no_column_of_any_row_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the time that a dataset takes does not grow with its texts: footers tell how many rows there are."""
    write_shard(tmp_path, training_rows(tmp_path / "made", 4))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("rows were read")

    for name in ("read", "read_row_group", "read_row_groups", "iter_batches"):
        monkeypatch.setattr(pq.ParquetFile, name, refuse)
    with pytest.raises(AssertionError), open_rows(next((tmp_path / "sft" / SHARD).iterdir())) as file:
        file.read()
    assert "4 solutions of 2 mathematics problems" in card_of(make(tmp_path))[1]


def test_rows_that_were_not_counted_are_an_error(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 4)
    write_shard(tmp_path, rows[:2])
    figures = (tmp_path / "figures" / f"{SHARD}.json").read_bytes()
    write_shard(tmp_path, rows)
    (tmp_path / "figures" / f"{SHARD}.json").write_bytes(figures)
    with pytest.raises(UserError, match="the files hold 4 rows, 2 were counted"):
        make(tmp_path)


def test_shards_with_other_columns_are_an_error(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 2)
    write_shard(tmp_path, rows[:1], "shard-000-of-002")
    write_shard(tmp_path, [rows[1] | {"pass_rates": {"a": 1.0}}], "shard-001-of-002", ["a"])
    with pytest.raises(UserError, match="other columns"):
        make(tmp_path)


def test_pass_rates_of_other_recipes_are_a_column_of_their_names(tmp_path: Path) -> None:
    rows = [row | {"pass_rates": {"a": 0.5, "b-c": None}} for row in training_rows(tmp_path / "made", 2)]
    (path,) = (write(tmp_path, rows) / "data").iterdir()
    assert pq.read_table(path).to_pylist() == rows


def test_no_rows_are_an_error_and_make_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no training rows"):
        write(tmp_path, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures", "sft"]


def test_an_error_leaves_the_older_dataset_as_it_was(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 3)
    dataset = write(tmp_path / "out", rows)
    before = {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()}
    with pytest.raises(UserError):
        make(tmp_path / "out", "--stages", str(tmp_path / "nothing.json"))
    assert {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()} == before
    assert len(pq.read_table(next((write(tmp_path / "out", rows[:1]) / "data").iterdir()))) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dataset", "figures", "sft"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    host = socket.gethostname().partition(".")[0]
    left = tmp_path / "out" / f".dataset.{host}.{2**22 + 1}.tmp" / "data"  # no process has such a number
    left.mkdir(parents=True)
    (left / "0.parquet").write_bytes(b"torn")
    write(tmp_path / "out", training_rows(tmp_path / "made", 1))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dataset", "figures", "sft"]


def test_the_figures_of_the_card_are_those_of_the_rows(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 8)
    for row in rows[:2]:
        row |= {"problem_type": "converted_proof", "pass_rate": 0.25, "completion_tokens": None}
    head, body = card_of(write(tmp_path, rows, "--license=cc-by-4.0"))
    assert head["license"] == "cc-by-4.0"
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]
    assert "8 solutions of 4 mathematics problems" in body
    assert "| converted_proof | 2 | 25.0% |" in body
    assert "| has_answer_extracted | 6 | 75.0% |" in body
    assert "| 0.2 to below 0.3 | 1 |" in body
    assert "| 1 | 3 |" in body
    characters = [len(row["generated_solution"]) for row in rows]
    assert f"| characters | {sum(characters) / 8:,.0f} | {min(characters)} |" in body
    assert "| tokens of the model's reply | 100 | 100 | 100 | 100 | 101 | 101 | 101 |" in body
    assert "Tokens are known of 6 rows." in body


def test_the_card_names_no_licence_that_nobody_chose(tmp_path: Path) -> None:
    assert "license" not in card_of(write(tmp_path, training_rows(tmp_path / "made", 1)))[0]


def test_the_card_tells_the_funnel_the_models_and_the_decontamination(tmp_path: Path) -> None:
    counts = []
    for shard, dropped in enumerate([{"wrong": 2}, {"wrong": 1, "duplicate": 4}]):
        row = {"stage": "prepare_sft", "read": 1000, "passed": 10, "written": 10, "dropped": dropped}
        counts.append(write_lines(tmp_path / f"{shard}.json", [row]))
    report = write_lines(tmp_path / "report.json", [CONTAMINATION])
    options = ["--counts", *map(str, counts), f"--contamination={report}", "--models", "judge_answers=a|b@<1>"]
    options += ["--prompts", str(ROOT / "prompts" / "solve_cot.yaml")]
    _, body = card_of(write(tmp_path, training_rows(tmp_path / "made", 1), *options))
    assert "| `prepare_sft` | 2,000 | 20 | 20 | duplicate 4, wrong 3 |" in body
    assert "| `judge_answers` | a\\|b@&lt;1> |" in body
    assert "| `solve_cot` | `" in body
    assert "| contest | 30 | 2 | contaminated_llm 2 |" in body
    assert "| verbatim | 8 | 8 of 8 (100.0%) | 6 of 8 (75.0%) |" in body


def test_a_file_that_holds_no_counts_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"stage": "x"}')
    with pytest.raises(UserError, match="not the counts of a stage"):
        write(tmp_path, training_rows(tmp_path / "made", 1), "--counts", str(tmp_path / "bad.json"))
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UserError, match="unreadable JSON"):
        write(tmp_path, training_rows(tmp_path / "made", 1), "--counts", str(tmp_path / "bad.json"))


def test_quantiles_are_right_to_three_digits_in_few_bins_and_the_ends_are_exact() -> None:
    histogram = Histogram()
    for value in range(100_000):
        histogram.add(value)
    assert histogram.quantiles((0.0, 0.25, 0.5, 1.0)) == [0, 25_000, 50_000, 99_999]
    assert len(histogram.bins) < 5000
    other = Histogram()
    other.add(1279)
    assert other.quantiles((0.0, 0.5, 1.0)) == [1279, 1279, 1279]
    other.add_json(histogram.as_json())
    assert other.greatest == 99_999
    assert histogram.mean == 49_999.5


def test_the_card_of_authored_replies_says_that_no_model_wrote_them(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 1)
    assert "no model wrote them" in card_of(write(tmp_path / "demo", rows, "--authored"))[1]
    assert "authored" not in card_of(write(tmp_path / "real", rows))[1]


def test_files_by_length_load_alone_by_their_names_and_together_without(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 6)
    for number, some in enumerate((rows[:4], rows[4:])):
        given = [row | {"completion_tokens": 100 * place} for place, row in enumerate(some)]
        source = write_shard(tmp_path / "all", given, f"shard-{number:03d}-of-002")
        flags = [f"--rows={source}", "--length-buckets", "100", "200", f"--dropped={tmp_path / 'dropped'}"]
        flags += [f"--counts={tmp_path / 'counts'}", f"--output={tmp_path / 'sft' / source.name}"]
        assert select_subset.main([*flags, f"--figures={tmp_path / 'figures' / source.name}.json"]) == 0
    dataset = make(tmp_path)
    head, body = card_of(dataset)
    files = sorted(path.relative_to(dataset / "data").as_posix() for path in (dataset / "data").rglob("*.parquet"))
    assert files == [
        "above_200_tokens/train-00000-of-00001.parquet",
        "up_to_100_tokens/train-00000-of-00002.parquet",
        "up_to_100_tokens/train-00001-of-00002.parquet",
        "up_to_200_tokens/train-00000-of-00001.parquet",
    ]
    names = ["default", "up_to_100_tokens", "up_to_200_tokens", "above_200_tokens"]
    assert [config["config_name"] for config in head["configs"]] == names
    assert "| `up_to_100_tokens` | 4 | `data/up_to_100_tokens/` |" in body
    script = (
        "import json, sys\nfrom datasets import load_dataset\n"
        "print(json.dumps([sorted(load_dataset(sys.argv[1], name, split='train')['completion_tokens'])"
        " for name in sys.argv[2:]]))"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", script, str(dataset), *names]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert json.loads(found.stdout) == [[0, 0, 100, 100, 200, 300], [0, 0, 100, 100], [200], [300]], found.stderr


@pytest.mark.parametrize(
    ("reasoned", "what", "column"),
    [
        (3, "each with its reasoning and a final answer", "reasoning in `<think>` tags, then the solution"),
        (
            2,
            "2 of 3 with reasoning, each with a",
            "reasoning in `<think>` tags (in 2 of 3 solutions), then the solution",
        ),
        (0, "without reasoning, each with a final answer", "the solution, without reasoning"),
    ],
)
def test_the_card_says_how_many_rows_have_reasoning(tmp_path: Path, reasoned: int, what: str, column: str) -> None:
    rows = training_rows(tmp_path / "made", 3)
    for row in rows[reasoned:]:
        text = row["generated_solution"].rpartition("</think>")[2].strip()
        row |= {"generated_solution": text, "messages": [*row["messages"][:-1], {"role": "assistant", "content": text}]}
    _, body = card_of(write(tmp_path, rows))
    assert what in body
    assert f"| `generated_solution` | string | {column}; of a comparison its summary |" in body
    assert f"then {column} |" in body
    assert ("## Reasoning in training" in body) is (reasoned > 0)
    # Whether rows are written one by one or, as in a subset, taken from a file.
    table = pq.read_table(next((tmp_path / "sft").rglob("*.parquet")))
    files = RowFiles(tmp_path / "again", tmp_path / "again.json")
    files.write_table(table)
    files.commit()
    assert files.figures.reasoning == (reasoned, 3)


def test_the_card_says_whose_replies_people_authored(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 2)
    assert "authored" not in card_of(write(tmp_path / "none", rows))[1]
    _, body = card_of(write(tmp_path / "all", rows, "--authored", "--license=mit"))
    assert "made of, to show the workflow; no model wrote them.**" in body
    _, body = card_of(write(tmp_path / "some", rows, "--authored", "extract_problems", "judge_answers"))
    assert "no model wrote those of `extract_problems`, `judge_answers`.**" in body
    assert "no model wrote them" not in body


def test_the_card_of_comparisons_names_who_rewrote_the_solutions_where_they_are_several(tmp_path: Path) -> None:
    rows = [row | {"inference_mode": "genselect"} for row in training_rows(tmp_path / "made", 2)]

    def told(folder: str, *models: str) -> str:
        given = (f"{name}/generate_summaries={model}" for name, model in zip("ab", models, strict=True))
        return card_of(write(tmp_path / folder, rows, "--models", "select_solutions=chooser", *given))[1]

    assert "right and wrong solutions, all rewritten by one model, and" in told("one", "x", "x")
    several = told("two", "x", "y@1")
    assert "all rewritten (those of a by x, those of b by y@1)" in several
    assert "one model" not in several


def test_the_card_of_rows_of_other_verdicts_calls_them_what_they_are(tmp_path: Path) -> None:
    rows = training_rows(tmp_path / "made", 4)
    _, body = card_of(write(tmp_path / "right", rows))
    assert "a final answer that was judged right" in body
    rows[1] |= {"judgement": "no"}
    _, body = card_of(write(tmp_path / "both", rows))
    assert "judged right" not in body.partition("\n## ")[0]
    assert "the column `judgement` has the verdict" in body
    assert "as a model wrote them" in body
    _, body = card_of(write(tmp_path / "rewritten", rows, "--models", "generate_summaries=someone/summarizer"))
    assert "as a model wrote them" not in body
    assert "Of right ones that have reasoning, what follows it was rewritten" in body
    assert "| no | 1 | 25.0% |" in body
