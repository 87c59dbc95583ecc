"""Given problems: ids, types, answers, duplicates, and what is no row of problems."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from omr.errors import UserError
from read_problems import main
from stage_runs import Row, StageRun, assert_conserved, read_rows

ALL = ("--problem", "problem", "--expected-answer", "expected_answer", "--source", "source", "--id", "id")


def run(folder: Path, path: Path, *options: str, columns: tuple[str, ...] = ALL) -> StageRun:
    outputs = {name: folder / "results" / name for name in ("output", "dropped", "counts")}
    arguments = [part for name, file in outputs.items() for part in (f"--{name}", str(file))]
    assert main(["--input", str(path), *columns, *options, *arguments]) == 0
    files = {name: file.read_bytes() for name, file in outputs.items()}
    found = StageRun(files, read_rows(outputs["output"]), read_rows(outputs["dropped"]), orjson.loads(files["counts"]))
    assert_conserved(found)
    return found


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "problems.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def problem(number: int, **fields: Any) -> Row:
    return {"problem": f"Find $x$ with $x = {number}$.", "expected_answer": "5", **fields}


def test_a_problem_gets_its_id_from_its_text_and_keeps_its_answer_and_source(tmp_path: Path) -> None:
    first = run(tmp_path, write(tmp_path, problem(1, source="own"), problem(2)))
    assert [list(row) for row in first.rows] == [
        ["id", "thread_id", "problem", "expected_answer", "problem_type", "problem_source"],
        ["id", "thread_id", "problem", "expected_answer", "problem_type"],
    ]
    row = first.rows[0]
    assert row["id"] == f"{row['thread_id']}-1"
    assert (row["expected_answer"], row["problem_type"], row["problem_source"]) == ("5", "has_answer_extracted", "own")
    again = run(tmp_path, write(tmp_path, problem(2), problem(1, source="own")))
    assert {row["id"] for row in again.rows} == {row["id"] for row in first.rows}


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (7, "7"),
        (7.0, "7"),
        (-0.5, "-0.5"),
        (2**100, str(2**100)),
        ([2**100], str(2**100)),
        (" 7 ", "7"),
        (["x^2"], "x^2"),
        ("\\boxed{7}", "\\boxed{7}"),
        ("no solution", "no solution"),
        (None, None),
        ("", None),
        (" \n", None),
        ([None], None),
        *[(word, None) for word in ("nan", "NaN", "N/A", "#N/A", "<NA>", "na", "None", "null", "missing")],
        *[
            (word, None)
            for word in ("notfound", "not found", "Not_Given", "no answer", "answer not found", "not available")
        ],
        (["nan"], None),
        *[
            (said, said)
            for said in ("none of them", "None exist", "n", "a", "\\mathrm{NA}", "not a prime", "no such x", "0")
        ],
    ],
)
def test_a_number_is_an_answer_and_a_blank_is_none(tmp_path: Path, given: Any, answer: str | None) -> None:
    row = run(tmp_path, write(tmp_path, problem(1, expected_answer=given))).rows[0]
    assert row["expected_answer"] == answer
    assert row["problem_type"] == ("no_answer_extracted" if answer is None else "has_answer_extracted")


def test_words_for_a_missing_answer_are_counted(tmp_path: Path) -> None:
    answers = ("nan", ["N/A"], " notfound ", "5", None, "")
    made = run(tmp_path, write(tmp_path, *(problem(n, expected_answer=answer) for n, answer in enumerate(answers))))
    assert made.counts["answers_said_missing"] == 3
    assert made.counts["problem_types"] == {"has_answer_extracted": 1, "no_answer_extracted": 5}
    assert "answers_said_missing" not in run(tmp_path, write(tmp_path, problem(1))).counts


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a text", "wrong_type"),
        ([1], "wrong_type"),
        ({"question": "What?"}, "missing_column"),
        (problem(1, problem=None), "wrong_type"),
        (problem(1, problem=5), "wrong_type"),
        (problem(1, problem=["a"]), "wrong_type"),
        (problem(1, problem=" \n"), "empty_problem"),
        (problem(1, problem="\0?"), "empty_problem"),
        (problem(1, problem="x" * 10_001), "too_long_problem"),
        (problem(1, expected_answer=True), "wrong_type"),
        (problem(1, expected_answer={"value": 5}), "wrong_type"),
        (problem(1, expected_answer=["5", "6"]), "wrong_type"),
        (problem(1, expected_answer="?"), "placeholder_answer"),
        (problem(1, expected_answer="proof"), "placeholder_answer"),
        (problem(1, expected_answer="9" * 5000), "too_long_answer"),
        (problem(1, source={"a": 1}), "wrong_type"),
        (problem(1, source=False), "wrong_type"),
        (problem(1, id="a b"), "unusable_id"),
        (problem(1, id="a~b"), "unusable_id"),
        (problem(1, id=""), "unusable_id"),
        (problem(1, id=["a"]), "unusable_id"),
        (problem(1, id="canary-1"), "unusable_id"),
    ],
)
def test_what_is_no_problem_is_dropped_with_its_place_and_reason(tmp_path: Path, row: Any, reason: str) -> None:
    found = run(tmp_path, write(tmp_path, problem(2), row), "--max-bad-fraction=1")
    assert [(dropped["reason"], dropped["line"]) for dropped in found.dropped] == [(reason, 2)]
    assert len(found.rows) == 1


def test_a_line_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    path = write(tmp_path, problem(1))
    path.write_bytes(path.read_bytes() + b'{"problem": "caf\xe9"}\n\n{"problem": "\\ud800"}\n' + b'{"problem": "Fi')
    found = run(tmp_path, path, "--max-bad-fraction=1")
    assert found.counts["dropped"] == {"unreadable_json": 3}


def test_a_number_of_more_digits_than_can_be_written_is_dropped(tmp_path: Path) -> None:
    path = write(tmp_path, problem(1))
    path.write_bytes(path.read_bytes() + b'{"problem": "Find it.", "expected_answer": ' + b"9" * 5000 + b"}\n")
    assert run(tmp_path, path, "--max-bad-fraction=1").counts["dropped"] in (
        {"wrong_type": 1},
        {"unreadable_json": 1},
    )


def test_too_many_unusable_rows_stop_the_run_with_the_first_of_them(tmp_path: Path) -> None:
    path = write(tmp_path, *(problem(number) for number in range(50)), problem(99, expected_answer={}))
    with pytest.raises(UserError, match="a list of one of them, or null, not dict") as caught:
        run(tmp_path, path)
    assert (caught.value.line, "problems_from.max_bad_fraction" in str(caught.value)) == (51, True)
    assert not (tmp_path / "results/output").exists()


def test_empty_problems_count_as_unusable_rows(tmp_path: Path) -> None:
    path = write(tmp_path, *(problem(number) for number in range(50)), problem(99, problem=" "))
    with pytest.raises(UserError, match=r"1 of the first 51 rows cannot be used \(1 empty_problem\)"):
        run(tmp_path, path)


@pytest.mark.parametrize("row", [problem(1, problem=""), problem(1, expected_answer="?"), problem(1, id="a b")])
def test_given_problems_of_which_none_is_usable_are_an_error_whatever_is_tolerated(tmp_path: Path, row: Row) -> None:
    with pytest.raises(UserError, match="holds no problem to solve: none of 2 rows"):
        run(tmp_path, write(tmp_path, row, row), "--max-bad-fraction=1")
    assert not (tmp_path / "results/output").exists()


def test_an_answer_that_is_a_list_of_two_is_told_so(tmp_path: Path) -> None:
    found = run(tmp_path, write(tmp_path, problem(1), problem(2, expected_answer=["2", "3"])), "--max-bad-fraction=1")
    assert found.dropped[0]["detail"].endswith("a list of one of them, or null, not a list of 2")


def test_of_equal_problems_the_first_with_an_answer_stays(tmp_path: Path) -> None:
    rows = [
        {"problem": "Find $x$.", "expected_answer": None, "id": "a"},
        {"problem": "find $ x $", "expected_answer": 7, "id": "b"},
        {"problem": "Find \\(x\\)", "expected_answer": 8, "id": "c"},
        {"problem": "Find $y$.", "expected_answer": None, "id": "d"},
        {"problem": "Find  $y$", "expected_answer": None, "id": "d"},
    ]
    found = run(tmp_path, write(tmp_path, *rows))
    assert [row["id"] for row in found.rows] == ["b", "d"]
    assert [(row["id"], row["kept"]) for row in found.dropped] == [("a", "b"), ("c", "b"), ("d", "d")]


def test_equal_problems_without_own_ids_leave_one(tmp_path: Path) -> None:
    found = run(tmp_path, write(tmp_path, problem(1, expected_answer=None), problem(1), problem(1)))
    assert [row["expected_answer"] for row in found.rows] == ["5"]
    assert found.counts["dropped"] == {"duplicate": 2}


def test_two_problems_with_one_id_are_an_error_that_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="that of another problem") as caught:
        run(tmp_path, write(tmp_path, problem(1, id="a"), problem(2, id="a")))
    assert caught.value.line == 2


@pytest.mark.parametrize("field", ["expected_answer", "source", "id"])
def test_a_column_that_config_names_and_no_row_has_is_an_error(tmp_path: Path, field: str) -> None:
    columns = ("--problem", "problem", f"--{field.replace('_', '-')}", "nowhere")
    with pytest.raises(
        UserError, match=f"'nowhere', which is to be the {field}; the first one has: problem, expected_answer"
    ):
        run(tmp_path, write(tmp_path, problem(1)), columns=columns)


def test_columns_inside_columns_are_found_in_a_folder_of_parquet(tmp_path: Path) -> None:
    rows = [{"q": f"Find $x_{n}$.", "m": {"answer": n, "from": f"s{n}"}} for n in range(450)]
    (tmp_path / "in").mkdir()
    for part in range(2):
        pq.write_table(pa.Table.from_pylist(rows[part::2]), tmp_path / "in" / f"part-{part}.parquet")
    found = run(tmp_path, tmp_path / "in", columns=("--problem=q", "--expected-answer=m.answer", "--source=m.from"))
    assert [row["expected_answer"] for row in found.rows] == [str(n) for n in [*range(0, 450, 2), *range(1, 450, 2)]]
    assert found.rows[-1]["problem_source"] == "s449"


def test_a_limit_takes_the_first_rows_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for part in range(3):
        (tmp_path / "in" / f"{part}.csv").write_text(f"problem,expected_answer\nFind ${part}x$.,1\nFind ${part}y$.,\n")
    found = run(tmp_path, tmp_path / "in", "--limit=3", columns=ALL)
    assert [row["problem"] for row in found.rows] == ["Find $0x$.", "Find $0y$.", "Find $1x$."]


@pytest.mark.parametrize("name", ["problems.csv", "problems.tsv", "problems.csv.gz"])
def test_an_empty_cell_is_a_problem_without_a_text_and_no_row_of_another_type(tmp_path: Path, name: str) -> None:
    text = "problem,expected_answer\nFind $x$.,1\n,2\n"
    text = text.replace(",", "\t") if ".tsv" in name else text
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    found = run(tmp_path, tmp_path / name, "--max-bad-fraction=0.5", columns=ALL[:4])
    assert found.counts["dropped"] == {"empty_problem": 1}
    assert [row["problem"] for row in found.rows] == ["Find $x$."]


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no rows"):
        run(tmp_path, write(tmp_path))


def test_where_a_problem_comes_from_is_told_by_the_columns_that_config_names(tmp_path: Path) -> None:
    told = {"link": "https://example.org", "license": "cc0", "user_name": ["ann", "ben"], "date": 2020}
    flags = ("--url", "link", "--license", "license", "--author", "user_name", "--date", "date")
    rows = run(tmp_path, write(tmp_path, problem(1, **told), problem(2, link=None)), *flags).rows
    fields = ("problem_source", "source_url", "source_license", "source_author", "source_date")
    assert [rows[0].get(field) for field in fields] == [None, "https://example.org", "cc0", "ann, ben", "2020"]
    assert not set(fields) & set(rows[1])


def test_problems_to_classify_have_what_the_prompts_insert_and_nothing_else_is_new(tmp_path: Path) -> None:
    rows = [problem(1, solution=" By $x$.\0 "), problem(2, solution=None), problem(3), problem(4, solution="")]
    plain = run(tmp_path, write(tmp_path, *rows))
    columns = (*ALL, "--solution", "solution")
    asked = run(tmp_path, write(tmp_path, *rows), "--to-classify", columns=columns)
    assert [row["forum_discussions"] for row in asked.rows] == ["By $x$.", "", "", ""]
    assert [{name: row[name] for name in row if name != "forum_discussions"} for row in asked.rows] == plain.rows
    assert (plain.counts.get("to_classify"), asked.counts["to_classify"]) == (None, True)


def test_a_solution_that_is_no_text_makes_its_row_unusable(tmp_path: Path) -> None:
    path = write(tmp_path, problem(1, solution=["a", "b"]), problem(2, solution=7), problem(3, solution="So."))
    columns = (*ALL, "--solution", "solution")
    found = run(tmp_path, path, "--to-classify", "--max-bad-fraction", "0.9", columns=columns)
    assert [row["reason"] for row in found.dropped] == ["wrong_type", "wrong_type"]
    assert "solution must be text or null, not a list of 2" in found.dropped[0]["detail"]
