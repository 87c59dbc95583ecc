"""Raw threads become rows: what a row holds, and that no order and no number of processes changes it."""

from __future__ import annotations

import random
from pathlib import Path

import prepare_raw_data
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.threads.posts import thread_id
from raw_data_files import Row, many_threads, run, thread, threads, write_jsonl
from small_tokenizer import save_tokenizer


def test_a_thread_becomes_a_row(tmp_path: Path) -> None:
    raw = thread("Find x.", "[quote]Find x.[/quote]\nIt is 3.", "Thanks!")
    result = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", [raw]))
    assert result.rows == [
        {
            "id": thread_id("Find x.", raw["original_answers"]),
            "forum_post": "Find x.",
            "forum_discussions": "Post 1:\nIt is 3.\n\nPost 2:\nThanks!",
        }
    ]
    assert result.counts == {
        "stage": "prepare_raw_data", "read": 1, "passed": 1, "written": 1, "dropped": {},
        "tokens_counted_by": "utf8_bytes",
        "posts_kept": 2, "posts_empty": 0, "posts_left_out": 0, "threads_shortened": 0,
    }  # fmt: skip


def test_the_first_post_stays_as_it_is_but_for_nul_characters(tmp_path: Path) -> None:
    result = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", [thread(" [quote]Find x.[/quote]\r\nHow?\0 ", "a\0b")]))
    assert result.rows[0]["forum_post"] == " [quote]Find x.[/quote]\r\nHow? "
    assert result.rows[0]["forum_discussions"] == "Post 1:\nab"


def test_source_fields_that_are_text_or_numbers_are_kept_and_no_others(tmp_path: Path) -> None:
    raw = thread("q", source_url="http", source=7, source_score=0.5, source_list=[1], source_null=None, other="x")
    row = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", [raw])).rows[0]
    assert {name: row[name] for name in row if name not in ("id", "forum_post", "forum_discussions")} == {
        "source": 7, "source_score": 0.5, "source_url": "http",
    }  # fmt: skip


def test_null_answers_stand_for_none(tmp_path: Path) -> None:
    rows = [thread("a") | {"original_answers": None}, thread("b") | {"original_answers": [None, "x"]}]
    result = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", rows))
    assert [row["forum_discussions"] for row in result.rows] == ["", "Post 1:\nx"]


def test_the_limit_counts_tokens_with_a_tokenizer_and_bytes_without(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "in.jsonl", [thread("q", "the sum of the sides " * 10, "Yes.")])
    limit = "--max-discussion-tokens=120"
    tokenizer = f"--tokenizer={save_tokenizer(tmp_path / 'tokenizer.json')}"
    by_bytes, by_tokens = run(tmp_path, file, options=[limit]), run(tmp_path, file, options=[limit, tokenizer])
    assert by_bytes.rows[0]["forum_discussions"] == ""
    assert by_tokens.rows[0]["forum_discussions"].endswith("Post 2:\nYes.")
    assert (by_bytes.counts["threads_shortened"], by_bytes.counts["posts_left_out"]) == (1, 2)
    assert (by_tokens.counts["tokens_counted_by"], by_tokens.counts["posts_left_out"]) == ("tokenizer", 0)


def test_one_and_two_processes_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_raw_data, "_POOL_BYTES", 0)
    monkeypatch.setattr("omr.threads.files._CHUNK_BYTES", 4000)
    rows = many_threads(500) + many_threads(3) + [thread(" ")]
    file = write_jsonl(tmp_path / "in.jsonl", rows)
    tokenizer = f"--tokenizer={save_tokenizer(tmp_path / 'tokenizer.json')}"
    results = [
        run(tmp_path, file, options=[tokenizer, "--max-discussion-tokens=20", f"--workers={workers}"])
        for workers in (1, 2)
    ]
    assert results[0] == results[1]
    assert results[0].counts["dropped"] == {"duplicate_thread": 3, "empty_post": 1}


def test_a_duplicate_is_dropped_and_points_to_the_thread_that_stays(tmp_path: Path) -> None:
    rows = [thread("a", "b"), thread("c"), thread("a", "b", source="elsewhere")]
    result = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", rows))
    assert [row["forum_post"] for row in result.rows] == ["a", "c"]
    assert [(row["id"], row["reason"], row["line"]) for row in result.dropped] == [
        (result.rows[0]["id"], "duplicate_thread", 3)
    ]


@given(st.lists(threads, min_size=1, max_size=20), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_shuffling_the_threads_permutes_the_rows_and_changes_none(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], shuffler: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("shuffled")
    everything = ["--max-bad-fraction=1", "--max-discussion-tokens=60"]
    first = run(folder, write_jsonl(folder / "in.jsonl", rows), options=everything)
    shuffler.shuffle(rows)
    second = run(folder, write_jsonl(folder / "in.jsonl", rows), options=everything)
    assert sorted(first.output.splitlines()) == sorted(second.output.splitlines())
    assert first.counts == second.counts
    assert len(first.rows) + len(first.dropped) == len(rows)
