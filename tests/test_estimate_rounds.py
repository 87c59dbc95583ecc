"""The estimate of a recipe in rounds: its jobs differ, and a time limit and tries must hold the longest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import run_files
from estimated_runs import estimated, raw_threads, stage


def in_rounds(tmp_path: Path, seeds_per_job: Any = 1, **solver: Any) -> dict[str, Any]:
    """540 problems in two rounds, of two and of four seeds, on two shards, for a server that needs 100 seconds for a
    solution of 7,500 tokens and its prompt of 200. A quarter of them is never solved: the second round is about those.

    So a job of the first round asks for 270 solutions, 7.5 h; one of the second for 67.5, 1.875 h.
    """
    run = tmp_path / "small"
    rates = ({"share": share, "solutions": 4, "answer_source": "extracted"} for share in (0.0, 1.0, 1.0, 1.0))
    rows = [{"id": f"{number:016x}-1"} | rate for number, rate in enumerate(rates)]
    run_files.write_rows(run / run_files.RECIPE / "pass_rates.jsonl", *rows)
    recipe = run_files.config()["recipes"][run_files.RECIPE]
    recipe |= {"seeds": 6, "rounds": [2, 4], "seeds_per_job": seeds_per_job, "shards": 2}
    recipe["enough"] = {"right": 2, "votes": 2, "share": 0.5, "give_up_after": None}
    model = {"path": "p", "server": "vllm", "gpus": 8, "tokens_per_second": 75.2, "start_min": 30}
    return estimated(
        run,
        raw_data=raw_threads(tmp_path, 620),
        models={"solver": model | solver},
        recipes={run_files.RECIPE: recipe},
    )


def test_rounds_make_jobs_differ_and_the_longest_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = in_rounds(tmp_path, runtime_min=300)
    solve, judge = stage(found, "generate_solutions"), stage(found, "judge_answers")
    assert (solve["requests"], solve["jobs"]) == (540 * 2 + 135 * 4, 12)
    assert (solve["hours_per_job"], solve["longest_job_hours"]) == (pytest.approx(3.75), pytest.approx(7.5))
    # In tries of 4.5 hours of work: two for each of four jobs, and eight jobs need one.
    assert (solve["tries"], solve["start_hours"]) == (2, (4 * 2 + 8) * 0.5 * 8)
    assert solve["gpu_hours"] == pytest.approx(1620 * 100 / 3600 * 8 + solve["start_hours"])
    # Judges have a job per round, and one for what is left behind them.
    assert judge["longest_job_hours"] / judge["hours_per_job"] == pytest.approx(1080 / (1620 / 3))
    said = capsys.readouterr().out.splitlines()
    assert said[0].split()[-3:] == ["jobs", "longest", "from"]
    (row,) = (line for line in said if line.startswith("  generate_solutions  "))
    assert row.split()[-3:] == ["12", "7.5", "assumed"]
    (told,) = (line for line in said if line.startswith(f"Long: the longest job of {run_files.RECIPE}: generate_sol"))
    assert "works about 7.5 h, its time limit is 5.0 h: 2 tries, and one more for a failed one" in told


def test_jobs_that_ask_for_several_seeds_start_fewer_servers_for_the_same_work(tmp_path: Path) -> None:
    solve = stage(in_rounds(tmp_path, seeds_per_job=[1, 4], runtime_min=300), "generate_solutions")
    # The four seeds of the second round are together as much as one of the first.
    assert (solve["requests"], solve["jobs"]) == (540 * 2 + 135 * 4, 6)
    assert (solve["hours_per_job"], solve["longest_job_hours"]) == (pytest.approx(7.5), pytest.approx(7.5))
    assert (solve["tries"], solve["start_hours"]) == (2, 6 * 2 * 0.5 * 8)


@pytest.mark.parametrize(
    ("runtime_min", "tries", "told"),
    [
        (150, 4, "4 tries, all that `retries: 3` of profiles/slurm allows, so none may fail. Set `retries: 4` in the"),
        (
            120,
            5,
            "5 tries, but `retries: 3` of profiles/slurm does not allow them: it fails for good. Set `retries: 5`",
        ),
        (30, None, "h, which a start of 30 min uses up: it would fail for good; set `runtime_min: 503` of solver."),
    ],
)
def test_where_tries_do_not_hold_the_longest_job_and_a_failed_try_what_would_do_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], runtime_min: int, tries: int | None, told: str
) -> None:
    assert stage(in_rounds(tmp_path, runtime_min=runtime_min), "generate_solutions")["tries"] == tries
    (said,) = (
        line for line in capsys.readouterr().out.splitlines() if "longest job of cot-small: generate_sol" in line
    )
    assert told in said
    # 7.5 hours of work are worth one start of half an hour: with a twentieth more for uneven shards, 502.5 minutes.
    assert "`runtime_min: 503` of solver" in said
    assert stage(in_rounds(tmp_path, runtime_min=503), "generate_solutions")["tries"] == 1


def test_the_time_limit_that_config_should_say_is_that_of_the_longest_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Five minutes of start ask for 2.7 hours of work each: 7.5 hours are done in two tries, each of half of them, a
    # twentieth more, and a start: 241.25 minutes.
    in_rounds(tmp_path, start_min=5, runtime_min=120)
    said = capsys.readouterr().out
    assert "  models: {solver: {runtime_min: 242}}" in said
    assert "4 tries, all that `retries: 3` of profiles/slurm allows, so none may fail" in said
