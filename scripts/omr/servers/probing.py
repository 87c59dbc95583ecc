"""Questions to a server that are no requests for replies: is it healthy, which models has it, can it complete."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectError, PyreqwestError

from omr.servers.cancelling import heed_cancelling
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
        builder = ClientBuilder().connect_timeout(timedelta(seconds=_CONNECT_TIMEOUT_S)).follow_redirects(False)
        builder = builder.pool_max_idle_per_host(0)
        self._http: Client = (builder.no_proxy() if direct else builder).build()
        self._key, self._headers = key, {"Authorization": f"Bearer {key}"} if key else {}

    async def __aenter__(self) -> Prober:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.__aexit__(*exc)

    async def get(self, url: str, timeout_s: float) -> Answer:
        """Raises UnreachableError."""
        return await self._ask(self._http.get(url), timeout_s)

    async def post(self, url: str, body: dict[str, Any], timeout_s: float) -> Answer:
        """Raises UnreachableError."""
        headers = {"Content-Type": "application/json"}
        return await self._ask(self._http.post(url).headers(headers).body_bytes(json.dumps(body).encode()), timeout_s)

    async def _ask(self, request: Any, timeout_s: float) -> Answer:
        built = request.headers(self._headers).timeout(timedelta(seconds=timeout_s)).build_streamed()
        try:
            async with built as response:
                chunks, size = [], 0
                while size < _MOST_BYTES and (chunk := await response.body_reader.read_chunk()) is not None:
                    chunks.append(bytes(chunk))
                    size += len(chunk)
                heed_cancelling()
                return Answer(response.status, without_key(b"".join(chunks), self._key))
        except PyreqwestError as error:
            heed_cancelling()
            raise UnreachableError(_cause(error), refused=isinstance(error, ConnectError)) from error


def _cause(error: PyreqwestError) -> str:
    """What stands innermost behind an error of the network; never an address, which may hold a key."""
    causes = (getattr(error, "details", None) or {}).get("causes") or ()
    inner = [str(cause["message"]) for cause in causes if "://" not in str(cause["message"])]
    said = inner[-1] if inner else error.message
    if "InvalidContentType" in said:  # what rustls makes of an answer in plain text
        said = "wrong version: https:// was asked of a server that speaks plain http://"
    return said if said == error.message else f"{error.message}: {said}"


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
