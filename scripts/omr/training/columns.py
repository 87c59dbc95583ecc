"""The columns of a training row: their types in JSON and in Parquet, and what they say.

The first nine are those of the published OpenMathReasoning dataset, with the same names and types. Unknown is null.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from omr.files.arrow import arrow
from omr.files.jsonl import Fields, missing_or_mistyped

if TYPE_CHECKING:
    from omr.asking.prompts import Prompt


class Column(NamedTuple):
    """`type` is the JSON value's Python type; only `nullable` columns may hold null; `items` says what a list holds."""

    name: str
    type: type
    about: str
    nullable: bool = False
    items: str = "messages"


#: What a pass rate is of.
WHAT_COUNTS = (
    "those that were cut, or state no answer or several, as not right; without those whose verdict is missing or whose "
    "request failed"
)
#: What the text of a solution is; cards say in how many rows.
SOLUTION = "reasoning in `<think>` tags where there is any, then the solution"
COLUMNS = (
    Column(
        "expected_answer",
        str,
        "final answer: given (in the forum, or with the problem), or the majority's (see `answer_source`)",
    ),
    Column("problem_type", str, "`has_answer_extracted`, `no_answer_extracted` or `converted_proof`"),
    Column(
        "problem_source",
        str,
        "where the thread or the problem comes from; null if the raw data do not say",
        nullable=True,
    ),
    Column("generation_model", str, "name of the model that solved the problem", nullable=True),
    Column(
        "pass_rate_72b_tir",
        str,
        "share of right ones by the published measure, or `n/a` if the run has none; see `pass_rate`",
    ),
    Column("problem", str, "problem, stated so that it stands alone; with `genselect` the prompt with all candidates"),
    Column("generated_solution", str, f"{SOLUTION}; of a comparison its summary"),
    Column("inference_mode", str, "`cot`, `tir` (with code that was run), or `genselect` (choosing among solutions)"),
    Column("used_in_kaggle", bool, "null: unknown", nullable=True),
    Column("id", str, "`<problem id>-<seed>`; of a comparison `<problem id>-g<number>`"),
    Column("pass_rate", float, "share of right ones among `pass_rate_of` solutions of this problem"),
    Column("pass_rate_of", int, f"solutions of the problem that count: {WHAT_COUNTS}"),
    Column("pass_rates", dict, "the same by other recipes, {recipe: share}; null if the run names none", nullable=True),
    Column("messages", list, f"chat for training: the prompt, then {SOLUTION}"),
    Column("source_url", str, "address of the thread or the problem, if the raw data tell it", nullable=True),
    Column("source_license", str, "its license, if they tell it", nullable=True),
    Column("source_author", str, "who wrote it, if they tell it and names are not taken out", nullable=True),
    Column("source_date", str, "when, if they tell it", nullable=True),
    Column("thread_id", str, "hash of the forum thread; of a problem that was given without one, its own id"),
    Column("cluster", str, "id of the group of reposts that the problem is in; null: there are none", nullable=True),
    Column("duplicate_of", str, "of a repost, the problem that is the best of its group; else null", nullable=True),
    Column("problem_id", str, "`<thread id>-<number of the problem in its thread>`, or its own id"),
    Column("seed", int, "number of the solution, or of the group that was compared, from 0"),
    Column("predicted_answer", str, "final answer of the solution, or of the chosen one"),
    Column("answer_source", str, "`extracted` (given) or `majority` (of the solutions)"),
    Column("majority_votes", int, "solutions that agree with the commonest answer"),
    Column("total_votes", int, "solutions with a readable answer"),
    Column("majority_agrees", bool, "whether the vote confirms an extracted answer; null if undecided", nullable=True),
    Column("original_expected_answer", str, "the given answer where the vote replaced it, else null", nullable=True),
    Column("changed_answer_to_majority", bool, "whether it did; null for comparisons", nullable=True),
    Column("judgement", str, "`yes`: judged right; subsets that ask for them also have `no` and `unjudged`"),
    Column("judged_by", str, "`symbolic` (proved equal or different) or `llm`; null if unjudged", nullable=True),
    Column("summary_model", str, "model that rewrote what follows the reasoning; null if nothing was", nullable=True),
    Column("summary_candidate", int, "number of the candidate that was kept", nullable=True),
    Column("summary_judged_by", str, "who found its answer right: `symbolic`, `solution` or `llm`", nullable=True),
    Column("completion_tokens", int, "tokens of the model's reply, by its server's count", nullable=True),
    Column(
        "tokens",
        int,
        "tokens of the whole solution, by the tokenizer that a subset names; null where none is named",
        nullable=True,
    ),
    Column("prompt_hash", str, "hash of the prompt's texts"),
    Column("model", str, "path and revision of the model that solved the problem", nullable=True),
    Column("reply_key", str, "key of the raw reply: model, messages, sampling parameters, seed", nullable=True),
    Column(
        "code_budget", int, "`tir`: executions that prompt and text say it has; null where they do not", nullable=True
    ),
    Column(
        "code_blocks",
        int,
        "`tir`: blocks of code in the text, each in `<tool_call>` tags before its output",
        nullable=True,
    ),
    Column("code_failures", int, "`tir`: of these, those that ended in an error or at a limit", nullable=True),
    Column(
        "messages_with_tools",
        list,
        "`tir`: the chat with code as calls of the tool in `tools`",
        nullable=True,
        items="messages with calls",
    ),
    Column("tools", list, "`tir`: the tool, as JSON schema", nullable=True, items="tools"),
    Column(
        "original_problem",
        str,
        "`genselect`: the problem without candidates; else, of a converted proof, what was to be proved",
        nullable=True,
    ),
    Column("group", str, "`genselect`: id of the group that was compared", nullable=True),
    Column(
        "candidate_ids",
        list,
        "`genselect`: `<recipe>/<problem id>-<seed>` of each candidate",
        nullable=True,
        items="strings",
    ),
    Column("selected", int, "`genselect`: index of the chosen candidate, from 0", nullable=True),
    Column("selected_id", str, "`genselect`: which of `candidate_ids` it is", nullable=True),
    Column("group_size", int, "`genselect`: number of candidates", nullable=True),
    Column("group_right", int, "`genselect`: how many of them are right", nullable=True),
)

