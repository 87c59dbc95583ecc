"""What replies cost, whatever their servers say."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from omr.asking.reading import read_reply
from omr.replies.usage import MOST_TOKENS, Usage


def reply(**usage: Any) -> dict[str, Any]:
    return {"error": None, "finish_reason": "stop", "latency_s": 1.0, "usage": usage}


@pytest.mark.parametrize("count", [10**30, 2**63, 2**53, MOST_TOKENS + 1, -1, 1.5, "9", True])
def test_a_number_that_no_reply_has_is_no_number_of_tokens(count: Any) -> None:
    choice = {"message": {"content": "4"}, "finish_reason": "stop"}
    told = read_reply({"choices": [choice], "usage": {"prompt_tokens": count, "completion_tokens": 2}})
    assert told.usage == {"completion_tokens": 2}


def test_sums_of_the_largest_numbers_can_be_stored() -> None:
    usage = Usage()
    for _ in range(5000):
        usage.add(reply(prompt_tokens=MOST_TOKENS, completion_tokens=MOST_TOKENS))
    assert orjson.loads(orjson.dumps(usage.as_json()))["prompt_tokens"] == 5000 * MOST_TOKENS


def test_a_number_in_a_journal_that_no_reply_has_is_not_added() -> None:
    usage = Usage()
    for _ in range(2000):
        usage.add(reply(prompt_tokens=2**53, completion_tokens=3))
    assert orjson.loads(orjson.dumps(usage.as_json() | usage.tokens()))["prompt_tokens"] == 0
    assert usage.tokens()["completion_tokens"] == 6000
