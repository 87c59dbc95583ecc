"""Models as config describes them: what is served, by which server, and how it is asked.

The keys of an entry of `models:` in config are the fields of `ModelSpec`; their defaults are here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from omr.errors import UserError
from omr.models.request_fields import as_sent, determining, fields_fault
from omr.models.slurm_options import slurm_options

#: Servers of model checkpoints; those of replies that people authored, within the job and as a process; all that a job
#: starts; those that are there already, asked request by request or by files of requests; all.
CHECKPOINT_SERVERS = ("vllm", "sglang", "trtllm")
AUTHORED_SERVERS = ("authored", "replay")
STARTED_SERVERS = (*CHECKPOINT_SERVERS, *AUTHORED_SERVERS)
HOSTED = ("endpoint", "batch")
SERVERS = (*STARTED_SERVERS, *HOSTED)
#: What is done to a checkpoint before it is served: fetched from the hub; fetched, then saved with one file per GPU; or
#: nothing, and the server is given `path` as it stands (a hub id is then looked up in the hub library's cache).
PREPARATIONS = ("download", "sharded_state", "none")


@dataclass(frozen=True)
class ModelSpec:
    """One entry of `models:`; config/README.md explains each key to its user."""

    name: str
    path: str  # hub id, local folder, or the name that a hosted endpoint knows
    server: str  # one of SERVERS
    revision: str | None = None  # commit of the hub repository
    # -- how it is asked
    concurrency: int = 64  # requests in flight per job, at each base URL
    request_id_header: bool = True
    request_timeout_s: float = 3600.0
    retries: int = 8
    max_outage_s: float = 600.0  # an endpoint that cannot be reached for longer fails the job
    max_model_len: int | None = None  # context length in tokens, prompt and completion together
    max_input_tokens: int | None = None  # longer prompts are refused by the client
    tokenizer: str | None = None  # a tokenizer.json; only needed where prompts come near max_model_len
    chat_template: str | None = None  # file with it; default: beside the weights
    extra_body: dict[str, Any] = field(default_factory=dict)  # further fields of every request
    omit: tuple[str, ...] = ()  # fields that the host refuses
    rename: dict[str, str] = field(default_factory=dict)  # fields that it knows by another name
    stream: bool | None = None  # replies come in pieces; None: where the host sends none otherwise
    stream_idle_timeout_s: float = 600.0  # nothing in the middle of a stream for so long: it is given up
    # -- server: endpoint
    base_url: str | tuple[str, ...] | None = None  # one, or several among which requests are spread
    api_key_env: str | None = None  # the NAME of the variable that holds the key
    # -- server: batch
    completion_window: str = "24h"  # as the host's API calls it
    batch_requests: int = 50_000  # most requests of one file
    batch_mb: int = 200  # most megabytes of one file
    batch_poll_s: float = 60.0  # so often a batch is looked at
    batch_price: float = 0.5  # share of the price of tokens
    # -- servers of authored replies
    replies: str | None = None  # folder of authored replies
    # -- servers that a job starts
    prepare: str = "download"  # one of PREPARATIONS
    gpus: int = 0  # per node
    gpu_model: str | None = None  # as Slurm calls it, e.g. h100
    nodes: int = 1
    cpus_per_gpu: int = 8
    mem_gb_per_gpu: int = 60  # main memory, not the GPU's
    runtime_min: int = 720  # of one job; what it does not finish, the next attempt continues
    tensor_parallel_size: int | None = None  # default: gpus x nodes / the other sizes
    pipeline_parallel_size: int = 1
    expert_parallel_size: int = 1
    data_parallel_size: int = 1
    args: tuple[str, ...] = ()  # passed through to the server's command line
    server_config: dict[str, Any] = field(default_factory=dict)  # trtllm: content of its --config file
    environment: dict[str, str] = field(default_factory=dict)  # variables of the server's process
    ready_timeout_s: float = 3600.0
    stall_timeout_s: float = 1800.0  # no reply for so long while requests wait: the server hangs
    restarts: int = 2
    slurm: Mapping[str, Any] = field(default_factory=dict)  # what its jobs ask of Slurm besides, see slurm_options.py
    # -- what it costs (for `snakemake estimate`)
    tokens_per_second: float | None = None  # completion tokens a second of one server
    start_min: float | None = None  # minutes until a server of it is ready
    usd_per_million_prompt_tokens: float | None = None
    usd_per_million_completion_tokens: float | None = None
    usd_per_gpu_hour: float | None = None

    @property
    def is_started(self) -> bool:
        """Whether the job that uses the model starts the server itself."""
        return self.server in STARTED_SERVERS

    @property
    def is_authored(self) -> bool:
        """Whether its replies were written by people: no model runs."""
        return self.server in AUTHORED_SERVERS

    @property
    def is_local(self) -> bool:
        """Whether `path` is a folder of this machine and not a hub id."""
        return is_local_path(self.path)

    @property
    def served_name(self) -> str:
        """The model's name in requests."""
        return self.path if self.server in HOSTED else self.name

    @property
    def identity(self) -> str:
        """Whose replies they are: path and revision, not where or how it is served."""
        return self.path if self.revision is None else f"{self.path}@{self.revision}"

    @property
    def base_urls(self) -> tuple[str, ...]:
        """Where it is asked, without slashes at their ends; empty for servers that a job starts."""
        given = (self.base_url,) if isinstance(self.base_url, str) else self.base_url or ()
        return tuple(url.rstrip("/") for url in given)

    @property
    def in_flight(self) -> int:
        """Requests in flight of one job, over all base URLs."""
        return self.concurrency * max(1, len(self.base_urls))

    @property
    def fingerprint(self) -> str:
        """What determines the replies beside prompt and sampling: the identity, what every request says further, and
        what it leaves out."""
        extra = f" {json.dumps(self.extra_body, sort_keys=True)}" if self.extra_body else ""
        absent = determining(self.omit)
        return f"{self.identity}{extra}{' without ' + ','.join(absent) if absent else ''}"

    def as_sent(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A request's fields as the model's host takes them: without what it refuses, or is null, others renamed."""
        return as_sent(body, self.omit, self.rename)


def is_local_path(path: str) -> bool:
    """Whether a model's path in config is a folder and not a hub id."""
    return path.startswith(("/", "./", "../"))


def model_spec(config: Mapping[str, Any], name: str) -> ModelSpec:
    """The entry `name` of config's `models`. Raises UserError for an unknown model or a wrong entry."""
    models = config.get("models") or {}
    if name not in models:
        known = ", ".join(sorted(models)) or "none"
        raise UserError(f"the model {name!r} is not in config (known: {known})", remedy="add it under `models:`")
    entry = dict(models[name])
    unknown = sorted(set(entry) - {item.name for item in fields(ModelSpec)})
    if unknown:
        raise UserError(f"the model {name!r} has unknown keys: {', '.join(unknown)}", remedy="see config/README.md")
    if "args" in entry:
        entry["args"] = tuple(str(arg) for arg in entry["args"])
    # What all jobs with GPUs ask; without GPUs, they are none of these.
    entry["slurm"] = dict((entry.get("gpus") and config.get("slurm")) or {}) | dict(entry.get("slurm") or {})
    slurm_options(entry["slurm"], f"`slurm` of the model {name!r}")
    entry |= {key: tuple(entry[key]) for key in ("omit", "base_url") if isinstance(entry.get(key), list)}
    spec = ModelSpec(name=name, **entry)
    fault = _fault(spec)
    if fault is not None:
        raise UserError(f"the model {name!r} {fault}", remedy="mend its entry under `models:` in config")
    return spec


def _fault(spec: ModelSpec) -> str | None:
    if spec.server not in SERVERS:
        return f"names the server {spec.server!r}; there are: {', '.join(SERVERS)}"
    if spec.server in HOSTED and not spec.base_urls:
        return "is an endpoint without `base_url`"
    if spec.server == "batch" and (len(spec.base_urls) > 1 or spec.stream or spec.gpus):
        return "is asked in batches: that takes one `base_url`, no `stream` and no `gpus`"
    if len(set(spec.base_urls)) < len(spec.base_urls):
        return "names one `base_url` twice"
    if spec.is_authored and not spec.replies:
        return "repeats authored replies, but names no folder under `replies`"
    if spec.server == "authored" and (spec.args or spec.environment):
        return "is answered by the job itself: `args` and `environment` are for `server: replay`, which starts a server"
    if spec.server_config and spec.server != "trtllm":
        return "has a `server_config`, which only trtllm takes"
    if spec.prepare not in PREPARATIONS:
        return f"has `prepare: {spec.prepare}`; there are: {', '.join(PREPARATIONS)}"
    if spec.prepare == "sharded_state" and spec.server != "vllm":
        return "has `prepare: sharded_state`, but only vllm loads what vLLM saved"
    if spec.nodes < 1 or spec.gpus < 0:
        return "needs at least one node and no negative number of GPUs"
    if spec.concurrency < 1:
        return "needs a `concurrency` of at least 1"
    return fields_fault(spec.omit, spec.rename, spec.extra_body)
