"""What a shard of replies cost: requests, failures by kind, tokens. Read off the replies themselves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from omr.files.jsonl import read_rows
from omr.replies.reply import Reply


def usage_of(replies: Path) -> dict[str, Any]:
    """Totals of a file of replies: {"requests", "answered", "failed": {kind: n}, "finish_reasons": {reason: n},
    "prompt_tokens", "completion_tokens", "without_usage" (replies whose server counted no tokens), "latency_s"}.

    Solutions that ran code add "cached_tokens" (of their prompts, as far as the server says) and "code": {"turns",
    "executions", "cpu_s", "replays_differ", "ran_on", "ended": {ending: n}, "statuses": {status: n}}.
    """
    failed, finished, tokens = Counter[str](), Counter[str](), Counter[str]()
    requests = without_usage = 0
    latency_s = 0.0
    code: dict[str, Any] = {}
    for reply in read_rows(replies, {"id": str, "prompt": str}):
        requests += 1
        if reply["error"] is not None:
            failed[reply["error"]["kind"]] += 1
            continue
        finished[reply["finish_reason"]] += 1
        latency_s += reply["latency_s"] or 0.0
        if "steps" in reply:
            _add_code(code, reply)
        if reply["usage"]:
            tokens.update(reply["usage"])
        else:
            without_usage += 1
    totals = {
        "requests": requests,
        "answered": finished.total(),
        "failed": dict(sorted(failed.items())),
        "finish_reasons": dict(sorted(finished.items())),
        "prompt_tokens": tokens["prompt_tokens"],
        "completion_tokens": tokens["completion_tokens"],
        "without_usage": without_usage,
        "latency_s": round(latency_s, 3),
    }
    return totals | ({"cached_tokens": tokens["cached_tokens"], "code": code} if code else {})


def _add_code(totals: dict[str, Any], reply: Reply) -> None:
    for name, stored in (("turns", "turns"), ("executions", "executions"), ("ran_on", "ran_on"),
                         ("replays_differ", "replays_differ"), ("cpu_s", "code_cpu_s")):  # fmt: skip
        totals[name] = round(totals.get(name, 0) + reply[stored], 3)
    for name, found in (("ended", [reply["ended"]]), ("statuses", [step[-1] for step in reply["steps"]])):
        counts = totals.setdefault(name, {})
        for item in found:
            counts[item] = counts.get(item, 0) + 1
