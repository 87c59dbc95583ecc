"""What a model needs before it is served: files, by its `prepare`, and an environment, by its server and site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omr.config.preparation import conda_env, download_manifest, hub_id, hub_slug, served_manifest
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
