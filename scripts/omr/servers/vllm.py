"""vLLM (0.32): `/health` answers 200 only when the engine is up, 503 when it died; the API process then exits.

Killed with SIGKILL its API process leaves the engine processes behind, which is why the whole session is killed. On
SIGTERM it answers requests in flight with status 200, half a text and finish_reason `abort`.
"""

from __future__ import annotations

import os

from omr.errors import UserError
from omr.servers.launch import Launch, ServerKind, parallel_sizes
from omr.servers.load import LoadMetrics


class Vllm(ServerKind):
    name = "vllm"
    address_variables = ("VLLM_HOST_IP",)
    reuse_arguments = ("--enable-prompt-tokens-details",)
    load_metrics = LoadMetrics(
        running="vllm:num_requests_running",
        waiting="vllm:num_requests_waiting",
        cache_used="vllm:kv_cache_usage_perc",
        preempted="vllm:num_preemptions_total",
        prompt_tokens="vllm:prompt_tokens_total",
        completion_tokens="vllm:generation_tokens_total",
    )

    def command(self, launch: Launch) -> list[str]:
        command = [*self._program(launch), "--served-model-name", self.served_name(launch.spec)]
        if launch.rank == 0:
            command += ["--host", launch.host, "--port", str(launch.port)]
            command += ["--enable-request-id-headers", "--disable-uvicorn-access-log"]
        return command + engine_arguments(launch) + (["--headless"] if launch.rank else [])

    def _program(self, launch: Launch) -> list[str]:
        """The API server's module runs wherever vLLM is importable; only the command line proper knows about headless
        nodes and several data parallel engines."""
        spec, python = launch.spec, [launch.site.interpreter, "-m"]
        if spec.nodes == 1 and spec.data_parallel_size == 1:
            return [*python, "vllm.entrypoints.openai.api_server", "--model", spec.path]
        if spec.nodes > 1 and spec.data_parallel_size > 1:
            raise UserError(
                f"the model {spec.name!r}: data parallel vLLM over several nodes is not offered",
                remedy="use tensor and pipeline parallel sizes over the nodes, or one node per job and more shards",
            )
        return [*python, "vllm.entrypoints.cli.main", "serve", spec.path]

    def environment(self, launch: Launch) -> dict[str, str]:
        return {
            "VLLM_PORT": str(launch.inner_port),
            "VLLM_ENGINE_READY_TIMEOUT_S": str(int(launch.spec.ready_timeout_s)),
            "VLLM_NO_USAGE_STATS": "1",
        }


def engine_arguments(launch: Launch) -> list[str]:
    """What decides how the model is loaded and spread; the same for every command of vLLM, but for a node's rank."""
    spec, sizes = launch.spec, parallel_sizes(launch.spec)
    # A model's own generation_config.json would change sampling parameters that requests leave open.
    arguments = ["--generation-config", "vllm", "--seed", "0", "--tensor-parallel-size", str(sizes.tensor)]
    if sizes.pipeline > 1:
        arguments += ["--pipeline-parallel-size", str(sizes.pipeline)]
    if sizes.data > 1:
        arguments += ["--data-parallel-size", str(sizes.data)]
    if sizes.expert > 1:
        arguments.append("--enable-expert-parallel")
    if spec.max_model_len is not None:
        arguments += ["--max-model-len", str(spec.max_model_len)]
    if spec.revision is not None and not os.path.isdir(spec.path):
        arguments += ["--revision", spec.revision]
    if spec.nodes > 1:
        arguments += ["--nnodes", str(spec.nodes), "--node-rank", str(launch.rank)]
        arguments += ["--master-addr", launch.head, "--master-port", str(launch.meeting_port)]
    return arguments
