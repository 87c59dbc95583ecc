"""A request as it is sent: where it goes, and all of its fields."""

from __future__ import annotations

from typing import Any, NamedTuple

from omr.asking.hosts import Home
from omr.asking.requests import Sampling, sampling_seed
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.dialect import RequestDialect, dialect_of

#: Routes below `/v1`.
CHAT, COMPLETIONS = "/chat/completions", "/completions"


class Question(NamedTuple):
    """A request as it is sent: its name behind the stage's, its route, what is asked, and the tokens that it may have.

    `fields` are `messages` or a `prompt`, with what belongs to them; `temperature` is the stage's, if it is None;
    questions with one `home` go to one server as long as it lives, which may still know what they have in common.
    """

    name: str
    fields: dict[str, Any]
    max_tokens: int
    route: str = CHAT
    temperature: float | None = None
    home: Home | None = None


class Bodies:
    """Makes the bodies of requests to a model.

    `streams`: replies are asked for in pieces; `counts`: with the numbers of their tokens. Both may change when it is
    seen what the server takes. Raises UserError for sampling parameters that the server does not take.
    """

    def __init__(self, spec: ModelSpec, sampling: Sampling) -> None:
        self._spec, self._sampling = spec, sampling
        self._dialect: RequestDialect = dialect_of(spec.server)
        self.streams = bool(spec.stream)
        self.counts = "stream_options" not in spec.omit
        self._is_plain = not (spec.omit or spec.rename or spec.extra_body or sampling.extra)
        unknown = [name for name in self._dialect.unknown_fields(sampling.extra) if name not in spec.omit]
        if unknown:
            raise UserError(
                f"the server {spec.server!r} does not take the sampling parameters {', '.join(unknown)}",
                remedy="remove them from `sampling`, or write `omit` or, if you know that it does, `extra_body` of the "
                "model",
            )

    def body(self, question: Question, model: str | None = None) -> dict[str, Any]:
        """The fields of a request, to a server that knows the model as `model` (default: as config says)."""
        spec, sampling = self._spec, self._sampling
        body: dict[str, Any] = {
            "model": model or spec.served_name,
            **question.fields,
            "temperature": sampling.temperature if question.temperature is None else question.temperature,
            "top_p": sampling.top_p,
            "max_tokens": question.max_tokens,
            "stream": self.streams,
        }
        if self._dialect.seed:
            body["seed"] = sampling_seed(question.name)
        if self.streams and self.counts:
            body["stream_options"] = {"include_usage": True}
        # What config sets to null is not to be sent: some servers refuse fields that others need.
        return body if self._is_plain else spec.as_sent(body | sampling.extra | spec.extra_body)
