"""What a summary of a comparison is made of, if a model can read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from selection_files import answer, compare, form, parse, pool, right_index, to_summarize
from solution_files import Made, Row, write_rows

ROWS = {"cot": pool("a-1", 1, 1)}


def selected(folder: Path, text: str, **fields: object) -> Made:
    groups = form(folder, ROWS)
    compare(folder, ROWS, groups)
    [group] = groups.rows
    return parse(folder, groups, [answer(group["id"], text.replace("RIGHT", str(right_index(group))), **fields)])


def test_the_whole_reply_is_summarized_with_its_reasoning(tmp_path: Path) -> None:
    made = to_summarize(tmp_path, selected(tmp_path, "<think>Long thoughts.</think>\n\nIn short.\n\nJudgment: RIGHT"))
    [row] = made.rows
    assert row["comparison"].startswith("Long thoughts.\n\nIn short.\n\nJudgment: ")
    assert row["solutions"].startswith("Solution 0:\n")
    assert row["problem"] == "The problem a-1."
    assert made.counts["summarized_from"] == {"whole": 1}


def test_reasoning_in_a_field_of_its_own_is_part_of_the_whole(tmp_path: Path) -> None:
    made = to_summarize(tmp_path, selected(tmp_path, "In short.\n\nJudgment: RIGHT", reasoning="Long thoughts."))
    assert made.rows[0]["comparison"].startswith("Long thoughts.\n\nIn short.")


def test_where_the_whole_does_not_fit_what_follows_the_reasoning_is_taken(tmp_path: Path) -> None:
    thoughts = "Hm. " * 3000
    text = f"<think>{thoughts}</think>In short, it is sound.\n\nJudgment: RIGHT"
    made = to_summarize(tmp_path, selected(tmp_path, text), max_model_len=6000, tokenizer=bytes_tokenizer(tmp_path))
    [row] = made.rows
    assert row["comparison"].startswith("In short, it is sound.")
    assert made.counts["summarized_from"] == {"without_reasoning": 1}


def test_a_bare_verdict_says_nothing_and_is_not_summarized(tmp_path: Path) -> None:
    text = f"<think>{'Hm. ' * 3000}</think>Judgment: RIGHT"
    made = to_summarize(tmp_path, selected(tmp_path, text), max_model_len=6000, tokenizer=bytes_tokenizer(tmp_path))
    assert made.counts["dropped"] == {"too_long_to_summarize": 1}


@pytest.mark.parametrize("limits", [{"max_model_len": 700}, {"max_input_tokens": 400}])
def test_what_does_not_fit_is_dropped_before_anybody_is_asked(tmp_path: Path, limits: dict[str, int]) -> None:
    chosen = selected(tmp_path, "In short, it is sound.\n\nJudgment: RIGHT")
    made = to_summarize(tmp_path, chosen, tokenizer=bytes_tokenizer(tmp_path), **limits)
    assert (made.rows, made.counts["dropped"]) == ([], {"too_long_to_summarize": 1})
    assert [row["id"] for row in made.dropped] == [row["id"] for row in chosen.rows]


def bytes_tokenizer(folder: Path) -> Path:
    """A tokenizer that finds about a token per byte."""
    from small_tokenizer import save_tokenizer

    return save_tokenizer(folder / "tokenizer.json")


def test_selections_of_other_comparisons_are_an_error(tmp_path: Path) -> None:
    chosen = selected(tmp_path, "Judgment: RIGHT")
    rows: list[Row] = [row | {"id": "b-1-g0"} for row in chosen.rows]
    with pytest.raises(UserError, match="is not there"):
        to_summarize(tmp_path, chosen._replace(path=write_rows(tmp_path / "other.jsonl", rows)))
