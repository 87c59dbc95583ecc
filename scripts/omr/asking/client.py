"""One request to an OpenAI-compatible server, and what becomes of it: a reply, or an error that is final.

pyreqwest because its cost per request is a fraction of the pure Python clients' (see the README's table) and its one
wheel without dependencies installs beside any model server.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError, PyreqwestError, RequestTimeoutError
from pyreqwest.http import Url

from omr.asking.cut_prompts import tokens_cut_off
from omr.asking.outcomes import FinalError, TransientError, UnreachableError
from omr.asking.pacing import Gate, Pace
from omr.asking.reading import Told, error_of, holds_error, parse_body, read_reply
from omr.asking.requests import Request, Sampling, sampling_seed
from omr.asking.tokens import TokenBudget
from omr.asking.waits import Waits
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.replies.reply import Reply
from omr.servers.dialect import RequestDialect, dialect_of
from omr.servers.error_bodies import (
    is_context_overflow,
    is_quota_used_up,
    is_web_page,
    json_or_none,
    parse_error_body,
    status_within,
)

T = TypeVar("T")
#: A body beyond this is no answer to any `max_tokens` that servers take.
MAX_BODY_BYTES = 64 << 20
_CONNECT_TIMEOUT_S = 10.0
#: Routes below `/v1`.
CHAT, COMPLETIONS = "/chat/completions", "/completions"
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S, _LONGEST_RETRY_AFTER_S = 0.5, 60.0, 600.0
#: Refusals for being busy are cheap and say that the server lives: far more of them are borne than of failures.
_BUSY_PER_RETRY = 25
_BUSY = {429, 503, 529}
#: More names than these for one model are no names.
_MOST_STATED = 20
_NO_MODEL = re.compile(r"\bmodel\b|\broute\b|\bpath\b|not found", re.IGNORECASE)
_PROXY_REMEDY = "look at `base_url` in a browser: is it the API's, and does a proxy here want a login (`no_proxy`)?"
_RETRIED = {408, 409, 425, 500, 502, 504} | _BUSY


@dataclass(frozen=True)
class Question:
    """A request as it is sent: its name behind the stage's, its route, what is asked, and the tokens that it may have.

    `fields` are `messages` or a `prompt`, with what belongs to them; `temperature` is the stage's, if it is None.
    """

    name: str
    fields: dict[str, Any]
    max_tokens: int
    route: str = CHAT
    temperature: float | None = None


@dataclass
class Endpoint:
    """Where requests go: `base_url` ends in `/v1`; `api_key` is held in memory only and never shown.

    `model` is the model's name there, if it is another than config's entry says.
    """

    base_url: str
    api_key: str | None = None
    model: str | None = None

    @cached_property
    def urls(self) -> dict[str, Url]:
        """Where requests of each route go, parsed once."""
        return {route: Url(self.base_url + route) for route in (CHAT, COMPLETIONS)}

    def __repr__(self) -> str:
        return f"Endpoint({self.base_url!r}, key {'set' if self.api_key else 'not set'})"


class ChatClient:
    """Sends requests of one stage to one server (an async context manager).

    `endpoint` is set when the server is ready, and again when a restarted one listens on another port. `say` gets a
    line for what requests wait for, and for what a reader should know about the server.
    """

    def __init__(
        self,
        spec: ModelSpec,
        stage: str,
        sampling: Sampling,
        endpoint: Endpoint | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.spec = spec
        self.endpoint = endpoint or Endpoint("http://not-started.invalid/v1")
        self.pace = Pace(spec.concurrency)
        self.retries = 0
        self._stage = stage
        self._sampling = sampling
        self._dialect: RequestDialect = dialect_of(spec.server)
        self.budget = TokenBudget(spec, sampling.max_tokens)
        # A server that the job starts is watched and restarted by the job: the client has no say in that.
        self._gate = Gate(self._unreachable, float("inf") if spec.is_started else spec.max_outage_s, say)
        self._say, self._waits = say, Waits(say)
        self._stated: set[str] = set()  # names of models that replies stated
        self._http: Client = self._new_http()
        self._refuse_unknown_sampling()

    def _refuse_unknown_sampling(self) -> None:
        unknown = self._dialect.unknown_fields(self._sampling.extra)
        if unknown:
            raise UserError(
                f"the server {self.spec.server!r} does not take the sampling parameters {', '.join(unknown)}",
                remedy="remove them from `sampling`, or state them as `extra_body` of the model if you know it does",
            )

    def _new_http(self) -> Client:
        # Well below a request's own limit: which of the two ran out must be told apart.
        connect_s = min(_CONNECT_TIMEOUT_S, self.spec.request_timeout_s / 2)
        builder = ClientBuilder().connect_timeout(timedelta(seconds=connect_s))
        builder = builder.timeout(timedelta(seconds=self.spec.request_timeout_s))
        # Idle connections outlive neither vLLM's keep-alive of 5 s nor a restart for long.
        builder = builder.pool_idle_timeout(timedelta(seconds=4)).pool_max_idle_per_host(self.spec.concurrency)
        if self.spec.is_started:
            builder = builder.no_proxy()  # it is on this node: a site's proxy is not on the way
        return builder.follow_redirects(False).build()

    async def __aenter__(self) -> ChatClient:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.__aexit__(*exc)

    async def ask(self, request: Request) -> Reply:
        """The reply to a request, after as many tries as it takes; a final failure is a reply with `error`.

        Raises UserError for what concerns all requests: a refused key, a quota used up, a server that stays away.
        """
        try:
            fields = {"messages": request.messages}
            question = Question(request.name, fields, self._max_tokens(request), temperature=request.temperature)
            try:
                told, latency_s = await self.answer_to(question, lambda body: self._read(request, body))
            except FinalError as error:
                shorter = self.budget.certain(request.messages)
                if error.kind != "context_overflow" or shorter is None or shorter >= question.max_tokens:
                    raise
                question = replace(question, max_tokens=shorter)
                told, latency_s = await self.answer_to(question, lambda body: self._read(request, body))
        except FinalError as error:
            return failed(request, self.spec, error)
        return stored(request, self.spec, **told._asdict()) | {"latency_s": latency_s}

    def _read(self, request: Request, body: Any) -> Told:
        told = read_reply(body)
        self.check_prompt(request.messages, body.get("usage"))
        self.note_model(told.stated_model)
        return told

    async def answer_to(self, question: Question, read: Callable[[Any], T]) -> tuple[T, float]:
        """What `read` makes of the answer, and the seconds that it took, after as many tries as it takes.

        `read` raises as `read_reply` does. Raises FinalError when no (other) try can succeed, UserError as `ask`.
        """
        failures = busy = 0
        while True:
            await self._gate.wait_open()
            await self.pace.enter()
            started = time.monotonic()
            try:
                body = await self._post(question)
                answer = read(body)
                self.pace.succeeded()
                return answer, round(time.monotonic() - started, 3)
            except TransientError as error:
                fault = error
            finally:
                self.pace.leave()
            self.retries += 1
            if isinstance(fault, UnreachableError) and await self._gate.report_unreachable():
                continue  # an outage is nobody's failure
            is_busy = fault.status in _BUSY
            busy, failures = busy + is_busy, failures + (not is_busy)
            if failures > self.spec.retries or busy > self.spec.retries * _BUSY_PER_RETRY:
                raise FinalError(fault.kind, fault.message, fault.status)
            pause_s = _pause_s(failures + busy, fault.retry_after_s)
            if is_busy:
                self.pace.refused(pause_s)
            self._waits(fault.kind, fault.message, pause_s)
            await asyncio.sleep(pause_s)

    async def _post(self, question: Question) -> Any:
        """The parsed body of a 200 that holds no error. Raises TransientError, FinalError, UserError for all else."""
        builder = self._http.post(self.endpoint.urls[question.route]).header("Content-Type", "application/json")
        if self.spec.request_id_header:
            builder = builder.header("X-Request-Id", self._request_id(question.name))
        if self.endpoint.api_key:
            builder = builder.bearer_auth(self.endpoint.api_key)
        builder = builder.body_bytes(orjson.dumps(self._body(question)))
        try:
            async with builder.build_streamed() as response:
                content = await _read_body(response)
                status, retry_after = response.status, response.get_header("retry-after")
                location = response.get_header("location")
        except PyreqwestError as error:
            raise self._fault_of(error) from error
        if status != 200:
            self._raise_for(status, content, retry_after, location)
        if is_web_page(content):
            self._raise_for_page(content)
        answer = parse_body(content)
        if holds_error(answer):
            within = error_of(answer)
            self._raise_for(status_within(within) or 200, json.dumps(within).encode(), retry_after)
        return answer

    def _fault_of(self, error: PyreqwestError) -> TransientError:
        shown = f"{type(error).__name__}: {error.message}"
        if isinstance(error, ConnectError) or (isinstance(error, RequestTimeoutError) and _was_connecting(error)):
            return UnreachableError("connection", shown)
        if isinstance(error, RequestTimeoutError):
            return TransientError("timeout", f"no whole reply within {self.spec.request_timeout_s:g} s")
        return TransientError("connection", shown)

    def _body(self, question: Question) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.endpoint.model or self.spec.served_name,
            **question.fields,
            "temperature": self._sampling.temperature if question.temperature is None else question.temperature,
            "top_p": self._sampling.top_p,
            "max_tokens": question.max_tokens,
            "stream": False,
        }
        if self._dialect.seed:
            body["seed"] = sampling_seed(question.name)
        body |= self._sampling.extra | self.spec.extra_body
        # What config sets to null is not to be sent: some servers refuse fields that others need.
        return {name: value for name, value in body.items() if value is not None}

    def _max_tokens(self, request: Request) -> int:
        allowed, prompt_tokens = self.budget.allowed(request.messages)
        if allowed < 1:
            message = f"the prompt has {prompt_tokens} tokens, more than the model's limits allow"
            raise FinalError("context_overflow", message)
        return allowed

    def _request_id(self, name: str) -> str:
        return quote(f"{self._stage}/{name}", safe="/~:@!$&'()*+,;=-._ ")

    def _raise_for(self, status: int, content: bytes, retry_after: str | None, location: str | None = None) -> None:
        """Raise what a refusal means; 200 stands for an error object in a 200 that names no status."""
        message, where = parse_error_body(content), self.endpoint.base_url
        if is_quota_used_up(status, json_or_none(content), message, retry_after):
            raise UserError(
                f"{where} says that what was paid for is used up (status {status}): {message[:300]}",
                remedy="pay or wait until the quota is renewed, then run again: finished replies are kept",
            )
        if is_context_overflow(status, message):
            raise FinalError("context_overflow", message[:1000], status)
        if status in (401, 403):
            variable = self.spec.api_key_env
            raise UserError(
                f"{where} refused the key (status {status}): {message[:300]}",
                remedy=f"check the key in the variable {variable}" if variable else "set `api_key_env` of the model",
            )
        if 300 <= status < 400:
            raise UserError(f"{where} sends requests elsewhere (status {status}, to {location})", remedy=_PROXY_REMEDY)
        if status == 200:
            raise TransientError("error_in_body", f"an error with status 200: {message[:900]}", status)
        if status in _RETRIED or status >= 500:
            raise TransientError(f"status_{status}", message[:1000], status, _retry_after_s(retry_after))
        if status == 404 and self.spec.server == "endpoint" and _NO_MODEL.search(message):
            raise UserError(
                f"{where} does not have what is asked for (status 404): {message[:300]}",
                remedy=f"check `path` and `base_url` of the model {self.spec.name!r} (most URLs end in /v1)",
            )
        raise FinalError("bad_request", message[:1000], status)

    def _raise_for_page(self, content: bytes) -> None:
        shown = " ".join(content[:400].decode("utf-8", "replace").split())
        raise UserError(
            f"{self.endpoint.base_url} answers with a web page instead of a reply (status 200): {shown[:300]}",
            remedy=_PROXY_REMEDY,
        )

    def check_prompt(self, messages: Sequence[Mapping[str, str]], usage: Any) -> None:
        """Raise FinalError if the server has read less than these texts."""
        cut = tokens_cut_off(messages, usage if isinstance(usage, dict) else None)
        if cut is not None:
            raise FinalError(
                "prompt_cut",
                f"the server read {cut[0]} tokens of a prompt of at least {cut[1]}: it cuts prompts without a word. "
                "Give it a larger context (Ollama: OLLAMA_CONTEXT_LENGTH or num_ctx), or say with `max_input_tokens` "
                "or `max_model_len` of the model what it holds",
                200,
            )

    def note_model(self, stated: str | None) -> None:
        """Say so, once, if replies state another model than was asked for."""
        if stated is None or stated in self._stated or len(self._stated) >= _MOST_STATED:
            return
        self._stated.add(stated)
        asked = self.endpoint.model or self.spec.served_name
        if stated != asked:
            self._say(f"warning: {asked!r} was asked for, but a reply says that it is from {stated!r}")

    async def _unreachable(self) -> str | None:
        """None if anything speaks HTTP at the endpoint, whatever it says; else the fault."""
        try:
            request = self._http.get(self.endpoint.base_url + "/models").timeout(timedelta(seconds=10)).build()
            await request.send()
        except PyreqwestError as error:
            return f"{self.endpoint.base_url}: {error.message}"
        return None


def _was_connecting(error: RequestTimeoutError) -> bool:
    """Whether time ran out before there was a connection. The library's classes do not tell: any wait for the head of
    an answer is a `ConnectTimeoutError`. Its causes do."""
    return any("(Connect)" in cause["message"] for cause in (error.details or {}).get("causes") or ())


async def _read_body(response: Any) -> bytes:
    chunks, size = [], 0
    while (chunk := await response.body_reader.read_chunk()) is not None:
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise FinalError("oversized_body", f"the body exceeds {MAX_BODY_BYTES} bytes", response.status)
        chunks.append(bytes(chunk))
    return b"".join(chunks)


def _pause_s(attempt: int, retry_after_s: float | None) -> float:
    """Exponential backoff with full jitter, at least what the server asked for."""
    backoff: float = random.uniform(0.5, 1.0) * min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(attempt - 1, 16))
    return max(backoff, min(retry_after_s or 0.0, _LONGEST_RETRY_AFTER_S))


def _retry_after_s(header: str | None) -> float | None:
    """`Retry-After` in seconds; it is a number of seconds or a date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    try:
        return max(0.0, float(header)) if header.strip().replace(".", "", 1).isdigit() else _until(header)
    except ValueError:
        return None


def _until(date: str) -> float:
    moment = parsedate_to_datetime(date)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds: float = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds)


def failed(request: Request, spec: ModelSpec, error: FinalError) -> Reply:
    """The reply that stands for a request which failed for good."""
    shown = {"kind": error.kind, "status": error.status, "message": error.message[:1000]}
    return stored(request, spec, error=shown)


def stored(request: Request, spec: ModelSpec, **fields: Any) -> Reply:
    """The row of a reply with these fields; the others are null."""
    return (
        {
            "id": request.row_id,
            "prompt": request.prompt,
            "seed": request.seed,
            "key": request.key,
            "text": None,
            "reasoning": None,
            "finish_reason": None,
            "usage": None,
            "error": None,
            "model": spec.identity,
            "stated_model": None,
            "latency_s": None,
        }
        | ({"neutralised": request.neutralised} if request.neutralised else {})
        | fields
    )
