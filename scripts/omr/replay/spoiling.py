"""Faults of a body's content: what `faults.BODY_KINDS` describes, done to the right body."""

from __future__ import annotations

from typing import Any

import orjson

from omr.replay.faults import Fault

#: Stands in a body for a text that JSON cannot hold, or that is too long to build in one piece.
PLACEHOLDER = "(replaced on the wire)"


def spoil(body: dict[str, Any], fault: Fault) -> Any:
    """The body with the fault in it; kinds that leave the content alone return it as it is."""
    choice = body["choices"][0]
    if fault.kind == "null_finish":
        choice["finish_reason"] = None
    elif fault.kind == "content_filter":
        choice["finish_reason"] = "content_filter"
        _replace_content(choice, "")
    elif fault.kind == "refusal":
        _replace_content(choice, None)
        if "message" in choice:
            choice["message"]["refusal"] = fault.message
    elif fault.kind in ("non_utf8", "huge"):
        _replace_content(choice, PLACEHOLDER)
    elif fault.kind == "merge":
        return _merged(body, orjson.loads(fault.body))
    elif fault.kind == "wrong_shape":
        return _misshape(body, fault.shape)
    return body


def _merged(body: Any, more: Any) -> Any:
    """`body` with what `more` says; objects and lists are gone through item by item, all else is replaced."""
    if isinstance(body, dict) and isinstance(more, dict):
        return body | {key: _merged(body.get(key), value) for key, value in more.items()}
    if isinstance(body, list) and isinstance(more, list) and body:
        return [_merged(one, other) for one, other in zip(body, more, strict=False)] + body[len(more) :]
    return more


def _replace_content(choice: dict[str, Any], content: str | None) -> None:
    if "message" in choice:
        choice["message"]["content"] = content
    else:
        choice["text"] = content


def _misshape(body: dict[str, Any], shape: str) -> Any:
    if shape == "list":
        return [body]
    if shape == "missing":
        del body["choices"]
    elif shape == "empty":
        body["choices"] = []
    elif shape == "reason":
        body["choices"][0]["finish_reason"] = {"type": "abort"}
    else:
        body["choices"][0]["message" if "message" in body["choices"][0] else "text"] = None
    return body
