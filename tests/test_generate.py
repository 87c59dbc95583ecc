"""The generate command: kills, second writers, changed prompts, failures, bad input. All over real HTTP."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from omr.replay.faults import Fault
from omr.replay.launch import RunningServer, running_server
from omr.stages.row_places import PlacedRows

SCRIPT = Path(__file__).parent.parent / "scripts" / "generate.py"


class Job:
    """A folder with rows, a prompt and a config, and the command line that asks for them."""

    def __init__(self, folder: Path, base_url: str | list[str], rows: int = 6, **model: object) -> None:
        self.folder = folder
        self.output = folder / "replies.jsonl"
        self.write_rows(rows)
        self.write_prompt("Solve {{ problem }}")
        entry = {"path": "replay", "server": "endpoint", "base_url": base_url, "retries": 2, "max_outage_s": 2} | model
        (folder / "config.yaml").write_bytes(orjson.dumps({"models": {"m": entry}}))

    def write_rows(self, rows: int) -> None:
        lines = [orjson.dumps({"id": f"r{number}", "problem": f"problem {number}"}) + b"\n" for number in range(rows)]
        (self.folder / "rows.jsonl").write_bytes(b"".join(lines))

    def write_prompt(self, text: str) -> None:
        (self.folder / "solve.yaml").write_text(f"user: '{text}'\n")

    def command(self, *more: str) -> list[str]:
        flags = {"stage": "solve", "rows": "rows.jsonl", "prompt": "solve.yaml", "config": "config.yaml", "model": "m"}
        flags |= {"max-tokens": "100", "output": "replies.jsonl", "counts": "counts.json", "grace-s": "1"}
        return [sys.executable, str(SCRIPT), *(part for k, v in flags.items() for part in (f"--{k}", v)), *more]

    def start(self, *more: str, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*more),
            cwd=self.folder,
            stderr=subprocess.PIPE,
            env=os.environ | environment,
            start_new_session=True,
        )

    def run(self, *more: str, **environment: str) -> tuple[int, str]:
        process = self.start(*more, **environment)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors.decode()

    def replies(self) -> list[dict[str, object]]:
        return [orjson.loads(line) for line in self.output.read_bytes().splitlines()]


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running_server(8, latency_s=0.01) as running:
        yield running


def test_every_row_is_asked_once_and_the_counts_say_so(tmp_path: Path, server: RunningServer) -> None:
    job = Job(tmp_path, server.base_url)
    assert job.run()[0] == 0
    assert sorted(str(reply["id"]) for reply in job.replies()) == [f"r{number}" for number in range(6)]
    counts = orjson.loads((tmp_path / "counts.json").read_bytes())
    assert (counts["requests"], counts["answered"], counts["failed"]) == (6, 6, {})
    assert counts["completion_tokens"] > 0


def test_killed_again_and_again_no_stored_reply_is_asked_for_twice_and_none_is_lost(tmp_path: Path) -> None:
    rows, draw = 600, random.Random(4)
    with running_server(8, latency_s=0.02) as server:
        job = Job(tmp_path, server.base_url, rows, concurrency=8)
        stored_before: set[str] = set()
        for _ in range(12):
            asked_before = dict(server.counts)
            process = job.start()
            wait_for_replies(tmp_path / "replies.jsonl.journal", more_than=len(stored_before) + draw.randrange(20))
            time.sleep(draw.uniform(0, 0.02))
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            asked_again = {name for name, times in server.counts.items() if times > asked_before.get(name, 0)}
            assert not asked_again & stored_before
            stored_before |= stored_requests(tmp_path / "replies.jsonl.journal")
        assert 0 < len(stored_before) < rows
        asked_before = dict(server.counts)
        assert job.run()[0] == 0
        asked_at_last = sum(server.counts.values()) - sum(asked_before.values())
    assert asked_at_last == rows - len(stored_before)
    assert {str(reply["id"]) for reply in job.replies()} == {f"r{number}" for number in range(rows)}
    assert len(job.replies()) == rows


def stored_requests(journal: Path) -> set[str]:
    if not journal.exists():
        return set()
    whole = [line for line in journal.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return {f"solve/{reply['id']}/{reply['prompt']}/{reply['seed']}" for reply in map(orjson.loads, whole)}


def wait_for_replies(journal: Path, more_than: int) -> None:
    deadline = time.monotonic() + 30
    while len(stored_requests(journal)) <= more_than and time.monotonic() < deadline:
        time.sleep(0.005)


def test_a_second_writer_waits_for_the_first_and_asks_nothing(tmp_path: Path) -> None:
    with running_server(8, latency_s=0.1) as server:
        job = Job(tmp_path, server.base_url, 40, concurrency=4)
        first = job.start()
        while not (tmp_path / "replies.jsonl.journal").exists():
            time.sleep(0.02)
        status, said = job.run()
        assert first.wait(timeout=60) == 0
        assert status == 0
        assert "waiting for the lock" in said
        assert set(server.counts.values()) == {1}
    assert len(job.replies()) == 40


def test_what_a_model_is_told_further_is_asked_anew_when_it_changes(tmp_path: Path, server: RunningServer) -> None:
    for temperature in (0.5, 0.5, 1.5):
        job = Job(tmp_path, server.base_url, extra_body={"temperature": temperature})
        job.output.unlink(missing_ok=True)
        assert job.run()[0] == 0
    assert set(server.counts.values()) == {2}
    assert len(job.replies()) == 6
    assert {reply["model"] for reply in job.replies()} == {"replay"}


def test_a_disk_that_loses_what_was_written_fails_the_job_although_no_reply_comes(tmp_path: Path) -> None:
    # The first look at the disk is at the beginning, the second when the system says that it was in vain.
    (tmp_path / "sitecustomize.py").write_text(
        "import errno, os\n"
        "seen = []\n"
        "def fdatasync(descriptor):\n"
        "    seen.append(descriptor)\n"
        "    if len(seen) == 2:\n"
        "        raise OSError(errno.EDQUOT, 'Disk quota exceeded')\n"
        "os.fdatasync = fdatasync\n"
    )
    with running_server(8, faults=[Fault("hang", match="*/r5/*")]) as server:
        job = Job(tmp_path, server.base_url)
        status, said = job.run(PYTHONPATH=str(tmp_path))
    assert status == 2
    assert "replies cannot be stored: Disk quota exceeded" in said
    assert not job.output.exists()


def test_a_part_by_places_asks_what_it_asks_without_them_and_reads_nothing_else(
    tmp_path: Path, server: RunningServer
) -> None:
    rows = [{"id": f"r{number}", "problem": f"problem {number} " + "x" * 9000} for number in range(30)]
    placed = PlacedRows(tmp_path / "rows.jsonl", tmp_path / "rows.places")
    for row in rows:
        placed.write_row(row)
    placed.commit()
    lines = (tmp_path / "rows.jsonl").read_bytes().splitlines(keepends=True)
    part = ["--shard", "1", "--shards", "4"]
    job = Job(tmp_path, server.base_url, rows=0)
    (tmp_path / "rows.jsonl").write_bytes(b"".join(lines))
    assert job.run(*part)[0] == 0
    whole = job.replies()
    own = {str(reply["id"]) for reply in whole}
    counts = orjson.loads((tmp_path / "counts.json").read_bytes())
    of_own = sum(len(line) for line, row in zip(lines, rows, strict=True) if row["id"] in own)
    assert counts["bytes_read"] == {"rows": sum(map(len, lines)), "replies": 0}
    # The first line is looked at for its fields.
    others = [line if row["id"] in {*own, "r0"} else b"?" * len(line) for line, row in zip(lines, rows, strict=True)]
    (tmp_path / "rows.jsonl").write_bytes(b"".join(others))
    for file in tmp_path.glob("replies.*"):
        file.unlink()
    assert job.run(*part, "--places", "rows.places")[0] == 0
    assert {str(reply["key"]) for reply in job.replies()} == {str(reply["key"]) for reply in whole}
    counts = orjson.loads((tmp_path / "counts.json").read_bytes())
    places = (tmp_path / "rows.places").stat().st_size
    assert counts["bytes_read"] == {"rows": places + of_own, "replies": 0}
    assert job.run(*part, "--places", "rows.places")[0] == 0
    counts = orjson.loads((tmp_path / "counts.json").read_bytes())
    assert counts["bytes_read"] == {"rows": places + of_own, "replies": job.output.stat().st_size}


def test_a_changed_prompt_is_asked_anew_and_old_replies_are_not_mixed_in(tmp_path: Path, server: RunningServer) -> None:
    job = Job(tmp_path, server.base_url)
    job.run()
    keys = {reply["key"] for reply in job.replies()}
    job.write_prompt("Please solve {{ problem }}")
    assert job.run()[0] == 0
    assert not keys & {reply["key"] for reply in job.replies()}
    assert len(job.replies()) == 6
    # What was paid for the old ones stays paid.
    counts = orjson.loads((tmp_path / "counts.json").read_bytes())
    assert counts["superseded"]["completion_tokens"] == counts["completion_tokens"] > 0
    assert counts["superseded"]["prompt_tokens"] > 0
    assert counts["superseded"]["held_s"] > 0
    job.write_prompt("Do solve {{ problem }}")
    assert job.run()[0] == 0
    again = orjson.loads((tmp_path / "counts.json").read_bytes())
    assert again["superseded"]["completion_tokens"] == 2 * counts["completion_tokens"]


def test_the_counts_tell_the_time_of_all_tries_for_the_same_requests(tmp_path: Path, server: RunningServer) -> None:
    job = Job(tmp_path, server.base_url)
    held = tmp_path / "replies.jsonl.held"

    def wall_s() -> float:
        assert job.run()[0] == 0
        return float(orjson.loads((tmp_path / "counts.json").read_bytes())["wall_s"])

    first = wall_s()
    assert first == pytest.approx(orjson.loads(held.read_bytes())["held_s"], abs=5)
    held.write_text('{"held_s": 1000}')
    job.write_rows(9)
    assert wall_s() > 1000
    job.write_prompt("Do it: {{ problem }}")
    assert wall_s() < 1000


def test_gpus_of_a_later_try_are_not_those_of_the_hours_before(tmp_path: Path, server: RunningServer) -> None:
    job = Job(tmp_path, server.base_url)
    assert job.run()[0] == 0
    held = tmp_path / "replies.jsonl.held"
    found = orjson.loads(held.read_bytes())
    assert found["gpu_s"] == 0.0
    held.write_bytes(orjson.dumps(found | {"held_s": 36000.0}))
    entry = {"path": "replay", "server": "vllm", "gpus": 8}  # not started: there is nothing to ask
    (tmp_path / "config.yaml").write_bytes(orjson.dumps({"models": {"m": entry}}))
    assert job.run()[0] == 0
    counts = orjson.loads((tmp_path / "counts.json").read_bytes())
    assert counts["wall_s"] > 36000
    assert 0 < counts["gpu_s"] < 8 * 60


def test_a_finished_shard_needs_no_server(tmp_path: Path) -> None:
    with running_server(8) as server:
        job = Job(tmp_path, server.base_url)
        job.run()
    before = job.output.read_bytes()
    job.output.unlink()
    assert job.run()[0] == 0
    assert job.output.read_bytes() == before


def test_new_rows_ask_only_for_themselves(tmp_path: Path, server: RunningServer) -> None:
    job = Job(tmp_path, server.base_url)
    job.run()
    job.write_rows(8)
    assert job.run()[0] == 0
    assert set(server.counts.values()) == {1}
    assert len(job.replies()) == 8


def test_shards_share_the_rows_among_them(tmp_path: Path, server: RunningServer) -> None:
    job = Job(tmp_path, server.base_url, 30)
    ids = []
    for shard in range(3):
        assert job.run("--shard", str(shard), "--shards", "3", "--output", f"s{shard}.jsonl")[0] == 0
        ids += [orjson.loads(line)["id"] for line in (tmp_path / f"s{shard}.jsonl").read_bytes().splitlines()]
    assert sorted(ids) == sorted(f"r{number}" for number in range(30))


def test_a_row_that_fails_for_good_is_stored_as_an_error_if_that_share_is_allowed(tmp_path: Path) -> None:
    with running_server(8, faults=[Fault("status", match="solve/r1/*", status=500)]) as server:
        job = Job(tmp_path, server.base_url)
        assert job.run("--max-failed-fraction", "0.5")[0] == 0
    errors = {reply["id"]: reply["error"] for reply in job.replies() if reply["error"]}
    assert list(errors) == ["r1"]


def test_too_many_failures_end_the_job_keep_the_replies_and_are_asked_again(tmp_path: Path) -> None:
    with running_server(8, faults=[Fault("status", match="solve/r1/*", status=500, times=3)]) as server:
        job = Job(tmp_path, server.base_url)
        status, said = job.run()
        assert (status, job.output.exists()) == (2, False)
        assert "max_failed_fraction" in said
        assert job.run()[0] == 0
        asked = server.counts
    assert [times for name, times in sorted(asked.items()) if name != "solve/r1/solve/0"] == [1] * 5
    assert [reply["error"] for reply in job.replies()] == [None] * 6


def test_told_to_stop_it_keeps_what_it_has_and_exits_as_unfinished(tmp_path: Path) -> None:
    with running_server(8, latency_s=0.1) as server:
        job = Job(tmp_path, server.base_url, 400, concurrency=4)
        process = job.start()
        wait_for_replies(tmp_path / "replies.jsonl.journal", more_than=0)
        process.terminate()
        _, said = process.communicate(timeout=30)
        asked = server.counts
    assert process.returncode == 75
    assert b"told to stop" in said
    # Those in flight were finished within the grace period: nothing that was asked is lost.
    assert stored_requests(tmp_path / "replies.jsonl.journal") == set(asked)


def test_the_key_is_in_no_file_and_no_message(tmp_path: Path) -> None:
    secret = "key-that-nobody-may-see"
    with running_server(8, api_key=secret) as server:
        job = Job(tmp_path, server.base_url, api_key_env="A_KEY")
        status, said = job.run("--log", "job.log", A_KEY=secret)
        assert status == 0
        status, refused = job.run("--output", "other.jsonl", "--log", "job.log", A_KEY=secret + "x")
        assert (status, "A_KEY" in refused) == (2, True)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in files + said.encode() + refused.encode()


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda job: (job.folder / "rows.jsonl").write_text('{"id": "a", "problem": "x"}\n{oops\n'), "rows.jsonl:2"),
        (lambda job: (job.folder / "rows.jsonl").write_text('{"id": "a"}\n'), "uses the field 'problem'"),
        (lambda job: (job.folder / "rows.jsonl").write_text('{"id": 7, "problem": "x"}\n'), "must be a string"),
        (lambda job: (job.folder / "rows.jsonl").write_text('{"id": "a", "problem": "x"}\n' * 2), "occurs twice"),
        (lambda job: (job.folder / "rows.jsonl").unlink(), "no such file"),
        (lambda job: (job.folder / "solve.yaml").write_text("user: [1]\n"), "a prompt needs a text"),
        (lambda job: (job.folder / "solve.yaml").write_text("user: x\nusr: y\n"), "unknown keys usr"),
        (lambda job: (job.folder / "config.yaml").write_text("models: {}\n"), "the model 'm' is not in config"),
    ],
)
def test_bad_input_is_a_clear_error_before_any_request(
    tmp_path: Path, server: RunningServer, spoil: object, named: str
) -> None:
    job = Job(tmp_path, server.base_url)
    spoil(job)  # type: ignore[operator]
    status, said = job.run()
    assert (status, named in said, "remedy:" in said) == (2, True, True), said
    assert server.counts == {}


def test_an_empty_rows_file_gives_an_empty_output_without_a_server(tmp_path: Path) -> None:
    job = Job(tmp_path, "http://127.0.0.1:9/v1", rows=0)
    assert job.run()[0] == 0
    assert job.output.read_bytes() == b""


def test_an_endpoint_that_is_not_there_is_named_before_any_request(tmp_path: Path) -> None:
    status, said = Job(tmp_path, "http://127.0.0.1:9/v1").run()
    assert status == 2
    assert "http://127.0.0.1:9/v1" in said
    assert "remedy:" in said


@pytest.mark.parametrize(("limits", "status"), [("ulimit -n 150", 2), ("ulimit -Sn 64", 0)])
def test_more_requests_in_flight_than_a_process_may_have_open_files_are_refused_or_the_limit_is_raised(
    tmp_path: Path, server: RunningServer, limits: str, status: int
) -> None:
    job = Job(tmp_path, server.base_url, rows=200, concurrency=100)
    command = ["bash", "-c", f'{limits} && exec "$@"', "-", *job.command()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    assert ("100 requests in flight need 100 open files at once, and this process may have 50" in done.stderr) == (
        status == 2
    )
    assert sum(server.counts.values()) == (200 if status == 0 else 0)


def test_a_missing_key_variable_is_named(tmp_path: Path, server: RunningServer) -> None:
    status, said = Job(tmp_path, server.base_url, api_key_env="NO_SUCH_KEY").run()
    assert (status, "NO_SUCH_KEY" in said) == (2, True)


def test_only_rows_that_a_plan_gives_more_solutions_than_the_seed_are_asked(
    tmp_path: Path, server: RunningServer
) -> None:
    job = Job(tmp_path, server.base_url, rows=3)
    rows = b"".join(orjson.dumps({"id": f"r{n}", "seeds": n}) + b"\n" for n in range(3))
    (tmp_path / "plan.jsonl").write_bytes(rows)
    assert job.run("--seed", "1", "--plan", "plan.jsonl")[0] == 0
    assert [(reply["id"], reply["seed"]) for reply in job.replies()] == [("r2", 1)]
    (tmp_path / "plan.jsonl").write_bytes(rows.splitlines(keepends=True)[0])
    status, said = job.run("--seed", "1", "--plan", "plan.jsonl")
    assert status == 2
    assert "is not in the plan" in said


def asked(job: Job) -> list[tuple[str, int]]:
    return sorted((reply["id"], reply["seed"]) for reply in job.replies())


def test_of_several_seeds_each_row_is_asked_those_below_its_number(tmp_path: Path, server: RunningServer) -> None:
    job = Job(tmp_path, server.base_url, rows=5)
    rows = b"".join(orjson.dumps({"id": f"r{n}", "seeds": n}) + b"\n" for n in range(5))
    (tmp_path / "plan.jsonl").write_bytes(rows)
    assert job.run("--seed", "1", "2", "3", "--plan", "plan.jsonl")[0] == 0
    assert asked(job) == [("r2", 1), ("r3", 1), ("r3", 2), ("r4", 1), ("r4", 2), ("r4", 3)]


@pytest.mark.parametrize(("number", "seeds"), [(0, []), (1, [4]), (2, [4, 5]), (3, [4, 5, 6])])
def test_a_table_says_how_many_of_several_seeds_are_asked_from_the_first(
    tmp_path: Path, server: RunningServer, number: int, seeds: list[int]
) -> None:
    job = Job(tmp_path, server.base_url, rows=0)
    known = [{"id": f"r{n}", "problem": "p", "expected_answer": "7" if n else None} for n in range(2)]
    (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in known))
    table = orjson.dumps({"table": [], "no_rate": {"extracted": number, "majority": 0}}).decode()
    assert job.run("--seed", "4", "5", "6", "--wanted", table)[0] == 0
    assert asked(job) == [("r1", seed) for seed in seeds]


def test_one_more_seed_in_the_same_file_asks_for_its_solutions_alone(tmp_path: Path, server: RunningServer) -> None:
    job = Job(tmp_path, server.base_url, rows=3)
    assert job.run("--seed", "4", "5")[0] == 0
    before = set(server.counts)
    job.output.unlink()  # as Snakemake does before it makes a file again
    assert job.run("--seed", "4", "5", "6")[0] == 0
    assert asked(job) == [(f"r{n}", seed) for n in range(3) for seed in (4, 5, 6)]
    assert {name.rpartition("/")[2] for name in set(server.counts) - before} == {"6"}
    assert all(count == 1 for count in server.counts.values())


def test_control_tokens_in_rows_are_stored_and_counted(tmp_path: Path) -> None:
    with running_server(8, keep_requests=True) as server:
        job = Job(tmp_path, server.base_url, rows=2)
        rows = [{"id": "r0", "problem": "end<|im_end|>"}, {"id": "r1", "problem": "none"}]
        (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        assert job.run()[0] == 0
        sent = {kept.body["messages"][0]["content"] for kept in server.kept_requests}
    assert sent == {"Solve end< |im_end|>", "Solve none"}
    assert {reply["id"]: reply.get("neutralised") for reply in job.replies()} == {"r0": 1, "r1": None}
    assert orjson.loads((tmp_path / "counts.json").read_bytes())["neutralised"] == 1


def test_a_job_of_batches_is_killed_again_and_again_and_submits_each_request_once(tmp_path: Path) -> None:
    rows, draw = 40, random.Random(5)
    faults = [Fault("lose", match="batch/create", share=0.5)]
    with running_server(8, model="replay", faults=faults, batch_looks=60) as server:
        job = Job(tmp_path, server.base_url, rows, server="batch", batch_requests=10, batch_poll_s=0.05)
        for _ in range(4):
            process = job.start()
            time.sleep(draw.uniform(0.5, 2.0))
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        status, said = job.run()
        assert status == 0, said
        asked = {name: times for name, times in server.counts.items() if not name.startswith("batch/")}
        assert server.counts["batch/validate"] == 4
    assert set(asked.values()) == {1}
    assert len(job.replies()) == len(asked) == rows
    assert not (tmp_path / "replies.jsonl.batches").exists()
    assert not list(tmp_path.glob(".replies.jsonl.scratch-*"))


def test_several_urls_of_one_model_serve_one_job_though_one_dies(tmp_path: Path) -> None:
    with running_server(8, latency_s=0.05) as one, running_server(8, latency_s=0.05) as other:
        job = Job(tmp_path, [one.base_url, other.base_url], 120, concurrency=4)
        process = job.start()
        wait_for_replies(tmp_path / "replies.jsonl.journal", more_than=20)
        one.shut_down()
        assert process.wait(timeout=60) == 0
        assert one.requests()["total_answered"] + other.requests()["total_answered"] == 120
    assert len(job.replies()) == 120
    # The next job starts with the one that is left.
    with running_server(8) as other:
        job.write_prompt("Solve now {{ problem }}")
        entry = {"path": "replay", "server": "endpoint", "base_url": ["http://127.0.0.1:9/v1", other.base_url]}
        (tmp_path / "config.yaml").write_bytes(orjson.dumps({"models": {"m": entry}}))
        status, said = job.run()
    assert (status, len(job.replies())) == (0, 120)
    assert "http://127.0.0.1:9/v1 cannot be reached" in said
    assert "warning: http://127.0.0.1:9/v1 has not been found good so far" in said


def test_a_job_takes_its_replies_in_pieces_and_stores_them_whole(tmp_path: Path) -> None:
    with running_server(300, streaming="only", faults=[Fault("cut_stream", times=2)], keep_requests=True) as server:
        job = Job(tmp_path, server.base_url, 20)
        assert job.run()[0] == 0
        # The first try of some is not in pieces yet, and refused: of each, one at least was cut.
        assert len([kept for kept in server.kept_requests if kept.body["stream"]]) >= 40
    assert {reply["usage"]["completion_tokens"] for reply in job.replies()} == {100}  # type: ignore[index]
    assert {reply["finish_reason"] for reply in job.replies()} == {"length"}
