"""What must be there before a model can be served: its files on disk, and the environment of its server.

    download:       {model_folder}/hub/{owner}--{name}/{revision}/manifest.json
    sharded_state:  {model_folder}/sharded/{model}/manifest.json, made from the former

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omr.models.model import CHECKPOINT_SERVERS, ModelSpec
from omr.servers.launch import parallel_sizes
from omr.servers.sites import server_site


def hub_slug(name: str) -> str:
    """A hub id as a file name: `Qwen/Qwen2.5-32B-Instruct` -> `Qwen--Qwen2.5-32B-Instruct`."""
    return name.replace("/", "--")


def hub_id(slug: str) -> str:
    """The hub id or revision that a file name stands for."""
    return slug.replace("--", "/")


def hub_folder(config: Mapping[str, Any], repo: str, revision: str | None) -> str:
    """Where a model from the hub is stored: `manifest.json`, and its files in `files/`."""
    return f"{config['model_folder']}/hub/{hub_slug(repo)}/{hub_slug(revision or 'main')}"


def download_manifest(config: Mapping[str, Any], spec: ModelSpec) -> list[str]:
    """The manifest of a model's checkpoint from the hub, as a list of inputs: empty for a local folder."""
    return [] if spec.is_local else [f"{hub_folder(config, spec.path, spec.revision)}/manifest.json"]


def served_manifest(config: Mapping[str, Any], spec: ModelSpec) -> list[str]:
    """The manifest of the files that a model's server loads, as a list of inputs: empty where nothing is prepared."""
    if spec.server not in CHECKPOINT_SERVERS or spec.prepare == "none":
        return []
    if spec.prepare == "sharded_state":
        return [f"{config['model_folder']}/sharded/{spec.name}/manifest.json"]
    return download_manifest(config, spec)


def conda_env(config: Mapping[str, Any], spec: ModelSpec) -> str:
    """The environment of a job that asks a model (`--sdm conda`), as a path from a rule file.

    It is the server's, unless there is none to start or the site has it elsewhere: then the client alone needs one.
    """
    has_own = spec.server in CHECKPOINT_SERVERS and not server_site(config, spec.server).is_elsewhere
    return f"../envs/{spec.server if has_own else 'workflow'}.yaml"


def sharding(spec: ModelSpec) -> str:
    """How a sharded checkpoint is cut: one that was cut for other sizes cannot be loaded."""
    sizes = parallel_sizes(spec)
    return f"tensor parallel {sizes.tensor}, pipeline parallel {sizes.pipeline}, expert parallel {sizes.expert}"
