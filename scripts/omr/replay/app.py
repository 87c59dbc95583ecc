"""The OpenAI API of the replay server.

    GET  /health                 200 when ready, 503 before
    GET  /v1/models              the one model, under its name
    POST /v1/chat/completions, /v1/completions
    POST /tokenize               {"count", "max_model_len", "tokens", "token_strs"}, as vLLM answers
    GET  /requests               what it was asked: counts by request id, totals, requests in flight now and at most
    POST /requests/reset         forget them

A reply is chosen by the header `X-Request-Id` (percent-encoding is undone); of a solution with code, whose requests
have their turn behind it, what is left to say follows from the prompt (omr/replay/turns.py). A request without it is
refused with 400 unless the replies have one for the id `*`; but one that asks for a single token is taken as a probe
of readiness: it is answered with a word, and neither counted nor touched by faults.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

from omr.errors import UserError
from omr.replay.batch_routes import BatchRoutes
from omr.replay.batches import Batches, Outcome
from omr.replay.completions import (
    REASONING_FIELDS,
    Answer,
    Asked,
    aborted,
    answer,
    message_tokens,
    parse_request,
    response_body,
)
from omr.replay.counts import RequestCounts
from omr.replay.delivery import send_altered, send_bytes, send_faulty, send_whole
from omr.replay.dialects import RefusedError, dialect_named
from omr.replay.faults import (
    BATCH_KINDS,
    DELIVERY_KINDS,
    HARMLESS,
    REPLYLESS_KINDS,
    STREAM_KINDS,
    Fault,
    choose_fault,
)
from omr.replay.http_server import Request, Routes
from omr.replay.replies import NO_ID, NoReplyError, Reply, ReplySource
from omr.replay.spoiling import spoil
from omr.replay.streaming import DONE, events_of, send_events
from omr.replay.tokens import token_ids
from omr.replay.turns import PrefixCache

#: Replies come in pieces where that is asked; whatever is asked; or other requests are refused, as on some hosts.
STREAMING = ("asked", "always", "only")
_PROBE_REPLY = Reply("ready")


@dataclass(frozen=True)
class ServerOptions:
    """How a replay server behaves. Raises UserError for a value that makes no sense."""

    model: str = "replay"
    dialect: str = "vllm"
    host: str = "127.0.0.1"
    port: int = 0  # 0: any free one
    port_file: Path | None = None  # gets the real port, by rename
    faults: Sequence[Fault] = ()
    start_delay_s: float = 0.0  # time until ready
    refuse_until_ready: bool = False  # refuse connections until then, where otherwise /health says 503
    latency_s: float = 0.0  # of every reply
    context_tokens: int = 131_072
    reasoning_field: str = "dialect"  # one of completions.REASONING_FIELDS
    streaming: str = "asked"  # one of STREAMING
    refuse: Sequence[str] = ()  # fields of requests that it does not know
    batch_looks: int = 1  # how often a batch is seen at work before it has its end
    batch_lines: int = 50_000  # most requests of a batch
    api_key: str | None = field(default=None, repr=False)
    count_file: Path | None = None
    keep_requests: bool = False  # keep every request's headers and body in memory

    def __post_init__(self) -> None:
        dialect_named(self.dialect)
        if self.reasoning_field not in REASONING_FIELDS:
            remedy = f"there are: {', '.join(REASONING_FIELDS)}"
            raise UserError(f"the reasoning field {self.reasoning_field!r} is unknown", remedy=remedy)
        if self.streaming not in STREAMING:
            raise UserError(f"streaming {self.streaming!r} is unknown", remedy=f"there are: {', '.join(STREAMING)}")
        if self.context_tokens < 1:
            raise UserError(f"a context of {self.context_tokens} tokens holds nothing", remedy="give at least 1")
        if not 0 <= self.port <= 65_535:
            raise UserError(f"there is no port {self.port}", remedy="choose one up to 65535, or 0 for a free one")


class KeptRequest(NamedTuple):
    """A request as it arrived: its id, path, headers (names in lower case) and JSON body (None if it is none)."""

    id: str
    path: str
    headers: dict[str, str]
    body: Any


def request_id_of(header: str | None) -> str:
    """The request id that a header carries; `NO_ID` if there is none."""
    # Bytes that are no UTF-8 must not survive: they could not be shown in JSON.
    return NO_ID if not header else unquote(header.encode("utf-8", "replace").decode())


class ReplayApp:
    """Handlers and their state. `ready` and `draining` are what /health tells; `aborting` ends waiting replies with
    finish_reason `abort`, `closing` ends those that hang."""

    def __init__(self, source: ReplySource, options: ServerOptions) -> None:
        self.counts = RequestCounts(options.count_file)
        self.kept: list[KeptRequest] = []
        self.ready = self.draining = False
        self._cache = PrefixCache()
        self.aborting, self.closing = asyncio.Event(), asyncio.Event()
        self._source = source
        self._options = options
        self._dialect = dialect_named(options.dialect)
        in_text = options.reasoning_field == "text"
        named = () if in_text else (options.reasoning_field,)
        self._reasoning_fields = self._dialect.reasoning_fields if options.reasoning_field == "dialect" else named
        self._reasoning_in_text = in_text
        self.batches = Batches(self._answer_line, options.batch_looks, options.batch_lines)
        self._routes = self._all_routes()

    async def handle(self, request: Request) -> None:
        """Answer a request."""
        try:
            await self._routes(request)
        except RefusedError as refused:
            await send_whole(request, refused.status, refused.body)

    def _all_routes(self) -> Routes:
        routes = Routes()
        routes.add("GET", "/health", self._health)
        routes.add("GET", "/v1/models", self._models)
        routes.add("POST", "/v1/chat/completions", self._complete)
        routes.add("POST", "/v1/completions", self._complete)
        routes.add("GET", "/requests", self._requests)
        routes.add("POST", "/requests/reset", self._reset)
        BatchRoutes(
            self.batches, self._dialect, self._options.faults, self.counts, self._check_key, self.closing
        ).add_to(routes)
        if self._dialect.has_tokenize:
            routes.add("POST", "/tokenize", self._tokenize)
        return routes

    async def _health(self, request: Request) -> None:
        await send_bytes(request, 200 if self.ready and not self.draining else 503, b"")

    async def _models(self, request: Request) -> None:
        self._check_key(request)
        if not self._dialect.lists_models_early:
            self._check_ready()
        model = {
            "id": self._options.model,
            "object": "model",
            "created": int(time.time()),
            "owned_by": self._dialect.owner,
            "root": self._options.model,
            "max_model_len": self._options.context_tokens,
        }
        await send_whole(request, 200, {"object": "list", "data": [model]})

    async def _requests(self, request: Request) -> None:
        await send_whole(request, 200, self.counts.as_json())

    async def _reset(self, request: Request) -> None:
        self.counts.reset()
        self.kept.clear()
        await send_whole(request, 200, self.counts.as_json())

    async def _tokenize(self, request: Request) -> None:
        self._check_ready()
        body = _json_or_none(request.content)
        prompt = body.get("prompt") if isinstance(body, dict) else None
        if isinstance(prompt, str):
            ids = token_ids(prompt)
        elif isinstance(body, dict) and message_tokens(body.get("messages")) is not None:
            ids = list(range(message_tokens(body["messages"]) or 0))
        else:
            raise self._dialect.refusal(400, "`prompt` must be a text, or `messages` a list of messages")
        limit = self._options.context_tokens
        found = {"count": len(ids), "max_model_len": limit, "tokens": ids, "token_strs": None}
        await send_whole(request, 200, found)

    async def _complete(self, request: Request) -> None:
        content = request.content
        header = request.headers.get("x-request-id")
        if header is None and self._is_probe(content):
            await self._answer_probe(request, content)
            return
        request_id = request_id_of(header)
        attempt = self.counts.begin(request_id)
        if self._options.keep_requests:
            self.kept.append(KeptRequest(request_id, request.path, dict(request.headers), _json_or_none(content)))
        try:
            await self._replay(request, content, request_id, attempt)
        except RefusedError as refused:
            await send_whole(request, refused.status, refused.body)
        finally:
            self.counts.end()

    def _is_probe(self, content: bytes) -> bool:
        body = _json_or_none(content)
        return isinstance(body, dict) and 1 in (body.get("max_tokens"), body.get("max_completion_tokens"))

    async def _answer_probe(self, request: Request, content: bytes) -> None:
        self._check_key(request)
        self._check_ready()
        asked = self._parse(request, content)
        await send_whole(request, 200, self._body(asked, answer(asked, _PROBE_REPLY, 1, False), "probe"))

    async def _replay(self, request: Request, content: bytes, request_id: str, attempt: int) -> None:
        self._check_key(request)
        self._check_ready()
        fault = choose_fault(self._options.faults, request_id, attempt)
        latency_s = self._options.latency_s + (fault.latency_s if fault else 0.0)
        if fault is not None and fault.kind in REPLYLESS_KINDS:
            await self._pause(latency_s)
            error_body = self._dialect.error_body(fault.status, fault.message)
            await send_faulty(request, fault, error_body, self.closing)
            return
        asked = self._parse(request, content)
        if fault is not None and fault.kind == "miss_stop":
            asked = asked._replace(stop=())
        whole = self._answer(asked, request_id)
        stopped = await self._pause(latency_s)
        cut_short = stopped or (fault is not None and fault.kind == "abort")
        body = self._body(asked, aborted(whole) if cut_short else whole, _number(request_id, attempt))
        await self._send(request, body, fault, asked)
        if not cut_short and (fault is None or fault.kind in HARMLESS):
            self.counts.answer(request_id, attempt)

    def _answer_line(self, name: str, body: Any) -> Outcome:
        """What becomes of a line of a batch."""
        attempt = self.counts.begin(name)
        try:
            fault = choose_fault(self._options.faults, name, attempt)
            if fault is not None and fault.kind in (*BATCH_KINDS, "status"):
                return Outcome(fault.kind.replace("status", "answered"), fault.status, self._error_of(fault))
            asked = self._parse_content(orjson.dumps(body), is_chat=True)
            whole = self._body(asked, self._answer(asked, name), _number(name, attempt))
            if fault is None:
                self.counts.answer(name, attempt)
            return Outcome(body=whole if fault is None else spoil(whole, fault))
        except RefusedError as refused:
            return Outcome(status=refused.status, body=refused.body)
        finally:
            self.counts.end()

    def _error_of(self, fault: Fault) -> dict[str, Any]:
        return self._dialect.error_body(fault.status, fault.message)

    def _parse(self, request: Request, content: bytes) -> Asked:
        return self._parse_content(content, request.path.endswith("/chat/completions"))

    def _parse_content(self, content: bytes, is_chat: bool) -> Asked:
        asked = parse_request(content, is_chat, self._dialect)
        self._dialect.check_model(asked.model, self._options.model)
        for name in self._options.refuse:
            if name in orjson.loads(content):
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                raise self._dialect.refusal(400, message, name)
        if self._options.streaming == "only" and not asked.streams:
            raise self._dialect.refusal(400, "This model only sends replies in pieces: please enable `stream`.")
        return asked._replace(streams=True) if self._options.streaming == "always" else asked

    def _answer(self, asked: Asked, request_id: str) -> Answer:
        allowed = self._dialect.allowed_tokens(asked.prompt_tokens, asked.max_tokens, self._options.context_tokens)
        try:
            reply = self._find(asked, request_id)
        except NoReplyError as error:
            if request_id == NO_ID:
                message = "the header X-Request-Id is missing: it names the reply that is wanted"
                raise self._dialect.refusal(400, message) from error
            raise self._dialect.refusal(404, str(error)) from error
        whole = answer(asked, reply, allowed, self._reasoning_in_text)
        if asked.is_chat:
            return whole
        name = request_id.rpartition("/")[0]
        return whole._replace(cached_tokens=self._cache.cached_tokens(name, asked.prompt, whole.text))

    def _find(self, asked: Asked, request_id: str) -> Reply:
        if not asked.is_chat or asked.offers_tools:
            with suppress(NoReplyError):
                return self._source.find(request_id.rpartition("/")[0])
        return self._source.find(request_id)

    def _body(self, asked: Asked, what: Answer, number: str) -> dict[str, Any]:
        return response_body(what, asked, self._dialect, self._options.model, number, self._reasoning_fields)

    async def _send(self, request: Request, body: dict[str, Any], fault: Fault | None, asked: Asked) -> None:
        spoiled = body if fault is None else spoil(body, fault)
        alters = fault is not None and fault.kind in DELIVERY_KINDS
        if not asked.streams:
            if fault is not None and alters:
                await send_altered(request, fault, orjson.dumps(spoiled))
            else:
                await send_whole(request, 200, spoiled)
            return
        events = [*events_of(spoiled, asked.counts_stream), DONE]
        if fault is not None and alters:
            await send_altered(request, fault, b"".join(events), "text/event-stream")
            return
        error = self._dialect.error_body(fault.status, fault.message) if fault is not None else None
        in_stream = fault if fault is not None and fault.kind in STREAM_KINDS else None
        await send_events(request, events, in_stream, self.closing, error)

    async def _pause(self, seconds: float) -> bool:
        """Wait; True if the server was told to abort meanwhile."""
        if seconds <= 0:
            return False
        try:
            await asyncio.wait_for(self.aborting.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _check_key(self, request: Request) -> None:
        key = self._options.api_key
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        if key is not None and not hmac.compare_digest(given, f"Bearer {key}".encode()):
            raise self._dialect.unauthorized()

    def _check_ready(self) -> None:
        if not self.ready:
            raise self._dialect.refusal(503, "the server is starting")


def _json_or_none(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _number(request_id: str, attempt: int) -> str:
    return blake2b(f"{attempt}/{request_id}".encode(), digest_size=12).hexdigest()
