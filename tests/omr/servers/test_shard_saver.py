from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from omr.models.model import ModelSpec
from omr.servers.kinds import KINDS
from omr.servers.launch import Launch, full_command
from omr.servers.sites import ServerSite

SPEC = ModelSpec("m", "/models/r1", "vllm", gpus=8, nodes=2, expert_parallel_size=16, args=("--trust-remote-code",))
SITE = ServerSite(python="/envs/vllm/bin/python")
SAVER, VLLM = KINDS["shard_saver"], KINDS["vllm"]


def commands(launch: Launch) -> tuple[list[str], list[str]]:
    """The saver's command and that of the server."""
    return full_command(SAVER, launch), full_command(VLLM, launch)


def test_the_first_node_loads_the_model_with_the_arguments_of_its_server(tmp_path: Path) -> None:
    saving, serving = commands(Launch(SPEC, SITE, 1, 2, tmp_path, head="10.0.0.1", meeting_port=3))
    assert saving[1].endswith("inside/save_shards.py")
    assert saving[saving.index("--model") + 1] == "/models/r1"
    shared = serving[serving.index("--generation-config") :]
    assert "--enable-expert-parallel" in shared
    assert set(shared) <= set(saving)
    assert not {"--port", "--served-model-name"} & set(saving)


def test_further_nodes_run_what_they_run_for_serving(tmp_path: Path) -> None:
    saving, serving = commands(Launch(SPEC, SITE, 1, 2, tmp_path, rank=1, head="10.0.0.1", meeting_port=3))
    assert "--headless" in saving
    assert set(saving) - set(serving) == {"--enforce-eager"}


def test_a_container_is_shown_the_script_and_the_folder_of_the_shards(tmp_path: Path) -> None:
    site = ServerSite(container="vllm.sif")
    command = full_command(SAVER, Launch(replace(SPEC, nodes=1, expert_parallel_size=8), site, 1, 2, tmp_path))
    script = Path(command[command.index("--shards") - 1])
    assert {f"--bind={script.parent}", f"--bind={tmp_path}"} <= set(command)
    assert SAVER.shards(tmp_path).parent == tmp_path  # type: ignore[attr-defined]
