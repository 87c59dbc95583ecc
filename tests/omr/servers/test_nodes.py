"""Servers over several nodes, with stand-ins for Slurm's commands that keep all nodes on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any, Self

import pytest
from omr.errors import UserError
from omr.servers.died import ServerDied
from omr.servers.node import numeric, own_address
from omr.servers.server import ModelServer
from server_lab import PATIENCE_S, SCONTROL, Lab, ready_job, stand_in_slurm, write_script


@pytest.fixture
def slurm(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Slurm job with the nodes n1 and n2; the file with srun's arguments."""
    variables = stand_in_slurm(lab.folder / "slurm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Path(variables["FAKE_SRUN_WORD"])


async def started(server: ModelServer) -> None:
    async with server:
        assert server.base_url.startswith("http://127.0.0.1:")


def option(process: dict[str, Any], name: str) -> str:
    words: list[str] = process["argv"]
    return words[words.index(name) + 1]


def test_one_process_per_node_is_started_and_all_meet_at_the_first(lab: Lab, slurm: Path) -> None:
    asyncio.run(started(lab.server(nodes=2)))
    head, other = sorted(lab.processes(), key=lambda process: option(process, "--node-rank"))
    assert option(head, "--host") == "127.0.0.1"
    assert "--headless" not in head["argv"]
    assert "--headless" in other["argv"]
    assert option(head, "--master-addr") == option(other, "--master-addr") == "127.0.0.1"
    assert option(head, "--master-port") == option(other, "--master-port")
    assert head["environment"]["VLLM_HOST_IP"] == "127.0.0.1"
    assert lab.family() == []


def test_srun_gets_the_whole_allocation_and_ends_all_nodes_when_one_dies(lab: Lab, slurm: Path) -> None:
    asyncio.run(started(lab.server(nodes=2, gpus=8)))
    arguments = json.loads(slurm.read_text())
    wanted = {"--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--gpus-per-node=8", "--kill-on-bad-exit=1"}
    assert set(arguments) >= wanted


def test_nothing_of_any_node_survives_a_killed_job(lab: Lab, slurm: Path) -> None:
    with ready_job(lab, "family,ignore-term", nodes=2) as job:
        assert len(lab.processes()) == 2
        job.send_signal(signal.SIGKILL)
        job.wait(PATIENCE_S)
        assert lab.wait_until_gone() == []


def test_a_node_that_dies_takes_the_others_along(lab: Lab, slurm: Path) -> None:
    async def whole() -> None:
        async with lab.server("family", nodes=2) as server:
            other = next(process for process in lab.processes() if "--headless" in process["argv"])
            os.kill(other["pid"], signal.SIGKILL)
            assert "signal SIGKILL" in str(await server.wait_dead())
            assert lab.family() == []

    asyncio.run(whole())


def test_a_step_that_outlived_its_srun_is_cancelled(lab: Lab, slurm: Path) -> None:
    commands, cancelled = slurm.parent, lab.folder / "cancelled"
    steps = f"17.batch batch\n17.3 model-server-{os.getpid()}\n17.2 model-server-1"
    write_script(commands / "squeue", f"#!/bin/sh\ncase $2 in --steps) echo '{steps}';; *) echo 'n[1-2]';; esac\n")
    write_script(commands / "scancel", f'#!/bin/sh\necho "$@" > {cancelled}\n')
    asyncio.run(started(lab.server(nodes=2)))
    assert cancelled.read_text() == "--signal=KILL 17.3\n"


def test_another_number_of_nodes_than_the_model_needs_is_an_error(lab: Lab, slurm: Path) -> None:
    with pytest.raises(UserError, match=r"needs 3 nodes, but job 17 has 2 \(n\[1-2\]\)"):
        asyncio.run(started(lab.server(nodes=3)))


def test_a_restart_needs_no_controller(lab: Lab, slurm: Path) -> None:
    async def whole() -> None:
        async with lab.server(nodes=2) as server:
            write_script(slurm.parent / "squeue", "#!/bin/sh\necho 'Unable to contact slurm controller' >&2\nexit 1\n")
            await server.restart()
            assert server.failure() is None

    asyncio.run(whole())
    assert len(lab.processes()) == 4


def test_a_job_on_another_machine_than_its_first_node_is_an_error(
    lab: Lab, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "login-1")
    with pytest.raises(ServerDied, match="the job runs on login-1, but its server would listen on"):
        asyncio.run(started(lab.server(nodes=2)))


NAMES = {"n1": "127.0.1.1", "n2": "10.0.0.2", "v6": "fd00::2"}


@pytest.fixture
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node whose own name stands for its loopback interface, and others that are elsewhere."""

    def look_up(host: str, *args: object, **options: object) -> list[Any]:
        number = NAMES.get(host, host)
        return [(socket.AF_INET6 if ":" in number else socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.usefixtures("_names")
def test_a_node_whose_name_is_its_loopback_interface_is_reached_where_its_way_to_the_others_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ways: list[Any] = []

    class Way:
        def __init__(self, family: int, kind: int) -> None:
            assert (family, kind) == (socket.AF_INET, socket.SOCK_DGRAM)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *exc: object) -> None:
            pass

        def connect(self, address: Any) -> None:
            ways.append(address[0])

        def getsockname(self) -> Any:
            return "10.0.0.1", 4711

    monkeypatch.setattr(socket, "socket", Way)
    assert own_address("n1", ["n2"]) == "10.0.0.1"
    assert ways == ["10.0.0.2"]


@pytest.mark.usefixtures("_names")
def test_addresses_that_others_reach_stay_as_they_are() -> None:
    assert own_address("n2", ["n1"]) == "10.0.0.2"
    assert own_address("v6", ["n1"]) == numeric("v6") == "fd00::2"
    assert own_address("127.0.0.11", ["127.0.0.12"]) == "127.0.0.11"  # somebody wrote just that


def test_several_nodes_outside_a_slurm_job_are_an_error(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(UserError, match="this is no Slurm job"):
        asyncio.run(started(lab.server(nodes=2)))


def test_a_slurm_that_does_not_answer_is_quoted(lab: Lab, slurm: Path) -> None:
    write_script(slurm.parent / "squeue", "#!/bin/sh\necho 'Invalid job id specified' >&2\nexit 1\n")
    with pytest.raises(UserError, match="Invalid job id specified"):
        asyncio.run(started(lab.server(nodes=2)))


def test_a_step_on_other_nodes_than_planned_is_an_error(lab: Lab, slurm: Path) -> None:
    write_script(slurm.parent / "scontrol", SCONTROL.replace("n2", "n3"))
    with pytest.raises(ServerDied, match="node 1 of the step is n2, but n3 was planned"):
        asyncio.run(started(lab.server(nodes=2)))


def test_a_node_without_its_gpus_fails_the_server_with_a_clear_error(lab: Lab, slurm: Path) -> None:
    write_script(slurm.parent / "nvidia-smi", "#!/bin/sh\necho 'no devices were found'\nexit 6\n")
    with pytest.raises(ServerDied, match="no devices were found"):
        asyncio.run(started(lab.server(nodes=2, gpus=8, check_gpus=True)))