NAMES = tuple(column.name for column in COLUMNS)

#: Columns of which each holds the whole text of a solution: config says which of them files have.
TEXT_COLUMNS = ("generated_solution", "messages", "messages_with_tools")
#: Columns that are there with another one only.
_BESIDE = {"tools": "messages_with_tools"}

_STRINGS = tuple(column.name for column in COLUMNS if column.type is list and column.items == "strings")

#: What every training row must have.
REQUIRED: Fields = {column.name: (column.type, None) if column.nullable else column.type for column in COLUMNS}


_MISSING = object()
_KINDS = [(column.name, (column.type, type(None)) if column.nullable else (column.type,)) for column in COLUMNS]


def names_with(text_columns: Collection[str]) -> list[str]:
    """The columns of rows that have these columns of whole texts."""
    without = set(TEXT_COLUMNS) - set(text_columns)
    return [name for name in NAMES if name not in without and _BESIDE.get(name) not in without]


def arrow_schema(measures: Sequence[str] = (), text_columns: Collection[str] = TEXT_COLUMNS) -> Any:
    """The Parquet schema (pyarrow.Schema) of the columns; `measures` are the recipes in `pass_rates`, `text_columns`
    those of the columns of whole texts that there are.

    Without any measure there is no such column: Parquet has no struct without fields.
    """
    pa = arrow()

    text = pa.string()
    call = pa.struct([("name", text), ("arguments", pa.struct([("code", text)]))])
    calls = pa.list_(pa.struct([("type", text), ("function", call)]))
    with_calls = pa.list_(pa.struct([("role", text), ("content", text), ("tool_calls", calls), ("name", text)]))
    argument = pa.struct([("code", pa.struct([("type", text), ("description", text)]))])
    parameters = pa.struct([("type", text), ("properties", argument), ("required", pa.list_(text))])
    function = pa.struct([("name", text), ("description", text), ("parameters", parameters)])
    lists = {
        "messages": pa.list_(pa.struct([("role", text), ("content", text)])),
        "messages with calls": with_calls,
        "tools": pa.list_(pa.struct([("type", text), ("function", function)])),
        "strings": pa.list_(text),
    }
    types = {str: text, bool: pa.bool_(), float: pa.float64(), int: pa.int64()}
    types[dict] = pa.struct([(name, pa.float64()) for name in measures])
    names = names_with(text_columns)
    columns = [column for column in COLUMNS if column.name in names and (measures or column.type is not dict)]
    return pa.schema(
        [
            pa.field(column.name, lists[column.items] if column.type is list else types[column.type], column.nullable)
            for column in columns
        ]
    )


