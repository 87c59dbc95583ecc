"""Bodies of status 200 as many servers write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.asking.outcomes import FinalError, TransientError
from omr.asking.reading import holds_error, once, parse_body, read_reply

TEXT = "It is \\boxed{4}."
THOUGHT = "First add two and two. " * 8


def body(content: Any = TEXT, finish: Any = "stop", **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": content} | message, "finish_reason": finish}
    return {"choices": [choice], "model": "m"}


@pytest.mark.parametrize(
    ("finish", "meant"),
    [
        *((word, "stop") for word in ("stop", "STOP", "eos_token", "end_turn", "stop_sequence", "eos", "COMPLETE")),
        *((word, "stop") for word in ("FINISH_REASON_STOP", "end-turn", "eosFound", {"type": "stop", "matched": 7})),
        *((word, "length") for word in ("length", "MAX_TOKENS", "model_length", "max_tokens", "contextLengthReached")),
        ("tool_calls", "stop"),
    ],
)
def test_every_servers_word_for_an_end_is_stop_or_length(finish: Any, meant: str) -> None:
    assert read_reply(body(finish=finish)).finish_reason == meant


@pytest.mark.parametrize("finish", ["abort", "error", None, "", {}, "CANCELLED", "insufficient_system_resource"])
def test_a_reply_that_was_broken_off_is_worth_another_try(finish: Any) -> None:
    with pytest.raises(TransientError, match="finish_reason"):
        read_reply(body(finish=finish))


@pytest.mark.parametrize("finish", ["wormhole", "stopp", 17, ["stop"]])
def test_a_word_for_an_end_that_is_not_known_is_final_and_shown(finish: Any) -> None:
    with pytest.raises(FinalError, match="not known") as caught:
        read_reply(body(finish=finish))
    assert caught.value.kind == "unknown_finish"


EMPTY = [None, "", " ", [], {}, False, [{}], {"a": None}]
OPTIONAL = [
    "refusal",
    "tool_calls",
    "function_call",
    "reasoning_content",
    "reasoning",
    "audio",
    "annotations",
    "thinking",
]


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("value", EMPTY, ids=repr)
def test_a_field_that_is_empty_means_nothing(name: str, value: Any) -> None:
    told = read_reply(body(**{name: value}))
    assert (told.text, told.reasoning, told.finish_reason) == (TEXT, None, "stop")


@pytest.mark.parametrize("value", [None, "", {}, {"message": "", "code": None}, []], ids=repr)
def test_an_error_that_is_empty_beside_a_reply_is_none(value: Any) -> None:
    assert not holds_error(body() | {"error": value})
    assert not holds_error({"choices": [body()["choices"][0] | {"error": value}]})


def test_a_refusal_and_a_filtered_reply_are_final() -> None:
    for refused in (body(None, refusal="I will not."), body("", "content_filter"), body(None, "SAFETY")):
        with pytest.raises(FinalError) as caught:
            read_reply(refused)
        assert caught.value.kind == "refused"


def test_a_call_of_a_tool_is_no_reply() -> None:
    with pytest.raises(FinalError) as caught:
        read_reply(body("", "tool_calls", tool_calls=[{"function": {"name": "python"}}]))
    assert caught.value.kind == "called_tool"


@pytest.mark.parametrize(
    ("content", "reasoning"),
    [
        ([{"type": "text", "text": TEXT}], None),
        ([{"type": "output_text", "text": "It is "}, {"type": "text", "text": {"value": "\\boxed{4}."}}], None),
        ({"type": "text", "text": TEXT}, None),
        (["It is ", "\\boxed{4}."], None),
        ([{"text": TEXT}], None),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "2+2"}]}, {"type": "text", "text": TEXT}], "2+2"),
        ([{"type": "thinking", "thinking": "2+2", "signature": "x"}, {"type": "text", "text": TEXT}], "2+2"),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "2+2"}]}, TEXT], "2+2"),
        ([{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": TEXT}, None], None),
    ],
    ids=str,
)
def test_content_in_parts_is_put_together(content: Any, reasoning: str | None) -> None:
    told = read_reply(body(content))
    assert (told.text, told.reasoning) == (TEXT, reasoning)


def test_a_part_that_is_no_text_is_final_and_shown() -> None:
    with pytest.raises(FinalError, match="image_url") as caught:
        read_reply(body([{"type": "image_url", "image_url": {"url": "x"}}]))
    assert caught.value.kind == "unknown_part"


def test_endless_parts_within_parts_are_no_reply() -> None:
    content: Any = TEXT
    for _ in range(300):
        content = [content]
    with pytest.raises(TransientError):
        read_reply(body(content))


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content", "thinking", "reasoning_text"])
def test_reasoning_is_read_from_each_servers_field(field: str) -> None:
    assert read_reply(body(**{field: THOUGHT})).reasoning == THOUGHT


def test_reasoning_in_details_is_read() -> None:
    details = [{"type": "reasoning.text", "text": "2+"}, {"type": "reasoning.text", "text": "2"}]
    assert read_reply(body(reasoning_details=details)).reasoning == "2+2"


@pytest.mark.parametrize(
    "text",
    [
        f"<think>\n{THOUGHT}\n</think>\n\n{TEXT}",
        f"{THOUGHT}</think>{TEXT}",
        f"<think>\n\n</think>\n\n{TEXT}",
        f"[THINK]{THOUGHT}[/THINK]{TEXT}",
        f"<thinking>{THOUGHT}</thinking>\n{TEXT}",
        f"{THOUGHT}\n\n{TEXT}",
        f"<think>{THOUGHT.replace(' ', '  ')}</think>{TEXT}",
        f"<think>{THOUGHT[:60]}</think>{TEXT}",
    ],
)
@pytest.mark.parametrize(
    "reasoning", [THOUGHT, f"\n{THOUGHT}\n", f"<think>{THOUGHT}</think>"], ids=["R", "nRn", "tags"]
)
def test_reasoning_that_is_sent_twice_is_kept_once(text: str, reasoning: str) -> None:
    told, kept = once(text, reasoning)
    assert told.strip() == TEXT
    assert (kept or "").split() == THOUGHT.split()


def test_of_reasoning_that_is_longer_in_the_text_all_is_kept() -> None:
    assert once(f"<think>{THOUGHT} More.</think>{TEXT}", THOUGHT) == (TEXT, f"{THOUGHT} More.")


def test_a_text_that_is_also_sent_as_reasoning_is_a_text() -> None:
    assert once(TEXT, TEXT + "\n") == (TEXT, None)


@pytest.mark.parametrize(("text", "reasoning"), [("So it is 4.", "So"), ("4", "2+2 is 4"), ("It is 4", "is 4")])
def test_a_text_that_merely_has_words_of_the_reasoning_stays_whole(text: str, reasoning: str) -> None:
    assert once(text, reasoning) == (text, reasoning)


def test_half_a_surrogate_pair_costs_one_character() -> None:
    raw = json.dumps(body("a \ud83d b \U0001f600")).encode()
    assert read_reply(parse_body(raw)).text == "a \ufffd b \U0001f600"
    assert parse_body(b'{"a": "\xed\xa0\xbd"}') == {"a": "\ufffd"}


@pytest.mark.parametrize("raw", [b'{"a": NaN}', b'\xef\xbb\xbf{"a": 1}', b'{"a": "x\ny"}'])
def test_json_that_only_strict_readers_refuse_is_read(raw: bytes) -> None:
    assert set(parse_body(raw)) == {"a"}


@pytest.mark.parametrize("raw", [b"", b"data: {}", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_shown_and_worth_another_try(raw: bytes) -> None:
    with pytest.raises(TransientError, match="begins") as caught:
        parse_body(raw)
    assert len(caught.value.message) < 1000


def test_a_completion_is_read_as_a_chat_reply_is() -> None:
    told = read_reply({"choices": [{"text": TEXT, "finish_reason": "eos_token"}], "model": "m" * 500})
    assert (told.text, told.finish_reason, len(told.stated_model or "")) == (TEXT, "stop", 200)


@pytest.mark.parametrize(
    "wrong",
    [
        {"error": {"message": "x"}, "choices": None},
        {"error": "x"},
        {"object": "error", "message": "x"},
        {"detail": "x"},
        {"success": False, "code": 402, "msg": "x"},
        {"errors": [{"message": "x"}]},
        {"base_resp": {"status_code": 1008, "status_msg": "x"}, "choices": []},
        {"choices": [{"error": {"message": "x"}, "message": {"content": "half"}, "finish_reason": "error"}]},
    ],
    ids=str,
)
def test_an_error_in_place_of_a_reply_is_found(wrong: Any) -> None:
    assert holds_error(wrong)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda x: (
        st.lists(x, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "type", "text", "finish_reason", "error", "refusal"]), x
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(_JSON)
def test_any_json_is_a_reply_an_error_or_worth_another_try(answer: Any) -> None:
    if holds_error(answer):
        return
    try:
        told = read_reply(answer)
    except (TransientError, FinalError):
        return
    assert isinstance(told.text, str)
    assert told.finish_reason in ("stop", "length")


@pytest.mark.parametrize("count", [10**30, -1, True, "7", None, 1.5])
def test_a_count_of_tokens_that_is_none_is_left_out(count: Any) -> None:
    told = read_reply(body() | {"usage": {"prompt_tokens": count, "completion_tokens": 7}})
    assert told.usage == {"completion_tokens": 7}
