"""Two ways to let a model go on behind the output of its code: as text, or with messages that call a tool.

Text is what the recipe's models were trained on, and the same on all servers: the prompt is rendered once, and what was
written and inserted is appended to it. Hosted models may only know calls of tools; what they write is kept in the same
form, with their calls as blocks between tags.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from omr.asking.outcomes import TransientError
from omr.asking.questions import CHAT, COMPLETIONS
from omr.asking.reading import Told, read_reply
from omr.asking.requests import Request
from omr.files.surrogates import without_surrogates
from omr.servers.dialect import RequestDialect
from omr.turns.chat_template import ChatTemplate
from omr.turns.insertions import note_of, tool_answer
from omr.turns.journal import Turn
from omr.turns.said import Said
from omr.turns.so_far import SoFar
from omr.turns.tags import Block, Tags, tagged, tags_named

Message = dict[str, Any]
_TOOL = "run_python"
_ARGUMENT = "code"


class Form(Protocol):
    """How a solution is asked for, turn by turn."""

    tags: Tags
    route: str

    def prompt(self, request: Request, so_far: SoFar) -> list[dict[str, str]]:
        """The texts of which the first turn's prompt consists, as messages, to be counted."""
        ...

    def fields(self, request: Request, so_far: SoFar, *, stops: bool) -> dict[str, Any]:
        """The fields of the next turn's request that say what is asked; `stops`: whether it is to stop for a tag."""
        ...

    def read(self, body: Any) -> tuple[Said, Told]:
        """What the model wrote, and the reply as others read it. Raises as `read_reply` does."""
        ...

    def block_of(self, written: str, turn: Turn) -> Block | None:
        """The block at the end of a stored turn, if it ends with one; `written` is what came since the last block."""
        ...


class TextForm:
    """`/v1/completions` with the rendered prompt and everything behind it as one text."""

    route = COMPLETIONS

    def __init__(self, tags: str, template: ChatTemplate, dialect: RequestDialect) -> None:
        self.tags = tags_named(tags)
        self._template, self._dialect = template, dialect

    def prompt(self, request: Request, so_far: SoFar) -> list[dict[str, str]]:
        return [{"role": "user", "content": self._rendered(request, so_far)}]

    def _rendered(self, request: Request, so_far: SoFar) -> str:
        if not so_far.prompt:
            keep_bos = self._dialect.special_tokens_field is not None
            so_far.prompt = self._template.render(request.messages, keep_bos=keep_bos)
        return so_far.prompt

    def fields(self, request: Request, so_far: SoFar, *, stops: bool) -> dict[str, Any]:
        dialect = self._dialect
        fields: dict[str, Any] = {"prompt": self._rendered(request, so_far) + so_far.text}
        if dialect.special_tokens_field is not None:
            fields[dialect.special_tokens_field] = False  # the template has written them
        if stops:
            fields["stop"] = [self.tags.stop]
            if dialect.keep_stop_field is not None:
                fields[dialect.keep_stop_field] = True
        return fields

    def read(self, body: Any) -> tuple[Said, Told]:
        told = read_reply(body)
        choice = body["choices"][0]
        if not isinstance(choice.get("text"), str):
            raise TransientError("wrong_shape", "a completion without a text", 200)
        # Read from the field itself: nothing may be taken out of a text that is to go on.
        return Said(choice["text"], told.finish_reason, self._stopped(choice), told.usage), told

    def _stopped(self, choice: dict[str, Any]) -> bool | None:
        field = self._dialect.stop_field
        if field is None or field not in choice:
            return None
        return isinstance(choice[field], str) and choice[field] == self.tags.stop

    def block_of(self, written: str, turn: Turn) -> Block | None:
        block = self.tags.find(written).block
        return block if block is not None and block.is_closed else None


class ToolsForm:
    """`/v1/chat/completions` with one tool; `about` says to the model what it does.

    Of several calls in one message the first counts: the others were written without knowing its output.
    """

    route = CHAT
    tags = tags_named("tools")

    def __init__(self, about: str, show_budget: bool) -> None:
        self._show_budget = show_budget
        argument = {"type": "object", "properties": {_ARGUMENT: {"type": "string"}}, "required": [_ARGUMENT]}
        function = {"name": _TOOL, "description": about, "parameters": argument}
        self._tools = [{"type": "function", "function": function}]

    def prompt(self, request: Request, so_far: SoFar) -> list[dict[str, str]]:
        return [*request.messages, {"role": "system", "content": json.dumps(self._tools)}]

    def fields(self, request: Request, so_far: SoFar, *, stops: bool) -> dict[str, Any]:
        messages: list[Message] = [*request.messages]
        calls = zip(so_far.turns, so_far.insertions, strict=True)
        for number, (turn, shown) in enumerate(calls, 1):
            message = turn.message or {}
            note = note_of(request.executions_allowed - number) if self._show_budget else ""
            call = message["tool_calls"][0]["id"]
            messages += [message, {"role": "tool", "tool_call_id": call, "content": tool_answer(shown, note)}]
        return {"messages": messages, "tools": self._tools}

    def read(self, body: Any) -> tuple[Said, Told]:
        told = read_reply(body, tools=True)
        message = body["choices"][0]["message"]
        calls = message.get("tool_calls")
        call = calls[0] if isinstance(calls, list) and calls else None
        # A call that the limit of tokens cut is none.
        if call is None or told.finish_reason == "length":
            text = told.text if told.reasoning is None else f"{told.reasoning}\n</think>\n\n{told.text}"
            return Said(text, told.finish_reason, False, told.usage), told
        name, arguments, number = _parts_of(call)
        prose = "".join(f"{part}\n" for part in (told.reasoning, told.text) if part)
        text = prose + tagged(code_of(arguments))
        sent = {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}
        kept = {key: message[key] for key in ("reasoning_content", "reasoning") if isinstance(message.get(key), str)}
        back = {"role": "assistant", "content": told.text, "tool_calls": [sent]} | kept
        block = _last_block(text, code_of(arguments))
        return Said(text, told.finish_reason, True, told.usage, block, back), told

    def block_of(self, written: str, turn: Turn) -> Block | None:
        if turn.message is None:
            return None
        return _last_block(written, code_of(turn.message["tool_calls"][0]["function"]["arguments"]))


def _parts_of(call: Any) -> tuple[str, str, str]:
    """(name, arguments, id) of a call. Raises TransientError for what is none."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise TransientError("wrong_shape", f"a call of a tool without a function: {repr(call)[:200]}", 200)
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return str(function.get("name") or _TOOL), text, str(call.get("id") or "call")


def code_of(arguments: str) -> str:
    """The code in a call's arguments: what stands under `code`, or the only text there is. Arguments that are no JSON
    are the code itself: models write it so."""
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments.strip("\r\n")
    if isinstance(given, dict):
        texts = [value for value in given.values() if isinstance(value, str)]
        given = given[_ARGUMENT] if isinstance(given.get(_ARGUMENT), str) else texts[0] if len(texts) == 1 else ""
    # The escapes of these arguments are read here alone: halves of surrogate pairs among them could not be stored.
    return without_surrogates(given).strip("\r\n") if isinstance(given, str) else arguments


def _last_block(text: str, code: str) -> Block:
    start = len(text) - len(tagged(code))
    code_from = text.index("\n", start) + 1
    return Block(start, code_from, code_from + len(code), len(text), code)
