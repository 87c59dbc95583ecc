"""What the refusal of a request means: another try, the end of this request, or of the job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit, urlunsplit

from omr.asking.outcomes import FinalError, TransientError
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.error_bodies import (
    is_context_overflow,
    is_quota_used_up,
    json_or_none,
    parse_error_body,
    refused_field,
    wants_stream,
)

#: Statuses of servers that are too busy.
BUSY = {429, 503, 529}
_RETRIED = {408, 409, 425, 500, 502, 504} | BUSY
_NO_MODEL = re.compile(r"\bmodel\b|\broute\b|\bpath\b|not found", re.IGNORECASE)
PROXY_REMEDY = "look at `base_url` in a browser: is it the API's, and does a proxy here want a login (`no_proxy`)?"


class Refused(NamedTuple):
    """What was answered instead of a reply; a `status` of 200 stands for an error object that names none.

    `sent` are the fields of the request, by the names under which the server got them.
    """

    status: int
    content: bytes
    retry_after: str | None = None
    location: str | None = None
    sent: Mapping[str, Any] = {}


class AskOtherwiseError(TransientError):
    """The request must be put in another way, as `change` says: `stream`, or `no_stream_options`. No failure."""

    def __init__(self, change: str, message: str) -> None:
        super().__init__("asked_otherwise", message)
        self.change = change


@dataclass
class Refusals:
    """Reads the refusals of a model's servers; `has_answered`: they have taken a request of this form before."""

    spec: ModelSpec
    has_answered: bool = False

    def raise_for(self, where: str, refused: Refused) -> NoReturn:
        """Raise what a refusal from `where` (a base URL) means: TransientError, FinalError or UserError."""
        status, content = refused.status, refused.content
        message = parse_error_body(content)
        if is_quota_used_up(status, json_or_none(content), message, refused.retry_after):
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
            to = _place_of(refused.location)
            raise UserError(f"{where} sends requests elsewhere (status {status}{to})", remedy=PROXY_REMEDY)
        if status == 200:
            raise TransientError("error_in_body", f"an error with status 200: {message[:900]}", status)
        if status in _RETRIED or status >= 500:
            after_s = retry_after_s(refused.retry_after)
            raise TransientError(f"status_{status}", message[:1000], status, after_s)
        self._raise_for_form(where, refused, message)
        if status == 404 and not self.spec.is_started and _NO_MODEL.search(message):
            raise UserError(
                f"{where} does not have what is asked for (status 404): {message[:300]}",
                remedy=f"check `path` and `base_url` of the model {self.spec.name!r} (most URLs end in /v1)",
            )
        raise FinalError("bad_request", message[:1000], status)

    def _raise_for_form(self, where: str, refused: Refused, message: str) -> None:
        """Raise if a request like this is not taken at all, whatever it asks."""
        field = refused_field(refused.status, json_or_none(refused.content), message, refused.sent)
        if field == "stream_options" and field not in self.spec.extra_body:
            raise AskOtherwiseError("no_stream_options", message)
        if refused.sent.get("stream") is False and wants_stream(refused.status, message):
            if self.spec.stream is None and "stream" not in self.spec.extra_body:
                raise AskOtherwiseError("stream", message)
            raise UserError(
                f"{where} only sends replies in pieces (status {refused.status}): {message[:300]}",
                remedy=f"set `stream: true` of the model {self.spec.name!r}, or leave `stream` out",
            )
        if field is None:
            return
        remedy = self._remedy_for(field, message)
        if self.has_answered:  # then the field is known there, and something about this request is not
            raise FinalError("bad_request", f"{message[:700]} ({remedy})", refused.status)
        raise UserError(
            f"{where} does not take the field `{field}` of requests (status {refused.status}): {message[:300]}",
            remedy=remedy,
        )

    def _remedy_for(self, field: str, message: str) -> str:
        model = f"of the model {self.spec.name!r} under `models:` in config"
        if field in self.spec.extra_body:
            return f"take `{field}` out of `extra_body` {model}"
        original = next((name for name, other in self.spec.rename.items() if other == field), field)
        if original != field:
            return f"take `{original}` out of `rename` {model}"
        if field == "max_tokens" and "max_completion_tokens" in message:
            return f"write `rename: {{max_tokens: max_completion_tokens}}` {model}"
        return f"write `omit: [{', '.join([*self.spec.omit, field])}]` {model}"

    def raise_for_page(self, where: str, content: bytes) -> NoReturn:
        """Raise UserError for a web page in place of a reply."""
        shown = " ".join(content[:400].decode("utf-8", "replace").split())
        raise UserError(
            f"{where} answers with a web page instead of a reply (status 200): {shown[:300]}", remedy=PROXY_REMEDY
        )


def _place_of(location: str | None) -> str:
    """Where a redirection leads, without the user, password, query and fragment, which may hold what is secret."""
    try:
        parts = urlsplit(location or "")
        parts.port  # noqa: B018 - raises ValueError for what is none
    except ValueError:
        return ""
    shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    # An `@` that is left may stand behind a password in an address that is no good one.
    return f", to {shown[:200]}" if shown and shown.isprintable() and "@" not in shown else ""


def retry_after_s(header: str | None) -> float | None:
    """`Retry-After` in seconds; it is a number of seconds or a date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    try:
        return max(0.0, float(header)) if header.strip().replace(".", "", 1).isdigit() else _until(header)
    except (ValueError, OverflowError):  # no date, or none that there can be
        return None


def _until(date: str) -> float:
    from email.utils import parsedate_to_datetime  # few hosts tell a date, and most jobs ask none

    moment = parsedate_to_datetime(date)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds: float = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds)
