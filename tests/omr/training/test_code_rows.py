"""Training rows of solutions with code: what loaders read from the text, and the chat with calls of a tool."""

from __future__ import annotations

import re
from typing import Any

import pytest
from code_files import DISGUISES, Ran, coded_reply
from omr.solutions.transcripts import Transcript, joined, published, split, transcript_of
from omr.training.code_rows import TOOLS, Coded, coded, fault_of_code_text, messages_with_tools, told_budget
from omr.training.columns import fault_of_tool_messages
from omr.turns.insertions import note_of

PROMPT = [{"role": "user", "content": "Solve it."}]


def row(*pieces: str | Ran, **options: Any) -> Coded:
    reply = coded_reply("p-1", *pieces, **options)
    reasoning, solution = split(published(transcript_of(reply)))
    whole = joined(["<think>\n", reasoning, "\n</think>\n\n", solution]) if reasoning.text else solution
    return coded(whole, len(whole.text) - len(solution.text) if reasoning.text else 0, reply)


def thought(*outputs: str, **options: Any) -> Coded:
    blocks = [piece for output in outputs for piece in (Ran("print(1)", output), "So.\n")]
    return row("<think>\nHm.\n", *blocks, "</think>\n\n\\boxed{1}", **options)


# ---- the published text


@pytest.mark.parametrize("tags", ["tool_call", "fences"])
@pytest.mark.parametrize("budget", range(1, 9))
def test_a_loader_reads_the_budget_back(budget: int, tags: str) -> None:
    for used in range(1, budget + 1):
        code = thought(*(["1"] * used), budget=budget, tags=tags)
        assert told_budget(code.transcript.text) == code.budget == budget
        assert fault_of_code_text(code) is None


def test_a_budget_that_the_text_does_not_tell_is_unknown() -> None:
    code = thought("1", told=False)
    assert (code.budget, code.allowed, told_budget(code.transcript.text)) == (None, 8, None)
    assert fault_of_code_text(code) is None


@pytest.mark.parametrize("words", ["Remaining code executions: 3", "You have run out of code executions!"])
def test_a_text_whose_code_prints_the_words_of_a_note_would_be_misread(words: str) -> None:
    assert fault_of_code_text(thought(words, budget=8)) == "budget_misread"
    assert fault_of_code_text(thought("1", words, budget=8)) is None
    assert fault_of_code_text(thought(words, told=False)) == "budget_misread"


def test_words_of_a_note_that_tell_the_truth_do_no_harm() -> None:
    assert fault_of_code_text(thought("Remaining code executions: 7", budget=8)) is None


@pytest.mark.parametrize("output", DISGUISES, ids=range(len(DISGUISES)))
def test_a_row_without_fault_reads_by_its_tags_as_it_was_run(output: str) -> None:
    code = thought(output, "2")
    if fault_of_code_text(code) is None:
        found = re.findall(r"<tool_call>\n(.*?)\n</tool_call>", code.transcript.text, re.DOTALL)
        assert found == ["print(1)", "print(1)"]
        assert told_budget(code.transcript.text) == code.budget
    else:
        assert "tool_call>" in output or "executions" in output


def test_a_tag_that_code_prints_makes_a_row_unreadable() -> None:
    assert fault_of_code_text(thought("<tool_call>\nprint(1)\n</tool_call>")) == "code_tag_in_text"


def test_opening_tags_that_nothing_closes_are_no_blocks() -> None:
    transcript, *rest = thought("1")
    said = joined([transcript, "<tool_call>" * 300_000])
    assert fault_of_code_text(Coded(said, *rest)) is None
    assert fault_of_code_text(Coded(joined([said, "</tool_call>"]), *rest)) == "code_tag_in_text"


def test_what_is_left_of_a_solution_must_hold_code() -> None:
    assert fault_of_code_text(Coded(Transcript("It is 1."), 0, 8, None)) == "code_not_in_text"


def test_columns_count_the_blocks_of_the_text() -> None:
    code = row("Hm. ", Ran("1", "1"), Ran("2", "2", "error"), Ran("3", "", "timeout"), "\\boxed{1}", budget=4)
    assert code.columns == {"code_budget": 4, "code_blocks": 3, "code_failures": 2, "tools": TOOLS}


# ---- the chat


