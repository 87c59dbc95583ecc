"""What transport and chat templates leave in a model's text is mended; all else stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.answers import damage
from omr.answers.damage import has_control_token, repaired_text, without_escapes

pieces = st.lists(
    st.sampled_from(
        [*"\b\f\v\t\r\n\a\x1b\0\x7f<>|[]/ ", "rac{1}{2}", "oxed{5}", "imes", "o", "an", "ight", "eq 0", "s"]
    )
    | st.sampled_from(
        ["<|im_end|>", "</s>", "[INST]", "<s>", "assistant", "user", "<think>", "</think>", "x", "5", "\\"]
    ),
    max_size=30,
).map("".join)


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        (r"\frac", "{1}{2}"), (r"\forall", " x"), (r"\boxed", "{5}"), (r"\beta", "+1"), (r"\binom", "{4}{2}"),
        (r"\begin", "{cases}"), (r"\times", " 3"), (r"\theta", ""), (r"\text", "{ cm}"), (r"\tan", " x"), (r"\to", " 0"),
        (r"\tau", "(n)"), (r"\right", ")"), (r"\rho", "^2"), (r"\rangle", ""), (r"\rfloor", "+1"), (r"\vec", "{a}"),
        (r"\varnothing", ""), (r"\alpha", "_1"), (r"\approx", " 3"), (r"\neq", " 0"), (r"\nabla", " f"),
    ],
)  # fmt: skip
def test_a_command_that_went_through_an_escape_comes_back(command: str, rest: str) -> None:
    whole = f"so $x {command}{rest}$ holds"
    swallowed = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}[command[1]]
    assert repaired_text(whole.replace(command, swallowed + command[2:])) == whole


@pytest.mark.parametrize(
    "text",
    [
        "\tan indented line",
        "one\r\nangle\r\ntwo",
        "a table:\n\tx\ty\n\t1\t2",
        "So\neq. (1) holds,\neq (2) as well.",
        "the area $[ABCD]$ and [ABC]",
        "$|a|<|b|>|c|$ and $x<y>z$ and $r<s>t$",
        "<think>first</think>then",
        r"\frac{1}{2} \times 3",
        "Ünïcödé 汉字 …",
        "",
        "<p> We add.\n<final_answer>\n5\n</final_answer>",
        "<think_step>Add.</think_step> So <step_1>5</step_1> and <part2> 6",
        "In <forum_discussions> and `<forum_post>`, <second_problem> is named.",
        "int dp[MAX_SIZE], cost[MAX_N][MAX_SUM];\nvector<big_int> v; map<node_id, int1_t> m; set<mask> s; list<pad> l;",
        "memo[INST] and [AB_CD] of the square [ABCD], [MOD_P]",
        "The block\n<tool_call>\nprint(6 * 7)\n</tool_call>\nis a check.",
    ],
)
def test_a_text_without_damage_stays(text: str) -> None:
    assert repaired_text(text) == text


@pytest.mark.parametrize(
    "token",
    [
        "<|im_end|>",
        "<|eot_id|>",
        "<|endoftext|>",
        "<｜end▁of▁sentence｜>",
        "</s>",
        "[INST]",
        "[/INST]",
        "<start_of_turn>",
    ]
    + ["<end_of_turn>", "<|end_of_text|>", "<|END_OF_TURN_TOKEN|>", "<eos>", "<<SYS>>", "<|fim_middle|>", "<|return|>"]
    + [
        "<extra_id_0>",
        "[AVAILABLE_TOOLS]",
        "<|reserved_special_token_12|>",
        "<|user|>",
        "<pad>",
        "<|start_header_id|>",
    ]
    + [
        "<start_of_image>",
        "<unused12>",
        "<reserved_106>",
        "<reserved_token_7>",
        "<SPECIAL_12>",
        "<BOS_TOKEN>",
        "<mask>",
    ]
    + ["[TOOL_CALLS]", "[TOOL_RESULTS]", "[SYSTEM_PROMPT]", "[/AVAILABLE_TOOLS]", "<fim_middle>", "<end_of_utterance>"]
    + ["<tool_response>", "[UNUSED_TOKEN_145]", "<im_end>", "<endoftext>"],
)
def test_a_text_ends_at_its_first_control_token(token: str) -> None:
    assert repaired_text(f"It is 5.{token}\nuser\nAnd 6?{token}") == "It is 5."


@pytest.mark.parametrize(
    "token", ["</s>", "<eos>", "<end_of_turn>", "<|im_end|>", "<extra_id_1>", "[/INST]", "<im_end>"]
)
def test_what_ends_a_turn_stands_right_behind_its_last_word(token: str) -> None:
    assert repaired_text(f"Judgement: Yes{token}\nuser") == "Judgement: Yes"


def test_a_call_of_a_tool_ends_no_text_and_is_a_token() -> None:
    assert has_control_token("So <tool_call>\nprint(1)")
    assert has_control_token("print(1)\n</tool_call> so")
    assert not has_control_token("for <tool_calls_made> and dp[MAX_SUM]")


@pytest.mark.parametrize(
    "head",
    ["<|im_start|>assistant\n", "<s>", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<start_of_turn>model\n"]
    + ["[/INST] ", "<｜Assistant｜>", "<|begin_of_text|><|assistant|>\n"],
)
def test_the_head_of_the_models_own_turn_is_no_end(head: str) -> None:
    assert repaired_text(f"{head}It is 5.</s>") == "It is 5."


@pytest.mark.parametrize("head", ["<|im_end|>assistant", "<s>", "<eos>model", "<|im_start|>"])
@pytest.mark.parametrize("token", ["[INST]", "<mask>", "<pad>", "<|im_end|>", "[TOOL_CALLS]"])
def test_tokens_right_behind_the_head_belong_to_it(head: str, token: str) -> None:
    assert repaired_text(f"{head}{token}It is 5.") == "It is 5."


def test_the_turn_of_somebody_else_is_nothing_that_the_model_says() -> None:
    assert repaired_text("<|im_start|>user\nIt is 5.") == ""


def test_control_characters_that_are_no_damage_are_gone_and_pages_become_lines() -> None:
    assert repaired_text("a\0b\x7fc \x0c D\x08") == "abc \n D"


@given(pieces)
@settings(max_examples=300, deadline=None)
def test_no_control_character_is_left_and_mending_again_changes_nothing(text: str) -> None:
    once = repaired_text(text)
    assert not any(ord(character) < 32 and character not in "\t\r\n" for character in once)
    assert "<|im_end|>" not in once
    assert repaired_text(once) == once


@given(pieces | st.text(st.sampled_from([*map(chr, range(40)), "\x7f", "<", "[", "≤", "a", "\ud800"]), max_size=300))
@settings(max_examples=300, deadline=None)
def test_what_plain_searches_pass_over_is_neither_damage_nor_a_token(text: str) -> None:
    mended = without_escapes(text)
    if mended == text:
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text)
        assert damage._DAMAGE.search(text) is None
    token = re.search(f"{damage._ANGLED}|{damage._SQUARE}", text)
    assert has_control_token(text) == (token is not None)
    assert damage._first_token(text) == (token.start() if token else None)


@given(st.integers(0, 127), st.integers(0, 400), st.sampled_from(["a", "≤", "😀"]))
@settings(max_examples=200, deadline=None)
def test_a_control_character_anywhere_in_a_long_text_of_any_width_is_seen(code: int, place: int, letter: str) -> None:
    text = letter * place + chr(code) + letter * (400 - place)
    is_control = (code < 32 and chr(code) not in "\t\r\n") or code == 127
    assert (without_escapes(text) != text) == is_control
