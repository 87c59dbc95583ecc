"""What a shard of replies cost: requests, failures by kind, tokens. Read off the replies themselves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from omr.files.jsonl import read_rows


def usage_of(replies: Path) -> dict[str, Any]:
    """Totals of a file of replies: {"requests", "answered", "failed": {kind: n}, "finish_reasons": {reason: n},
    "prompt_tokens", "completion_tokens", "without_usage" (replies whose server counted no tokens), "latency_s"}."""
    failed, finished, tokens = Counter[str](), Counter[str](), Counter[str]()
    requests = without_usage = 0
    latency_s = 0.0
    for reply in read_rows(replies, {"id": str, "prompt": str}):
        requests += 1
        if reply["error"] is not None:
            failed[reply["error"]["kind"]] += 1
            continue
        finished[reply["finish_reason"]] += 1
        latency_s += reply["latency_s"] or 0.0
        if reply["usage"]:
            tokens.update(reply["usage"])
        else:
            without_usage += 1
    return {
        "requests": requests,
        "answered": finished.total(),
        "failed": dict(sorted(failed.items())),
        "finish_reasons": dict(sorted(finished.items())),
        "prompt_tokens": tokens["prompt_tokens"],
        "completion_tokens": tokens["completion_tokens"],
        "without_usage": without_usage,
        "latency_s": round(latency_s, 3),
    }
