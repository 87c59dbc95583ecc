"""Our command lines, variables and request fields against the sources of the servers that envs/ pins.

The wheel of TensorRT-LLM is not on the package index: its options are listed in trtllm_options.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from omr.models.model import ModelSpec
from omr.servers.dialect import dialect_of
from omr.servers.error_bodies import is_context_overflow
from omr.servers.kinds import KINDS, telling_reuse
from omr.servers.launch import Launch
from omr.servers.sites import ServerSite
from pinned_wheels import (
    SGLANG,
    VLLM,
    Option,
    misfits,
    request_fields,
    sglang_options,
    source,
    vllm_options,
    wheel,
)
from trtllm_options import trtllm_options

# In one process, so that a wheel is downloaded once.
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("wheels")]

PROTOCOL = {
    "vllm": (VLLM, "vllm/entrypoints/openai/chat_completion/protocol.py"),
    "sglang": (SGLANG, "sglang/srt/entrypoints/openai/protocol.py"),
}
#: Where a text is completed.
COMPLETIONS = {
    "vllm": (VLLM, "vllm/entrypoints/openai/completion/protocol.py"),
    "sglang": (SGLANG, "sglang/srt/entrypoints/openai/protocol.py"),
}
ONE_NODE = ModelSpec("m", "org/model", "vllm", revision="abc", gpus=8, max_model_len=32768)
SPECS = {
    "one node": ONE_NODE,
    "several engines": replace(ONE_NODE, data_parallel_size=2, pipeline_parallel_size=2),
    "two nodes": replace(ONE_NODE, nodes=2, expert_parallel_size=16),
}


def commands(server: str, spec: ModelSpec) -> list[list[str]]:
    """The command of each node."""
    site = ServerSite(python="python")
    launches = [Launch(spec, site, 1, 2, Path("/s"), rank=rank, head="h", meeting_port=3) for rank in range(spec.nodes)]
    return [KINDS[server].command(launch) for launch in launches]


def words_of(command: list[str]) -> list[str]:
    """The options of a command `python -m module ...`; vLLM's `serve` takes the model without a name."""
    return ["--model", *command[4:]] if command[3] == "serve" else command[3:]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
@pytest.mark.parametrize(("server", "known"), [("vllm", vllm_options), ("sglang", sglang_options)])
def test_a_server_knows_every_option_that_we_give_it(
    server: str, known: Callable[[], dict[str, Option]], spec: ModelSpec
) -> None:
    for command in commands(server, spec):
        assert misfits(words_of(command), known()) == []


@pytest.mark.parametrize("spec", [ONE_NODE, SPECS["two nodes"]], ids=["one node", "two nodes"])
@pytest.mark.parametrize("served", ["checkpoint", "engine"])
def test_trtllm_serve_knows_every_option_that_we_give_it(spec: ModelSpec, served: str, tmp_path: Path) -> None:
    if served == "engine":
        (tmp_path / "rank0.engine").touch()
        spec = replace(spec, path=str(tmp_path))
    spec = replace(spec, pipeline_parallel_size=2, max_input_tokens=24580, server_config={"a": 1})
    launch = Launch(spec, ServerSite(python="bin/python"), 1, 2, tmp_path)
    command = KINDS["trtllm"].command(launch)
    words = command[command.index("bin/trtllm-serve") + 2 :]
    assert misfits(words, trtllm_options()) == []
    assert ("--backend" in words) == (served == "engine")


@pytest.mark.parametrize(
    ("words", "faults"),
    [
        ("--max-modl-len 1", ["--max-modl-len is unknown", "1 belongs to no option"]),
        ("--seed --headless", ["--seed has no value"]),
        ("--enable-expert-parallel 16", ["16 belongs to no option"]),
        ("--enable-request-id-headers true", ["true belongs to no option"]),
    ],
)
def test_an_option_that_changed_would_be_noticed(words: str, faults: list[str]) -> None:
    assert misfits(words.split(), vllm_options()) == faults


def test_a_value_that_is_no_choice_would_be_noticed() -> None:
    assert misfits(["--sampling-defaults", "opnai"], sglang_options()) == [
        "--sampling-defaults takes openai, model, not opnai"
    ]


