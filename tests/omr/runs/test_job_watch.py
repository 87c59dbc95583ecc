"""The jobs of a run as Slurm lists them: whose failure says something of a node, and whose waiting is told when."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from omr.runs.failed_nodes import read_failed_nodes
from omr.runs.job_watch import NOTES, JobWatch

NOW = 1_000_000.0


class Lab:
    """A run with stand-ins for Slurm's commands: `listed` is what squeue says of its jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ledger = folder, folder / "results" / "nodes.json"
        (folder / NOTES).mkdir()
        self.said: list[str] = []
        self.asked: list[tuple[str, ...]] = []
        self.listed: str | None = ""

    def ask(self, *words: str) -> str | None:
        self.asked.append(words)
        if words[0] == "scontrol":
            return {"n[1-2]": "n1\nn2\n", "n[3-4]": "n3\nn4\n"}[words[-1]]
        return self.listed

    def look(self, *rows: str, now: float = NOW) -> None:
        """`rows`: number, state, reason, nodes, work."""
        self.listed = "\n".join(rows) + "\n9|FAILED|None|n9|somebody's\n"
        states = "".join("|".join(row.split("|")[:2]) + "\n" for row in self.listed.splitlines())
        JobWatch(self.folder, self.ledger, self.ask, self.said.append).look("run-1", states, ["1", "2", "3", "4"], now)

    def note(self, name: str, kind: str, why: str = "") -> None:
        (self.folder / NOTES / name).write_text(json.dumps({"kind": kind, "why": why}))

    def failed(self) -> list[tuple[str, str, str]]:
        return [(one.work, one.node, one.kind) for one in read_failed_nodes(self.ledger, NOW).failed]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_server_that_did_not_start_and_a_job_without_a_word_are_noted_with_their_nodes(lab: Lab) -> None:
    lab.note("1", "start", "no GPU")
    lab.look("1|FAILED|NonZeroExitCode|n1|rule_a_wildcards_x", "2|FAILED|JobLaunchFailure|n2|rule_b")
    assert lab.failed() == [("rule_a_wildcards_x", "n1", "start"), ("rule_b", "n2", "silent")]
    assert lab.said[0].startswith("job 1 (a x) failed on n1 (no GPU): if that is the node's fault")
    assert lab.said[1].startswith("job 2 (b) failed on n2 (ended before anything of the job ran)")


@pytest.mark.parametrize("kind", ["begun", "served", "of a later version"])
def test_a_job_that_fails_at_its_work_says_nothing_of_its_node(lab: Lab, kind: str) -> None:
    lab.note("1", kind)
    lab.look("1|FAILED|NonZeroExitCode|n1|rule_a")
    assert lab.failed() == []
    assert lab.said == []


@pytest.mark.parametrize("state", ["CANCELLED", "TIMEOUT", "PREEMPTED", "OUT_OF_MEMORY", "NODE_FAIL", "DEADLINE"])
def test_ends_that_are_not_the_jobs_own_say_nothing_of_its_node(lab: Lab, state: str) -> None:
    lab.note("1", "start", "told to stop")
    lab.look(f"1|{state}|None|n1|rule_a")
    assert lab.failed() == []


def test_an_end_is_noted_once_and_slurm_is_not_asked_again(lab: Lab) -> None:
    for _ in range(3):
        lab.look("1|FAILED|None|n1|rule_a", "2|RUNNING|None|n2|rule_b")
    assert len(lab.asked) == 1
    assert lab.asked[0][:4] == ("squeue", "--noheader", "--states=all", "--name=run-1")
    assert len(lab.failed()) == 1


def test_where_slurm_does_not_answer_it_is_asked_again(lab: Lab) -> None:
    watch = JobWatch(lab.folder, lab.ledger, lambda *words: None, lab.said.append)
    watch.look("run-1", "1|FAILED\n", ["1"], NOW)
    lab.look("1|FAILED|None|n1|rule_a")
    assert lab.failed() == [("rule_a", "n1", "silent")]


def test_a_server_that_is_ready_elsewhere_shows_which_node_is_bad(lab: Lab) -> None:
    for number in ("1", "2"):
        lab.note(number, "start", "no GPU")
    lab.look("1|FAILED|None|n1|rule_a", "2|FAILED|None|n1|rule_b")
    lab.note("3", "served")
    lab.look("1|FAILED|None|n1|rule_a", "2|FAILED|None|n1|rule_b", "3|RUNNING|None|n2|rule_a", now=NOW + 30)
    assert read_failed_nodes(lab.ledger, NOW + 31).avoided() == ["n1"]
    assert lab.said[-1].startswith(
        "new jobs avoid the node n1: 2 jobs failed there (no GPU), and one of them did well on n2"
    )


def test_of_several_nodes_the_one_that_says_so_is_noted_or_else_all(lab: Lab) -> None:
    lab.note("1", "start", "ended with exit status 2")
    lab.note("1.n2", "start", "7 GPUs are there")
    lab.note("2", "start", "ended with exit status 2")
    lab.look("1|FAILED|None|n[1-2]|rule_a", "2|FAILED|None|n[3-4]|rule_b")
    assert lab.failed() == [("rule_a", "n2", "start"), ("rule_b", "n3", "start"), ("rule_b", "n4", "start")]
    assert "failed on n2 (7 GPUs are there)" in lab.said[0]


def test_a_run_without_a_failure_leaves_no_file(lab: Lab) -> None:
    lab.look("1|COMPLETED|None|n1|rule_a")
    assert not lab.ledger.exists()


def waits(lab: Lab, reason: str, now: float) -> None:
    lab.look(f"1|PENDING|{reason}||rule_a", "2|PENDING|Priority||rule_b", now=now)


def test_a_job_that_never_starts_is_told_at_once_and_every_ten_minutes_and_one_question_a_minute_is_asked(
    lab: Lab,
) -> None:
    for second in range(0, 1300, 20):
        waits(lab, "launch failed requeued held", NOW + second)
    assert len(lab.said) == 3
    assert "scontrol release 1" in lab.said[0]
    assert len(lab.asked) <= 22


def test_what_may_pass_is_told_when_it_has_not_for_ten_minutes(lab: Lab) -> None:
    for second in range(0, 540, 60):
        waits(lab, "ReqNodeNotAvail", NOW + second)
    assert lab.said == []
    waits(lab, "Resources", NOW + 600)
    for second in range(660, 1320, 60):
        waits(lab, "ReqNodeNotAvail", NOW + second)
    assert lab.said == ["job 1: Slurm lets it wait (ReqNodeNotAvail); that may pass by itself"]


def test_a_note_that_is_torn_says_nothing(lab: Lab) -> None:
    (lab.folder / NOTES / "1").write_text('{"kind": "sta')
    lab.look("1|FAILED|None|n1|rule_a")
    assert lab.failed() == []
