"""A hosted endpoint, or a server that somebody else runs: nothing to start, but to be checked before it is used."""

from __future__ import annotations

import os
from collections.abc import Callable

from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.probing import Answer, Prober, UnreachableError

_CHECK_TIMEOUT_S = 60.0


def base_url(spec: ModelSpec) -> str:
    """The endpoint's URL as config has it, without a slash at its end."""
    return (spec.base_url or "").rstrip("/")


def api_key(spec: ModelSpec) -> str | None:
    """The key for an endpoint, or None if it needs none. Raises UserError if its variable is not set."""
    if spec.api_key_env is None:
        return None
    key = os.environ.get(spec.api_key_env, "").strip()
    if not key:
        raise UserError(
            f"the key for {base_url(spec)} is missing: the variable {spec.api_key_env} is not set",
            remedy=f"export {spec.api_key_env}=... before you start the workflow (its jobs inherit it)",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError(
            f"the variable {spec.api_key_env} holds no key: a key is printable ASCII without blanks",
            remedy=f"look at what {spec.api_key_env} is set to",
        )
    return key


async def check_endpoint(spec: ModelSpec, on_event: Callable[[str], None]) -> None:
    """Find out, before rows are read and sent, whether the endpoint will answer for this model.

    Raises UserError when it cannot be reached, refuses the key, or does not have the model. What only may be wrong is
    told to `on_event`.
    """
    url = base_url(spec)
    async with Prober(direct=False, key=api_key(spec)) as prober:
        try:
            answer = await prober.get(f"{url}/models", _CHECK_TIMEOUT_S)
            _raise_if_refused(spec, answer)
            models = answer.listed_models()
            if spec.path in models:
                return
            # Some hosts list no models, or not all: only a request can tell.
            body = {"model": spec.path, "messages": [{"role": "user", "content": "1"}], "max_tokens": 1}
            tried = await prober.post(f"{url}/chat/completions", body, _CHECK_TIMEOUT_S)
        except UnreachableError as error:
            raise UserError(
                f"{url} cannot be reached ({error})",
                remedy=f"check `base_url` of the model {spec.name!r}, and whether this node may connect to it",
            ) from error
    _raise_if_refused(spec, tried)
    listed = f"it lists {', '.join(sorted(models)[:20])}" if models else f"its /models answers {answer.status}"
    if _says_no_such_model(tried):
        raise UserError(
            f"{url} does not answer for {spec.path!r} (status {tried.status}: {tried.message[:300]}; {listed})",
            remedy=f"check `path` and `base_url` of the model {spec.name!r} (most URLs end in /v1)",
        )
    on_event(f"warning: {url} does not list the model {spec.path!r} ({listed}); a request got status {tried.status}")


def _says_no_such_model(answer: Answer) -> bool:
    """Whether a refusal is about the model; hosts also refuse so short a completion, or its parameters."""
    if answer.status in (400, 422):
        message = answer.message.lower()
        return any(words in message for words in ("not found", "not exist", "unknown model", "no such model"))
    return answer.status in (404, 405, 410)


def _raise_if_refused(spec: ModelSpec, answer: Answer) -> None:
    if answer.status not in (401, 403):
        return
    variable = spec.api_key_env
    raise UserError(
        f"{base_url(spec)} refuses the key (status {answer.status}: {answer.message[:300]})",
        remedy=f"check the key in the variable {variable}" if variable else "name the key's variable: `api_key_env`",
    )
