"""Where the replay server's replies come from: a folder of authored files, a table, or a hash of the request's id.

A folder has one YAML file per stage, `<stage>.yaml`:

    about: what these replies are, e.g. that people wrote them for this project
    replies: {"<row id>/<prompt>/<seed>" or "<row id>/<prompt>" or "<row id>": REPLY, ...}
    patterns: [{match: "<fnmatch pattern on row id/prompt/seed>", reply: REPLY}, ...]
    default: REPLY

REPLY is a text or a mapping {text, reasoning, finish_reason}, or {turns, finish_reason} for a solution that runs code:
what the model says between the outputs, each a text (which ends with its block) or {text, code} where a tool is
called. Its requests have the turn's number behind their id. The first that fits counts: the three exact keys from the
longest to the shortest, the patterns in their order, the default. The file `any.yaml`, if there is one, stands for
stages without a file of their own and for requests without an id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import shake_128
from pathlib import Path
from typing import NamedTuple, Protocol

import yaml

from omr.errors import UserError
from omr.replay.nodes import fault_at, list_of, mapping_of, read_yaml, refuse_unknown, text_of

#: What a request without an id is looked up, counted and matched as.
NO_ID = "*"
_ANY_STAGE = "any"
_ECHO_WORDS = 64


class Turn(NamedTuple):
    """What the model says between two outputs; `code` of the tool that it calls then, where tools are called."""

    text: str
    code: str | None = None


class Reply(NamedTuple):
    """What the model says: `text`, the `reasoning` before it (or None), and why it ended; or all of it in `turns`."""

    text: str
    reasoning: str | None = None
    finish_reason: str = "stop"
    turns: tuple[Turn, ...] = ()


class NoReplyError(LookupError):
    """There is no reply to a request; the message says where one was looked for."""


class ReplySource(Protocol):
    """Finds the reply to a request by its id, which reads `<stage>/<row id>/<prompt>/<seed>`."""

    def find(self, request_id: str) -> Reply:
        """The reply. Raises NoReplyError if there is none."""


ReplyLike = Reply | str


def as_reply(reply: ReplyLike) -> Reply:
    """A reply from a reply or its bare text."""
    return reply if isinstance(reply, Reply) else Reply(reply)


def split_request_id(request_id: str) -> tuple[str, str]:
    """(stage, `<row id>/<prompt>/<seed>`) of a request id; a row id may hold slashes. Raises NoReplyError."""
    stage, _, name = request_id.partition("/")
    if not stage or name.count("/") < 2:
        raise NoReplyError(f"the request id {request_id!r} does not read <stage>/<row id>/<prompt>/<seed>")
    return stage, name


@dataclass
class StageReplies:
    """The replies of one file."""

    exact: dict[str, Reply] = field(default_factory=dict)
    patterns: list[tuple[str, Reply]] = field(default_factory=list)
    default: Reply | None = None

    def get(self, name: str) -> Reply | None:
        """The reply to `<row id>/<prompt>/<seed>`, or None."""
        with_prompt = name.rpartition("/")[0]
        for key in (name, with_prompt, with_prompt.rpartition("/")[0]):
            if key in self.exact:
                return self.exact[key]
        return next((reply for pattern, reply in self.patterns if fnmatchcase(name, pattern)), self.default)


class ReplyFolder:
    """Authored replies of a folder, read once. Raises UserError, with file and line, for what is not as described."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise UserError("there is no such folder of replies", file=folder, remedy="check the path")
        for path in self.folder.glob("*.yml"):
            raise UserError("this file would be passed over", file=path, remedy="rename it to .yaml")
        self._stages = {path.stem: read_stage(path) for path in sorted(self.folder.glob("*.yaml"))}
        if not self._stages:
            raise UserError("the folder holds no <stage>.yaml", file=folder, remedy="add a file of replies")

    def find(self, request_id: str) -> Reply:
        """The reply to a request. Raises NoReplyError, naming the request and the file."""
        stage, name = (_ANY_STAGE, request_id) if request_id == NO_ID else split_request_id(request_id)
        replies = self._stages.get(stage) or self._stages.get(_ANY_STAGE)
        if replies is None:
            raise NoReplyError(f"no authored reply to {request_id!r}: there is no {stage}.yaml in {self.folder}")
        reply = replies.get(name)
        if reply is None:
            file = stage if stage in self._stages else _ANY_STAGE
            raise NoReplyError(f"no authored reply to {request_id!r} in {file}.yaml of {self.folder}")
        return reply


