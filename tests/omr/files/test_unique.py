from __future__ import annotations

import pytest
from omr.errors import UserError
from omr.files.unique import unique_rows


def test_rows_with_different_ids_pass_in_their_order() -> None:
    rows = [{"id": str(number)} for number in range(5_000)]
    assert list(unique_rows(rows, "x.jsonl")) == rows


def test_an_id_that_occurs_twice_is_an_error_that_names_it_and_both_lines() -> None:
    rows = unique_rows([{"id": "a"}, {"id": "b"}, {"id": "a"}], "x.jsonl")
    with pytest.raises(UserError) as error:
        list(rows)
    assert str(error.value).startswith("x.jsonl:3: the id 'a' stands in line 1 already")