def test_the_chat_alternates_calls_and_answers_and_ends_with_the_solution() -> None:
    pieces = (
        "<think>\nHm.\n",
        Ran("print(1)", "1"),
        "So.\n",
        Ran("x", "Traceback", "error"),
        "Done.</think>\n\n\\boxed{1}",
    )
    messages = messages_with_tools(PROMPT, row(*pieces, budget=2))
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant", "tool", "assistant"]
    assert messages[1] == {
        "role": "assistant",
        "content": "<think>\nHm.\n</think>",
        "tool_calls": [{"type": "function", "function": {"name": "run_python", "arguments": {"code": "print(1)"}}}],
    }
    assert messages[2] == {
        "role": "tool",
        "name": "run_python",
        "content": f"1\n\n{note_of(1)}",
    }
    assert messages[4]["content"] == f"Traceback\n\n{note_of(0)}"
    assert messages[5] == {"role": "assistant", "content": "<think>\nDone.\n</think>\n\n\\boxed{1}"}


@pytest.mark.parametrize("output", DISGUISES, ids=range(len(DISGUISES)))
@pytest.mark.parametrize("tags", ["tool_call", "fences"])
def test_the_chat_holds_what_was_run_whatever_it_printed(output: str, tags: str) -> None:
    messages = messages_with_tools(PROMPT, thought(output, "2", tags=tags, told=False))
    assert fault_of_tool_messages(messages, TOOLS) is None
    calls = [
        message["tool_calls"][0]["function"]["arguments"]["code"] for message in messages if "tool_calls" in message
    ]
    assert calls == ["print(1)", "print(1)"]
    assert [message["content"] for message in messages if message["role"] == "tool"] == [output.strip("\n"), "2"]
    assert [message["content"] for message in messages if message["role"] == "assistant"] == [
        "<think>\nHm.\n</think>",
        "<think>\nSo.\n</think>",
        "<think>\nSo.\n</think>\n\n\\boxed{1}",
    ]


def test_a_solution_without_reasoning_has_no_tags_in_its_chat() -> None:
    messages = messages_with_tools(PROMPT, row(Ran("1", "1"), "It is \\boxed{1}."))
    assert [message["content"] for message in messages if message["role"] == "assistant"] == ["", "It is \\boxed{1}."]


def test_code_after_the_reasoning_is_called_after_it() -> None:
    messages = messages_with_tools(PROMPT, row("<think>Hm.</think>Now: ", Ran("1", "1"), "\\boxed{1}"))
    assert [message["content"] for message in messages if message["role"] == "assistant"] == [
        "<think>\nHm.\n</think>\n\nNow:",
        "\\boxed{1}",
    ]


def test_indented_code_is_called_without_its_indentation() -> None:
    messages = messages_with_tools(PROMPT, row(Ran("  if x:\n    y", "1"), "\\boxed{1}"))
    assert messages[1]["tool_calls"][0]["function"]["arguments"]["code"] == "if x:\n  y"


CALL = {"role": "assistant", "content": "", "tool_calls": [{}]}
ANSWER, WORD = {"role": "tool", "content": ""}, {"role": "assistant", "content": "So."}


@pytest.mark.parametrize(
    ("messages", "tools", "fault"),
    [
        (None, None, None),
        ([*PROMPT, CALL, ANSWER, WORD], TOOLS, None),
        (None, TOOLS, "go together"),
        ([*PROMPT, WORD], None, "go together"),
        ([*PROMPT, CALL, WORD], TOOLS, "do not follow each other"),
        ([*PROMPT, ANSWER, WORD], TOOLS, "do not follow each other"),
        ([*PROMPT, CALL, ANSWER], TOOLS, "does not end"),
        ([*PROMPT, CALL], TOOLS, "does not end"),
        ([], TOOLS, "does not end"),
        ([*PROMPT, {"role": "assistant", "content": " "}], TOOLS, "is empty"),
        ([*PROMPT, {"role": "assistant"}], TOOLS, "must have"),
        ([{"role": "user", "content": "x", "tool_calls": [{}]}, ANSWER, WORD], TOOLS, "the user message calls"),
    ],
)
def test_a_chat_with_tools_is_checked(messages: Any, tools: Any, fault: str | None) -> None:
    found = fault_of_tool_messages(messages, tools)
    assert found is None if fault is None else fault in (found or "")
