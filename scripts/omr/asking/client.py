"""One request to an OpenAI-compatible server, and what becomes of it: a reply, or an error that is final."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from omr.asking.cut_prompts import tokens_cut_off
from omr.asking.hosts import Endpoint, Host, Hosts
from omr.asking.outcomes import FinalError, TransientError, UnreachableError
from omr.asking.pacing import Pace
from omr.asking.questions import Bodies, Question
from omr.asking.reading import Told, error_of, holds_error, parse_body, read_reply
from omr.asking.refusals import BUSY, AskOtherwiseError, Refusals, Refused
from omr.asking.requests import Request, Sampling
from omr.asking.rows import answered, failed
from omr.asking.server_events import looks_like_events
from omr.asking.streaming import read_stream, whole_of_events
from omr.asking.tokens import TokenBudget
from omr.asking.waits import Waits
from omr.errors import UserError
from omr.http.answer import AnswerTimeoutError, Ask, ConnectError, HttpError, ReadChunk, TooLargeError
from omr.http.clients import HttpClient
from omr.models.model import ModelSpec
from omr.replies.reply import Reply
from omr.servers.error_bodies import is_web_page, status_within, without_key

T = TypeVar("T")
#: A body beyond this is no answer to any `max_tokens` that servers take.
MAX_BODY_BYTES = 64 << 20
_CONNECT_TIMEOUT_S, _PROBE_TIMEOUT_S = 10.0, 10.0
#: Idle connections outlive neither vLLM's keep-alive of 5 s nor a restart for long.
_IDLE_S = 4.0
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S, _LONGEST_RETRY_AFTER_S = 0.5, 60.0, 600.0
#: Refusals for being busy are cheap and say that the server lives: far more of them are borne than of failures.
_BUSY_PER_RETRY = 25
#: More names than these for one model are no names.
_MOST_STATED = 20
#: What `quote` would leave as it is.
_IS_PLAIN_ID = re.compile(r"[A-Za-z0-9/~:@!$&'()*+,;=._ -]*").fullmatch
_NOT_STARTED = Endpoint("http://not-started.invalid/v1")


class ChatClient:
    """Sends requests of one stage to the servers of one model (an async context manager).

    It is told where they are by `connect`: when the server is ready, and again when a restarted one listens on another
    port. `say` gets a line for what requests wait for, and for what a reader should know about the server.
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
        self.retries = 0
        self._stage = stage
        self._bodies = Bodies(spec, sampling)
        self.budget = TokenBudget(spec, sampling.max_tokens)
        self._refusals = Refusals(spec)
        self._say, self._waits = say, Waits(say)
        self._stated: set[str] = set()  # names of models that replies stated
        self._http = self._new_http()
        self.hosts = self._new_hosts([endpoint or _NOT_STARTED])

    def _new_hosts(self, endpoints: Sequence[Endpoint]) -> Hosts:
        # A server that the job starts is watched and restarted by the job: the client has no say in that.
        max_outage_s = float("inf") if self.spec.is_started else self.spec.max_outage_s
        return Hosts(endpoints, self.spec.concurrency, self._unreachable, max_outage_s, self._say)

    def connect(self, endpoints: Sequence[Endpoint]) -> None:
        """Ask these from now on: others, or the same ones that were started again and have no past."""
        if len(endpoints) != len(self.hosts.all):
            self.hosts = self._new_hosts(endpoints)
        for host, endpoint in zip(self.hosts.all, endpoints, strict=True):
            host.endpoint = endpoint
            host.pace.start_anew()

    @property
    def pace(self) -> Pace:
        """The limit on requests in flight at the first server."""
        return self.hosts.all[0].pace

    def _new_http(self) -> HttpClient:
        # Well below a request's own limit: which of the two ran out must be told apart.
        connect_s = min(_CONNECT_TIMEOUT_S, self.spec.request_timeout_s / 2)
        # A server that the job starts is on this node, or near it: a site's proxy is not on the way.
        return HttpClient(connect_s, _IDLE_S, self.spec.concurrency, direct=self.spec.is_started)

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
            question = Question(request.name, fields, self.tokens_for(request), temperature=request.temperature)
            try:
                told, latency_s = await self.answer_to(question, lambda body: self.read(request, body))
            except FinalError as error:
                shorter = self.budget.certain(request.messages)
                if error.kind != "context_overflow" or shorter is None or shorter >= question.max_tokens:
                    raise
                question = question._replace(max_tokens=shorter)
                told, latency_s = await self.answer_to(question, lambda body: self.read(request, body))
        except FinalError as error:
            return failed(request, self.spec, error)
        return answered(request, self.spec, told, latency_s)

    def read(self, request: Request, body: Any) -> Told:
        """The reply in a body that holds no error. Raises as `read_reply` does."""
        told = read_reply(body)
        self.check_prompt(request.messages, body.get("usage"))
        self.note_model(told.stated_model)
        return told

    async def answer_to(self, question: Question, read: Callable[[Any], T]) -> tuple[T, float]:
        """What `read` makes of the answer, and the seconds that it took, after as many tries as it takes.

        `read` raises as `read_reply` does. Raises FinalError when no (other) try can succeed, UserError as `ask`.
        """
        failures = busy = 0
        host: Host | None = None
        changes: set[str] = set()
        while True:
            host = await self.hosts.enter(question.home, host)
            started = time.monotonic()
            try:
                body = await self._post(question, host)
                answer = read(body)
                host.succeeded()
                self._refusals.has_answered = True
                return answer, round(time.monotonic() - started, 3)
            except TransientError as error:
                fault = error
            except UserError as error:
                if not self.hosts.set_aside(host, error):
                    raise
                continue
            finally:
                self.hosts.leave(host)
            if isinstance(fault, AskOtherwiseError):
                if fault.change in changes:  # it was changed, but `sampling` of config comes last
                    raise FinalError("bad_request", fault.message, fault.status)
                changes.add(fault.change)
                self._ask_otherwise(fault)
                continue
            self.retries += 1
            if isinstance(fault, UnreachableError) and await self.hosts.is_away(host):
                continue  # an outage is nobody's failure
            is_busy = fault.status in BUSY
            busy, failures = busy + is_busy, failures + (not is_busy)
            if failures > self.spec.retries or busy > self.spec.retries * _BUSY_PER_RETRY:
                raise FinalError(fault.kind, fault.message, fault.status)
            await self._wait(host, fault, failures + busy, is_busy)

    async def _wait(self, host: Host, fault: TransientError, tries: int, is_busy: bool) -> None:
        """Wait before the next try. Where there are several servers, only the busy one is spared."""
        pause_s = _pause_s(tries, fault.retry_after_s)
        if is_busy:
            host.pace.refused(pause_s)
        else:
            host.failures += 1
        self._waits(fault.kind, fault.message, pause_s)
        if not (is_busy and self.hosts.are_several):
            await asyncio.sleep(pause_s)

    def _ask_otherwise(self, fault: AskOtherwiseError) -> None:
        bodies = self._bodies
        if fault.change == "stream" and not bodies.streams:
            bodies.streams = True
            self._say(f"replies are asked for in pieces from now on, as the server wants it: {fault.message[:300]}")
        elif fault.change == "no_stream_options" and bodies.counts:
            bodies.counts = False
            self._say(f"the server does not count the tokens of replies in pieces: {fault.message[:300]}")

    async def _post(self, question: Question, host: Host) -> Any:
        """The parsed body of a 200 that holds no error. Raises TransientError, FinalError, UserError for all else."""
        endpoint, body = host.endpoint, self._bodies.body(question, host.endpoint.model)
        request_id = self._request_id(question.name) if self.spec.request_id_header else None
        limits = self.spec.request_timeout_s, MAX_BODY_BYTES
        how = self._read_events if body.get("stream") else None, request_id
        content = orjson.dumps(body)
        try:
            told = await self._http.ask(
                Ask("POST", endpoint.urls[question.route], endpoint.headers, content, *limits, *how)
            )
        except HttpError as fault:
            raise self._error_of(fault) from fault
        if told.status == 200 and told.events is not None:
            answer = told.events
        else:
            content = without_key(told.content, endpoint.api_key)
            if told.status != 200:
                retry_after, location = told.header("retry-after"), told.header("location")
                self._refusals.raise_for(endpoint.base_url, Refused(told.status, content, retry_after, location, body))
            answer = self._parsed(content, endpoint)
        if holds_error(answer):
            within = error_of(answer)
            shown = without_key(json.dumps(within).encode(), endpoint.api_key)
            refused = Refused(status_within(within) or 200, shown, told.header("retry-after"), sent=body)
            self._refusals.raise_for(endpoint.base_url, refused)
        return answer

    def _error_of(self, fault: HttpError) -> TransientError | FinalError:
        """What a fault on the way means for the request."""
        if isinstance(fault, ConnectError):
            return UnreachableError("connection", fault.message)
        if isinstance(fault, AnswerTimeoutError):
            return TransientError("timeout", f"no whole reply within {self.spec.request_timeout_s:g} s")
        if isinstance(fault, TooLargeError):
            return FinalError("oversized_body", fault.message, fault.status)
        return TransientError("connection", fault.message)

    async def _read_events(self, read_chunk: ReadChunk) -> Any:
        return await read_stream(read_chunk, self.spec.stream_idle_timeout_s)

    def _parsed(self, content: bytes, endpoint: Endpoint) -> Any:
        """A whole body, though it may be a stream that nobody asked for."""
        if content.startswith(b"{"):
            return parse_body(content)
        if is_web_page(content):
            self._refusals.raise_for_page(endpoint.base_url, content)
        return whole_of_events(content) if looks_like_events(content) else parse_body(content)

    def body_of(self, question: Question) -> dict[str, Any]:
        """All fields of a request, as they are sent."""
        return self._bodies.body(question)

    def tokens_for(self, request: Request, *, shorter: bool = False) -> int:
        """Completion tokens to ask for; `shorter`: that surely fit. Raises FinalError if the prompt is too long."""
        certain = self.budget.certain(request.messages) if shorter else None
        if certain is not None:
            return certain
        allowed, prompt_tokens = self.budget.allowed(request.messages)
        if allowed < 1:
            message = f"the prompt has {prompt_tokens} tokens, more than the model's limits allow"
            raise FinalError("context_overflow", message)
        return allowed

    def _request_id(self, name: str) -> str:
        request_id = f"{self._stage}/{name}"
        return request_id if _IS_PLAIN_ID(request_id) else quote(request_id, safe="/~:@!$&'()*+,;=-._ ")

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
        asked = self.hosts.all[0].endpoint.model or self.spec.served_name
        if stated != asked:
            self._say(f"warning: {asked!r} was asked for, but a reply says that it is from {stated!r}")

    async def _unreachable(self, endpoint: Endpoint) -> str | None:
        """None if anything speaks HTTP at the endpoint, whatever it says; else the fault."""
        url = endpoint.base_url + "/models"
        try:
            await self._http.ask(Ask("GET", url, {}, b"", _PROBE_TIMEOUT_S, MAX_BODY_BYTES))
        except TooLargeError:
            return None
        except HttpError as fault:
            return f"{endpoint.base_url}: {fault.message}"
        return None


def _pause_s(attempt: int, retry_after_s: float | None) -> float:
    """Exponential backoff with full jitter, at least what the server asked for."""
    backoff: float = random.uniform(0.5, 1.0) * min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(attempt - 1, 16))
    return max(backoff, min(retry_after_s or 0.0, _LONGEST_RETRY_AFTER_S))
