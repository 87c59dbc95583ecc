"""One of Slurm's commands, patient: it waits while the controller is away, a limit on submissions is reached, or what a
job needs is closed for now (a partition that is drained).

In: the folder of a run (see omr/runs/patient_slurm.py, which calls this), the real command, its arguments. Out: what
the command says, or what the run's executor can live with. For `sbatch`, `squeue`, `sacct`, `scancel`, `scontrol`,
`sinfo` and `sshare` as snakemake-executor-plugin-slurm 2.8 calls them, whose loop

* takes every refusal of `sbatch` for a failed attempt of the job: four burn in a second;
* forgets all running jobs when five questions to `squeue` or `sacct` fail, and then waits for ever;
* waits for ever for a job that Slurm has forgotten;
* gives up cancelling when `scancel` fails once, and goes on submitting what waits for it;
* asks `sacct` instead of `squeue` when `scontrol show config` fails.

All else that the commands refuse is passed on as it is. Beside that, nodes on which jobs failed are left out of further
submissions (omr/runs/left_out.py), and why jobs wait is told (omr/runs/job_watch.py). Standard library only, as is what
it imports: it starts in milliseconds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from omr.runs.failed_nodes import keep, read_failed_nodes
from omr.runs.job_watch import JobWatch
from omr.runs.left_out import with_left_out
from omr.runs.refusals import AWAY, LOST_ANSWER, kind_of

#: Longest waits; a limit that is surely one, and what is closed for now, are waited for without end.
_LONGEST_AWAY_S, _LONGEST_DOUBT_S = 86_400.0, 86_400.0
#: With no job of ours in the queue, it is a limit that a group shares, or one that no waiting mends.
_LONGEST_ALONE_S = 600.0
_PAUSES_S = {"away": (2.0, 30.0), "limit": (3.0, 60.0), "closed": (3.0, 60.0)}  # first and longest
_WHY = {
    "away": "the controller is away",
    "limit": "a limit on submissions is reached",
    "closed": "closed for now",
}
_LATER_PAUSE_S = 5.0
_SAY_EVERY_S = 600.0
#: The executor kills `scancel` and `squeue` after 60 s, `scontrol` after 5 or 10.
_ANSWER_WITHIN_S, _CONFIG_WITHIN_S = 40.0, 4.0
#: `sbatch` itself tries for two minutes where the queue is full.
_SUBMIT_WITHIN_S = 300.0
#: So long a job must be missing from good answers before it counts as forgotten.
_FORGOTTEN_S = 120.0


class Done(NamedTuple):
    """How a command ended; `late` if it was ended for taking too long."""

    status: int
    out: str
    err: str
    late: bool = False

    @property
    def is_away(self) -> bool:
        return self.status != 0 and (self.late or AWAY.search(self.err) is not None)

    def pass_on(self) -> int:
        for stream, text in ((sys.stdout, self.out), (sys.stderr, self.err)):
            try:
                stream.write(text)
                stream.flush()
            except BrokenPipeError:  # nobody reads it any more; what Python still holds of it goes nowhere
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return self.status


class Command:
    """The real command `real`, called for the run whose files are in `folder`."""

    def __init__(self, folder: Path, real: str, arguments: Sequence[str]) -> None:
        self.folder, self.real = folder, real
        self.arguments: Sequence[str] = list(arguments)
        self.name = Path(real).name
        self._said_at = float("-inf")

    def say(self, line: str) -> None:
        """A line for Snakemake's log, which reads this file; the folder may be gone with Snakemake."""
        with suppress(OSError), (self.folder / "log").open("a", encoding="utf-8") as log:
            log.write(f"{self.name}: {' '.join(line.split())}\n")

    def say_waiting(self, why: str, err: str, since: float) -> None:
        """The same, now and then."""
        if time.monotonic() - self._said_at >= _SAY_EVERY_S:
            self._said_at = time.monotonic()
            self.say(f"{why}, waiting (since {self._said_at - since:.0f} s): {err.strip()[-300:]}")

    def call(self, within_s: float | None = None, given: str = "") -> Done:
        return self.other(self.real, *self.arguments, within_s=within_s, given=given)

    def other(self, real: str, *arguments: str, within_s: float | None = None, given: str = "") -> Done:
        """Another of Slurm's commands, from beside ours if it is named without its folder. Without this run's waits
        before it on PATH, which jobs would inherit."""
        path = real if os.sep in real else str(Path(self.real).parent / real)
        try:
            done = subprocess.run(
                [path, *arguments], input=given, capture_output=True, text=True, timeout=within_s, errors="replace",
                check=False, env=without(self.folder),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Done(1, "", f"{self.name}: no answer within {within_s:.0f} s\n", late=True)
        except OSError as error:
            return Done(127, "", f"{path}: {error.strerror}\n")
        return Done(done.returncode, done.stdout, done.stderr)

    def ask(self, *words: str) -> str | None:
        """What another of Slurm's commands prints; None if it fails."""
        done = self.other(*words, within_s=_ANSWER_WITHIN_S)
        return done.out if done.status == 0 else None

    @property
    def ledger(self) -> Path | None:
        """Where it is kept on which nodes jobs of the run failed."""
        named = self.folder / "ledger"
        return Path(named.read_text()) if named.exists() else None

    @property
    def stops(self) -> bool:
        """Whether Snakemake was told to stop, or is gone: what still waits gives up."""
        process = self.folder.name.rpartition("-")[2]
        is_gone = process.isdecimal() and not Path(f"/proc/{process}").exists()
        return is_gone or (self.folder / "stopping").exists()

    def option(self, name: str) -> str | None:
        """The value of `--name value` or `--name=value`."""
        for place, argument in enumerate(self.arguments):
            if argument == f"--{name}":
                return self.arguments[place + 1] if place + 1 < len(self.arguments) else None
            if argument.startswith(f"--{name}="):
                return argument.partition("=")[2]
        return None


def without(folder: Path) -> dict[str, str]:
    """The environment without the run's folder on PATH."""
    parts = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return {**os.environ, "PATH": os.pathsep.join(part for part in parts if not part.startswith(str(folder)))}


def sbatch(command: Command) -> int:
    """Submit, as soon as Slurm takes it."""
    given = "" if sys.stdin.isatty() else sys.stdin.read()
    started, tries, may_be_there, alone_since = time.monotonic(), 0, False, None
    asked = command.arguments
    leave_out_nodes(command)
    while True:
        if command.stops:
            sys.stderr.write("sbatch: not submitted: Snakemake was told to stop, or is gone\n")
            return 1
        done = adopted(command) if may_be_there else None
        done = command.call(within_s=_SUBMIT_WITHIN_S, given=given) if done is None else done
        if done.status == 0:
            return submitted(command, done, time.monotonic() - started if tries else 0.0)
        kind = "away" if done.late else kind_of(done.err)
        if kind in (None, "closed") and command.arguments is not asked:
            command.arguments = asked  # the refusal may be for want of those nodes
            continue
        waited_s = time.monotonic() - started
        if kind == "perhaps":
            alone_since = None if has_jobs(command) else alone_since or time.monotonic()
            is_alone = alone_since is not None and time.monotonic() - alone_since >= _LONGEST_ALONE_S
            kind = None if is_alone or waited_s > _LONGEST_DOUBT_S else "limit"
        if kind is None or (kind == "away" and waited_s > _LONGEST_AWAY_S):
            return done.pass_on()
        may_be_there = may_be_there or done.late or LOST_ANSWER.search(done.err) is not None
        command.say_waiting(_WHY[kind], done.err, started)
        pause(command, kind, tries)
        tries += 1


def leave_out_nodes(command: Command) -> None:
    """Let the submission avoid nodes on which jobs failed, if others take jobs."""
    if command.ledger is None or not command.ledger.exists():
        return
    work = command.option("comment") or ""
    command.arguments = with_left_out(command.arguments, work, read_failed_nodes(command.ledger), command.ask)


def pause(command: Command, kind: str, tries: int) -> None:
    """Wait before the next try; Snakemake that is told to stop waits for this to end."""
    first, longest = _PAUSES_S[kind]
    end = time.monotonic() + min(longest, first * 1.5 ** min(tries, 20))
    while (left := end - time.monotonic()) > 0 and not command.stops:
        time.sleep(min(left, 1.0))


def has_jobs(command: Command) -> bool:
    """Whether a job of this user, other than the one that Snakemake may run in, waits or runs."""
    done = command.other("squeue", "--noheader", f"--user={os.getuid()}", "--format=%i", within_s=_ANSWER_WITHIN_S)
    try:
        ours = re.search(r"/job_(\d+)", Path("/proc/self/cgroup").read_text())
    except OSError:
        ours = None
    return done.status != 0 or bool(set(done.out.split()) - ({ours[1]} if ours else set()))


def adopted(command: Command) -> Done | None:
    """The job that a submission made whose answer was lost, as if its number had just come; None if there is none.

    Of a run's jobs no two that wait or run have the same comment: rule and wildcards.
    """
    name, comment = command.option("job-name"), command.option("comment")
    if name is None or comment is None:
        return None
    done = command.other("squeue", "--noheader", f"--name={name}", "--format=%i|%k", within_s=_ANSWER_WITHIN_S)
    if done.status != 0:
        return done if done.is_away else None
    known = recorded(command.folder)
    for line in done.out.splitlines():
        number, _, text = line.partition("|")
        if text == comment and number not in known:
            command.say(f"job {number} was submitted although its answer was lost")
            return Done(0, f"{number}\n", "")
    return None


def recorded(folder: Path) -> dict[str, str]:
    """Number -> job name (the executor's run id) of the jobs that the run has submitted."""
    path = folder / "jobs"
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split(" ", 1) for line in lines)


