from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from omr.asking.prompts import Prompt
from omr.asking.requests import Request, RequestPlan, Sampling, sampling_seed


@pytest.fixture
def request_of(tmp_path: Path) -> tuple[RequestPlan, Request]:
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(orjson.dumps({"id": "a"}) + b"\n")
    prompt = Prompt("classify_mcq", tmp_path / "classify_mcq.yaml", "Is it?")
    plan = RequestPlan(rows, 0, 1, [prompt], [0], "m", Sampling(0.0, 1.0, 9))
    return plan, next(plan.requests())


def test_a_further_try_says_the_same_with_another_seed_key_and_temperature(
    request_of: tuple[RequestPlan, Request],
) -> None:
    plan, first = request_of
    second = plan.again(first, 0.7)
    assert (second.row_id, second.prompt, second.messages) == (first.row_id, first.prompt, first.messages)
    assert (first.temperature, second.temperature) == (None, 0.7)
    assert second.key != first.key
    assert sampling_seed(second.name) != sampling_seed(first.name)
    assert plan.again(second, 0.7).key not in (first.key, second.key)


def test_the_key_of_a_try_follows_from_its_temperature(request_of: tuple[RequestPlan, Request]) -> None:
    plan, first = request_of
    assert plan.again(first, 0.7) == plan.again(first, 0.7)
    assert plan.again(first, 0.7).key != plan.again(first, 0.8).key
