"""The check of a node's GPUs, against a stand-in for nvidia-smi."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from omr.errors import UserError
from omr.servers.gpus import check_gpus
from server_lab import write_script


class Node:
    """A node whose nvidia-smi reports `gpus` GPUs, a driver, and rows of processes that compute."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.events = folder, list[str]()
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def reports(self, gpus: int, driver: str = "580.65.06", processes: str = "") -> Node:
        rows = "".join(f"{number}, GPU-{number}abc, {driver}\\n" for number in range(gpus))
        script = f"#!/bin/sh\ncase $1 in --query-gpu*) printf '{rows}';; *) printf '{processes}';; esac\n"
        write_script(self.folder / "nvidia-smi", script)
        return self

    def check(self, wanted: int, **environment: str) -> list[str]:
        check_gpus(wanted, 580, self.events.append, environment)
        return self.events


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def test_enough_idle_gpus_with_a_new_driver_pass_in_silence(node: Node) -> None:
    assert node.reports(8).check(8) == []


@pytest.mark.parametrize(("visible", "count"), [("0,1", 2), ("GPU-3abc", 1), ("", 0), ("1,99,2", 1)])
def test_only_visible_gpus_count(node: Node, visible: str, count: int) -> None:
    with pytest.raises(UserError, match=f"8 GPUs are wanted on this node, {count} are there"):
        node.reports(8).check(8, CUDA_VISIBLE_DEVICES=visible)


def test_a_part_of_a_gpu_counts_as_one(node: Node) -> None:
    assert node.reports(1).check(2, CUDA_VISIBLE_DEVICES="MIG-1f,MIG-2f") == []
    with pytest.raises(UserError, match=r"570\.1.* needs 580"):
        node.reports(1, driver="570.124.06").check(1, CUDA_VISIBLE_DEVICES="MIG-1f")


def test_an_old_driver_is_an_error_that_says_what_is_needed(node: Node) -> None:
    with pytest.raises(UserError, match=r"570\.1.* needs 580") as caught:
        node.reports(1, driver="570.124.06").check(1)
    assert "newer driver" in str(caught.value)


def test_a_gpu_that_is_in_use_is_told_but_borne(node: Node) -> None:
    processes = "GPU-0abc, 4711, 70000 MiB\\nGPU-1abc, 4712, 70000 MiB\\n"
    (event,) = node.reports(2, processes=processes).check(1, CUDA_VISIBLE_DEVICES="0")
    assert "4711" in event


def test_a_node_without_nvidia_smi_is_an_error_that_names_the_switch(node: Node) -> None:
    with pytest.raises(UserError, match="no nvidia-smi") as caught:
        node.check(1)
    assert "check_gpus: false" in str(caught.value)


def test_an_nvidia_smi_that_fails_is_quoted(node: Node) -> None:
    write_script(node.folder / "nvidia-smi", "#!/bin/sh\necho 'Unable to determine the device handle'\nexit 15\n")
    with pytest.raises(UserError, match="Unable to determine the device handle"):
        node.check(1)
