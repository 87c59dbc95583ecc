"""What a shard of replies cost: requests, failures by kind, tokens. Read off the replies themselves."""

from __future__ import annotations

from collections import Counter
from typing import Any

from omr.replies.reply import Reply

#: No reply has more tokens; a server may say anything, and sums over all replies must fit into 64 bits.
MOST_TOKENS = 1 << 31


class Usage:
    """Totals of replies, added up as they are stored."""

    def __init__(self) -> None:
        self._failed, self._finished, self._tokens = Counter[str](), Counter[str](), Counter[str]()
        self._requests = self._without_usage = 0
        self._latency_s = 0.0
        self._code: dict[str, Any] = {}

    def add(self, reply: Reply) -> None:
        """Count one reply."""
        self._requests += 1
        if reply["error"] is not None:
            self._failed[reply["error"]["kind"]] += 1
            return
        self._finished[reply["finish_reason"]] += 1
        self._latency_s += reply["latency_s"] or 0.0
        if "steps" in reply:
            _add_code(self._code, reply)
        usage = reply["usage"]
        if usage:
            for kind, tokens in usage.items():
                if tokens <= MOST_TOKENS:  # of a journal as it was written before there was a bound
                    self._tokens[kind] += tokens
        else:
            self._without_usage += 1

    def tokens(self) -> dict[str, int]:
        """{"prompt_tokens", "completion_tokens", "without_usage"}; any thread may ask."""
        tokens = {kind: self._tokens[kind] for kind in ("prompt_tokens", "completion_tokens")}
        return tokens | {"without_usage": self._without_usage}

    def as_json(self) -> dict[str, Any]:
        """{"requests", "answered", "failed": {kind: n}, "finish_reasons": {reason: n}, "prompt_tokens",
        "completion_tokens", "without_usage" (replies whose server counted no tokens), "latency_s"}.

        Solutions that ran code add "cached_tokens" (of their prompts, as far as the server says) and "code": {"turns",
        "executions", "cpu_s", "replays_differ", "ran_on", "ended": {ending: n}, "statuses": {status: n}}.
        """
        totals = {
            "requests": self._requests,
            "answered": self._finished.total(),
            "failed": dict(sorted(self._failed.items())),
            "finish_reasons": dict(sorted(self._finished.items())),
            "prompt_tokens": self._tokens["prompt_tokens"],
            "completion_tokens": self._tokens["completion_tokens"],
            "without_usage": self._without_usage,
            "latency_s": round(self._latency_s, 3),
        }
        of_code = {"cached_tokens": self._tokens["cached_tokens"], "code": self._code}
        return totals | (of_code if self._code else {})


def _add_code(totals: dict[str, Any], reply: Reply) -> None:
    for name, stored in (("turns", "turns"), ("executions", "executions"), ("ran_on", "ran_on"),
                         ("replays_differ", "replays_differ"), ("cpu_s", "code_cpu_s")):  # fmt: skip
        totals[name] = round(totals.get(name, 0) + reply[stored], 3)
    for name, found in (("ended", [reply["ended"]]), ("statuses", [step[-1] for step in reply["steps"]])):
        counts = totals.setdefault(name, {})
        for item in found:
            counts[item] = counts.get(item, 0) + 1
