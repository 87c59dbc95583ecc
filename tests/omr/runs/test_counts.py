"""What model stages did, as their shards' counts tell."""

from __future__ import annotations

from omr.runs.counts import ModelUse

LOAD = {"seconds": 9.0, "running_s": 9.0, "waiting_s": 0.0, "cache_s": 0.0, "preempted": 0.0}
LOAD |= {"prompt_tokens": 9.0, "completion_tokens": 9.0}


def test_gpu_seconds_are_those_of_each_job_and_of_an_older_version_those_of_the_last_one() -> None:
    use = ModelUse("extract_problems", "solver", 2)
    use.add({"wall_s": 36000.0, "gpus": 8, "gpu_s": 80.0}, 0)
    assert use.gpu_s == 80.0
    use.add({"wall_s": 10.0, "gpus": 4}, 0)
    assert use.gpu_s == 120.0


def test_sizes_of_servers_are_those_that_worked_and_not_that_of_the_last_job() -> None:
    use = ModelUse("extract_problems", "solver", 2)
    worked = {"starts": 1, "start_s": 9.0, "full_load": LOAD}
    use.add(worked | {"gpus": 4, "started_gpus": [8], "measured_gpus": [8]}, 0)
    assert (use.started_gpus, use.measured_gpus) == ({8}, {8})
    use.add(worked | {"gpus": 4}, 0)  # of an older version
    assert (use.started_gpus, use.measured_gpus) == ({8, 4}, {8, 4})
