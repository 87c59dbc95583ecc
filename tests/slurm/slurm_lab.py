"""A real Slurm on loopback with pretended GPUs, and the workflow run through it."""

from __future__ import annotations

import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
from workflow.projects import Project, clean_environment

SCRIPT = Path(__file__).with_name("slurm_local.sh")
QUICK = Path(__file__).with_name("quick_snakemake.py")
#: Longer than anything here takes on a busy machine; reaching it fails the test.
PATIENCE_S = 400.0
RUN_PATIENCE_S = 1200.0


def until(holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for something that the cluster does in its own time."""
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.2)


@dataclass(frozen=True)
class Submitted:
    """A job as sbatch got it."""

    number: str
    arguments: str

    @property
    def rule(self) -> str:
        """The rule whose job it is; nothing for what a test has submitted by hand."""
        found = re.search(r"--allowed-rules (\w+)", self.arguments)
        return found[1] if found else ""

    @property
    def shard(self) -> str:
        found = re.search(r"\bshard=(\d+)", self.arguments)
        return found[1] if found else ""

    @property
    def options(self) -> str:
        """The options of sbatch alone."""
        return self.arguments.partition(" --wrap=")[0]


class Cluster:
    """Controller and node daemons in a folder."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self.folder, self.nodes = folder, nodes
        self._lost = set[str]()
        self._has_controller = True

    def script(self, command: str, *arguments: str) -> None:
        # Output to a file: the daemons inherit it, and would keep a pipe open for ever.
        with (self.folder / "script.log").open("ab+") as log:
            environment = os.environ | {"BASE_PORT": str(_free_ports(self.nodes + 1))} if command == "start" else None
            done = subprocess.run(
                ["bash", str(SCRIPT), command, str(self.folder), *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=120,
                check=False,
            )
            log.seek(0)
            assert done.returncode == 0, log.read().decode(errors="replace")[-4000:]

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to reach this cluster and no other."""
        environment = clean_environment()
        environment["PATH"] = f"{self.folder / 'bin'}{os.pathsep}{environment['PATH']}"
        return environment | {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def ask(self, *command: str) -> str:
        """The output of one of Slurm's commands."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def job(self, number: str) -> dict[str, str]:
        """What the controller knows about a job."""
        shown = self.ask("scontrol", "show", "job", "--details", "--oneliner", number)
        return dict(re.findall(r"(\S+?)=(\S*)", shown))

    def state(self, number: str) -> str:
        return self.job(number)["JobState"]

    def is_over(self, number: str) -> bool:
        return self.state(number) not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING")

    def jobs(self) -> list[Submitted]:
        """All jobs that were submitted, in their order."""
        log = self.folder / "sbatch.log"
        lines = log.read_text().splitlines() if log.exists() else []
        # Arguments may hold line breaks: a job's line begins with its number.
        return [Submitted(*line.split("\t", 1)) for line in lines if re.match(r"\d+\t", line)]

    def lose_node(self, name: str) -> None:
        """The daemon of a node dies and the controller gives the node up."""
        pid = int((self.folder / f"run/slurmd.{name}.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        self._lost.add(name)
        self.ask("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=test")

    def bring_back(self, name: str) -> None:
        """Start the daemon of a node again; the controller takes the node in when it registers (ReturnToService)."""
        self.script("node", name)
        until(
            lambda: "down" not in self.ask("sinfo", "--noheader", f"--nodes={name}", "--format=%T"), f"{name} is back"
        )
        self._lost.remove(name)

    def lose_controller(self) -> None:
        """The controller ends, as for an upgrade."""
        pid = int((self.folder / "run/slurmctld.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        until(lambda: not Path(f"/proc/{pid}").exists(), "the controller has ended")
        self._has_controller = False

    def bring_back_controller(self) -> None:
        """Start the controller again; it knows what the last one knew."""
        self.script("controller")
        self._has_controller = True

    @contextmanager
    def at_most(self, jobs: int) -> Iterator[None]:
        """While the block runs, no more jobs may wait or run; further ones are refused."""
        limit = self.folder / "most_jobs"
        limit.write_text(f"{jobs}\n")
        try:
            yield
        finally:
            limit.unlink()

    def end_soon(self, number: str) -> None:
        """Lower a running job's time limit: it ends in 45 to 105 s, and Slurm warns it before."""
        hours, minutes, seconds = (int(part) for part in self.job(number)["RunTime"].split(":"))
        limit = math.ceil((hours * 3600 + minutes * 60 + seconds + 45) / 60)
        self.ask("scontrol", "update", f"JobId={number}", f"TimeLimit={limit}")

    def clear(self) -> None:
        """Have all nodes back and no job in the queue, whatever a test left behind."""
        if not self._has_controller:
            self.bring_back_controller()
        for name in sorted(self._lost):
            self.bring_back(name)
        self.ask("scancel", f"--user={os.getuid()}")
        until(lambda: not self.ask("squeue", "--noheader"), "an empty queue")


def _free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on; Slurm wants its ports in its configuration."""
    # Workers of one test run that begin at the same time look at different ports.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for first in range(26817 + 100 * worker, 32000, 10):
        with suppress(OSError):
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
    raise AssertionError("there are no free ports")


class Run:
    """Snakemake with the slurm profile, in the background."""

    def __init__(self, project: Project, cluster: Cluster, *arguments: str, layer: str = "quick") -> None:
        self.output = project.path(f"snakemake-{len(list(project.folder.glob('snakemake-*')))}.txt")
        profiles = ["--profile", "slurm", "--profile", layer]
        self.process = subprocess.Popen(
            [sys.executable, str(QUICK), *profiles, *arguments],
            cwd=project.folder,
            env=cluster.environment,
            stdin=subprocess.DEVNULL,
            stdout=self.output.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def finish(self) -> str:
        """Wait for a good end; returns what was said."""
        try:
            status = self.process.wait(RUN_PATIENCE_S)
        finally:
            self.end()
        assert status == 0, self.said[-6000:]
        return self.said

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def end(self) -> None:
        """SIGKILL; the jobs that it submitted go on."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass(frozen=True)
class Stage:
    """A project's jobs of one model stage in two shards, as the cluster and the project's files show them."""

    cluster: Cluster
    project: Project
    rule: str

    def latest(self, shard: str, earlier: str = "") -> Submitted | None:
        """The shard's last job of this project, if it is another than `earlier`."""
        folder = str(self.project.folder)
        found = [job for job in self.cluster.jobs() if (job.rule, job.shard) == (self.rule, shard)]
        found = [job for job in found if folder in job.arguments]
        return found[-1] if found and found[-1].number != earlier else None

    def stored(self, shard: str) -> int:
        journal = self.project.path(f"results/demo/replies/{self.rule}/shard-{shard}-of-002.jsonl.journal")
        return journal.read_bytes().count(b"\n") if journal.exists() else 0

    def log(self, shard: str) -> str:
        """What the latest job of a shard said; Snakemake removes the log of the one before."""
        path = self.project.path(f"results/demo/logs/{self.rule}/shard-{shard}-of-002.log")
        return path.read_text() if path.exists() else ""

    def wait_for_job(self, shard: str, replies: int, earlier: str = "") -> str:
        """Number of the shard's job once so many replies are stored and it stands still."""
        until(lambda: self.latest(shard, earlier) is not None, f"a job of shard {shard} after {earlier}")
        job = self.latest(shard, earlier)
        assert job is not None
        until(lambda: self.stored(shard) == replies, f"shard {shard} with {replies} replies")
        return job.number


def asked(project: Project, event: str = "received") -> Counter[str]:
    """How often each request was sent to the replay server, or answered by it."""
    path = project.path("asked.jsonl")
    lines = path.read_bytes().splitlines() if path.exists() else []
    events = [orjson.loads(line) for line in lines if line.endswith(b"}")]
    return Counter(row["id"] for row in events if row["event"] == event)


def processes_of(project: Project, job: str = "") -> dict[int, str]:
    """Process id -> command of all that the project's Slurm jobs (or one of them) left running, on any node."""
    mark, home, found = f"SLURM_JOB_ID={job}".encode(), project.folder.resolve(), {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            variables = (folder / "environ").read_bytes().split(b"\0")
            marked = mark in variables if job else any(entry.startswith(mark) for entry in variables)
            if marked and Path(os.readlink(folder / "cwd")) == home:
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return found


def nothing_is_left(project: Project, job: str = "", patience_s: float = 60.0) -> None:
    """Insist that all processes of the project's jobs (or of one) end; a job's last ones may take seconds to.

    But for Snakemake's own: it may wait for a lock of its own for ever when it is told to stop in the moment in which its
    job ends. Slurm's cgroups end such a process; here are none, so it is ended by hand.
    """
    deadline = time.monotonic() + patience_s
    while left := processes_of(project, job):
        if time.monotonic() > deadline:
            assert [command for command in left.values() if " -m snakemake " not in command] == []
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
