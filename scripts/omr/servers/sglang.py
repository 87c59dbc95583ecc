"""SGLang (0.5): `/v1/models` answers long before `/health` does; the `/health` of further nodes means nothing.

Its first process on SIGTERM waits for all requests in flight unless told otherwise; those on other nodes ignore it.
When one of its processes dies the whole tree exits within seconds.
"""

from __future__ import annotations

import os

from omr.servers.launch import Launch, ServerKind, parallel_sizes
from omr.servers.load import LoadMetrics


class Sglang(ServerKind):
    name = "sglang"
    address_variables = ("SGLANG_HOST_IP",)
    reuse_arguments = ("--enable-cache-report",)
    # Its `generation_tokens_total` counts a request only when it has ended, as that of prompts does.
    load_metrics = LoadMetrics(
        running="sglang:num_running_reqs",
        waiting="sglang:num_queue_reqs",
        cache_used="sglang:token_usage",
        preempted="sglang:num_retracted_requests_total",
        prompt_tokens="sglang:prompt_tokens_total",
        completion_tokens='sglang:realtime_tokens_total{mode="decode"}',
    )

    def command(self, launch: Launch) -> list[str]:
        spec, sizes = launch.spec, parallel_sizes(launch.spec)
        command = [launch.site.interpreter, "-m", "sglang.launch_server", "--model-path", spec.path]
        command += ["--served-model-name", self.served_name(spec), "--host", launch.host, "--port", str(launch.port)]
        # A model's own generation_config.json would change sampling parameters that requests leave open.
        command += ["--sampling-defaults", "openai", "--random-seed", "0", "--log-level-http", "warning"]
        command += ["--enable-metrics"]
        command += ["--tp-size", str(sizes.tensor)]
        for flag, size in (("--pp-size", sizes.pipeline), ("--ep-size", sizes.expert), ("--dp-size", sizes.data)):
            if size > 1:
                command += [flag, str(size)]
        if spec.max_model_len is not None:
            command += ["--context-length", str(spec.max_model_len)]
        if spec.revision is not None and not os.path.isdir(spec.path):
            command += ["--revision", spec.revision]
        return command + _meeting(launch)

    def environment(self, launch: Launch) -> dict[str, str]:
        return {"SGL_FORCE_SHUTDOWN": "1"}


def _meeting(launch: Launch) -> list[str]:
    if launch.spec.nodes == 1:
        return ["--nccl-port", str(launch.inner_port)]
    meeting = ["--nnodes", str(launch.spec.nodes), "--node-rank", str(launch.rank)]
    head = f"[{launch.head}]" if ":" in launch.head else launch.head
    meeting += ["--dist-init-addr", f"{head}:{launch.meeting_port}"]
    # Loading from a shared disk takes nodes unequally long.
    return [*meeting, "--dist-timeout", str(int(launch.spec.ready_timeout_s))]
