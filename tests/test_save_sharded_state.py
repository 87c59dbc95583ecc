"""The saver of sharded checkpoints with a stand-in for vLLM; tests/vllm has the real one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import save_sharded_state
from omr.errors import UserError
from omr.models.model import model_spec
from omr.servers.model_files import ModelFiles, StoredFile, read_manifest, served_from, write_manifest
from server_lab import stand_in_slurm, write_script

HERE = Path(__file__).parent
CHECKPOINT = {
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "code/modeling.py": b"pass",
    "a.safetensors": b"a" * 1000,
    "b.safetensors": b"b" * 500,
    "model.safetensors.index.json": b"{}",
}
PATIENCE_S = 60.0


@dataclass
class Saving:
    """A folder with a checkpoint, a stand-in for vLLM, and what the command makes of them."""

    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out" / "files"

    @property
    def manifest(self) -> Path:
        return self.folder / "out" / "manifest.json"

    def arguments(self, mode: str = "", *more: str, **model: Any) -> list[str]:
        entry = {"path": str(self.folder / "checkpoint"), "server": "vllm", "args": ["--stand-in", mode]}
        site = {"python": str(self.folder / "bin/python"), "check_gpus": False, "grace_s": 0.5}
        site["cache_dir"] = str(self.folder / "caches")
        config = {"models": {"m": entry | model}, "servers": {"vllm": site}}
        (self.folder / "config.yaml").write_text(json.dumps(config))
        files = ["--folder", str(self.out), "--manifest", str(self.manifest), "--log", str(self.folder / "log")]
        return ["--config", str(self.folder / "config.yaml"), "--model", "m", *files, *more]

    def run(self, mode: str = "", *more: str, **model: Any) -> None:
        assert save_sharded_state.main(self.arguments(mode, *more, **model)) == 0

    def start(self, mode: str) -> subprocess.Popen[bytes]:
        script = HERE.parent / "scripts" / "save_sharded_state.py"
        return subprocess.Popen([sys.executable, str(script), *self.arguments(mode)], stderr=subprocess.PIPE)

    def shards_being_written(self) -> bool:
        return bool(list(self.folder.glob("out/.*/.saving/shards/*")))

    def processes(self) -> list[int]:
        """Stand-ins that run for this folder: all carry it in their environment."""
        mark = f"{self.folder}/caches/vllm".encode()
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if mark in _environment(pid)]

    def made(self) -> list[str]:
        """What lies at the output, but for the lock."""
        return sorted(path.name for path in self.out.parent.iterdir() if path.name != ".saving.lock")

    def is_without_result(self) -> bool:
        return not self.out.exists() and not self.manifest.exists()


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def saving(tmp_path: Path) -> Iterator[Saving]:
    """Whatever a test did, no process of it may be left."""
    for name, content in CHECKPOINT.items():
        path = tmp_path / "checkpoint" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    write_script(
        tmp_path / "bin/python", f'#!/bin/sh\nshift\nexec {sys.executable} {HERE / "stand_in_saver.py"} "$@"\n'
    )
    saving = Saving(tmp_path)
    yield saving
    wait_until(lambda: not saving.processes())


def test_the_folder_holds_the_shards_and_all_other_files_but_not_the_weights_they_replace(saving: Saving) -> None:
    saving.run(tensor_parallel_size=2)
    shards = {f"model-rank-{rank}-part-0.safetensors": b"a" * 1000 for rank in range(2)}
    others = {name: content for name, content in CHECKPOINT.items() if "safetensors" not in name}
    found = {str(path.relative_to(saving.out)): path.read_bytes() for path in saving.out.rglob("*") if path.is_file()}
    assert found == shards | others
    assert saving.made() == ["files", "manifest.json"]


def test_the_manifest_tells_what_was_saved_and_how_it_is_served(saving: Saving) -> None:
    saving.run(tensor_parallel_size=2)
    model = read_manifest(saving.manifest)
    assert (model.load_format, model.server_version) == ("sharded_state", "0.0.stand-in")
    assert (model.tensor_parallel_size, model.pipeline_parallel_size) == (2, 1)
    assert {file.path: file.size for file in model.files} == {
        str(path.relative_to(saving.out)): path.stat().st_size for path in saving.out.rglob("*") if path.is_file()
    }
    config = json.loads((saving.folder / "config.yaml").read_text())
    served = served_from(model_spec(config, "m"), saving.manifest)
    assert (served.path, served.args[:2]) == (str(saving.out), ("--load-format", "sharded_state"))


def test_a_downloaded_model_is_loaded_from_the_folder_of_its_manifest(saving: Saving) -> None:
    folder = saving.folder / "checkpoint"
    files = tuple(StoredFile(name, len(content), "0" * 64) for name, content in CHECKPOINT.items())
    write_manifest(saving.folder / "hub.json", ModelFiles("org/model", "main", "abc", folder, files))
    saving.run("", "--model-manifest", str(saving.folder / "hub.json"), path="org/model")
    model = read_manifest(saving.manifest)
    assert (model.repo, model.revision, model.sha) == ("org/model", "main", "abc")
    assert str(folder) in (saving.folder / "log").read_text()


def test_two_nodes_of_a_slurm_job_save_together_and_both_end(saving: Saving, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = stand_in_slurm(saving.folder / "slurm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    saving.run(nodes=2, tensor_parallel_size=2)
    assert "--nodes=2" in json.loads(Path(variables["FAKE_SRUN_WORD"]).read_text())
    assert len(read_manifest(saving.manifest).files) == 5
    assert saving.processes() == []


def test_a_saver_that_dies_leaves_no_result_and_is_quoted(saving: Saving) -> None:
    with pytest.raises(UserError, match="CUDA out of memory") as caught:
        saving.run("fail")
    assert "more GPUs" in str(caught.value.remedy)
    assert saving.made() == []


def test_a_run_that_is_told_to_stop_leaves_no_file_and_no_process(saving: Saving) -> None:
    running = saving.start("hang")
    wait_until(saving.shards_being_written)
    running.terminate()
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 2
    assert b"told to stop before all was written" in said
    assert saving.processes() == []
    assert saving.made() == []


def test_a_killed_run_leaves_no_result_and_no_process_and_the_next_begins_anew(saving: Saving) -> None:
    running = saving.start("hang")
    wait_until(saving.shards_being_written)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    wait_until(lambda: not saving.processes())
    assert saving.is_without_result()
    saving.run()
    assert saving.made() == ["files", "manifest.json"]


def test_what_a_killed_run_left_does_not_take_the_room_of_the_next(
    saving: Saving, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = saving.start("hang")
    wait_until(saving.shards_being_written)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    wait_until(lambda: not saving.processes())

    def free(path: Path) -> SimpleNamespace:
        """On a disk for one copy."""
        return SimpleNamespace(free=1500 - sum(file.stat().st_size for file in saving.folder.rglob("*rank*")))

    assert free(saving.folder).free < 1500
    monkeypatch.setattr(shutil, "disk_usage", free)
    saving.run()


def test_a_second_run_waits_for_the_first_and_takes_over_what_it_saved(saving: Saving) -> None:
    running = saving.start("hang")
    wait_until(saving.shards_being_written)
    second = saving.start("hang")
    wait_until(lambda: "waiting for the lock" in (saving.folder / "log").read_text())
    # The first saver is let go: its stand-in hangs before it writes its word.
    (word,) = (Path(path.parent, "saved.json") for path in saving.folder.glob("out/.*/.saving/shards"))
    word.write_text(json.dumps({"server_version": "0.0.stand-in"}))
    assert running.wait(PATIENCE_S) == 0
    manifest = saving.manifest.read_bytes()
    assert second.wait(PATIENCE_S) == 0
    assert "another run has just saved it" in (saving.folder / "log").read_text()
    assert saving.manifest.read_bytes() == manifest
    assert saving.processes() == []


def test_an_earlier_result_is_gone_when_it_was_to_be_replaced(saving: Saving) -> None:
    saving.run()
    with pytest.raises(UserError):
        saving.run("fail")
    assert saving.is_without_result()


def test_shards_that_a_node_wrote_elsewhere_are_missed(saving: Saving) -> None:
    with pytest.raises(UserError, match="the files of 1 of 2 workers are there"):
        saving.run("short", tensor_parallel_size=2)
    assert saving.is_without_result()


def test_too_little_room_is_noticed_before_anything_starts(saving: Saving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1499))
    with pytest.raises(UserError, match=r"the shards take .* GB, but only .* GB are free"):
        saving.run()
    assert not (saving.folder / "log").exists() or "starting" not in (saving.folder / "log").read_text()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1500))
    saving.run()


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ({"server": "sglang"}, "only vLLM loads what vLLM saved"),
        ({"data_parallel_size": 2}, "data parallel size"),
        ({"path": "org/model"}, "is not there: org/model"),
    ],
)
def test_what_cannot_be_saved_so_is_refused_and_an_earlier_result_kept(
    saving: Saving, model: dict[str, Any], what: str
) -> None:
    saving.run()
    with pytest.raises(UserError, match=what):
        saving.run(**model)
    assert saving.manifest.exists()
