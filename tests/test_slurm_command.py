"""Slurm's commands made patient, with small scripts in the place of the real ones."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import slurm_command
from omr.errors import UserError
from omr.runs.failed_nodes import Failed, FailedNodes, read_failed_nodes, write_failed_nodes
from omr.runs.patient_slurm import PatientSlurm, check
from omr.runs.refusals import kind_of

AWAY = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)"
POLICY = (
    "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size "
    "and/or time limits)"
)

DRAINED = "sbatch: error: Batch job submission failed: Required partition not available (inactive or drain)"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_command, "_PAUSES_S", dict.fromkeys(slurm_command._PAUSES_S, (0.01, 0.02)))
    monkeypatch.setattr(slurm_command, "_LATER_PAUSE_S", 0.01)
    monkeypatch.setattr(slurm_command, "_LONGEST_ALONE_S", 0.3)
    monkeypatch.setattr("sys.stdin", io.StringIO())


class Site:
    """Stand-ins for Slurm's commands, each a line of shell, and the folder of a run."""

    def __init__(self, folder: Path) -> None:
        self.run, self.bin = folder / "run", folder / "real"
        self.run.mkdir()
        self.bin.mkdir()

    def has(self, name: str, shell: str) -> None:
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "$@" >> {self.bin}/{name}.calls\n{shell}\n')
        path.chmod(0o755)

    def fails(self, name: str, times: int, said: str, then: str) -> None:
        """It fails so many times, and then does something else."""
        count = f"[ $(wc -l < {self.bin}/{name}.calls) -gt {times} ]"
        self.has(name, f'if {count}; then {then}; else echo "{said}" >&2; exit 1; fi')

    def call(self, name: str, *arguments: str) -> int:
        return slurm_command.main([str(self.run), str(self.bin / name), *arguments])

    def calls(self, name: str) -> list[str]:
        path = self.bin / f"{name}.calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def said(self) -> str:
        path = self.run / "log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


SUBMISSION = ("--parsable", "--job-name", "run-1", "--comment", "rule_a_wildcards_1", "--wrap=true")


@pytest.mark.parametrize(
    ("err", "kind"),
    [
        (AWAY, "away"),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", "away"),
        ("sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received", "away"),
        ("sbatch: error: Batch job submission failed: Slurm backup controller in standby mode", "away"),
        ("sbatch: error: Munge encode failed: Failed to access /run/munge/munge.socket.2", "away"),
        ("sbatch: error: Batch job submission failed: Protocol authentication error", "away"),
        ("sbatch: fatal: Could not establish a configuration source", None),
        ("sbatch: error: Unable to contact slurm controller\nsbatch: fatal: Could not establish a configuration source", "away"),
        (f"sbatch: error: QOSMaxSubmitJobPerUserLimit\n{POLICY}", "limit"),
        (f"sbatch: error: AssocGrpSubmitJobsLimit\n{POLICY}", "limit"),
        ("sbatch: error: Batch job submission failed: Resource temporarily unavailable", "limit"),
        ("sbatch: error: Slurm job queue full, sleeping and retrying.", "limit"),
        (POLICY, "perhaps"),
        ("sbatch: error: You have reached the maximum of 50 jobs in partition gpu", "perhaps"),
        (f"sbatch: error: QOSMaxGRESPerUser\n{POLICY}", None),
        (f"sbatch: error: AssocMaxWallDurationPerJobLimit\n{POLICY}", None),
        (f"{DRAINED}\n", "closed"),
        ("sbatch: error: Batch job submission failed: Required node not available (down, drained or reserved)", "closed"),
        ("sbatch: error: Batch job submission failed: Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions", "closed"),
        ("sbatch: error: Batch job submission failed: I/O error writing script/environment to file", "closed"),
        ("sbatch: error: Batch job submission failed: Incompatible versions of client and server code", "closed"),
        ("sbatch: error: Batch job submission failed: The requested reservation is in use", "closed"),
        ("sbatch: error: Batch job submission failed: Requested reservation is invalid", None),
        ("sbatch: error: Batch job submission failed: Invalid partition name specified", None),
        ("sbatch: error: Batch job submission failed: Invalid qos specification", None),
        ("sbatch: error: Batch job submission failed: User's group not permitted to use this partition", None),
        ("sbatch: error: Batch job submission failed: Requested partition configuration not available now", None),
        ("sbatch: error: Batch job submission failed: Invalid account or account/partition combination", None),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", None),
        ("sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)", None),
        ("sbatch: error: invalid partition specified: cpu", None),
        ("sbatch: error: Unable to open file /nowhere", None),
    ],
)  # fmt: skip
def test_why_a_submission_is_refused_is_read_from_slurms_words(err: str, kind: str | None) -> None:
    assert kind_of(err) == kind


