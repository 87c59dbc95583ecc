"""A hosted endpoint, or a server that somebody else runs: nothing to start, but to be checked before it is used."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.error_bodies import is_quota_used_up, is_web_page, json_or_none, status_within
from omr.servers.probing import Answer, Prober, UnreachableError

_CHECK_TIMEOUT_S = 60.0
#: One reset connection is no absence; nor is a gateway that is started again.
_PAUSES_S = (0.5, 1.0, 2.0, 4.0)
_LOGIN = re.compile(r"//[^/@\s]*@")
_PAUSE_S, _SAY_EVERY_S = 5.0, 60.0
#: Once one of several URLs is found good, the others get so long to be found so, too.
_OTHERS_WITHIN_S = 3.0


def api_key(spec: ModelSpec) -> str | None:
    """The key for an endpoint, or None if it needs none. Raises UserError if its variable is not set."""
    if spec.api_key_env is None:
        return None
    key = os.environ.get(spec.api_key_env, "").strip()
    if not key:
        raise UserError(
            f"the key for {', '.join(spec.base_urls)} is missing: the variable {spec.api_key_env} is not set",
            remedy=f"export {spec.api_key_env}=... before you start the workflow (its jobs inherit it)",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError(
            f"the variable {spec.api_key_env} holds no key: a key is printable ASCII without blanks",
            remedy=f"look at what {spec.api_key_env} is set to",
        )
    return key


async def check_endpoint(spec: ModelSpec, on_event: Callable[[str], None], *, one_is_enough: bool = False) -> None:
    """Find out, before rows are read and sent, whether the endpoint will answer for this model.

    One that cannot be reached, is busy or still loads is asked again for the model's `max_outage_s` (one that cannot be
    reached for some seconds at least: a reset connection is no absence). Raises UserError when it stays away, refuses
    the key, has nothing left to spend, or does not have the model. What it waits for, and what only may be wrong, is
    told to `on_event`. Of several base URLs each must be right; with `one_is_enough`, it returns soon after the first
    one is, and what is wrong with others, or not known yet, is told.
    """
    key = api_key(spec)
    found = await _found(spec.base_urls, lambda url: _check(spec, url, key, on_event), one_is_enough)
    _judge(found, on_event, one_is_enough)


class _NotKnownError(Exception):
    """A URL was found neither good nor wrong."""


async def _found(
    urls: Sequence[str], check: Callable[[str], Coroutine[Any, Any, None]], one_is_enough: bool
) -> list[BaseException | None]:
    """What the checks of all URLs, done at the same time, raised. With `one_is_enough`, they end soon after one that
    raises nothing: those that have not by then are cancelled, and nothing is known of them."""
    tasks = {asyncio.ensure_future(check(url)): url for url in urls}
    left, is_enough = set(tasks), False
    try:
        while left and not is_enough:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            is_enough = one_is_enough and any(task.exception() is None for task in done)
        if left:
            _, left = await asyncio.wait(left, timeout=_OTHERS_WITHIN_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    late = {task: _NotKnownError(f"{tasks[task]} has not been found good so far") for task in left}
    return [late[task] if task in late else task.exception() for task in tasks]


def _judge(found: Sequence[BaseException | None], on_event: Callable[[str], None], one_is_enough: bool) -> None:
    """Raise what is wrong with the first wrong URL; where one is enough and was found good, tell all that is wrong."""
    faults = [fault for fault in found if fault is not None]
    is_enough = one_is_enough and len(faults) < len(found)
    for fault in faults:
        if not (isinstance(fault, _NotKnownError) or (is_enough and isinstance(fault, UserError))):
            raise fault
    for fault in faults:
        on_event(f"warning: {_without_login(str(fault))}")


async def _check(spec: ModelSpec, url: str, key: str | None, on_event: Callable[[str], None]) -> None:
    try:
        await _check_url(spec, url, key, lambda line: on_event(_without_login(line)))
    except UserError as error:
        error.what = _without_login(error.what)
        raise


def _without_login(text: str) -> str:
    """A text without the name and password that an address in it holds."""
    return _LOGIN.sub("//***@", text)


async def _check_url(spec: ModelSpec, url: str, key: str | None, on_event: Callable[[str], None]) -> None:
    patience = _Patience(spec.max_outage_s, on_event)
    async with Prober(direct=False, key=key) as prober:
        while True:
            try:
                doubt = await _doubt(spec, url, prober)
            except UnreachableError as error:
                if await patience.bears(f"{url} cannot be reached ({error})", is_short=True):
                    continue
                raise UserError(f"{url} cannot be reached ({error})", remedy=_remedy(spec, str(error))) from error
            if doubt is None or not _is_busy(doubt.status):
                break
            busy = f"{url} is busy or not ready (status {doubt.status}: {doubt.message[:300]})"
            if not await patience.bears(busy):
                break
        if spec.server == "batch":
            await _check_batches(spec, url, prober)
    if doubt is not None:
        on_event(f"warning: {url} {doubt.what}; a request got status {doubt.status}")


class _Patience:
    """How long what passes is waited for: `longest_s`, told now and then to `on_event`."""

    def __init__(self, longest_s: float, on_event: Callable[[str], None]) -> None:
        self._longest_s, self._on_event = longest_s, on_event
        self._started, self._said_at = time.monotonic(), float("-inf")
        self._pauses = iter(_PAUSES_S)

    async def bears(self, trouble: str, *, is_short: bool = False) -> bool:
        """Wait before the next try; False if that was long enough. `is_short`: it may pass within seconds, and is borne
        for some, however short the longest wait."""
        now = time.monotonic()
        pause = next(self._pauses, None) if is_short else None
        if pause is None and now - self._started >= self._longest_s:
            return False
        if pause is not None:
            self._on_event(f"{trouble}: asked again in {pause:g} s")
        elif now - self._said_at >= _SAY_EVERY_S:
            self._said_at = now
            self._on_event(f"{trouble}: waiting")
        await asyncio.sleep(_PAUSE_S if pause is None else pause)
        return True


def _remedy(spec: ModelSpec, cause: str) -> str:
    where = f"`base_url` of the model {spec.name!r}"
    if "certificate" in cause:
        return (
            "let the server's certificate be known: export SSL_CERT_FILE=... with the file of who signed it (its own "
            f"if it signed itself), or write the name it is for, or http://, in {where}"
        )
    if "plain http" in cause:
        return f"write http:// in {where}"
    return f"check {where}, and whether this node may connect to it"


async def _check_batches(spec: ModelSpec, url: str, prober: Prober) -> None:
    try:
        answer = await prober.get(f"{url}/batches?limit=1", _CHECK_TIMEOUT_S)
    except UnreachableError:
        return  # it was there a moment ago: calls are tried again
    _raise_if_refused(spec, url, answer)
    if answer.status in (400, 404, 405, 410, 501) or 300 <= answer.status < 400:
        raise UserError(
            f"{url} has no batch API (status {answer.status}: {answer.message[:300]})",
            remedy=f"set `server: endpoint` of the model {spec.name!r}: then it is asked request by request",
        )


async def check_completions(spec: ModelSpec, on_event: Callable[[str], None]) -> None:
    """Find out whether an endpoint takes a text to go on with: many hosts only know chats.

    Of several base URLs one must; what is wrong with others, and one that cannot be reached, is told to `on_event`.
    Raises UserError if none takes it, and one is wrong.
    """
    key = api_key(spec)
    found = await _found(spec.base_urls, lambda url: _check_completion(spec, url, key), one_is_enough=True)
    _judge(found, on_event, one_is_enough=True)


async def _check_completion(spec: ModelSpec, url: str, key: str | None) -> None:
    body = spec.as_sent({"model": spec.path, "prompt": "1", "max_tokens": 1})
    async with Prober(direct=False, key=key) as prober:
        try:
            answer = await prober.post(f"{url}/completions", body, _CHECK_TIMEOUT_S)
        except UnreachableError as error:  # its end is waited for where it is used
            raise _NotKnownError(f"{url} cannot be reached ({error})") from error
    _raise_unless_completed(spec, url, answer)


def _raise_unless_completed(spec: ModelSpec, url: str, answer: Answer) -> None:
    _raise_if_refused(spec, url, answer)
    if answer.status in (404, 405, 410, 501):
        raise UserError(
            f"solutions with code are continued at {url}/completions, which does not answer for {spec.path!r} "
            f"(status {answer.status}: {answer.message[:300]})",
            remedy="use `tags: tools` in the recipe's `code`, where the model knows calls of tools",
        )
    _raise_if_no_completion(spec, f"{url}/completions", answer)


class _Doubt(NamedTuple):
    """The endpoint does not list the model (`what`), and a request for it was not refused either."""

    what: str
    status: int
    message: str


async def _doubt(spec: ModelSpec, url: str, prober: Prober) -> _Doubt | None:
    """None if the endpoint lists the model. Raises UserError for what no waiting mends, UnreachableError."""
    answer = await prober.get(f"{url}/models", _CHECK_TIMEOUT_S)
    _raise_if_refused(spec, url, answer)
    models = answer.listed_models()
    if spec.path in models:
        return None
    # Some hosts list no models, or not all: only a request can tell.
    body = spec.as_sent({"model": spec.path, "messages": [{"role": "user", "content": "1"}], "max_tokens": 1})
    tried = await prober.post(f"{url}/chat/completions", body, _CHECK_TIMEOUT_S)
    _raise_if_refused(spec, url, tried)
    listed = f"it lists {', '.join(sorted(models)[:20])}" if models else f"its /models answers {answer.status}"
    if _is_busy(answer.status) and tried.status != 200:
        return _Doubt(f"does not say whether it has the model {spec.path!r} ({listed})", answer.status, answer.message)
    if _says_no_such_model(tried):
        raise UserError(
            f"{url} does not answer for {spec.path!r} (status {tried.status}: {tried.message[:300]}; {listed})",
            remedy=f"check `path` and `base_url` of the model {spec.name!r} (most URLs end in /v1)",
        )
    _raise_if_no_completion(spec, url, tried)
    return _Doubt(f"does not list the model {spec.path!r} ({listed})", _status(tried), tried.message)


def _is_busy(status: int) -> bool:
    return status in (408, 425, 429) or status >= 500


def _status(answer: Answer) -> int:
    """The status of an answer; of an error that came as 200 the one that it stands for, where it names one."""
    inside = None if answer.status != 200 or _is_completion(answer) else status_within(json_or_none(answer.body))
    return answer.status if inside is None else inside


def _is_completion(answer: Answer) -> bool:
    """Whether a request was served, as a whole reply or in pieces."""
    content = json_or_none(answer.body)
    whole = isinstance(content, dict) and isinstance(content.get("choices"), list)
    return answer.status == 200 and (whole or answer.body.lstrip().startswith(b"data:"))


def _raise_if_no_completion(spec: ModelSpec, url: str, answer: Answer) -> None:
    """Raise UserError for what is neither a completion nor busy, nor refuses so short a request for its fields."""
    if _is_completion(answer) or _is_busy(_status(answer)) or answer.status in (400, 422):
        return
    is_moved = 300 <= answer.status < 400
    raise UserError(
        f"{url} {'sends requests elsewhere, and' if is_moved else 'answers, but'} a request for {spec.path!r} got no "
        f"completion (status {answer.status}: {answer.message[:300]})",
        remedy=f"check `base_url` of the model {spec.name!r}: http or https, host, path (most end in /v1)",
    )


def _says_no_such_model(answer: Answer) -> bool:
    """Whether a refusal is about the model; hosts also refuse so short a completion, or its parameters."""
    if answer.status in (400, 422):
        message = answer.message.lower()
        return any(words in message for words in ("not found", "not exist", "unknown model", "no such model"))
    return answer.status in (404, 405, 410)


def _raise_if_refused(spec: ModelSpec, url: str, answer: Answer) -> None:
    """Raise UserError for a refused key, a quota that is used up, and what is no API."""
    said = f"(status {answer.status}: {answer.message[:300]})"
    if is_quota_used_up(answer.status, json_or_none(answer.body), answer.message, None) and answer.status != 200:
        raise UserError(f"{url} says that what was paid for is used up {said}", remedy="pay, then run again")
    if answer.status == 200 and is_web_page(answer.body):
        raise UserError(
            f"{url} answers with a web page, as proxies and sites do, and not as an API {said}",
            remedy=f"check `base_url` of the model {spec.name!r} (most end in /v1), and the proxy (`no_proxy`)",
        )
    if answer.status not in (401, 403):
        return
    variable = spec.api_key_env
    raise UserError(
        f"{url} refuses the key {said}",
        remedy=f"check the key in the variable {variable}" if variable else "name the key's variable: `api_key_env`",
    )
