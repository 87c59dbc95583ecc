"""Benchmarks from local files and from the hub, and those that must not pass as benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import prepare_benchmark
import pyarrow
import pyarrow.parquet
import pytest
from contamination_files import read_json_lines, write_rows
from omr.errors import UserError

PROBLEMS = ['Find $x$, "quoted",\nin two lines.', "Find ½ of 7.", 'Find $x$, "quoted",\nin two lines.']


def write_jsonl(path: Path, problems: list[object]) -> Path:
    return write_rows(path.with_suffix(".jsonl"), [{"question": problem, "answer": "1"} for problem in problems])


def write_parquet(path: Path, problems: list[object]) -> Path:
    pyarrow.parquet.write_table(pyarrow.table({"answer": [1] * len(problems), "question": problems}), path)
    return path


def write_csv(path: Path, problems: list[object]) -> Path:
    lines = ["\ufeffanswer,question"] + ['1,"' + str(problem).replace('"', '""') + '"' for problem in problems]
    path.write_text("\r\n".join(lines), encoding="utf-8")
    return path


WRITERS: dict[str, Callable[[Path, list[object]], Path]] = {
    ".jsonl": write_jsonl,
    ".parquet": write_parquet,
    ".csv": write_csv,
}


def run(tmp_path: Path, *arguments: str, name: str = "math-500") -> list[dict[str, object]]:
    output = tmp_path / "out.jsonl"
    assert prepare_benchmark.main(["--name", name, *arguments, "--output", str(output)]) == 0
    return read_json_lines(output)


@pytest.mark.parametrize("ending", WRITERS)
def test_rows_are_numbered_in_the_order_of_the_file_and_texts_stay_as_they_are(tmp_path: Path, ending: str) -> None:
    path = WRITERS[ending](tmp_path / f"in{ending}", list(PROBLEMS))
    assert run(tmp_path, "--path", str(path), "--column", "question", "--rows", "3") == [
        {"id": f"math-500-{row}", "benchmark": "math-500", "row": row, "problem": problem}
        for row, problem in enumerate(PROBLEMS)
    ]


@pytest.mark.parametrize("ending", WRITERS)
def test_a_benchmark_without_rows_is_an_error_and_writes_nothing(tmp_path: Path, ending: str) -> None:
    path = WRITERS[ending](tmp_path / f"in{ending}", [])
    with pytest.raises(UserError, match="no rows"):
        run(tmp_path, "--path", str(path), "--column", "question")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("ending", WRITERS)
def test_a_missing_column_is_an_error_that_names_the_columns_there_are(tmp_path: Path, ending: str) -> None:
    path = WRITERS[ending](tmp_path / f"in{ending}", list(PROBLEMS))
    with pytest.raises(UserError, match=r"no column 'problem' \(there are: .*'question'"):
        run(tmp_path, "--path", str(path))


@pytest.mark.parametrize("problem", ["", " \n", None, 7, ["Find $x$."]])
def test_a_row_without_text_is_an_error_that_names_the_row(tmp_path: Path, problem: object) -> None:
    path = write_jsonl(tmp_path / "in", ["Find $x$.", problem])
    with pytest.raises(UserError, match="row 1 "):
        run(tmp_path, "--path", str(path), "--column", "question")


def test_another_number_of_rows_than_config_says_is_an_error(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "in", list(PROBLEMS))
    with pytest.raises(UserError, match="has 3 rows, but config says 5000"):
        run(tmp_path, "--path", str(path), "--column", "question", "--rows", "5000")


def test_a_name_that_cannot_stand_in_ids_is_refused(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "in", list(PROBLEMS))
    with pytest.raises(UserError, match="cannot be the name"):
        run(tmp_path, "--path", str(path), "--column", "question", name="a~b")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.jsonl", b'{"problem": "a"}\n{"problem'),
        ("in.jsonl", b'["a"]\n'),
        ("in.csv", b'problem\n"never closed'),
        ("in.csv", b"problem\n\xff\xfe\n"),
        ("in.parquet", b"PAR1 not really"),
        ("in.txt", b"problem"),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        run(tmp_path, "--path", str(tmp_path / name))
    assert str(caught.value.file) == str(tmp_path / name)


@pytest.mark.parametrize("ending", WRITERS)
def test_a_missing_file_is_an_error(tmp_path: Path, ending: str) -> None:
    with pytest.raises(UserError, match="no such file"):
        run(tmp_path, "--path", str(tmp_path / f"none{ending}"))


def test_the_files_of_a_hub_dataset_are_read_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write_parquet(tmp_path / f"{number}.parquet", [f"Find {number}."]) for number in (2, 1)]
    asked: list[tuple[object, ...]] = []

    def hub_parquet_files(*where: object) -> list[Path]:
        asked.append(where)
        return files

    monkeypatch.setattr(prepare_benchmark, "hub_parquet_files", hub_parquet_files)
    options = ["--dataset", "openai/gsm8k", "--config", "main", "--revision", "abc", "--column", "question"]
    rows = run(tmp_path, *options, name="gsm8k")
    assert [row["problem"] for row in rows] == ["Find 2.", "Find 1."]
    assert asked == [("openai/gsm8k", "main", "test", "abc", None)]


def test_a_folder_is_told_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not from a folder\n  remedy: name one of its files"):
        prepare_benchmark.read_column(tmp_path, "problem")
