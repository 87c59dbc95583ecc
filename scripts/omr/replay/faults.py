"""What the replay server does wrong on purpose, and to which requests.

Faults are rules in a list, in YAML (`- {match: "solve/*", kind: status, status: 429, times: 2}`) or in Python. A rule
concerns the requests whose id fits `match`. It strikes always, or the first `times` times that an id is asked, or a
`share` of the times, drawn from a hash of id and attempt. Rules that fit the same id take turns: one with `times` gives
way to the next when it is used up. Which rule strikes depends on id and attempt alone, so a restarted server goes on
where the old one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import Path

import orjson
import yaml

from omr.errors import UserError
from omr.replay.nodes import fault_at, list_of, mapping_of, read_yaml, refuse_unknown, value_of

#: Kinds that need no reply, with what the client sees.
REPLYLESS_KINDS = {
    "status": "the HTTP status `status` with an error body; `retry_after` or `retry_after_date_s` as header",
    "answer": "the HTTP status `status` with the text `body` as it is; the same headers",
    "invalid_json": "status 200 with something that is not JSON",
    "empty_body": "status 200 and nothing else",
    "reset": "the connection is reset (TCP RST) instead of an answer",
    "close": "the connection closes instead of an answer",
    "hang": "no answer, ever",
}
#: Kinds that change what the body of the reply says.
BODY_KINDS = {
    "slow": "the right answer, after `latency_s`",
    "miss_stop": "the right answer as if no stop string had been asked for: a server that overlooks one",
    "abort": "half of the text with finish_reason `abort`, as a server that is being stopped answers",
    "null_finish": "finish_reason null",
    "refusal": "a refusal in place of the content",
    "content_filter": "finish_reason `content_filter` and no text",
    "merge": "the right body with the JSON object `body` merged into it, item by item",
    "wrong_shape": "a body without a message: `shape` says how",
}
#: Kinds that change how the body of the reply is sent.
DELIVERY_KINDS = {
    "truncate_body": "half of the body that Content-Length declares, then the connection closes",
    "drip": "the right body, a byte at a time, `interval_s` apart",
    "non_utf8": "a text with bytes that are not UTF-8",
    "huge": "a text of `megabytes`",
}
#: Kinds that change how a reply is streamed, after the share `after` of its events; one that is not is sent whole.
STREAM_KINDS = {
    "cut_stream": "then the connection closes in the middle of the transfer",
    "end_stream": "then the stream ends in good order, without a finish_reason",
    "stall_stream": "then nothing more, ever",
    "error_event": "then an event with an error of status `status`",
    "odd_stream": "all of it, `interval_s` apart, in every form that the standard of such streams allows",
}
#: Kinds of the batch API: of its calls, and of lines of a batch.
BATCH_KINDS = {
    "lose": "a call: what it asks is done, but the connection is reset instead of an answer",
    "expire": "a line: it was not answered in time",
    "skip": "a line: the results do not have it",
    "garble": "a line: its result is a torn line",
    "invalid": "a line: the check of the input finds it wrong, and the batch fails",
}
KINDS = REPLYLESS_KINDS | BODY_KINDS | DELIVERY_KINDS | STREAM_KINDS | BATCH_KINDS
#: missing: no `choices`; empty: `choices` is []; null: the message is null; list: the body is a list.
SHAPES = ("missing", "empty", "null", "list", "reason")
#: Faults after which the client still holds the whole, right answer.
HARMLESS = frozenset({"slow", "drip", "miss_stop", "odd_stream"})


@dataclass(frozen=True)
class Fault:
    """One rule. Raises UserError if its fields make no sense. `latency_s` delays a fault of any kind."""

    kind: str  # one of KINDS
    match: str = "*"  # fnmatch pattern on the request id
    times: int | None = None
    share: float | None = None
    latency_s: float = 0.0
    status: int = 500
    message: str = "a fault on purpose"
    retry_after: float | str | None = None  # seconds, or any text for the header as it is
    retry_after_date_s: float | None = None  # sent as the date that is so many seconds ahead
    interval_s: float = 0.0
    megabytes: float = 1.0
    shape: str = "missing"
    body: str = "{}"
    after: float = 0.5

    def __post_init__(self) -> None:
        problem = self._mistyped() or self._problem()
        if problem is not None:
            raise UserError(f"a fault {problem}", remedy="see the module omr/replay/faults.py for the fields")

    def _mistyped(self) -> str | None:
        for field in fields(self):
            value, kinds = getattr(self, field.name), _TYPES[str(field.type)]
            if isinstance(value, bool) or not isinstance(value, kinds):
                return f"has a wrong value in `{field.name}`: {value!r}"
        return None

    def _problem(self) -> str | None:
        if self.kind not in KINDS:
            return f"is of the unknown kind {self.kind!r}; there are: {', '.join(KINDS)}"
        if self.times is not None and self.share is not None:
            return "has both `times` and `share`"
        if self.times is not None and self.times < 1:
            return "needs `times` of at least 1"
        if self.share is not None and not 0 <= self.share <= 1:
            return "needs a `share` between 0 and 1"
        if not 200 <= self.status <= 599:
            return f"has the impossible status {self.status}"
        if self.kind == "merge" and not self.is_object():
            return "needs a JSON object as `body`"
        if min(self.latency_s, self.interval_s, self.megabytes) < 0:
            return "has a negative amount"
        if not 0 <= self.after <= 1:
            return "needs an `after` between 0 and 1"
        return None if self.shape in SHAPES else f"has an unknown shape; there are: {', '.join(SHAPES)}"

    def is_object(self) -> bool:
        """Whether `body` is a JSON object."""
        try:
            return isinstance(orjson.loads(self.body), dict)
        except orjson.JSONDecodeError:
            return False


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "int | None": (int, type(None)),
    "float | None": (int, float, type(None)),
    "float | str | None": (int, float, str, type(None)),
}


def choose_fault(faults: Sequence[Fault], request_id: str, attempt: int) -> Fault | None:
    """The rule that strikes when `request_id` is asked for the `attempt`-th time (from 1), or None."""
    left = attempt
    for number, fault in enumerate(faults):
        if not fnmatchcase(request_id, fault.match):
            continue
        if fault.times is not None:
            if left <= fault.times:
                return fault
            left -= fault.times
        elif fault.share is None or _draw(number, request_id, attempt) < fault.share:
            return fault
    return None


def _draw(number: int, request_id: str, attempt: int) -> float:
    digest = blake2b(f"{number}/{attempt}/{request_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def load_faults(path: str | Path) -> list[Fault]:
    """The rules of a YAML file, a list of mappings with the fields of `Fault`. Raises UserError with file and line."""
    path = Path(path)
    return [_fault_at(node, path) for node in list_of(read_yaml(path), path, "the file of faults")]


def _fault_at(node: yaml.Node, path: Path) -> Fault:
    entries = mapping_of(node, path, "a fault")
    refuse_unknown(entries, tuple(field.name for field in fields(Fault)), path, "a fault")
    if "kind" not in entries:
        raise fault_at(node, path, "a fault has no `kind`", f"the kinds are: {', '.join(KINDS)}")
    try:
        return Fault(**value_of(node))
    except UserError as error:
        raise fault_at(node, path, error.what, error.remedy or "mend it") from error
    except yaml.YAMLError as error:
        raise fault_at(node, path, f"a fault cannot be read: {error}", "write plain values") from error
