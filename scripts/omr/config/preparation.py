"""What must be there before a model can be served: its files on disk, and the environment of its server.

    download:       {model_folder}/hub/{owner}--{name}/{revision}/manifest.json
    sharded_state:  {model_folder}/sharded/{model}/manifest.json, made from the former

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from omr.config.files import CONFIG_FILES
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


def model_input(config: Mapping[str, Any], spec: ModelSpec) -> list[str]:
    """Input of a rule that asks a model: what waits for its manifest where that is still to be made; see `_known_as`.
    None for a model that no server of ours loads."""
    if spec.server not in CHECKPOINT_SERVERS:
        return []
    return _known_as(f"the model {spec.identity}", served_manifest(config, spec), lambda path: _is_cut_for(spec, path))


def embedding_input(config: Mapping[str, Any], manifest: list[str]) -> list[str]:
    """The same of the rule that searches with the model of the net of embeddings."""
    net = config["decontaminate"]["embeddings"]
    return _known_as(f"the model {net['model']}@{net['revision']}", manifest, os.path.exists)


def _known_as(name: str, manifest: list[str], is_ready: Callable[[str], bool]) -> list[str]:
    """A file of which Snakemake remembers the model's name, and not its path: the manifest while it is to be made; then
    one that is always there. So neither the place of the files, nor their time, nor how they are prepared asks again.

    A manifest whose time does not count (`ancient`) would not do: where its own rule runs again, Snakemake looks at
    nothing behind it, and shards that are still missing would not be made.
    """
    from snakemake.io import ancient, sourcecache_entry  # type: ignore[import-untyped]  # takes half a second

    waits = [path for path in manifest if not is_ready(path)]
    return [sourcecache_entry(waits[0] if waits else ancient(CONFIG_FILES[0]), name)]


def _is_cut_for(spec: ModelSpec, manifest: str) -> bool:
    """Whether a manifest is there, and, of a checkpoint in shards, of those that the model's sizes need."""
    try:
        content = orjson.loads(Path(manifest).read_bytes())
    except (OSError, ValueError):
        return False
    sizes = parallel_sizes(spec)
    wanted = {"tensor": sizes.tensor, "pipeline": sizes.pipeline, "expert": sizes.expert}
    return all(content.get(f"{kind}_parallel_size", size) == size for kind, size in wanted.items())


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
