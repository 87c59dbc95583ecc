"""The rows that replies are stored as (see omr/replies/reply.py)."""

from __future__ import annotations

from typing import Any

from omr.asking.outcomes import FinalError
from omr.asking.reading import Told
from omr.asking.requests import Request
from omr.models.model import ModelSpec
from omr.replies.reply import Reply


def failed(request: Request, spec: ModelSpec, error: FinalError) -> Reply:
    """The reply that stands for a request which failed for good."""
    shown = {"kind": error.kind, "status": error.status, "message": error.message[:1000]}
    return stored(request, spec, error=shown)


def answered(request: Request, spec: ModelSpec, told: Told, latency_s: float | None) -> Reply:
    """The reply that a server has told, after so many seconds; None where it has no meaning."""
    text, reasoning, finish_reason, usage, stated_model = told
    return stored(
        request,
        spec,
        text=text,
        reasoning=reasoning,
        finish_reason=finish_reason,
        usage=usage,
        stated_model=stated_model,
        latency_s=latency_s,
    )


def stored(request: Request, spec: ModelSpec, **fields: Any) -> Reply:
    """The row of a reply with these fields; the others are null."""
    row: Reply = {
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
    if request.neutralised:
        row["neutralised"] = request.neutralised
    row.update(fields)
    return row
