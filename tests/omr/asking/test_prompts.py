"""Prompt files: what they may say, and that a row's text is inserted as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omr.asking.prompts import Prompt, load_prompt
from omr.errors import UserError

PROMPT = Prompt("p", Path("p.yaml"), user="Solve {{ problem }} in \\frac{1}{2} {{problem}}.", system="Be exact.")


@given(st.text())
def test_a_rows_text_is_inserted_verbatim_whatever_it_says(problem: str) -> None:
    messages = PROMPT.render({"id": "a", "problem": problem})
    assert messages == [
        {"role": "system", "content": "Be exact."},
        {"role": "user", "content": f"Solve {problem} in \\frac{{1}}{{2}} {problem}."},
    ]


def test_a_placeholder_inside_a_row_is_text() -> None:
    assert "{{ id }}" in PROMPT.render({"id": "secret", "problem": "{{ id }}"})[1]["content"]


def test_a_field_that_the_row_lacks_is_named_with_what_it_has() -> None:
    with pytest.raises(UserError, match=r"uses the field 'problem', which row 'a' lacks \(it has: id, text\)"):
        PROMPT.render({"id": "a", "text": "x"})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("user: [1", "not valid YAML"),
        ("user: a\nuser: b", ":2: the key 'user' stands here again, after line 1"),
        ("- a", "needs a text under `user`"),
        ("system: x", "needs a text under `user`"),
        ("user: '  '", "needs a text under `user`"),
        ("user: x\nusers: y", "unknown keys users"),
        ("user: x\nsystem: [1]", "`system` and `tool` must be texts"),
        ("user: x\ntool: [1]", "`system` and `tool` must be texts"),
        ("user: x\nexamples: x", "`examples` must be a list of texts"),
        ("user: x\nexamples: [1]", "`examples` must be a list of texts"),
        ("user: Find x\nexamples: [Find y]", "the example 'Find y' does not stand in `user`"),
    ],
)
def test_a_file_that_is_no_prompt_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(content)
    with pytest.raises(UserError, match=said):
        load_prompt(path)


def test_a_prompt_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "solve_cot.yaml"
    path.write_text("user: '{{ problem }}'")
    prompt = load_prompt(path)
    assert (prompt.name, prompt.fields, prompt.system) == ("solve_cot", {"problem"}, None)


def test_a_file_in_another_encoding_is_to_be_saved_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes("user: caf\u00e9 {{ problem }}".encode("latin-1"))
    with pytest.raises(UserError, match="not valid UTF-8, at byte 9") as caught:
        load_prompt(path)
    assert "save the file as UTF-8" in str(caught.value)
