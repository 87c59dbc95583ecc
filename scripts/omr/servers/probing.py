"""Questions to a server that are no requests for replies: is it healthy, which models has it, can it complete."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from omr.http.answer import Ask, ConnectError, HttpError, TooLargeError
from omr.http.clients import HttpClient
from omr.servers.error_bodies import parse_error_body, without_key

_CONNECT_TIMEOUT_S = 10.0
_MOST_BYTES = 4 << 20


class UnreachableError(Exception):
    """Nobody answered. `refused`: there is no listener (else the answer did not come in time, or broke off)."""

    def __init__(self, message: str, refused: bool) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(frozen=True)
class Answer:
    """Status and body of an HTTP answer, whatever the status."""

    status: int
    body: bytes

    @property
    def message(self) -> str:
        return parse_error_body(self.body)

    def listed_models(self) -> list[str]:
        """The ids of an answer to `/v1/models`; empty if it is no such list."""
        try:
            entries = json.loads(self.body)["data"]
            return [entry["id"] for entry in entries if isinstance(entry["id"], str)]
        except (ValueError, KeyError, TypeError, RecursionError):
            return []


class Prober:
    """Asks one question at a time (an async context manager).

    `direct` goes past the site's proxies, which know nothing of a node's own servers.
    """

    def __init__(self, direct: bool, key: str | None = None) -> None:
        self._http = HttpClient(_CONNECT_TIMEOUT_S, idle_s=0.0, most_idle=0, direct=direct)
        self._key, self._headers = key, {"Authorization": f"Bearer {key}"} if key else {}

    async def __aenter__(self) -> Prober:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.__aexit__(*exc)

    async def get(self, url: str, timeout_s: float) -> Answer:
        """Raises UnreachableError."""
        return await self._ask(Ask("GET", url, self._headers, b"", timeout_s, _MOST_BYTES))

    async def post(self, url: str, body: dict[str, Any], timeout_s: float) -> Answer:
        """Raises UnreachableError."""
        headers = {"Content-Type": "application/json", **self._headers}
        return await self._ask(Ask("POST", url, headers, json.dumps(body).encode(), timeout_s, _MOST_BYTES))

    async def _ask(self, asked: Ask) -> Answer:
        try:
            told = await self._http.ask(asked)
        except TooLargeError as fault:
            return Answer(fault.status, b"")
        except HttpError as fault:
            refused = isinstance(fault, ConnectError) and fault.refused
            raise UnreachableError(fault.message, refused) from fault
        return Answer(told.status, without_key(told.content, self._key))


class RefusedError(Exception):
    """The server is up, but will never do what is asked of it."""


async def what_is_missing(prober: Prober, root: str, model: str, completes: bool, timeout_s: float) -> str | None:
    """What a starting server still lacks to be ready, or None.

    Ready means: `/health` answers 200, `/v1/models` lists the model, and (`completes`) one token can be had; each alone
    is true too early on some server. `root` is the URL without `/v1`. Raises RefusedError.
    """
    try:
        health = await prober.get(f"{root}/health", 30.0)
        if health.status != 200:
            return f"/health answers {health.status}"
        listed = (await prober.get(f"{root}/v1/models", 30.0)).listed_models()
        if model not in listed:
            return f"/v1/models does not list {model} (but: {', '.join(listed[:5]) or 'nothing'})"
        if not completes:
            return None
        body = {"model": model, "prompt": "1", "max_tokens": 1, "temperature": 0.0}
        answer = await prober.post(f"{root}/v1/completions", body, timeout_s)
    except UnreachableError as error:
        return f"no answer ({error})"
    if 400 <= answer.status < 500 and answer.status not in (408, 425, 429):
        raise RefusedError(f"refuses a completion of one token (status {answer.status}: {answer.message[:300]})")
    return None if answer.status == 200 else f"a completion of one token fails (status {answer.status})"