def fault_of_messages(messages: list[Any]) -> str | None:
    """What is wrong with a row's chat, as a phrase, or None: it needs a user's turn, then an assistant's at the end."""
    for message in messages:
        if not isinstance(message, dict) or message.keys() != {"role", "content"}:
            return "a message must have `role` and `content`, and nothing else"
        if not isinstance(message["content"], str) or not isinstance(message["role"], str):
            return "`role` and `content` of a message must be strings"
        if not message["content"].strip():
            return f"the {message['role']} message is empty"
    roles = [message["role"] for message in messages]
    if "user" not in roles:
        return "there is no user message"
    if roles not in (["user", "assistant"], ["system", "user", "assistant"]):
        return (
            f"the messages are {', '.join(roles)}; a row needs an optional system, one user and one assistant message"
        )
    return None


def fault_of_tool_messages(messages: list[Any] | None, tools: list[Any] | None) -> str | None:
    """What is wrong with a row's chat that calls a tool, as a phrase, or None, also where there is no such chat.

    Every call is answered by the message behind it, and the last word is the assistant's.
    """
    if messages is None or tools is None:
        return None if messages is tools else "`messages_with_tools` and `tools` go together"
    called = False
    for message in messages:
        if not isinstance(message, dict) or not {"role", "content"} <= message.keys():
            return "a message must have `role` and `content`"
        if (message["role"] == "tool") != called:
            return "a call of a tool and its answer do not follow each other"
        called = bool(message.get("tool_calls"))
        if called and message["role"] != "assistant":
            return f"the {message['role']} message calls a tool"
        if not (called or message["role"] == "tool" or message["content"].strip()):
            return f"the {message['role']} message is empty"
    if called or not messages or messages[-1]["role"] != "assistant":
        return "the chat with tools does not end with what the assistant says"
    return None


def fault_of_strings(row: Mapping[str, Any]) -> str | None:
    """What is wrong with a row's lists of strings, as a phrase, or None."""
    for name in _STRINGS:
        if row[name] is not None and not all(isinstance(value, str) for value in row[name]):
            return f"the field {name!r} must hold strings"
    return None


def fault_of_row(row: Mapping[str, Any]) -> str | None:
    """What is wrong with a training row's columns, lists and chats, as a phrase, or None."""
    if len(row) != len(NAMES) and (unknown := sorted(row.keys() - set(NAMES))):
        return f"unknown columns: {', '.join(unknown)}"
    for name, kinds in _KINDS:
        if type(row.get(name, _MISSING)) not in kinds:
            return missing_or_mistyped(dict(row), REQUIRED)
    fault = fault_of_messages(row["messages"]) or fault_of_strings(row)
    return fault or fault_of_tool_messages(row["messages_with_tools"], row["tools"])


def prompt_hash(prompt: Prompt) -> str:
    """16 hex digits that change with the prompt's texts."""
    return blake2b(orjson.dumps([prompt.system, prompt.user]), digest_size=8).hexdigest()


def model_name(identity: str | None) -> str | None:
    """`Qwen/QwQ-32B@<commit>` -> `QwQ-32B`, as the published dataset names its models."""
    return None if identity is None else identity.split("@")[0].rstrip("/").rpartition("/")[2]
