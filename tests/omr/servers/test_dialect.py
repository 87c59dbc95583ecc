"""Which request fields each server takes."""

from __future__ import annotations

import pytest
from omr.models.model import SERVERS
from omr.servers.dialect import dialect_of


def test_every_server_that_config_can_name_has_a_dialect() -> None:
    assert {server: dialect_of(server).seed for server in SERVERS} == dict.fromkeys(SERVERS, True)


@pytest.mark.parametrize(
    ("server", "unknown"),
    [
        ("vllm", ["no_stop_trim", "rid"]),
        ("sglang", ["include_stop_str_in_output"]),
        ("trtllm", ["no_stop_trim", "rid"]),
        ("endpoint", ["include_stop_str_in_output", "no_stop_trim", "rid", "top_k"]),
    ],
)
def test_fields_that_a_server_does_not_take_are_named(server: str, unknown: list[str]) -> None:
    asked = dict.fromkeys(["seed", "top_k", "no_stop_trim", "include_stop_str_in_output", "rid", "temperature"], 1)
    assert dialect_of(server).unknown_fields(asked) == unknown