def test_the_modules_that_we_run_are_there() -> None:
    for requirement, server in ((VLLM, "vllm"), (SGLANG, "sglang")):
        files = set(wheel(requirement).namelist())
        run = {command[2] for spec in SPECS.values() for command in commands(server, spec)}
        assert {module.replace(".", "/") + ".py" for module in run} <= files


def test_the_variables_that_we_set_are_read() -> None:
    launch = Launch(ONE_NODE, ServerSite(), 1, 2, Path("/s"))
    variables = source(VLLM, "vllm/envs.py")
    for name in (*KINDS["vllm"].environment(launch), *KINDS["vllm"].address_variables, "VLLM_CACHE_ROOT"):
        assert f'"{name}"' in variables
    manager = source(SGLANG, "sglang/srt/managers/tokenizer_manager.py")
    assert all(f'"{name}"' in manager for name in KINDS["sglang"].environment(launch))
    assert '"SGLANG_HOST_IP"' in source(SGLANG, "sglang/srt/utils/network.py")


@pytest.mark.parametrize(
    ("server", "requirement", "path"),
    [("vllm", VLLM, "vllm/v1/metrics/loggers.py"), ("sglang", SGLANG, "sglang/srt/observability/metrics_collector.py")],
)
def test_the_servers_tell_their_load_under_the_names_that_we_look_for(server: str, requirement: str, path: str) -> None:
    text = source(requirement, path)
    for metric in KINDS[server].load_metrics or ():
        name, _, label = metric.partition("{")
        # The client library of Prometheus adds `_total` to the name of a counter that has it not.
        assert f'name="{name}"' in text or f'name="{name.removesuffix("_total")}"' in text
        assert label.removeprefix('mode="').removesuffix('"}') in text


@pytest.mark.parametrize("server", ["vllm", "sglang"])
def test_the_request_fields_of_the_dialects_are_the_servers_own(server: str) -> None:
    dialect, fields = dialect_of(server), request_fields(*PROTOCOL[server])
    asked = dialect.sampling_fields | {"seed", dialect.keep_stop_field, dialect.request_id_field}
    assert asked - fields == set()


@pytest.mark.parametrize("server", COMPLETIONS)
def test_a_text_is_completed_with_fields_that_the_servers_know(server: str) -> None:
    dialect, fields = dialect_of(server), request_fields(*COMPLETIONS[server], "CompletionRequest")
    asked = {"prompt", "stop", "seed", "max_tokens", "temperature", "top_p", dialect.keep_stop_field}
    assert asked - fields == set()
    # A dialect without it says that the server has none: then a template's first token must be left out.
    assert ("add_special_tokens" in fields) == (dialect.special_tokens_field is not None)
    answered = request_fields(*COMPLETIONS[server], "CompletionResponseChoice")
    assert {"text", "finish_reason", dialect.stop_field} <= answered


@pytest.mark.parametrize(("server", "known"), [("vllm", vllm_options), ("sglang", sglang_options)])
def test_a_server_can_be_told_to_say_what_it_still_knew(server: str, known: Callable[[], dict[str, Option]]) -> None:
    words = telling_reuse(replace(ONE_NODE, server=server)).args
    assert words
    assert misfits(list(words), known()) == []


@pytest.mark.parametrize(
    ("requirement", "path"),
    [(VLLM, "vllm/entrypoints/serve/engine/protocol.py"), (SGLANG, "sglang/srt/entrypoints/openai/protocol.py")],
)
def test_what_a_server_still_knew_stands_where_it_is_read(requirement: str, path: str) -> None:
    assert "prompt_tokens_details" in request_fields(requirement, path, "UsageInfo")
    named = "PromptTokenUsageInfo" if requirement == VLLM else "PromptTokensDetails"
    assert "cached_tokens" in request_fields(requirement, path, named)


def test_the_servers_still_say_in_the_same_words_that_a_prompt_is_too_long() -> None:
    for requirement, path, words in (
        (VLLM, "vllm/renderers/params.py", "This model's maximum context length is"),
        (VLLM, "vllm/v1/engine/input_processor.py", "longer than the maximum model length of"),
        (SGLANG, "sglang/srt/managers/tokenizer_manager.py", "exceeds the model's maximum context length"),
        (SGLANG, "sglang/srt/managers/tokenizer_manager.py", "model's context length ("),
    ):
        assert words in source(requirement, path)
        assert is_context_overflow(400, words)
