"""What the tests of servers share: a stand-in server as config would describe it, and looking after processes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omr.models.model import model_spec
from omr.servers import server
from omr.servers.opened import open_server
from omr.servers.server import ModelServer
from omr.servers.sites import server_site
from omr.servers.started import Watch

HERE = Path(__file__).parent
#: Longer than anything here takes on a busy machine; reaching it fails the test.
PATIENCE_S = 60.0
QUICK = Watch(poll_s=0.05, health_every_s=0.1, unhealthy_s=0.3, restart_pause_s=0.05)
#: The job's nodes and the time that it has left; it has no steps.
SQUEUE = """#!/bin/sh
case "$*" in
    *--format=%N*) echo 'n[1-2]';;
    *--format=%L*) echo 1:00:00;;
esac
"""
SCONTROL = """#!/bin/sh
case "$2" in
    hostnames) printf 'n1\\nn2\\n';;
    node) echo "NodeName=$4 Arch=x86_64 NodeAddr=localhost NodeHostName=$4";;
esac
"""


@dataclass
class Lab:
    """A folder with a stand-in for a server's Python; `events` is what a server told."""

    folder: Path
    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.python = write_script(
            self.folder / "bin" / "python", f'#!/bin/sh\nexec {sys.executable} {HERE / "stand_in_server.py"} "$@"\n'
        )

    def config(self, modes: str, check_gpus: bool = False, **model: Any) -> dict[str, Any]:
        arguments = ["--stand-in", modes, "--state", str(self.folder / "state")]
        entry = {"path": "org/model", "server": "vllm", "args": arguments, "ready_timeout_s": PATIENCE_S}
        site = {
            "python": str(self.python),
            "grace_s": 0.5,
            "check_gpus": check_gpus,
            "cache_dir": str(self.folder / "c"),
        }
        return {
            "models": {"m": entry | model},
            "servers": {"vllm": site, "replay": site | {"python": None}},
            "folder": str(self.folder),
        }

    def server(self, modes: str = "", **model: Any) -> ModelServer:
        config = self.config(modes, **model)
        return open_server(
            model_spec(config, "m"),
            log_path=self.folder / "server.log",
            scratch=self.folder / "scratch",
            site=server_site(config, config["models"]["m"]["server"]),
            on_event=self.events.append,
            watch=QUICK,
        )

    def processes(self) -> list[dict[str, Any]]:
        """What each process of the stand-in told about itself, in the order of their starts."""
        files = sorted((self.folder / "state").glob("process-*.json"), key=lambda file: file.stat().st_mtime_ns)
        return [json.loads(file.read_text()) for file in files]

    def family(self) -> list[int]:
        """Processes that run in the name of this lab: all carry its folder in their environment."""
        mark = f"{self.folder}/c/vllm".encode()
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if mark in _environment(pid)]

    def wait_until_gone(self) -> list[int]:
        """Wait until no process of the lab is left; those that still are when patience ends."""
        deadline = time.monotonic() + PATIENCE_S
        while (left := self.family()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left


@contextmanager
def ready_job(lab: Lab, modes: str, **model: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A job in a process of its own that has the server started."""
    environment = os.environ | {"PYTHONPATH": str(Path(server.__file__).resolve().parents[2])}
    command = [sys.executable, str(HERE / "job_to_kill.py"), json.dumps(lab.config(modes, **model))]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as job:
        try:
            assert job.stdout is not None
            assert job.stdout.readline() == b"ready\n"
            yield job
        finally:
            job.kill()


def write_script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def stand_in_slurm(folder: Path) -> dict[str, str]:
    """Slurm's commands as in a job with the nodes n1 and n2, as Snakemake's job step leaves it; both are this machine.

    Returns the variables of the job; srun's arguments come into the file that FAKE_SRUN_WORD names.
    """
    write_script(folder / "squeue", SQUEUE)
    write_script(folder / "scontrol", SCONTROL)
    write_script(folder / "srun", f'#!/bin/sh\nexec {sys.executable} {HERE / "fake_srun.py"} "$@"\n')
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "SLURM_JOB_ID": "17", "FAKE_SRUN_WORD": str(folder / "srun.json")}


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
