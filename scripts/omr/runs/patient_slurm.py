"""Puts patient commands before Slurm's own for the process that runs Snakemake, and tells what they wait for.

The executor plugin for Slurm calls `sbatch`, `squeue`, `scancel` and others by name, and cannot be told to bear a
controller that is away or a limit on submissions (scripts/slurm_command.py says what it does then, and what is done
instead). So a folder of small commands of these names comes first on PATH, for this process only: jobs get the PATH as
it was.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from omr.errors import UserError
from omr.runs.counts import PROBLEM_STAGES, RECIPE_STAGES
from omr.runs.failed_nodes import FILE
from omr.runs.job_watch import NOTES
from omr.servers.node_notes import OF_NOTES

_SCRIPT = Path(__file__).resolve().parents[2] / "slurm_command.py"
_COMMANDS = ("sbatch", "squeue", "sacct", "scancel", "scontrol", "sinfo", "sshare")
#: Without these no job is submitted, asked for, or ended.
_NEEDED = ("sbatch", "squeue", "sacct", "scancel")
#: What every command says that finds neither a slurm.conf nor a controller that hands one out.
_NO_CONFIG = "configuration source"
#: And what it says besides where there is such a controller that does not answer.
_AWAY = re.compile(r"unable to contact|connection (?:refused|timed out)|connect failure|timed out", re.IGNORECASE)
_ANSWER_WITHIN_S = 10.0
_FOLDER = Path(".snakemake/slurm")
#: Rules whose jobs lock what they write, and of which one that begins waits for the other.
_LOCKING = {*PROBLEM_STAGES, *RECIPE_STAGES, "save_sharded_state"}
_READ_EVERY_S = 1.0


class PatientSlurm:
    """Slurm's commands for one run of Snakemake; `say` gets a line for what they wait for.

    Their files are in `<parent>/<host>-<process>`; on which nodes jobs failed is kept in `results`, the run's folder.
    """

    def __init__(self, parent: Path, say: Callable[[str], None], results: Path | None = None) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        _end_old(parent, say)
        self.folder = parent.resolve() / f"{socket.gethostname()}-{os.getpid()}"
        self._say, self._read_bytes = say, 0
        self._lock, self._ended = threading.Lock(), threading.Event()
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "bin").mkdir(parents=True)
        (self.folder / NOTES).mkdir()
        if results is not None:
            (self.folder / "ledger").write_text(str(results / FILE))

    def start(self) -> None:
        """Let programs that this process starts find the patient commands, and begin to tell what they say."""
        for name in _COMMANDS:
            real = shutil.which(name)
            if real is not None:  # the executor asks which of them there are
                call = _patient(self.folder, real)
                path = self.folder / "bin" / name
                path.write_text(f'#!/bin/sh\nexec {shlex.join(call)} "$@"\n')
                path.chmod(0o755)
        os.environ["PATH"] = os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", os.defpath)])
        # Nodes may know the project by another path, and jobs work in its folder.
        os.environ[OF_NOTES] = os.path.relpath(self.folder / NOTES)
        threading.Thread(target=self._watch, name="patient-slurm", daemon=True).start()

    def stop_waiting(self) -> None:
        """Let the commands that wait give up."""
        (self.folder / "stopping").touch()

    def cancel_rest(self) -> None:
        """Cancel what the run has left in the queue: Snakemake does not while it asks for states of jobs.

        For a run that is over.
        """
        if names := _names(self.folder):
            command = [str(self.folder / "bin" / "scancel"), "--quiet", f"--name={names}"]
            subprocess.run(command, capture_output=True, check=False)
        self._ended.set()
        self._tell()

    def _watch(self) -> None:
        while not self._ended.wait(_READ_EVERY_S):
            self._tell()

    def _tell(self) -> None:
        path = self.folder / "log"
        with self._lock:
            if not path.exists():
                return
            with path.open("rb") as log:
                log.seek(self._read_bytes)
                for line in log:
                    if line.endswith(b"\n"):
                        self._read_bytes += len(line)
                        self._say(f"Slurm: {line.decode(errors='replace').rstrip()}")


_started: list[PatientSlurm] = []


def check(workflow: Any) -> None:
    """Raise UserError where a run through Slurm could not submit a job: no commands, or none that know their cluster.

    `workflow` is Snakemake's. A controller that does not answer is waited for, later.
    """
    if workflow.executor_plugin.name != "slurm":
        return
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        raise UserError(
            f"jobs are to go to Slurm, but there is no {', '.join(missing)} on PATH",
            remedy="start Snakemake where Slurm's commands are (a login node; perhaps `module load slurm`), or leave "
            "the profile out to run all jobs here",
        )
    command = ["squeue", "--noheader", f"--user={os.getuid()}", "--format=%i"]
    with suppress(subprocess.TimeoutExpired, OSError):
        asked = subprocess.run(command, capture_output=True, check=False, timeout=_ANSWER_WITHIN_S)
        said = asked.stderr.decode(errors="replace")
        if asked.returncode and _NO_CONFIG in said and not _AWAY.search(said):
            raise UserError(
                f"Slurm's commands know no cluster here: {said.strip().splitlines()[-1]}",
                remedy="start Snakemake on a node of the cluster, or name its file: export SLURM_CONF=.../slurm.conf",
            )


def start(workflow: Any, say: Callable[[str], None], results: Path) -> None:
    """From now on Slurm's commands are patient, for what this process starts.

    `workflow` is Snakemake's, `results` the folder of its run. When its executor is told to
    `cancel`, submissions that wait give up; without Slurm nothing is done.
    """
    if workflow.executor_plugin.name != "slurm":
        return
    executor = workflow.scheduler._executor
    patient = PatientSlurm(_FOLDER, say, results)
    _started.append(patient)
    cancel = executor.cancel

    def stop_waiting_and_cancel() -> None:
        patient.stop_waiting()
        cancel()

    executor.cancel = stop_waiting_and_cancel
    patient.start()


def cancel_rest() -> None:
    """To be called when a run did not end well; nothing where `start` was not called."""
    for patient in _started:
        patient.cancel_rest()


def _patient(folder: Path, real: str) -> list[str]:
    """The command that calls one of Slurm's patiently, for the run whose files are in `folder`."""
    return [sys.executable, "-E", "-s", "-S", str(_SCRIPT), str(folder), real]


