"""TensorRT-LLM (1.2, PyTorch backend): serves a hub checkpoint as it is; flags have underscores. It still serves an
engine that was built before, which later versions do not.

When its engine dies it stays alive and answers `/health` with 503 for ever. It knows no name for a model but the
checkpoint's. Over several nodes it wants one MPI process per GPU; on one node it starts them itself, for which it must
not take Slurm's variables for its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.launch import Launch, ServerKind, parallel_sizes
from omr.servers.sites import ServerSite


class Trtllm(ServerKind):
    name = "trtllm"

    def served_name(self, spec: ModelSpec) -> str:
        path = Path(spec.path)
        return path.name if path.is_dir() else spec.path

    def command(self, launch: Launch) -> list[str]:
        spec, sizes = launch.spec, parallel_sizes(launch.spec)
        if sizes.data > 1:
            raise UserError(
                f"the model {spec.name!r}: trtllm-serve has no data parallel size",
                remedy="set `server_config: {enable_attention_dp: true}` or use more shards",
            )
        command = [*self._starter(launch), launch.site.tool("trtllm-serve"), spec.path]
        command += ["--host", launch.host, "--port", str(launch.port), "--tp_size", str(sizes.tensor)]
        if sizes.pipeline > 1:
            command += ["--pp_size", str(sizes.pipeline)]
        if sizes.expert > 1:
            command += ["--ep_size", str(sizes.expert)]
        if spec.gpus:
            command += ["--gpus_per_node", str(spec.gpus)]
        if spec.max_model_len is not None:
            # The second is its limit for prompts, as long as prefill is not chunked.
            command += ["--max_seq_len", str(spec.max_model_len)]
            command += ["--max_num_tokens", str(spec.max_input_tokens or spec.max_model_len)]
        if spec.revision is not None and not os.path.isdir(spec.path):
            command += ["--revision", spec.revision]
        if _is_engine(spec.path):
            # It does not carry a tokenizer: the user names one among `args`.
            command += ["--backend", "tensorrt"]
        if spec.server_config:
            command += ["--config", str(_write_config(launch))]
        return command

    def _starter(self, launch: Launch) -> list[str]:
        if launch.spec.nodes > 1:
            return [launch.site.tool("trtllm-llmapi-launch")]
        return list(launch.site.mpirun)

    def tasks_per_node(self, spec: ModelSpec) -> int:
        return max(1, spec.gpus)

    def mpi(self, site: ServerSite) -> str:
        return site.mpi

    def withheld(self, spec: ModelSpec) -> tuple[str, ...]:
        return ("SLURM_", "PMI_", "PMIX_") if spec.nodes == 1 else ()


def _is_engine(path: str) -> bool:
    """Whether a folder holds an engine that an older version's trtllm-build made, and not a checkpoint."""
    return any(Path(path).glob("rank*.engine")) if os.path.isdir(path) else False


def _write_config(launch: Launch) -> Path:
    """The options that only its configuration file takes."""
    launch.scratch.mkdir(parents=True, exist_ok=True)
    path = launch.scratch / f"trtllm-{launch.rank}.yaml"
    path.write_text(yaml.safe_dump(launch.spec.server_config), encoding="utf-8")
    return path
