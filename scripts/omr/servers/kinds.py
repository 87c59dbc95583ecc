"""The servers that a job can start, by the names that config knows, and what else runs as they do."""

from __future__ import annotations

from omr.servers.launch import ServerKind
from omr.servers.replay import Replay
from omr.servers.sglang import Sglang
from omr.servers.shard_saver import ShardSaver
from omr.servers.trtllm import Trtllm
from omr.servers.vllm import Vllm

KINDS: dict[str, ServerKind] = {kind.name: kind for kind in (Vllm(), Sglang(), Trtllm(), Replay(), ShardSaver())}