def _names(folder: Path) -> str:
    """The names of all jobs that a run has submitted, as Slurm's commands take them; they are no other run's."""
    jobs = folder / "jobs"
    lines = jobs.read_text().splitlines() if jobs.exists() else []
    return ",".join(sorted({line.partition(" ")[2] for line in lines} - {""}))


def _end_old(parent: Path, say: Callable[[str], None]) -> None:
    """Cancel what runs on this machine that are over have left in the queue, and remove their files."""
    host = socket.gethostname()
    for folder in parent.iterdir():
        machine, _, process = folder.name.rpartition("-")
        if machine == host and process.isdecimal() and not Path(f"/proc/{process}").exists():
            _cancel_left(folder, say)
            shutil.rmtree(folder, ignore_errors=True)


def _cancel_left(folder: Path, say: Callable[[str], None]) -> None:
    """Cancel jobs of a Snakemake that was killed which wait, or run without keeping what they have; name the others.

    One that started or ended later would remove or replace what this run has made meanwhile, and make it by the config
    of then. Replies are locked while they are asked for, and stay, so such jobs may end; but Slurm must not start them
    again.
    """
    names, scancel = _names(folder), shutil.which("scancel")
    if not names or scancel is None:
        return
    of_killed = f"of a Snakemake that was killed (process {folder.name.rpartition('-')[2]})"
    left = _left(names)
    if left is None:
        say(f"Slurm: jobs {of_killed} cannot be asked for: those that wait are cancelled as soon as may be")
    waiting = [job.number for job in left or () if job.state == "PENDING"]
    running = [job for job in left or () if job.state != "PENDING"]
    if waiting or left is None:
        said = _cancelled([*_patient(folder, scancel), "--quiet", "--state=PENDING", f"--name={names}"])
        if waiting:
            say(f"Slurm: jobs {of_killed} that wait {said} ({', '.join(waiting)})")
    others = [job.number for job in running if not job.keeps_replies]
    if others:
        said = _cancelled([*_patient(folder, scancel), "--quiet", *others])
        say(f"Slurm: jobs {of_killed} that run, and would replace what this run makes, {said} ({', '.join(others)})")
    if kept := [job.number for job in running if job.keeps_replies]:
        _never_again(kept)
        say(f"Slurm: jobs {of_killed} still run, and new ones wait for them ({', '.join(kept)})")


def _cancelled(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, check=False)
    return "are cancelled" if done.returncode == 0 else f"could not be cancelled: {_words(done.stderr)}"


def _never_again(numbers: list[str]) -> None:
    """Slurm is not to start these jobs again if it takes their nodes away; a refusal leaves them as they were."""
    with suppress(subprocess.TimeoutExpired, OSError):
        command = ["scontrol", "update", f"JobId={','.join(numbers)}", "Requeue=0"]
        subprocess.run(command, capture_output=True, check=False, timeout=_ANSWER_WITHIN_S)


class _Left(NamedTuple):
    """A job that waits or runs; `work` is its rule and wildcards."""

    number: str
    state: str
    work: str

    @property
    def keeps_replies(self) -> bool:
        """Whether it locks what it writes and keeps what it has; also one of which that is not known."""
        rule = self.work.removeprefix("rule_").partition("_wildcards_")[0].removesuffix("_of_round")
        return not self.work.startswith("rule_") or rule in _LOCKING


def _left(names: str) -> list[_Left] | None:
    """The jobs of these names that wait or run; None where that cannot be asked for."""
    command = ["squeue", "--noheader", f"--name={names}", "--format=%i|%T|%k"]
    try:
        asked = subprocess.run(command, capture_output=True, check=False, timeout=_ANSWER_WITHIN_S)
    except (subprocess.TimeoutExpired, OSError):
        return None
    rows = [line.strip().split("|", 2) for line in asked.stdout.decode(errors="replace").splitlines()]
    return None if asked.returncode else [_Left(*row) for row in rows if len(row) == 3]


def _words(said: bytes) -> str:
    return " ".join(said.decode(errors="replace").split())[-300:]
