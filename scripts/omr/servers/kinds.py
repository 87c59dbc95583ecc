"""The servers that a job can start, by the names that config knows, and what else runs as they do."""

from __future__ import annotations

from dataclasses import replace

from omr.models.model import ModelSpec
from omr.servers.launch import ServerKind
from omr.servers.replay import Replay
from omr.servers.sglang import Sglang
from omr.servers.shard_saver import ShardSaver
from omr.servers.trtllm import Trtllm
from omr.servers.vllm import Vllm

KINDS: dict[str, ServerKind] = {kind.name: kind for kind in (Vllm(), Sglang(), Trtllm(), Replay(), ShardSaver())}


def telling_reuse(spec: ModelSpec) -> ModelSpec:
    """A model whose server is to say how much of each prompt it still knew, where it must be told to."""
    arguments = KINDS[spec.server].reuse_arguments if spec.server in KINDS else ()
    return replace(spec, args=(*arguments, *spec.args))