def submitted(command: Command, done: Done, waited_s: float) -> int:
    # With more behind it, it is a number on another cluster.
    number = re.fullmatch(r"\d+", done.out.strip())
    if number is not None:
        with (command.folder / "jobs").open("a") as jobs:
            jobs.write(f"{number[0]} {command.option('job-name') or ''}\n")
    if waited_s:
        command.say(f"submitted after {waited_s:.0f} s (job {done.out.strip()[:40]})")
    if not (command.folder / "config").exists():
        asked = command.other("scontrol", "show", "config", within_s=_ANSWER_WITHIN_S)
        if asked.status == 0:
            keep(command.folder / "config", asked.out)
    return done.pass_on()


def status(command: Command) -> int:
    """`squeue` and `sacct`: while they fail, nothing has changed. Forgotten jobs are ended."""
    name = command.option("name")
    if name is None:
        return command.call().pass_on()
    done = command.call(within_s=_ANSWER_WITHIN_S)
    mark = command.folder / "away"
    if done.status != 0:
        # Whatever the reason: five failures would make the executor wait for ever.
        if not mark.exists() or time.time() - mark.stat().st_mtime > _SAY_EVERY_S:
            why = "the controller is away" if done.is_away else "states cannot be asked for"
            command.say(f"{why}, asked again later, and all jobs taken to be as they were: {done.err.strip()[-300:]}")
            mark.touch()
        return 0
    if mark.exists():
        mark.unlink(missing_ok=True)
        command.say("states of jobs are known again")
    look_at_jobs(command, name, done.out)
    if command.name == "squeue":  # jobs may get into the accounting database late
        done = done._replace(out=done.out + forgotten(command.folder, name, done.out))
    return done.pass_on()


