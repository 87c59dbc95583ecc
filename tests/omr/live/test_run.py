"""A run is read while it goes on, whatever its jobs left behind."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from live_runs import ELSEWHERE, GONE, HERE, STAGE, at_work, begin_run, finish, shard, write_raw
from omr.errors import UserError
from omr.files.jsonl import AtomicFile
from omr.live.run import RunProgress, Watched
from omr.live.signs import Queue
from omr.live.spending import over_budget
from omr.live.stage import StageProgress, StageReader
from omr.live.words import stage_words, summary, worries
from omr.replies.progress_file import JobProgress, ProgressFile
from omr.runs.failed_nodes import Failed, FailedNodes, write_failed_nodes
from omr.runs.queue_reasons import Waiting
from run_files import RECIPE, write_counts


def look(folder: Path) -> RunProgress:
    return Watched(folder).look(asks_queue=False)


def first(run: RunProgress) -> StageProgress:
    return next(stage for stage in run.stages if stage.stage == STAGE)


def shards(run: RunProgress) -> dict[str, int]:
    return {state: number for state, number in first(run).shards.items() if number}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begin_run(tmp_path / "small")


def test_a_run_that_has_asked_nothing_waits(folder: Path) -> None:
    run = look(folder)
    assert shards(run) == {"waiting": 4}
    assert (first(run).done, run.requests(first(run)), run.left_s(first(run))) == (0, (None, True), None)
    assert (run.gpu_hours, run.usd, run.is_complete, run.jobs) == (0.0, 0.0, False, None)
    assert run.faults == []


def test_shards_that_are_done_at_work_stopped_and_waiting_are_told_apart(folder: Path) -> None:
    finish(folder, 0, failed={"http": 2})
    at_work(folder, 1, failed={"http": 1, "timeout": 1})
    at_work(folder, 2, tries=3, **GONE)
    run = look(folder)
    stage = first(run)
    assert shards(run) == {"done": 1, "running": 1, "stopped": 1, "waiting": 1}
    assert (stage.done, stage.total, stage.unknown_shards) == (10 + 7 + 5, 30, 1)
    assert run.requests(stage) == (40, True)  # as many for the shard that nobody has begun
    assert dict(stage.failed) == {"http": 3, "timeout": 1}
    assert stage.retried == 1
    # Only a job that is there has a speed: 3 replies and 50 tokens in 100 s.
    assert (stage.rows_per_s, stage.tokens_per_s) == (0.03, 0.5)
    assert run.left_s(stage) == pytest.approx((40 - 22) / 0.03)


def test_a_job_that_ends_well_while_the_run_is_read_is_done_and_not_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work(folder, 1, **GONE)
    settle = StageReader.settle

    def end_well_first(reader: StageReader) -> None:
        finish(folder, 1)
        settle(reader)

    monkeypatch.setattr(StageReader, "settle", end_well_first)
    run = look(folder)
    assert shards(run) == {"done": 1, "waiting": 3}
    assert worries(run) == []


def test_hours_and_money_are_those_of_all_tries_on_all_gpus(folder: Path) -> None:
    finish(folder, 0)  # half an hour on two
    at_work(folder, 1)  # an hour on two
    at_work(folder, 2, **GONE)
    run = look(folder)
    assert run.gpu_hours == pytest.approx(1 + 2 + 2)
    assert run.usd == pytest.approx(5 * 3.0)
    assert run.gpus == 2  # of these, so many are held now


def test_hours_are_those_on_the_gpus_of_each_try(folder: Path) -> None:
    finish(folder, 0, wall_s=36000.0, gpus=8, gpu_s=360.0, superseded={"held_s": 7200.0, "gpu_s": 3240.0})
    at_work(folder, 1, held_s=36000.0, gpus=8, gpu_s=3600.0)
    replies = folder / "replies" / STAGE
    (replies / f"{shard(2)}.jsonl.journal").write_bytes(b"{}\n")
    (replies / f"{shard(2)}.jsonl.held").write_bytes(
        b'{"held_s": 36000.0, "gpu_s": 1800.0, "superseded": {"gpu_s": 1800}}'
    )
    assert look(folder).gpu_hours == pytest.approx(1 + 1 + 1)


def test_what_replies_cost_that_are_no_longer_wanted_is_spent_too(folder: Path) -> None:
    finish(folder, 0, superseded={"held_s": 5400.0, "prompt_tokens": 100, "completion_tokens": 10, "without_usage": 0})
    run = look(folder)
    assert run.gpu_hours == pytest.approx(1 + 3)
    assert run.usd == pytest.approx(4 * 3.0)
    assert first(run).completion_tokens == 210
    finish(folder, 1, superseded=["odd"])
    assert look(folder).gpu_hours == pytest.approx(1 + 3 + 1)


def test_money_is_unknown_where_a_price_is(tmp_path: Path) -> None:
    folder = begin_run(tmp_path / "small")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    del config["models"]["solver"]["usd_per_gpu_hour"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert look(folder).usd == 0.0
    finish(folder, 0)
    assert look(folder).usd is None


def test_a_job_of_another_machine_that_says_nothing_any_more_is_silent(folder: Path) -> None:
    at_work(folder, 0, age_s=900, **ELSEWHERE)
    at_work(folder, 1, **ELSEWHERE)
    run = look(folder)
    assert shards(run) == {"silent": 1, "running": 1, "waiting": 2}
    (worry,) = worries(run)
    assert f"{shard(0)}: nothing was heard of it for 15 min (node-7); 5 of 10 requests are kept" in worry


def test_why_a_job_stopped_is_told(folder: Path) -> None:
    at_work(folder, 0, phase="failed", note="the server cannot be started")
    at_work(folder, 1, phase="stopped")
    said = worries(look(folder))
    assert "failed: the server cannot be started; 5 of 10 requests are kept" in said[0]
    assert "was told to stop; 5 of 10 requests are kept" in said[1]


TORN = [b"", b"{", b'{"requests": 3', b"[]", b"null", b"\xff\xfe\x00", b"[" * 5000]


@pytest.mark.parametrize("data", TORN)
def test_torn_files_are_named_and_the_rest_is_shown(folder: Path, data: bytes) -> None:
    finish(folder, 0)
    (folder / "counts" / STAGE / f"{shard(1)}.json").write_bytes(data)
    write_raw(folder, 2, data)
    (folder / "estimate.json").write_bytes(data)
    (folder / "jobs.json").write_bytes(data)
    run = look(folder)
    assert shards(run) == {"done": 2, "waiting": 2}
    assert first(run).done == 10
    assert len(run.faults) == 4
    assert orjson.loads(orjson.dumps(run.as_json()))["faults"] == run.faults


@pytest.mark.parametrize(
    "counts",
    [
        {"requests": "ten", "failed": {"x": "y"}, "wall_s": None, "gpus": [1]},
        {"requests": -5, "failed": [1, 2], "prompt_tokens": 10**30, "wall_s": -1.0},
        {"requests": True, "failed": {"a": -3}, "completion_tokens": {}},
    ],
)
def test_numbers_that_are_none_count_nothing(folder: Path, counts: dict[str, Any]) -> None:
    path = folder / "counts" / STAGE / f"{shard(0)}.json"
    path.parent.mkdir(parents=True)
    path.write_text(str(counts).replace("'", '"').replace("None", "null").replace("True", "true"))
    stage = first(look(folder))
    assert (stage.done, stage.total, stage.failed.total(), stage.gpu_s) == (0, 0, 0, 0.0)
    assert (stage.prompt_tokens, stage.completion_tokens) == (0, 0)


def test_a_run_of_a_version_without_these_files_is_shown_as_far_as_it_goes(folder: Path) -> None:
    config = yaml.safe_load((folder / "config.yaml").read_text())
    for key in ("planted", "gates", "budget", "problems_from", "estimate"):
        del config[key]  # keys that it did not have
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    replies = folder / "replies" / STAGE
    replies.mkdir(parents=True)
    for number, owner in ((0, HERE), (1, None)):
        (replies / f"{shard(number)}.jsonl.journal").write_bytes(b"{}\n")
        text = {key: str(value) for key, value in owner.items()} if owner else None
        (replies / f"{shard(number)}.jsonl.lock").write_bytes(orjson.dumps(text) if text else b"")
        (replies / f"{shard(number)}.jsonl.held").write_bytes(b'{"held_s": 1800.0}')
    run = look(folder)
    assert shards(run) == {"running": 1, "stopped": 1, "waiting": 2}
    assert run.gpu_hours == pytest.approx(2.0)
    assert stage_words(run, first(run)).requests == "0/?"


def test_what_an_earlier_config_spent_stays_spent(tmp_path: Path) -> None:
    folder = begin_run(tmp_path / "small", budget={"usd": None, "gpu_hours": 10})
    finish(folder, 0, of=3, wall_s=3600.0)
    at_work(folder, 1, of=3)
    home = folder / "another-recipe"
    counts = {"model": "solver", "wall_s": 1800.0, "gpus": 8, "gpu_s": 3600.0, "superseded": {"gpu_s": 3600.0}}
    write_counts(home / "counts/generate_solutions/seed-07" / f"{shard(0)}.json", **counts)
    write_counts(home / "counts/prepare_sft" / f"{shard(0)}.json", wall_s=3600.0, gpus=8)  # asks no model
    replies = home / "replies/judge_answers/round-01"
    replies.mkdir(parents=True)
    (home / "solutions/seed-07").mkdir(parents=True)
    told = b'{"held_s": 36000.0, "gpu_s": 7200.0}'
    (home / "solutions/seed-07" / f"{shard(0)}.jsonl.held").write_bytes(told)  # its counts tell that
    (replies / f"{shard(0)}.jsonl.held").write_bytes(told)
    run = look(folder)
    assert shards(run) == {"waiting": 4}
    assert run.gpu_hours == pytest.approx(2 + 2 + 2 + 2)
    assert run.spent_otherwise.gpu_hours == run.gpu_hours
    assert run.faults == []
    assert over_budget(run) is None
    finish(folder, 0, wall_s=3600.0)
    assert over_budget(look(folder)) == "the budget is used up: 10.0 GPU-hours are spent, it is 10.0"


def test_hours_of_an_earlier_config_have_a_line_of_their_own(folder: Path) -> None:
    finish(folder, 0)
    assert not [line for line in summary(look(folder)) if "earlier config" in line]
    finish(folder, 0, of=3, wall_s=3600.0)
    said = list(summary(look(folder)))
    assert "Spent: 3.0 GPU-hours; 9.00 USD." in said
    assert "Of that, with an earlier config (other seeds, recipes or shards): 2.0 GPU-hours; 6.00 USD." in said
    assert look(folder).as_json()["spent_otherwise"] == {"gpu_hours": 2.0, "usd": 6.0}


def test_money_of_a_model_that_config_has_no_longer_is_unknown(folder: Path) -> None:
    finish(folder, 0, of=3, model="sold")
    run = look(folder)
    assert (run.gpu_hours, run.usd, run.spent_otherwise.usd) == (1.0, None, None)


def test_time_of_replies_that_were_deleted_stays_spent(folder: Path) -> None:
    replies = folder / "replies" / STAGE
    replies.mkdir(parents=True)
    (replies / f"{shard(0)}.jsonl.held").write_bytes(b'{"held_s": 36000.0, "gpu_s": 3600.0}')
    run = look(folder)
    assert (shards(run), run.gpu_hours) == ({"waiting": 4}, 1.0)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe\x00"])
def test_torn_files_of_an_earlier_config_are_named(folder: Path, data: bytes) -> None:
    path = folder / "counts" / STAGE / f"{shard(0, of=3)}.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    run = look(folder)
    assert run.gpu_hours == 0.0
    assert run.faults == [f"{path}: holds no counts"]


def test_shards_of_another_number_of_shards_do_not_count(folder: Path) -> None:
    finish(folder, 0, of=3)
    at_work(folder, 1, of=3)
    assert shards(look(folder)) == {"waiting": 4}


def estimate(folder: Path, **total: Any) -> None:
    stages = [{"stage": STAGE, "recipe": None, "requests": 80, "gpu_hours": 8.0}]
    stages.append({"stage": "generate_solutions", "recipe": RECIPE, "requests": 500, "gpu_hours": 100.0})
    (folder / "estimate.json").write_bytes(orjson.dumps({"stages": stages, "total": {"gpu_hours": 108.0} | total}))


def test_what_is_not_begun_is_told_by_the_estimate(folder: Path) -> None:
    estimate(folder)
    at_work(folder, 0)
    run = look(folder)
    solving = next(stage for stage in run.stages if stage.stage == "generate_solutions")
    assert run.requests(solving) == (500, True)
    assert run.left_s(solving) == pytest.approx(100 * 3600 / 2)  # with the two GPUs that the run has now
    left, more = run.all_left_s
    assert more  # of other stages nothing is known
    assert left > run.left_s(solving)  # type: ignore[operator]
    assert "Spent: 2.0 GPU-hours of about 108 estimated; 6.00 USD." in list(summary(run))


def test_before_a_stage_of_a_host_begins_its_model_is_as_fast_as_in_other_stages(folder: Path) -> None:
    known = {"stage": "classify_problems", "recipe": None, "requests": 400, "gpu_hours": 0.0, "completion_tokens": 900}
    (folder / "estimate.json").write_bytes(orjson.dumps({"stages": [known], "total": {}}))
    classify = {stage.stage: stage for stage in look(folder).stages}["classify_problems"]
    assert look(folder).left_s(classify) is None
    at_work(folder, 0)  # 0.5 tokens a second
    assert look(folder).left_s(classify) == pytest.approx(1800)


def test_a_budget_stands_beside_what_is_spent(tmp_path: Path) -> None:
    folder = begin_run(tmp_path / "small", budget={"usd": None, "gpu_hours": 40})
    finish(folder, 0)
    assert "Spent: 1.0 GPU-hours, budget 40.0; 3.00 USD." in list(summary(look(folder)))


def test_a_run_that_is_done_says_so(folder: Path) -> None:
    for number in range(4):
        finish(folder, number)
    watched = Watched(folder)
    run = watched.look(asks_queue=False)
    assert first(run).is_complete
    assert stage_words(run, first(run)).share == 1.0
    assert run.left_s(first(run)) == 0.0
    one = shard(0, 1)
    for stage, recipe in ((stage.stage, stage.recipe) for stage in run.stages if stage.stage != STAGE):
        for counts, _ in watched._counts.shard_files(stage, recipe):
            write_counts(counts, requests=1, model="solver")
    assert "All model stages are done." in list(summary(look(folder)))
    assert one in str(watched._counts.shard_files("judge_answers", RECIPE)[0][0])


def test_a_folder_without_a_run_says_which_there_are(folder: Path) -> None:
    with pytest.raises(UserError, match="there is no run") as error:
        Watched(folder.parent / "smal")
    assert error.value.remedy == f"did you mean {folder}?"


def test_it_is_read_while_jobs_write_begin_and_end(folder: Path) -> None:
    ended = threading.Event()

    def work() -> None:
        counts = folder / "counts" / STAGE
        while not ended.is_set():
            for number in range(4):
                with ProgressFile(
                    folder / "replies" / STAGE / f"{shard(number)}.jsonl.progress",
                    lambda: JobProgress(phase="asking", total=10, stored=4),
                    lambda line: None,
                ) as told:
                    pass
                with AtomicFile(counts / f"{shard(number)}.json") as file:
                    file.write(orjson.dumps({"requests": 10}))
                told.done()
            for path in counts.iterdir():
                path.unlink()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        watched = Watched(folder)
        for _ in range(60):
            run = watched.look(asks_queue=False)
            assert run.faults == []
            assert first(run).shards.total() == 4
            assert first(run).done <= 40
    finally:
        ended.set()
        worker.join()


def test_what_snakemake_says_of_its_jobs_is_told_with_whether_it_is_there(folder: Path) -> None:
    rules = {"parse_problems": {"total": 3, "done": 1, "running": 1, "failed": 0, "retried": 1}, "x": 7}
    content = {"rules": rules, "began_at": time.time() - 60, "at": time.time(), "ended": "", "run_id": ""} | HERE
    for known, where in ((HERE, "at work, for 1 min"), (GONE, "gone, 1 min after it began")):
        (folder / "jobs.json").write_bytes(orjson.dumps(content | known))
        (line, *_) = summary(look(folder))
        assert where in line
        assert "1 of 3 jobs done" in line
        assert line.endswith("1 waiting, 1 started again.")


def test_what_slurm_holds_and_nodes_that_are_avoided_are_told_to_look_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = FailedNodes([Failed(time.time(), "n1", "7", "rule_a", "start", "no GPU")])
    write_failed_nodes(folder / "nodes.json", nodes)
    said = {"rules": {}, "began_at": time.time(), "at": time.time(), "ended": "", "run_id": "run-1"} | HERE
    (folder / "jobs.json").write_bytes(orjson.dumps(said))
    queue = Queue(True, {}, {"run-1": {"PENDING": 1}}, {"run-1": [Waiting("8", "JobHeldUser")]})
    monkeypatch.setattr("omr.live.signs.AskedQueue.read", lambda self: queue)
    run = Watched(folder).look()
    held, node = worries(run)
    assert held.endswith("say `scontrol release 8`")
    assert (
        node
        == f"1 job failed on the node n1 (no GPU); further tries avoid it; to use it again, remove {folder}/nodes.json"
    )
    assert (run.as_json()["slurm_waits"], run.as_json()["nodes"]) == ([held], [node])