class ReplyTable:
    """Replies by whole request id or by fnmatch pattern on it: exact keys first, then patterns in their order."""

    def __init__(self, table: Mapping[str, ReplyLike]) -> None:
        self._table = {key: as_reply(reply) for key, reply in table.items()}

    def find(self, request_id: str) -> Reply:
        """The reply to a request. Raises NoReplyError."""
        if request_id in self._table:
            return self._table[request_id]
        for pattern, reply in self._table.items():
            if fnmatchcase(request_id, pattern):
                return reply
        raise NoReplyError(f"no reply to {request_id!r} in the table")


class Echo:
    """A made-up reply of `tokens` (at least 1) tokens to any request: hexadecimal words that depend on its id only."""

    def __init__(self, tokens: int = 16) -> None:
        if tokens < 1:
            raise UserError(f"a reply of {tokens} tokens cannot be made", remedy="ask for at least 1")
        self._tokens = tokens

    def find(self, request_id: str) -> Reply:
        """The reply to a request."""
        digits = shake_128(request_id.encode()).hexdigest(2 * _ECHO_WORDS)
        words = " ".join(digits[start : start + 4] for start in range(0, len(digits), 4)) + " "
        # The same words again and again: long replies cost little, and differ from each other all the same.
        return Reply((words * (self._tokens // _ECHO_WORDS + 1))[: 5 * self._tokens - 1])


class ReplyFunction:
    """Replies that a function makes of the request id; None from it means that there is none."""

    def __init__(self, function: Callable[[str], ReplyLike | None]) -> None:
        self._function = function

    def find(self, request_id: str) -> Reply:
        """The reply to a request. Raises NoReplyError."""
        reply = self._function(request_id)
        if reply is None:
            raise NoReplyError(f"no reply to {request_id!r}")
        return as_reply(reply)


def read_stage(path: Path) -> StageReplies:
    """The replies of one stage's file. Raises UserError with file and line."""
    entries = mapping_of(read_yaml(path), path, "the file")
    refuse_unknown(entries, ("about", "replies", "patterns", "default"), path, "a file of replies")
    if "about" not in entries:
        remedy = "add `about: ...`: readers must see that no model wrote these replies"
        raise UserError("the file does not say what its replies are", file=path, remedy=remedy)
    text_of(entries["about"], path, "`about`")
    stage = StageReplies()
    if "replies" in entries:
        for key, node in mapping_of(entries["replies"], path, "`replies`").items():
            stage.exact[key] = _reply_at(node, path, f"the reply to {key!r}")
    if "patterns" in entries:
        stage.patterns = [_pattern_at(node, path) for node in list_of(entries["patterns"], path, "`patterns`")]
    if "default" in entries:
        stage.default = _reply_at(entries["default"], path, "the default reply")
    return stage


def _pattern_at(node: yaml.Node, path: Path) -> tuple[str, Reply]:
    entries = mapping_of(node, path, "a pattern")
    refuse_unknown(entries, ("match", "reply"), path, "a pattern")
    if set(entries) != {"match", "reply"}:
        raise fault_at(node, path, "a pattern needs `match` and `reply`", "write both")
    pattern = text_of(entries["match"], path, "`match`")
    return pattern, _reply_at(entries["reply"], path, f"the reply to the pattern {pattern!r}")


def _reply_at(node: yaml.Node, path: Path, what: str) -> Reply:
    if not isinstance(node, yaml.MappingNode):
        return Reply(text_of(node, path, what))
    entries = mapping_of(node, path, what)
    refuse_unknown(entries, Reply._fields, path, what)
    turns = entries.pop("turns", None)
    texts = {key: text_of(value, path, f"`{key}` of {what}") for key, value in entries.items()}
    if turns is not None and not texts.keys() <= {"finish_reason"}:
        raise fault_at(node, path, f"{what} has `turns` and other texts", "write all that is said into `turns`")
    if turns is not None:
        said = tuple(_turn_at(turn, path, f"a turn of {what}") for turn in list_of(turns, path, f"`turns` of {what}"))
        return Reply("", None, texts.get("finish_reason", "stop"), said)
    if "text" not in entries:
        raise fault_at(node, path, f"{what} has no `text`", "add one, or write the text alone")
    return Reply(texts["text"], texts.get("reasoning"), texts.get("finish_reason", "stop"))


def _turn_at(node: yaml.Node, path: Path, what: str) -> Turn:
    if not isinstance(node, yaml.MappingNode):
        return Turn(text_of(node, path, what))
    entries = mapping_of(node, path, what)
    refuse_unknown(entries, Turn._fields, path, what)
    if "text" not in entries:
        raise fault_at(node, path, f"{what} has no `text`", 'add one (an empty one as "")')
    return Turn(**{key: text_of(value, path, f"`{key}` of {what}") for key, value in entries.items()})
