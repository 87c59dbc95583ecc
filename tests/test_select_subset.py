"""Named subsets of training rows: which rows they keep, and why not the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import select_subset
from omr.errors import UserError
from omr.training.figures import read_figures
from omr.training.row_files import read_all
from row_shards import write_shard
from sft_files import training_rows
from small_tokenizer import save_tokenizer
from solution_files import Made, Row, run_stage


def select(folder: Path, rows: list[Row], **flags: Any) -> Made:
    path = write_shard(folder, rows, measures=sorted({name for row in rows for name in row["pass_rates"] or ()}))
    return run_stage("select_subset", folder / "subset", {"rows": path} | flags, files=["figures"])


def ids(made: Made) -> list[str]:
    return [row["id"] for row in made.rows]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Six rows of two problems, of 100, 101 and 102 tokens by the server's count."""
    return training_rows(tmp_path_factory.mktemp("rows"), 6, per_problem=3)


def test_without_bounds_all_rows_stay_as_they_are(tmp_path: Path, rows: list[Row]) -> None:
    made = select(tmp_path, rows)
    assert made.rows == rows
    assert "tokens_counted_by" not in made.counts


def test_bounds_of_length_pass_themselves_and_an_unknown_length_passes_none(tmp_path: Path, rows: list[Row]) -> None:
    lengths = [99, 100, 150, 200, 201, None]
    given = [row | {"completion_tokens": tokens} for row, tokens in zip(rows, lengths, strict=True)]
    made = select(tmp_path, given, **{"min-tokens": 100, "max-tokens": 200})
    assert [row["completion_tokens"] for row in made.rows] == [100, 150, 200]
    assert made.counts["dropped"] == {"too_long": 1, "too_short": 1, "unknown_length": 1}
    assert made.counts["tokens_counted_by"] == "server"
    assert made.counts["read"] == 6


def test_a_tokenizer_counts_the_text_and_not_what_the_server_said(tmp_path: Path, rows: list[Row]) -> None:
    tokenizer = save_tokenizer(tmp_path / "tokenizer.json")
    texts = ["a", "a b c d e f g h", "x " * 500]
    given = [row | {"generated_solution": text} for row, text in zip(rows, texts, strict=False)]
    counts = [select_subset.TokenizerCounter(tokenizer).count([text])[0] for text in texts]
    assert counts[0] < counts[1] < counts[2]
    made = select(tmp_path, given, **{"min-tokens": counts[1], "max-tokens": counts[1], "tokenizer": tokenizer})
    assert [row["generated_solution"] for row in made.rows] == texts[1:2]
    assert made.counts["dropped"] == {"too_long": 1, "too_short": 1}
    made = select(tmp_path, given, **{"max-tokens": counts[2], "tokenizer": tokenizer})
    assert len(made.rows) == 3


def test_pass_rates_are_the_rows_own_or_those_of_the_measure(tmp_path: Path, rows: list[Row]) -> None:
    rates: list[Row] = [{"a": 0.2}, {"a": 0.5}, {"a": 0.8}, {"a": None}, {"b": 0.5}, {"a": 0.81}]
    given = [row | {"pass_rate": 1.0, "pass_rates": rate} for row, rate in zip(rows, rates, strict=True)]
    bounds = {"min-pass-rate": 0.5, "max-pass-rate": 0.8}
    made = select(tmp_path, given, measure="a", **bounds)
    assert ids(made) == [row["id"] for row in rows[1:3]]
    assert made.counts["dropped"] == {"no_pass_rate": 2, "pass_rate_too_high": 1, "pass_rate_too_low": 1}
    assert select(tmp_path, given, **bounds).counts["dropped"] == {"pass_rate_too_high": 6}


def test_sources_are_those_of_problems_and_of_answers(tmp_path: Path, rows: list[Row]) -> None:
    sources = ["a b", None, "c"]
    given = [row | {"problem_source": source} for row, source in zip(rows, sources, strict=False)]
    given[0]["answer_source"] = "extracted"
    made = select(tmp_path, given, sources=["a b", "d"], **{"answer-sources": ["extracted"]})
    assert ids(made) == [rows[0]["id"]]
    assert made.counts["dropped"] == {"other_source": 2}
    made = select(tmp_path, given, **{"answer-sources": ["extracted"]})
    assert made.counts["dropped"] == {"other_answer_source": 2}


