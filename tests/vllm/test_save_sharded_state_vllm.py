"""Sharded checkpoints on a real vLLM: saved over two nodes (both this machine), loaded by the generate command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from omr.servers.model_files import read_manifest
from server_lab import stand_in_slurm
from tiny_model import HEAD_DIM, INNER, read_weights
from vllm_lab import ROOT, VLLM_PYTHON, GenerateRun, keep_weights, needs_vllm, processes_in

pytestmark = needs_vllm


class Saved(NamedTuple):
    """What the saver made: the manifest, and for each rank the tensors of its file."""

    manifest: Path
    ranks: list[dict[str, np.ndarray]]
    environment: dict[str, str]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Saved:
    folder = tmp_path_factory.mktemp("saved")
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", "PYTHONPATH": str(keep_weights(folder / "plugin"))}
    model = {"path": str(checkpoint), "server": "vllm", "nodes": 2, "tensor_parallel_size": 2, "max_model_len": 512}
    # As for serving: an argument that only a server takes must do no harm.
    model |= {"environment": environment, "args": ["--enable-log-requests"]}
    site = {"python": str(VLLM_PYTHON), "check_gpus": False, "grace_s": 5}
    (folder / "config.yaml").write_text(json.dumps({"models": {"m": model}, "servers": {"vllm": site}}))
    command = [sys.executable, str(ROOT / "scripts" / "save_sharded_state.py"), "--config", "config.yaml", "--model"]
    command += ["m", "--folder", "out/files", "--manifest", "out/manifest.json", "--log", "save.log"]
    job = stand_in_slurm(folder / "slurm")
    done = subprocess.run(command, cwd=folder, env=job, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert processes_in(folder) == {}
    files = [folder / f"out/files/model-rank-{rank}-part-0.safetensors" for rank in range(2)]
    return Saved(folder / "out/manifest.json", [read_weights(file) for file in files], environment)


def test_each_worker_writes_its_share_of_every_tensor(saved: Saved, checkpoint: Path) -> None:
    whole = read_weights(checkpoint / "model.safetensors")
    for rank, shard in enumerate(saved.ranks):
        heads, inner = slice(rank * HEAD_DIM, (rank + 1) * HEAD_DIM), slice(rank * INNER // 2, (rank + 1) * INNER // 2)
        for layer in ("model.layers.0", "model.layers.1"):
            qkv = [whole[f"{layer}.self_attn.{name}_proj.weight"][heads] for name in "qkv"]
            up = [whole[f"{layer}.mlp.{name}_proj.weight"][inner] for name in ("gate", "up")]
            expected = {
                "self_attn.qkv_proj.weight": np.concatenate(qkv),
                "self_attn.o_proj.weight": whole[f"{layer}.self_attn.o_proj.weight"][:, heads],
                "mlp.gate_up_proj.weight": np.concatenate(up),
                "mlp.down_proj.weight": whole[f"{layer}.mlp.down_proj.weight"][:, inner],
                "input_layernorm.weight": whole[f"{layer}.input_layernorm.weight"],
            }
            for name, tensor in expected.items():
                # Saved as it is served: in bfloat16, which has eight significant bits.
                np.testing.assert_allclose(shard[f"{layer}.{name}"], tensor, rtol=2**-8)


def test_every_tensor_is_saved_whole(saved: Saved, checkpoint: Path) -> None:
    layers = sum(
        tensor.size for name, tensor in read_weights(checkpoint / "model.safetensors").items() if "proj" in name
    )
    in_shards = sum(tensor.size for shard in saved.ranks for name, tensor in shard.items() if "proj" in name)
    assert in_shards == layers


def test_the_generate_command_serves_the_shards_over_two_nodes(saved: Saved, tmp_path: Path, checkpoint: Path) -> None:
    assert read_manifest(saved.manifest).server_version == "0.32.0"
    model = {"nodes": 2, "tensor_parallel_size": 2, "environment": saved.environment}
    flags = {"model-manifest": str(saved.manifest)}
    run = GenerateRun(tmp_path, checkpoint, model, flags, environment=stand_in_slurm(tmp_path / "slurm"))
    run.ask({"r0": "Let the sum be 0.", "r1": "Let the sum be 1."})
    running = run.start()
    _, said = running.communicate()
    assert running.returncode == 0, said
    assert "load_format=sharded_state" in run.server_log
    assert {reply["id"]: reply["error"] for reply in run.replies} == {"r0": None, "r1": None}
    assert run.processes() == {}