def checked(site: Site, monkeypatch: pytest.MonkeyPatch, executor: str = "slurm") -> None:
    monkeypatch.setenv("PATH", f"{site.bin}:/bin")
    check(SimpleNamespace(executor_plugin=SimpleNamespace(name=executor)))


def test_a_run_through_slurm_needs_its_commands(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: str(path) if (path := site.bin / name).exists() else None)
    checked(site, monkeypatch, "local")
    site.has("sbatch", "true")
    site.has("squeue", "true")
    with pytest.raises(UserError, match="there is no sacct, scancel on PATH"):
        checked(site, monkeypatch)
    site.has("sacct", "true")
    site.has("scancel", "true")
    checked(site, monkeypatch)


def test_commands_without_a_configuration_end_the_run_and_a_controller_that_is_away_does_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sbatch", "sacct", "scancel"):
        site.has(name, "true")
    fatal = "echo 'squeue: fatal: Could not establish a configuration source' >&2; exit 1"
    site.has("squeue", fatal)
    with pytest.raises(UserError, match="know no cluster here: squeue: fatal"):
        checked(site, monkeypatch)
    site.has("squeue", f"echo 'squeue: error: Unable to contact slurm controller' >&2; {fatal}")
    checked(site, monkeypatch)
    site.has("squeue", "sleep 60")
    monkeypatch.setattr("omr.runs.patient_slurm._ANSWER_WITHIN_S", 0.2)
    checked(site, monkeypatch)