def test_fewer_solutions_of_a_problem_are_a_part_of_more(tmp_path: Path, rows: list[Row]) -> None:
    kept = {number: set(ids(select(tmp_path, rows, **{"solutions-per-problem": number}))) for number in (1, 2, 3)}
    assert [len(kept[number]) for number in (1, 2, 3)] == [2, 4, 6]
    assert kept[1] < kept[2] < kept[3]


def test_only_rows_that_pass_count_among_the_solutions_of_a_problem(tmp_path: Path, rows: list[Row]) -> None:
    made = select(tmp_path, rows, **{"min-tokens": 101, "solutions-per-problem": 2})
    assert made.counts["dropped"] == {"too_short": 2}
    assert len(made.rows) == 4


def test_bounds_that_nothing_can_pass_are_an_error(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(UserError, match="min_tokens 5 is above max_tokens 4"):
        select(tmp_path, rows, **{"min-tokens": 5, "max-tokens": 4})


def test_a_named_tokenizer_fills_the_column_of_every_row(tmp_path: Path, rows: list[Row]) -> None:
    tokenizer = save_tokenizer(tmp_path / "tokenizer.json")
    count = select_subset.TokenizerCounter(tokenizer).count
    made = select(tmp_path, rows, **{"tokenizer": tokenizer, "count-all": []})
    assert [row["tokens"] for row in made.rows] == count([row["generated_solution"] for row in rows])
    assert [row | {"tokens": None} for row in made.rows] == rows
    assert {row["tokens"] for row in select(tmp_path / "other", rows, tokenizer=tokenizer).rows} == {None}


def test_rows_of_about_one_length_get_a_folder_and_no_row_is_lost(tmp_path: Path, rows: list[Row]) -> None:
    lengths = [1, 100, 101, 200, 201, None]
    given = [row | {"completion_tokens": tokens} for row, tokens in zip(rows, lengths, strict=True)]
    made = select(tmp_path, given, **{"length-buckets": [100, 200]})
    assert made.counts["dropped"] == {"unknown_length": 1}
    folder = tmp_path / "subset"
    found = {
        path.name: [row["completion_tokens"] for row in read_all([path])] for path in folder.iterdir() if path.is_dir()
    }
    assert found == {"up_to_100_tokens": [1, 100], "up_to_200_tokens": [101, 200], "above_200_tokens": [201]}
    assert not list(folder.glob("*.parquet"))
    # A problem is counted once, wherever its rows are.
    figures = read_figures([tmp_path / "subset.figures"])
    assert (figures.rows, figures.problems) == (5, 2)


def test_buckets_that_do_not_ascend_are_an_error(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(UserError, match="do not ascend"):
        select(tmp_path, rows, **{"length-buckets": [200, 100]})


@pytest.mark.parametrize("texts", [["generated_solution"], ["messages"]])
def test_a_subset_of_rows_whose_texts_stand_once_counts_them_and_keeps_their_columns(
    tmp_path: Path, rows: list[Row], texts: list[str]
) -> None:
    tokenizer = save_tokenizer(tmp_path / "tokenizer.json")
    flags = {"rows": write_shard(tmp_path, rows, text_columns=texts), "tokenizer": tokenizer, "max-tokens": 10_000}
    made = run_stage("select_subset", tmp_path / "subset", flags | {"min-tokens": 1}, files=["figures"])
    assert len(made.rows) == len(rows)
    assert {"generated_solution", "messages"} & set(made.rows[0]) == set(texts)
    whole = select(tmp_path / "whole", rows, **{"tokenizer": tokenizer, "max-tokens": 10_000, "min-tokens": 1})
    told = [read_figures([one.others["figures"]]) for one in (made, whole)]
    assert told[0].characters.as_json() == told[1].characters.as_json()
    assert told[0].tokens.as_json() == told[1].tokens.as_json()
    samples = [{row["id"]: row["generated_solution"] for row in one.samples} for one in told]
    assert samples[0] == samples[1]
    some = run_stage("select_subset", tmp_path / "some", flags | {"max-tokens": 1}, files=["figures"])
    assert some.counts["dropped"] == {"too_long": len(rows)}
