"""Replies in turns: the rest of a reply behind a transcript, calls of a tool, stops that are overlooked."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from omr.replay.faults import Fault
from omr.replay.launch import running_server
from omr.replay.replies import Reply, Turn, read_stage
from replay_http import TEXT, ask

ID = "solve/row/p/0"
SAID = Reply("", turns=(Turn("one <a>1</tool_call>"), Turn("two <a>2</tool_call>"), Turn("three")))
STOP = {"stop": ["</tool_call>"], "include_stop_str_in_output": True}


def said(prompt: str, turn: int = 0, **fields: object) -> str:
    with running_server({ID: SAID}) as server:
        text: str = ask(server.root_url, f"{ID}/{turn}", TEXT, prompt=prompt, **fields).choice["text"]
        return text


def test_a_model_that_is_stopped_says_the_turn_that_follows_what_stands_in_the_prompt() -> None:
    first, second, third = (turn.text for turn in SAID.turns)
    assert said("Ask.", **STOP) == first
    assert said(f"Ask.{first}\n```output\n1\n```\n", 1, **STOP) == second
    assert said(f"Ask.{first} {second} out ", 2, **STOP) == third
    assert said(f"Ask.{first} {second} {third}", 3, **STOP) == ""


def test_a_model_that_is_not_stopped_says_all_that_is_left() -> None:
    first, second, third = (turn.text for turn in SAID.turns)
    assert said("Ask.") == first + second + third
    assert said(f"Ask.{first}.") == second + third


def test_the_order_of_turns_counts_and_not_where_else_their_words_stand() -> None:
    first, second, _ = (turn.text for turn in SAID.turns)
    assert said(f"{second} is no beginning", **STOP) == first


def test_a_stop_that_is_overlooked_is_a_fault_like_others() -> None:
    with running_server({ID: SAID}, faults=[Fault("miss_stop", match="*/0", times=1)]) as server:
        texts = [ask(server.root_url, f"{ID}/0", TEXT, prompt="Ask.", **STOP).choice["text"] for _ in range(2)]
        assert server.answered == {f"{ID}/0": 2}
    assert texts == ["".join(turn.text for turn in SAID.turns), SAID.turns[0].text]


def test_what_the_server_still_knows_is_the_turn_before() -> None:
    with running_server({ID: SAID}) as server:
        usage = [
            ask(server.root_url, f"{ID}/{turn}", TEXT, prompt=prompt, **STOP).json["usage"]
            for turn, prompt in enumerate(("Ask.", f"Ask.{SAID.turns[0].text} 1 2", "Another prompt"))
        ]
    known = [found["prompt_tokens_details"]["cached_tokens"] for found in usage]
    assert known == [0, usage[0]["prompt_tokens"] + usage[0]["completion_tokens"], 0]


def test_a_tool_is_called_where_one_is_offered() -> None:
    called = Reply("", turns=(Turn("Compute.", "print(1)"), Turn("It is 1.")))
    tools = [{"type": "function", "function": {"name": "run_python"}}]
    question = [{"role": "user", "content": "Ask."}]
    with running_server({ID: called}) as server:
        first = ask(server.root_url, f"{ID}/0", messages=question, tools=tools).choice
        call = first["message"]["tool_calls"][0]
        assert (first["finish_reason"], call["function"]["arguments"]) == ("tool_calls", '{"code":"print(1)"}')
        answers = [{"role": "assistant", "content": ""}, {"role": "tool", "content": "1", "tool_call_id": call["id"]}]
        last = ask(server.root_url, f"{ID}/1", messages=[*question, *answers], tools=tools).choice
    assert (last["finish_reason"], last["message"]["content"]) == ("stop", "It is 1.")


def test_turns_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "solve.yaml"
    path.write_text(
        "about: written for this test\nreplies:\n  row:\n    finish_reason: length\n"
        '    turns: ["a", {text: "b", code: "print(1)"}]\n'
    )
    assert read_stage(path).exact["row"] == Reply("", None, "length", (Turn("a"), Turn("b", "print(1)")))


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("{turns: [a], text: b}", "`turns` and other texts"),
        ("{turns: a}", "must be a list"),
        ("{turns: [{code: x}]}", "has no `text`"),
        ("{turns: [{text: x, cod: y}]}", "unknown key 'cod'"),
        ("{}", "has no `text`"),
    ],
)
def test_turns_that_are_not_as_described_are_refused_with_their_line(tmp_path: Path, reply: str, told: str) -> None:
    path = tmp_path / "solve.yaml"
    path.write_text(f"about: written for this test\nreplies:\n  row: {reply}\n")
    with pytest.raises(UserError, match=told) as refused:
        read_stage(path)
    assert refused.value.line == 3