def test_a_submission_waits_for_a_controller_that_is_away(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.fails("sbatch", 5, AWAY, "echo 17")
    site.has("scontrol", "echo MinJobAge = 300 sec")
    assert site.call("sbatch", *SUBMISSION) == 0
    shown = capsys.readouterr()
    assert shown.out == "17\n"
    # Of an error stream that holds this the executor makes a failure.
    assert "submission failed" not in shown.err
    assert len(site.calls("sbatch")) == 6
    assert site.said.count("the controller is away, waiting") == 1
    assert "submitted after" in site.said


def test_a_submission_waits_at_a_limit_for_as_long_as_jobs_of_ours_are_there(site: Site) -> None:
    site.fails("sbatch", 60, POLICY, "echo 17")
    site.has("squeue", "echo 3")
    assert site.call("sbatch", *SUBMISSION) == 0
    assert "a limit on submissions is reached, waiting" in site.said


def test_a_submission_waits_for_a_partition_that_is_closed_and_tells_what_slurm_said(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_command, "_SAY_EVERY_S", 0.2)
    site.fails("sbatch", 60, DRAINED, "echo 17")
    assert site.call("sbatch", *SUBMISSION) == 0
    assert site.said.count("closed for now, waiting") > 1
    assert "Required partition not available (inactive or drain)" in site.said


def test_what_may_be_a_limit_is_a_refusal_when_no_job_of_ours_is_there(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.fails("sbatch", 10_000, POLICY, "echo 17")
    site.has("squeue", "true")
    assert site.call("sbatch", *SUBMISSION) == 1
    assert "Job violates accounting/QOS policy" in capsys.readouterr().err


def test_any_other_refusal_is_passed_on_at_once(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.has("sbatch", 'echo "sbatch: error: invalid partition specified: cpu" >&2; exit 3')
    assert site.call("sbatch", *SUBMISSION) == 3
    assert capsys.readouterr().err == "sbatch: error: invalid partition specified: cpu\n"
    assert len(site.calls("sbatch")) == 1


def test_a_job_whose_submission_lost_its_answer_is_not_submitted_twice(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.fails("sbatch", 1, "sbatch: error: Socket timed out on send/recv operation", "echo 99")
    site.has("squeue", "echo '41|rule_b_wildcards_1'; echo '42|rule_a_wildcards_1'")
    assert site.call("sbatch", *SUBMISSION) == 0
    assert capsys.readouterr().out == "42\n"
    assert len(site.calls("sbatch")) == 1
    assert site.calls("squeue") == ["--noheader --name=run-1 --format=%i|%k"]
    # A job that is known is another one: an earlier attempt that has not quite ended.
    (site.bin / "sbatch.calls").unlink()
    assert site.call("sbatch", *SUBMISSION) == 0
    assert capsys.readouterr().out == "99\n"


def test_a_submission_without_an_answer_is_ended_and_looked_for(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slurm_command, "_SUBMIT_WITHIN_S", 0.3)
    site.has("sbatch", "exec sleep 60")
    site.has("squeue", "echo '42|rule_a_wildcards_1'")
    assert site.call("sbatch", *SUBMISSION) == 0
    assert capsys.readouterr().out == "42\n"


def test_a_script_on_standard_input_is_submitted_at_every_try(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.fails("sbatch", 2, AWAY, f"cat > {site.bin}/script; echo 17")
    given = site.bin / "given"
    given.write_text("#!/bin/sh\ntrue\n")
    with given.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert site.call("sbatch", *SUBMISSION, "/dev/stdin") == 0
    assert (site.bin / "script").read_text() == given.read_text()


def piped(site: Site, name: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """As a program calls it, through pipes."""
    command = [sys.executable, slurm_command.__file__, str(site.run), str(site.bin / name), *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)


def test_a_script_that_slurm_refuses_unread_is_refused_in_its_words(site: Site) -> None:
    site.has("sbatch", 'exec <&-; echo "sbatch: error: invalid partition specified: cpu" >&2; exit 3')
    done = piped(site, "sbatch", *SUBMISSION, given="#!/bin/sh\n" + "# nothing\n" * 200_000)
    assert (done.returncode, done.stderr) == (3, "sbatch: error: invalid partition specified: cpu\n")


def test_an_answer_that_nobody_reads_is_no_failure(site: Site) -> None:
    site.has("sinfo", "seq 100000")
    command = [sys.executable, slurm_command.__file__, str(site.run), str(site.bin / "sinfo"), "-h"]
    asked = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert asked.stdout is not None
    assert asked.stderr is not None
    asked.stdout.close()
    assert (asked.stderr.read(), asked.wait(60)) == (b"", 0)
    asked.stderr.close()


def with_bad_node(site: Site) -> None:
    """Two nodes take jobs, and the submitted one failed on the first of them."""
    ledger = site.run / "nodes.json"
    (site.run / "ledger").write_text(str(ledger))
    write_failed_nodes(ledger, FailedNodes([Failed(time.time(), "n1", "7", SUBMISSION[4], "start", "no GPU")]))
    site.has("sinfo", "echo 'n1|idle|gpu*|gpu:8'; echo 'n2|mix|gpu*|gpu:8'")


def test_a_further_try_is_submitted_without_the_node_of_the_one_before(site: Site) -> None:
    with_bad_node(site)
    site.has("sbatch", "echo 17")
    assert site.call("sbatch", *SUBMISSION) == 0
    assert site.calls("sbatch") == [" ".join(["--exclude=n1", *SUBMISSION])]
    assert (site.run / "jobs").read_text() == "17 run-1\n"


def test_a_submission_that_slurm_refuses_without_a_node_is_made_with_it(site: Site) -> None:
    with_bad_node(site)
    refusal = "sbatch: error: Batch job submission failed: Requested node configuration is not available"
    site.has("sbatch", f'case "$*" in *exclude*) echo "{refusal}" >&2; exit 1;; esac; echo 17')
    assert site.call("sbatch", *SUBMISSION) == 0
    assert site.calls("sbatch") == [" ".join(["--exclude=n1", *SUBMISSION]), " ".join(SUBMISSION)]


def test_the_end_of_a_job_is_noted_before_the_executor_knows_of_it(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.run / "ledger").write_text(str(site.run / "results" / "nodes.json"))
    (site.run / "jobs").write_text("7 run-1\n")
    site.has("squeue", "case $* in *%k*) echo '7|FAILED|None|n1|rule_a';; *) echo '7|FAILED';; esac")
    assert site.call("squeue", "--name", "run-1") == 0
    assert capsys.readouterr().out == "7|FAILED\n"
    assert read_failed_nodes(site.run / "results" / "nodes.json").of_work("rule_a") == ["n1"]
    # What cannot be written is told, and the executor answered.
    (site.run / "ledger").write_text("/dev/null/nodes.json")
    (site.run / "watched").unlink()
    assert site.call("squeue", "--name", "run-1") == 0
    assert capsys.readouterr().out == "7|FAILED\n"
    assert "nodes and waiting jobs are not looked at" in site.said


def test_nothing_is_submitted_after_snakemake_was_told_to_stop(site: Site) -> None:
    site.has("sbatch", "echo 17")
    (site.run / "stopping").touch()
    assert site.call("sbatch", *SUBMISSION) == 1
    assert site.calls("sbatch") == []


def test_nothing_is_submitted_for_a_snakemake_that_is_gone(site: Site) -> None:
    site.has("sbatch", "echo 17")
    ended = subprocess.Popen(["true"])
    ended.wait()
    site.run = site.run.rename(site.run.with_name(f"machine-{ended.pid}"))
    assert site.call("sbatch", *SUBMISSION) == 1
    assert site.calls("sbatch") == []


@pytest.mark.parametrize("name", ["squeue", "sacct"])
def test_states_that_cannot_be_asked_for_are_as_they_were(
    site: Site, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site.fails(
        name, 3, "slurm_load_jobs error: Unable to contact slurm controller (connect failure)", "echo '7|RUNNING'"
    )
    question = ("--name", "run-1")
    for _ in range(3):
        assert site.call(name, *question) == 0
        assert capsys.readouterr().out == ""
    assert site.call(name, *question) == 0
    assert capsys.readouterr().out == "7|RUNNING\n"
    assert site.said.count("is away") == 1
    assert "states of jobs are known again" in site.said


def test_any_failure_of_a_question_for_states_is_borne_and_told(site: Site) -> None:
    # Five of them would make the executor forget its jobs and wait for ever.
    site.has("squeue", "echo 'squeue: error: Invalid user' >&2; exit 1")
    for _ in range(6):
        assert site.call("squeue", "--name", "run-1") == 0
    assert site.said.count("states cannot be asked for") == 1
    assert "Invalid user" in site.said
    # Other questions are not the executor's.
    assert site.call("squeue", "--user=me") == 1


def test_a_command_that_does_not_answer_is_ended_before_the_executor_loses_patience(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_command, "_ANSWER_WITHIN_S", 0.2)
    site.has("squeue", "exec sleep 60")
    assert site.call("squeue", "--name", "run-1") == 0
    assert "no answer within" in site.said


def test_a_job_that_slurm_has_forgotten_is_ended_as_its_files_say(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.run / "jobs").write_text("7 run-1\n8 run-1\n9 run-2\n")
    site.has("squeue", "echo '7|RUNNING'")
    assert site.call("squeue", "--name", "run-1") == 0
    # It may just not be listed yet.
    assert capsys.readouterr().out == "7|RUNNING\n"
    missing = json.loads((site.run / "missing").read_text())
    (site.run / "missing").write_text(json.dumps({number: since - 200 for number, since in missing.items()}))
    assert site.call("squeue", "--name", "run-1") == 0
    assert capsys.readouterr().out == "7|RUNNING\n8|UNKNOWN\n"
    # The accounting database may not know it yet.
    site.has("sacct", "true")
    assert site.call("sacct", "--name", "run-1") == 0
    assert capsys.readouterr().out == ""


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_jobs_are_cancelled_when_the_controller_is_back_though_snakemake_has_ended(site: Site) -> None:
    site.fails("scancel", 2, "scancel: error: Kill job error: Unable to contact slurm controller", "true")
    called = [sys.executable, slurm_command.__file__, str(site.run), str(site.bin / "scancel"), "7", "8"]
    assert subprocess.run(called, check=False, timeout=60).returncode == 0
    assert (site.run / "stopping").exists()
    until(lambda: site.calls("scancel") == ["7 8"] * 3)
    until(lambda: "exit status 0" in site.said)


def test_a_cancellation_that_slurm_refuses_fails_as_ever(site: Site) -> None:
    site.has("scancel", "echo 'scancel: error: Invalid job id' >&2; exit 1")
    assert site.call("scancel", "7") == 1
    assert len(site.calls("scancel")) == 1


def test_the_controllers_settings_are_as_it_last_said(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.fails("scontrol", 1, AWAY, "echo MinJobAge = 300 sec")
    assert site.call("scontrol", "show", "config") == 1  # nobody has said them yet
    assert site.call("scontrol", "show", "config") == 0
    site.fails("scontrol", 1_000, AWAY, "true")
    capsys.readouterr()
    assert site.call("scontrol", "show", "config") == 0
    assert capsys.readouterr().out == "MinJobAge = 300 sec\n"


def test_the_partitions_are_asked_for_until_the_controller_is_back(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.fails("sinfo", 3, "slurm_load_partitions: Unable to contact slurm controller", "echo 'gpu*'")
    assert site.call("sinfo", "-h", "-o", "%P") == 0
    assert capsys.readouterr().out == "gpu*\n"


def test_programs_find_the_patient_commands_and_jobs_do_not(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.has("sbatch", f'echo "$PATH" > {tmp_path}/path; echo 17')
    monkeypatch.setenv("PATH", str(site.bin))
    said: list[str] = []
    patient = PatientSlurm(tmp_path / "with blanks" / "slurm", said.append)
    patient.start()
    here = patient.folder / "bin"
    assert os.environ["PATH"] == f"{here}:{site.bin}"
    # Only what there is: the executor asks `which`.
    assert [path.name for path in here.iterdir()] == ["sbatch"]
    call = ["sbatch", "--parsable", "--job-name", "run 1"]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert done.stdout == "17\n"
    assert (tmp_path / "path").read_text() == f"{site.bin}\n"
    assert (patient.folder / "jobs").read_text() == "17 run 1\n"
    (patient.folder / "log").write_text("sbatch: one\nsbatch: tw")
    until(lambda: said == ["Slurm: sbatch: one"])


def test_what_is_left_of_a_run_that_is_over_is_cancelled_by_its_name(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.has("scancel", "true")
    monkeypatch.setenv("PATH", f"{site.bin}:/usr/bin:/bin")
    patient = PatientSlurm(tmp_path / "slurm", lambda line: None)
    patient.start()
    patient.cancel_rest()
    assert site.calls("scancel") == []
    (patient.folder / "jobs").write_text("17 run-1\n18 run-1\n")
    patient.cancel_rest()
    assert site.calls("scancel") == ["--quiet --name=run-1"]


def test_files_of_runs_that_are_over_are_removed_and_of_other_machines_kept(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    first = PatientSlurm(tmp_path, lambda line: None).folder
    machine = first.name.rpartition("-")[0]
    for name in (f"{machine}-{ended.pid}", "elsewhere-1"):
        (tmp_path / name).mkdir()
    PatientSlurm(tmp_path, lambda line: None)
    assert {path.name for path in tmp_path.iterdir()} == {first.name, "elsewhere-1"}


@pytest.fixture
def killed(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a Snakemake on this machine that was killed and had submitted jobs."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    folder = tmp_path / "slurm" / f"{socket.gethostname()}-{ended.pid}"
    folder.mkdir(parents=True)
    (folder / "jobs").write_text("17 run-1\n18 run-1\n19 run-2\n")
    site.has("scancel", "true")
    monkeypatch.setenv("PATH", f"{site.bin}:/usr/bin:/bin")
    return folder


def started(killed: Path) -> list[str]:
    """What the next start in the project tells."""
    said: list[str] = []
    PatientSlurm(killed.parent, said.append)
    return said


def test_jobs_of_a_killed_snakemake_that_wait_are_cancelled_and_those_that_run_are_named(
    site: Site, killed: Path
) -> None:
    running = "echo '17|RUNNING|rule_judge_answers_of_round_wildcards_1'"
    site.has("squeue", f"{running}; echo '18|PENDING|rule_a'; echo '19|PENDING|rule_b'")
    site.has("scontrol", "true")
    waiting, running = started(killed)
    assert site.calls("squeue") == ["--noheader --name=run-1,run-2 --format=%i|%T|%k"]
    assert site.calls("scancel") == ["--quiet --state=PENDING --name=run-1,run-2"]
    assert waiting.endswith("that wait are cancelled (18, 19)")
    assert running.endswith("still run, and new ones wait for them (17)")
    # Started again by Slurm, it would remove what was made meanwhile, and make it by the config of then.
    assert site.calls("scontrol") == ["update JobId=17 Requeue=0"]
    assert not killed.exists()


def test_running_jobs_of_a_killed_snakemake_that_would_replace_what_is_made_now_are_cancelled(
    site: Site, killed: Path
) -> None:
    site.has("squeue", "echo '17|RUNNING|rule_deduplicate_wildcards_demo'; echo '18|RUNNING|rule_extract_problems'")
    site.has("scontrol", "exit 1")
    replacing, keeping = started(killed)
    assert site.calls("scancel") == ["--quiet 17"]
    assert replacing.endswith("would replace what this run makes, are cancelled (17)")
    assert keeping.endswith("(18)")


def test_of_a_snakemake_that_left_no_job_nothing_is_cancelled_or_told(site: Site, killed: Path) -> None:
    site.has("squeue", "true")
    assert started(killed) == []
    assert site.calls("scancel") == []
    assert not killed.exists()


def test_a_snakemake_that_submitted_nothing_lives_or_is_elsewhere_is_not_asked_about(site: Site, killed: Path) -> None:
    site.has("squeue", "echo '18|PENDING|rule_a'")
    (killed / "jobs").rename(killed / "none")
    for name in (f"elsewhere-{killed.name.rpartition('-')[2]}", f"{socket.gethostname()}-{os.getppid()}"):
        (killed.parent / name).mkdir()
        (killed.parent / name / "jobs").write_text("18 run-1\n")
    assert started(killed) == []
    assert site.calls("squeue") == site.calls("scancel") == []


def test_waiting_jobs_of_a_killed_snakemake_are_cancelled_when_the_controller_is_back(site: Site, killed: Path) -> None:
    site.has("squeue", f"echo '{AWAY}' >&2; exit 1")
    site.fails("scancel", 1, "scancel: error: Unable to contact slurm controller", "true")
    (told,) = started(killed)
    assert "those that wait are cancelled as soon as may be" in told
    until(lambda: site.calls("scancel") == ["--quiet --state=PENDING --name=run-1,run-2"] * 2)


def test_a_cancellation_of_waiting_jobs_that_slurm_refuses_is_told(site: Site, killed: Path) -> None:
    site.has("squeue", "echo '18|PENDING|rule_a'")
    site.has("scancel", "echo 'scancel: error: Access denied' >&2; exit 1")
    (told,) = started(killed)
    assert told.endswith("could not be cancelled: scancel: error: Access denied (18)")
