"""What a job with code needs: settings, budgets, where code runs, and what its log says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from omr.asking.code_settings import CodeSettings
from omr.asking.prompts import Prompt
from omr.asking.requests import RequestPlan, Sampling
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.full_load import FullLoad
from omr.servers.kinds import telling_reuse
from omr.turns.forms import code_of
from omr.turns.job import sandbox_settings, words_on_turns
from omr.turns.solver import TurnCounts
from turn_lab import SETTINGS

SITE: dict[str, Any] = {"python": None, "cores": 3, "memory_gb": 5, "tier": "full", "container": [], "required": True}


def changed(**changes: Any) -> CodeSettings:
    return CodeSettings.read(SETTINGS._asdict() | changes)


def test_budgets_are_spread_over_all_that_are_allowed_and_always_the_same() -> None:
    drawn = Counter(SETTINGS.executions_allowed(f"row-{number}/p/0") for number in range(4000))
    assert set(drawn) == set(range(1, 9))
    assert all(400 < times < 600 for times in drawn.values())
    assert SETTINGS.executions_allowed("row-7/p/0") == SETTINGS.executions_allowed("row-7/p/0")
    assert {changed(min_budget=8).executions_allowed(f"{n}/p/0") for n in range(50)} == {8}


def plan(tmp_path: Path, code: CodeSettings, template: str = "t", user: str = "{{ problem }}") -> RequestPlan:
    (tmp_path / "rows.jsonl").write_text('{"id":"a","problem":"x"}\n')
    prompt = Prompt("p", Path("p.yaml"), user)
    sampling = Sampling(0.7, 0.95, 100)
    return RequestPlan(tmp_path / "rows.jsonl", 0, 1, [prompt], [0, 1, 2], "m", sampling, code=code, template=template)


def test_a_reply_is_known_by_all_that_the_model_sees(tmp_path: Path) -> None:
    plans = [
        plan(tmp_path, SETTINGS),
        plan(tmp_path, SETTINGS, "u"),
        plan(tmp_path, changed(tags="fences")),
        plan(tmp_path, changed(show_budget=False)),
        plan(tmp_path, changed(output_chars=900)),
        plan(tmp_path, changed(min_budget=8)),
    ]
    keys = [{request.key for request in found.requests()} for found in plans]
    assert len(set.union(*keys)) == sum(map(len, keys))
    limits = plan(tmp_path, changed(timeout_s=60, memory_mb=100))
    assert {request.key for request in limits.requests()} == keys[0]


def test_each_sample_is_told_its_own_budget(tmp_path: Path) -> None:
    asked = list(plan(tmp_path, SETTINGS, user="{{ code_budget }} of {{ problem }}").requests())
    told = [request.messages[0]["content"] for request in asked]
    assert told == [f"{request.executions_allowed} of x" for request in asked]
    assert len(set(told)) > 1


def test_the_interpreter_is_the_sites_or_the_one_that_was_prepared(tmp_path: Path) -> None:
    prepared = tmp_path / "sandbox.json"
    prepared.write_text(json.dumps({"python": "/env/bin/python", "version": "3.12"}))
    found = sandbox_settings({"sandbox": SITE}, SETTINGS, prepared)
    assert (str(found.python), found.slots, found.memory_total_mb, found.tier) == ("/env/bin/python", 3, 5000, "full")
    assert (found.cpu_s, found.output_chars, found.memory_mb) == (10, 1000, 2048)
    own = sandbox_settings({"sandbox": SITE | {"python": "/own/python"}}, SETTINGS, prepared)
    assert str(own.python) == "/own/python"
    with pytest.raises(UserError, match="does not say where"):
        sandbox_settings({}, SETTINGS, prepared)
    with pytest.raises(UserError, match="in which environment"):
        sandbox_settings({"sandbox": SITE}, SETTINGS, None)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('{"code": "print(1)"}', "print(1)"),
        ('{"source": "print(1)\\n"}', "print(1)"),
        ('{"code": "x", "note": "y"}', "x"),
        ('"print(1)"', "print(1)"),
        ("print(1)", "print(1)"),
        ('{"code": "print(', '{"code": "print('),
        ("{}", ""),
        ('{"a": "x", "b": "y"}', ""),
        ("[1]", "[1]"),
        ("[" * 100_000, "[" * 100_000),
        ('{"code": "print(\'\\ud83d\\ude00\')"}', "print('\U0001f600')"),
        ('{"code": "print(\'\\ud800\')"}', "print('\ufffd')"),
        ('"\\udfff"', "\ufffd"),
        ('{"code": NaN}', ""),
        ('{"code": ' + "9" * 5_000 + "}", '{"code": ' + "9" * 5_000 + "}"),
    ],
)
def test_the_code_of_a_call_is_read_in_every_form_that_models_give_it(arguments: str, code: str) -> None:
    assert code_of(arguments) == code


@pytest.mark.parametrize(
    ("server", "flag"), [("vllm", "--enable-prompt-tokens-details"), ("sglang", "--enable-cache-report")]
)
def test_servers_are_told_to_say_what_they_still_knew(server: str, flag: str) -> None:
    assert telling_reuse(ModelSpec("m", "p", server, args=("--own",))).args == (flag, "--own")
    assert telling_reuse(ModelSpec("m", "p", "endpoint", args=("--own",))).args == ("--own",)


def counts(*usages: dict[str, int]) -> TurnCounts:
    found = TurnCounts()
    for usage in usages:
        found.add(0, {"prompt_tokens": 100})
        found.add(1, usage)
    return found


BUSY = FullLoad(100.0, 40_000.0, 5_000.0, 95.0)


def test_the_log_advises_on_prompts_that_are_computed_again() -> None:
    little = counts({"prompt_tokens": 1000, "cached_tokens": 200})
    assert words_on_turns(little, BUSY)[0] == "2 turns; of what later ones repeat the server still knew 20%"
    assert "lower `concurrency`, to 340 or less" in words_on_turns(little, BUSY)[1]
    much = counts({"prompt_tokens": 1000, "cached_tokens": 900})
    assert len(words_on_turns(much, BUSY)) == len(words_on_turns(little, FullLoad())) == 1
    assert words_on_turns(counts({"prompt_tokens": 1000}), BUSY) == ["2 turns"]
