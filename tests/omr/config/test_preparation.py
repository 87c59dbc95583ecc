"""What a model needs before it is served: files, by its `prepare`, and an environment, by its server and site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from omr.config.preparation import conda_env, download_manifest, hub_id, hub_slug, model_input, served_manifest
from omr.models.model import ModelSpec

RULES = Path(__file__).parents[3] / "rules"
CONFIG: dict[str, Any] = {"model_folder": "/models"}
MAIN = "/models/hub/org--name/main/manifest.json"


def spec(**fields: Any) -> ModelSpec:
    return ModelSpec(name="m", **({"path": "org/name", "server": "vllm"} | fields))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, [MAIN]),
        ({"revision": "c0ffee"}, ["/models/hub/org--name/c0ffee/manifest.json"]),
        ({"prepare": "sharded_state"}, ["/models/sharded/m/manifest.json"]),
        ({"prepare": "none"}, []),
        ({"path": "/scratch/model"}, []),
        ({"path": "/scratch/model", "prepare": "sharded_state"}, ["/models/sharded/m/manifest.json"]),
        ({"server": "endpoint", "base_url": "http://h/v1"}, []),
        ({"server": "replay", "replies": "r"}, []),
    ],
)
def test_generation_depends_on_what_is_served(fields: dict[str, Any], wanted: list[str]) -> None:
    assert served_manifest(CONFIG, spec(**fields)) == wanted


def recorded(found: list[str]) -> list[str]:
    """What Snakemake remembers of inputs."""
    return [path.flags["sourcecache_entry"] for path in found]  # type: ignore[attr-defined]


def test_jobs_wait_for_a_manifest_and_remember_the_model_wherever_it_lies(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        config = {"model_folder": str(tmp_path / folder)}
        (manifest,) = served_manifest(config, spec())
        before = model_input(config, spec())
        assert (before, recorded(before)) == ([manifest], ["the model org/name"])
        Path(manifest).parent.mkdir(parents=True)
        Path(manifest).write_text("{}")
        (after,) = model_input(config, spec())
        assert (after, recorded([after])) == ("config/config.yaml", ["the model org/name"])
        assert after.flags["ancient"]  # type: ignore[attr-defined]
    assert recorded(model_input(config, spec(prepare="none"))) == ["the model org/name"]
    assert recorded(model_input(config, spec(revision="c0ffee"))) == ["the model org/name@c0ffee"]
    assert model_input(config, spec(server="endpoint", base_url="http://h/v1")) == []


def test_a_checkpoint_in_shards_is_waited_for_until_it_is_cut_for_the_models_sizes(tmp_path: Path) -> None:
    config, model = {"model_folder": str(tmp_path)}, spec(prepare="sharded_state", gpus=8)
    manifest = tmp_path / "sharded/m/manifest.json"
    manifest.parent.mkdir(parents=True)
    sizes = {"tensor_parallel_size": 4, "pipeline_parallel_size": 1, "expert_parallel_size": 1}
    manifest.write_text(json.dumps(sizes))
    assert model_input(config, model) == [str(manifest)]
    manifest.write_text(json.dumps(sizes | {"tensor_parallel_size": 8}))
    assert model_input(config, model) == ["config/config.yaml"]


def test_models_that_share_a_checkpoint_share_its_download() -> None:
    assert download_manifest(CONFIG, spec(server="sglang")) == download_manifest(CONFIG, spec()) == [MAIN]


@pytest.mark.parametrize("name", ["org/name", "name", "refs/pr/3", "c0ffee"])
def test_a_hub_name_survives_as_a_file_name(name: str) -> None:
    assert "/" not in hub_slug(name)
    assert hub_id(hub_slug(name)) == name


@pytest.mark.parametrize(
    ("server", "site", "env"),
    [
        ("vllm", {}, "vllm"),
        ("sglang", {}, "sglang"),
        ("trtllm", {}, "trtllm"),
        ("vllm", {"cache_dir": "/local"}, "vllm"),
        ("vllm", {"python": "/opt/vllm/bin/python"}, "workflow"),
        ("vllm", {"container": "vllm.sif"}, "workflow"),
        ("vllm", {"modules": ["vllm"]}, "workflow"),
        ("vllm", {"prefix": ["nice"]}, "workflow"),
        ("endpoint", {}, "workflow"),
        ("replay", {}, "workflow"),
    ],
)
def test_a_job_gets_its_servers_environment_unless_the_site_has_the_server(
    server: str, site: dict[str, Any], env: str
) -> None:
    path = conda_env({"servers": {server: site}}, spec(server=server))
    assert path == f"../envs/{env}.yaml"
    assert (RULES / path).is_file()
