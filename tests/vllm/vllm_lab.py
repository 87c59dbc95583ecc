"""What the tests on a real vLLM share: its environment, runs of the generate command, and looking after processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from omr.servers.kinds import KINDS
from omr.servers.load import Load
from stage_runs import Row, read_rows, write_rows

ROOT = Path(__file__).parents[2]
VLLM_PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
#: A start takes half a minute on two idle cores; reaching this fails the test.
PATIENCE_S = 300.0

needs_vllm = [
    pytest.mark.vllm,
    pytest.mark.xdist_group("vllm"),
    pytest.mark.skipif(
        not (ROOT / ".venv-vllm" / "installed").exists(), reason="needs vLLM: `make .venv-vllm/installed` (2.5 GB)"
    ),
]

#: vLLM on CPUs dies of a request with a seed whose prompt it computes in pieces ("CPU Generator does not use offset").
#: GPUs have such generators; here no prompt may be cut. With bfloat16 it uses the CPU's matrix instructions (AMX) as soon
#: as the CPU has them, and dies where the virtual machine does not let it.
ARGUMENTS = ("--enforce-eager", "--dtype=float32", "--no-enable-chunked-prefill", "--enable-log-requests")

#: vLLM puts the id that a request brings along (`X-Request-Id`) into its own.
_RECEIVED = re.compile(r"Received request chatcmpl-solve/(\w+)/solve/(\d+):")

_PLUGIN = {
    "keep_weights.py": """
def register():
    from vllm.model_executor.layers import utils

    utils.check_cpu_sgl_kernel = lambda *args: False
    utils.ops._supports_onednn = False
""",
    "vllm-0.32.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n",
    "vllm-0.32.0.dist-info/entry_points.txt": "[vllm.general_plugins]\nkeep_weights = keep_weights:register\n",
}


@dataclass
class GenerateRun:
    """A folder in which the generate command asks a vLLM of its own.

    `model`, `flags` and `config` add to the defaults below, `args` to the server's arguments, `environment` to the
    command's.
    """

    folder: Path
    checkpoint: Path
    model: Mapping[str, Any] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable
    args: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        entry = {
            "path": str(self.checkpoint),
            "server": "vllm",
            "gpus": 0,
            "max_model_len": 512,
            "concurrency": 8,
            "args": [*ARGUMENTS, *self.args],
            "environment": {"VLLM_CPU_KVCACHE_SPACE": "1"},
            "ready_timeout_s": PATIENCE_S,
        }
        site = {"python": str(VLLM_PYTHON), "check_gpus": False, "grace_s": 5}
        config = {"models": {"m": entry | dict(self.model)}, "servers": {"vllm": site}} | dict(self.config)
        (self.folder / "config.yaml").write_text(json.dumps(config))
        (self.folder / "solve.yaml").write_text("user: '{{ problem }}'\n")

    def ask(self, problems: Mapping[str, str]) -> None:
        """Say what is asked: the rows' problems by id."""
        write_rows(self.folder / "rows.jsonl", ({"id": name, "problem": text} for name, text in problems.items()))

    def start(self) -> subprocess.Popen[str]:
        flags = {"stage": "solve", "rows": "rows.jsonl", "prompt": "solve.yaml", "config": "config.yaml", "model": "m"}
        flags |= {"temperature": "1.0", "max-tokens": "200", "max-failed-fraction": "0.5"}
        flags |= {"output": "out.jsonl", "counts": "counts.json", "log": "job.log", **self.flags}
        words = [word for name, value in flags.items() for word in (f"--{name}", *value.split())]
        command = [self.python, str(ROOT / "scripts" / "generate.py"), *words]
        environment = os.environ | self.environment
        return subprocess.Popen(command, cwd=self.folder, env=environment, stderr=subprocess.PIPE, text=True)

    def wait_for_replies(self, running: subprocess.Popen[str], number: int) -> None:
        """Wait until so many replies are stored, and the run goes on."""
        wait_until(lambda: running.poll() is not None or len(self.journal) >= number)
        assert running.poll() is None, running.communicate()[1]

    @property
    def journal(self) -> list[Row]:
        """The replies that are stored, without a line that is being written."""
        path = self.folder / "out.jsonl.journal"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    @property
    def replies(self) -> list[Row]:
        return read_rows(self.folder / "out.jsonl")

    @property
    def log(self) -> str:
        return (self.folder / "job.log").read_text()

    @property
    def server_log(self) -> str:
        return (self.folder / "job.server.log").read_text()

    def starts(self) -> list[str]:
        """What the server printed, one text for each of its starts."""
        return f"\n{self.server_log}".split("\nstarting ")[1:]

    def processes(self) -> dict[int, str]:
        """Command lines, by process id, of supervisor, server and workers."""
        return processes_in(self.folder)

    def load(self) -> Load | None:
        """What the running server says of its load."""
        words = self.processes()[self.process("api_server")].split()
        url = f"http://127.0.0.1:{words[words.index('--port') + 1]}/metrics"
        metrics = KINDS["vllm"].load_metrics
        assert metrics is not None
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return metrics.read(answer.read())

    def process(self, named: str) -> int:
        """The one process whose command line holds `named`, the supervisor's not counted."""
        (pid,) = (pid for pid, line in self.processes().items() if named in line and "supervise.py" not in line)
        return pid


def processes_in(folder: Path) -> dict[int, str]:
    """Command lines, by process id, of all that works in a folder but for the generate command itself.

    The working folder is what a server's workers inherit and keep; their names and environments they overwrite.
    """
    found = {pid: _command_line(pid) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
    return {pid: line for pid, line in found.items() if line and "generate.py" not in line and _works_in(pid, folder)}


def keep_weights(folder: Path) -> Path:
    """A folder for PYTHONPATH with which vLLM for CPUs saves and loads sharded checkpoints, as it does on GPUs.

    On CPUs it packs the weights of linear layers for its kernels when it has loaded them, and drops the originals:
    what it saves is not whole then. A plugin turns that off. The distribution that names the plugin is called `vllm`
    because vLLM's command line asks for the version of a package of that name, and here it is called `vllm-cpu`.
    """
    (folder / "vllm-0.32.0.dist-info").mkdir(parents=True)
    for name, text in _PLUGIN.items():
        (folder / name).write_text(text)
    return folder


def name_of(reply: Row) -> tuple[str, int]:
    """A reply's (row id, sample index); there is one prompt."""
    return reply["id"], reply["seed"]


def requested(server_log: str) -> list[tuple[str, int]]:
    """The (row id, sample index) of each request that a server took in, in the order in which they came."""
    return [(row_id, int(seed)) for row_id, seed in _RECEIVED.findall(server_log)]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "out of patience"
        time.sleep(0.05)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve() == folder.resolve()
    except OSError:
        return False
