from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.files.jsonl import dumps
from omr.parsers.reply_text import (
    after_thinking,
    is_blank,
    json_value,
    plain,
    unix_lines,
    without_blank_edges,
    without_emphasis,
)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("5", "5"),
        ("<think>4</think>5", "5"),
        ("4</think>5", "5"),
        ("<think>a</think>b</think>5", "5"),
        ("<think>4", None),
        ("<think>a</think>b<think>c", None),
        ("I rethink> that", "I rethink> that"),
    ],
)
def test_a_reply_speaks_after_its_reasoning_which_has_to_end(text: str, spoken: str | None) -> None:
    assert after_thinking(text) == spoken


@pytest.mark.parametrize("line", ["", "  \t", "---", "***", "```", "```text", " === "])
def test_rules_and_fences_show_nothing(line: str) -> None:
    assert is_blank(line)


@pytest.mark.parametrize("line", ["5", "```proof```", "-5", "$$"])
def test_what_has_content_is_not_blank(line: str) -> None:
    assert not is_blank(line)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('- **"Not Proof".**', "not proof"),
        ("### Answer: Yes!", "answer: yes"),
        ("\\boxed{\\text{True}}", "true"),
        ("ｊｕｄｇｅｍｅｎｔ：　ｙｅｓ。", "judgement: yes"),
        ("\u200bproof\ufeff", "proof"),
        ("not~proof?", "not~proof?"),
        ("no*t", "no t"),
    ],
)
def test_decoration_goes_and_meaning_stays(line: str, shown: str) -> None:
    assert plain(line) == shown


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_plain_text_is_its_own_plain_form(line: str) -> None:
    once = plain(line)
    assert "\n" not in once
    assert once == once.strip()
    assert not set(once) & set("*`\"'$|{}[]()")


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n"))), st.sampled_from(["\n", "\r\n", "\r"]))
@settings(max_examples=100, deadline=None)
def test_line_ends_do_not_matter(lines: list[str], end: str) -> None:
    assert unix_lines(end.join(lines)) == "\n".join(lines)


def test_rules_and_fences_around_a_text_go_and_those_within_stay() -> None:
    assert without_blank_edges("```\n\na\n---\nb\n```\n---\n") == "a\n---\nb"


@pytest.mark.parametrize(
    ("head", "label", "text", "left"),
    [
        ("**", ":", "** x", " x"),
        ("**", ":", " x**", " x"),
        ("**", ":", " title**\ny", " title\ny"),
        ("**", ":", " x**.", " x"),
        ("**", "**:", " x**2", " x**2"),
        ("* ", ":", " x*", " x*"),
        ("### ", ":", " **x**", " **x**"),
    ],
)
def test_only_the_mark_that_the_label_opened_goes(head: str, label: str, text: str, left: str) -> None:
    assert without_emphasis(head, label, text) == left


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'["x \ud800 y"]', ["x \ufffd y"]),
        (r'{"a": {"b": "\ude00\ud83d"}}', {"a": {"b": "\ufffd\ufffd"}}),
        (r'["\ud83d\ude00"]', ["\U0001f600"]),
        (r'["x\u0000y\u001b"]', ["xy"]),
        (r'["x\u003c|im_end|\u003ez", 5, null]', ["x", 5, None]),
        (r'["\frac{1}{2}"]', [r"\frac{1}{2}"]),
        ("[" * 50_000 + "]" * 50_000, None),
        ("[" + "9" * 50_000 + "]", None),
    ],
)
def test_texts_in_json_hold_nothing_that_replies_do_not_hold(text: str, value: object) -> None:
    assert json_value(text) == value
    assert dumps({"value": json_value(text)})
