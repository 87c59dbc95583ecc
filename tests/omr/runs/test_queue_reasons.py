"""Slurm's reasons for waiting: those that are usual, that may pass, and that somebody has to mend."""

from __future__ import annotations

import pytest
from omr.runs.queue_reasons import Waiting, is_usual, sentences, stays


@pytest.mark.parametrize(
    "reason", ["None", "Priority", "Resources", "BeginTime", "Dependency", "Cleaning", "", "(null)"]
)
def test_jobs_that_wait_for_their_turn_are_not_told(reason: str) -> None:
    assert is_usual(reason)
    assert list(sentences([Waiting("7", reason)])) == []


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("launch failed requeued held", "say `scontrol release 7`"),
        ("launch_failed_requeued_held", "say `scontrol release 7`"),
        ("job requeued in held state", "say `scontrol release 7`"),
        ("JobHoldMaxRequeue", "say `scontrol release 7`"),
        ("JobHeldUser", "say `scontrol release 7`"),
        ("JobHeldAdmin", "`scancel 7`"),
        ("DependencyNeverSatisfied", "say `scontrol update JobId=7 Dependency=`"),
        ("PartitionTimeLimit", "say `scontrol update JobId=7 TimeLimit=MINUTES`"),
        ("QOSMaxWallDurationPerJobLimit", "TimeLimit=MINUTES"),
        ("BadConstraints", "`slurm` in config"),
        ("PartitionNodeLimit", "`slurm` in config"),
        ("AssocMaxGRESPerJob", "`slurm` in config"),
        ("QOSMaxCpuPerNode", "`slurm` in config"),
        ("AccountNotAllowed", "mend `account`"),
        ("InvalidQOS", "mend `account`"),
        ("ReservationDeleted", "ReservationName=`"),
    ],
)
def test_what_never_passes_is_told_with_what_mends_it(reason: str, remedy: str) -> None:
    assert stays(reason)
    (told,) = sentences([Waiting("7", reason)])
    assert told.startswith("job 7 will not start without help: ")
    assert f"({reason})" in told
    assert remedy in told


@pytest.mark.parametrize(
    "reason",
    [
        "ReqNodeNotAvail, UnavailableNodes:n[1-3]",
        "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
        "PartitionDown", "PartitionInactive", "Reservation", "Licenses", "QOSMaxJobsPerUserLimit", "QOSMaxGRESPerUser",
        "QOSGrpCpuLimit", "AssocGrpGRESMinutes", "AssocMaxJobsLimit", "SomethingOfALaterVersion",
    ],
)  # fmt: skip
def test_what_may_pass_is_told_in_slurms_words(reason: str) -> None:
    assert not stays(reason)
    assert not is_usual(reason)
    assert list(sentences([Waiting("7", reason)])) == [f"job 7: Slurm lets it wait ({reason}); that may pass by itself"]


def test_jobs_of_one_reason_are_told_together_and_what_never_passes_first() -> None:
    many = [Waiting(str(number), "Licenses") for number in range(10, 30)]
    held, licenses = sentences(
        [*many, Waiting("7", "JobHeldUser"), Waiting("8", "JobHeldUser"), Waiting("9", "Priority")]
    )
    assert held == "jobs 7, 8 will not start without help: held by the owner (JobHeldUser); say `scontrol release 7,8`"
    assert licenses.startswith("jobs 10, 11, 12, 13, 14, 15, 16, 17 and 12 more: Slurm lets them wait (Licenses)")
