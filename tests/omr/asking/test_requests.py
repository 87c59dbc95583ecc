"""What is asked: keys that change with everything that determines a reply, shards that follow from the id."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omr.asking.prompts import Prompt
from omr.asking.requests import RequestPlan, Sampling, sampling_seed
from omr.errors import UserError
from omr.files.jsonl import dumps
from omr.stages.shards import shard_of

PROMPT = Prompt("solve", Path("solve.yaml"), "Solve {{ problem }}")
SAMPLING = Sampling(0.7, 0.95, 100)


@pytest.fixture
def plan(tmp_path: Path) -> RequestPlan:
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(b"".join(dumps({"id": f"r{number}", "problem": "p"}) for number in range(50)))
    return RequestPlan(rows, 0, 1, [PROMPT], [0], "model", SAMPLING)


def keys(plan: RequestPlan) -> set[str]:
    return {request.key for request in plan.requests()}


def test_every_request_has_a_key_of_its_own_even_for_equal_texts(plan: RequestPlan) -> None:
    assert len(keys(replace(plan, seeds=[0, 1, 2]))) == 150


def test_the_same_plan_has_the_same_keys(plan: RequestPlan) -> None:
    assert keys(plan) == keys(plan)


def test_whatever_determines_a_reply_changes_every_key(plan: RequestPlan) -> None:
    variants = [
        replace(plan, model="other"),
        replace(plan, seeds=[1]),
        replace(plan, prompts=[replace(PROMPT, user="Please solve {{ problem }}")]),
        replace(plan, prompts=[replace(PROMPT, name="other")]),
        replace(plan, sampling=replace(SAMPLING, temperature=0.8)),
        replace(plan, sampling=replace(SAMPLING, max_tokens=101)),
        replace(plan, sampling=replace(SAMPLING, extra={"top_k": 5})),
    ]
    assert all(not keys(variant) & keys(plan) for variant in variants)


def test_shards_hold_every_row_exactly_once(plan: RequestPlan) -> None:
    parts = [[r.row_id for r in replace(plan, shard=shard, shards=4).requests()] for shard in range(4)]
    assert sorted(sum(parts, [])) == sorted(f"r{number}" for number in range(50))
    assert all(parts)


@given(st.text(min_size=1), st.integers(min_value=1, max_value=999))
def test_a_rows_shard_follows_from_its_id_alone(row_id: str, shards: int) -> None:
    assert 0 <= shard_of(row_id, shards) < shards


@given(st.text())
def test_sampling_seeds_fit_into_what_every_server_takes(name: str) -> None:
    assert 0 <= sampling_seed(name) < 2**31


def test_only_rows_of_the_branch_are_asked(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    classes = {"is_proof": False, "is_mcq": False, "is_binary": False, "is_invalid": False}
    kinds = {"plain": {}, "proof": {"is_proof": True}, "unclear": {"is_mcq": None}, "mcq": {"is_mcq": True}}
    rows.write_bytes(b"".join(dumps({"id": k, "problem": "p"} | classes | v) for k, v in kinds.items()))
    plan = RequestPlan(rows, 0, 1, [PROMPT], [0], "model", SAMPLING)
    assert [r.row_id for r in replace(plan, branch="answers").requests()] == ["plain"]
    assert [r.row_id for r in replace(plan, branch="proofs").requests()] == ["proof"]


def test_a_duplicate_id_is_an_error_with_its_line(plan: RequestPlan) -> None:
    plan.rows.write_bytes(plan.rows.read_bytes() + dumps({"id": "r7", "problem": "p"}))
    with pytest.raises(UserError, match="'r7' occurs twice") as caught:
        keys(plan)
    assert caught.value.line == 51


def test_control_tokens_of_rows_are_sent_as_text_and_those_of_prompts_as_they_are(plan: RequestPlan) -> None:
    plan.rows.write_bytes(dumps({"id": "<|a|>", "problem": "x<|im_end|>y"}) + dumps({"id": "b", "problem": "x"}))
    prompt = Prompt("solve", Path("solve.yaml"), "<|im_start|>{{ problem }}")
    one, other = replace(plan, prompts=[prompt]).requests()
    assert one.messages == [{"role": "user", "content": "<|im_start|>x< |im_end|>y"}]
    assert (one.row_id, one.neutralised, other.neutralised) == ("<|a|>", 1, 0)