def look_at_jobs(command: Command, name: str, listed: str) -> None:
    """Note where jobs have failed, and tell why they wait; whatever goes wrong with that, the executor is answered."""
    ledger = command.ledger
    if ledger is None:
        return
    try:
        JobWatch(command.folder, ledger, command.ask, command.say).look(name, listed, recorded(command.folder))
    except (OSError, ValueError, TypeError) as error:
        command.say(f"nodes and waiting jobs are not looked at: {error}")


def forgotten(folder: Path, name: str, listed: str) -> str:
    """Lines for jobs that Slurm does not know any more: `UNKNOWN`, by which the executor looks for their files."""
    path, now = folder / "missing", time.time()
    before: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    there = {line.partition("|")[0].strip() for line in listed.splitlines()}
    ours = [number for number, of in recorded(folder).items() if of == name]
    missing = {number: before.get(number, now) for number in ours if number not in there}
    keep(path, json.dumps(missing))
    return "".join(f"{number}|UNKNOWN\n" for number, since in missing.items() if now - since >= _FORGOTTEN_S)


def scancel(command: Command) -> int:
    """Cancel; if the controller is away, go on trying behind Snakemake's back, which waits a minute only."""
    (command.folder / "stopping").touch()
    done = command.call(within_s=_ANSWER_WITHIN_S)
    if not done.is_away:
        return done.pass_on()
    command.say(f"the controller is away, jobs are cancelled when it is back: {done.err.strip()[-300:]}")
    arguments = [sys.executable, *_QUICK, __file__, str(command.folder), command.real, "--later", *command.arguments]
    null = subprocess.DEVNULL
    subprocess.Popen(arguments, stdin=null, stdout=null, stderr=null, start_new_session=True)
    return 0


def scancel_later(command: Command) -> int:
    started = time.monotonic()
    while (done := command.call(within_s=_ANSWER_WITHIN_S)).is_away and time.monotonic() - started < _LONGEST_AWAY_S:
        time.sleep(_LATER_PAUSE_S)
    command.say(f"tried until the controller was back: exit status {done.status} {done.err.strip()[-300:]}")
    return done.status


def scontrol(command: Command) -> int:
    """`scontrol show config` as it was said before, while it fails."""
    if command.arguments != ["show", "config"]:
        return command.call().pass_on()
    done, kept = command.call(within_s=_CONFIG_WITHIN_S), command.folder / "config"
    if done.status == 0:
        keep(kept, done.out)
    elif kept.exists():
        done = Done(0, kept.read_text(), "")
    return done.pass_on()


def patient(command: Command) -> int:
    """Any question: asked again until the controller is back."""
    started, tries = time.monotonic(), 0
    while (
        (done := command.call(_SUBMIT_WITHIN_S)).is_away
        and time.monotonic() - started < _LONGEST_AWAY_S
        and not command.stops
    ):
        command.say_waiting("the controller is away", done.err, started)
        pause(command, "away", tries)
        tries += 1
    return done.pass_on()


#: Faster starts: no site packages, nothing from the environment.
_QUICK = ("-E", "-s", "-S")
HANDLED = {
    "sbatch": sbatch,
    "squeue": status,
    "sacct": status,
    "scancel": scancel,
    "scontrol": scontrol,
    "sinfo": patient,
    "sshare": patient,
}


def main(argv: Sequence[str] | None = None) -> int:
    folder, real, *arguments = sys.argv[1:] if argv is None else argv
    later = arguments[:1] == ["--later"]
    command = Command(Path(folder), real, arguments[1:] if later else arguments)
    try:
        return scancel_later(command) if later else HANDLED[command.name](command)
    except KeyboardInterrupt:
        # Ctrl-C on a terminal reaches this, too: what waits behind it must not be submitted any more.
        (command.folder / "stopping").touch()
        return 130


if __name__ == "__main__":
    sys.exit(main())
