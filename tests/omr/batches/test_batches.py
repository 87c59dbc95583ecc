"""Batches of a hosted model over real HTTP: kills, lost answers, partial and hostile results."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from omr.asking.client import ChatClient
from omr.asking.draining import Drain
from omr.asking.progress import Log, Progress
from omr.asking.requests import Request, Sampling
from omr.batches import api as api_module
from omr.batches import full_queue
from omr.batches import run as run_module
from omr.batches.api import BatchApi
from omr.batches.run import drain_through_batches
from omr.batches.submissions import forget_answered
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.replay.faults import Fault
from omr.replay.launch import RunningServer, running_server
from omr.replies.journal import ReplyStore
from omr.replies.reply import Reply

SPEC = ModelSpec("m", "replay", "batch", base_url="x", batch_poll_s=0.02, retries=2, max_outage_s=3.0)
MESSAGES = [{"role": "user", "content": "What is 1 + 1?"}]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_LOST_PAUSES_S", (0.01, 0.01))
    monkeypatch.setattr(api_module, "_FIRST_PAUSE_S", 0.01)


def request(number: int, **fields: Any) -> Request:
    return Request(f"r{number}", "p", 0, MESSAGES, f"{number:016x}", **fields)


@dataclass
class Lab:
    """A shard of `number` requests and what is said while it is asked for; `folder` outlives a kill."""

    folder: Path
    number: int = 6
    spec: ModelSpec = SPEC
    max_failed: int = 0
    stop_when: str | None = None  # the job is told to stop when a line begins so
    die_when: str | None = None  # it dies then
    keys_from: int = 0
    again: Any = None  # what is asked next for a request, as omr/asking/tries.py says it
    said: list[str] = field(default_factory=list)
    drain: Drain = field(init=False)  # of the last run

    @property
    def output(self) -> Path:
        return self.folder / "out.jsonl"

    @property
    def noted(self) -> Path:
        return self.folder / "out.jsonl.batches"

    def requests(self) -> Iterator[Request]:
        return map(request, range(self.keys_from, self.keys_from + self.number))

    def run(self, server: RunningServer) -> list[Reply]:
        """The replies that are there afterwards."""
        asyncio.run(self._run(server.base_url))
        journal = self.output.with_name("out.jsonl.journal")
        return sorted((orjson.loads(line) for line in journal.read_bytes().splitlines()), key=lambda row: row["key"])

    async def _run(self, base_url: str) -> None:
        spec = replace(self.spec, base_url=base_url)
        with ReplyStore(self.output) as store:
            async with ChatClient(spec, "s", Sampling(0.7, 0.95, 64)) as client:
                progress = Progress(self.number, 0, Log(None))
                drain = self.drain = Drain(client, store, progress, self.max_failed, grace_s=0.1)
                drain.again = self.again or drain.again

                def say(line: str) -> None:
                    self.said.append(line)
                    if self.die_when is not None and line.startswith(self.die_when):
                        raise KeyboardInterrupt
                    if self.stop_when is not None and line.startswith(self.stop_when):
                        drain.stop()

                await drain_through_batches(drain, self.requests, say)
                for reply in drain.failed:
                    store.append(reply)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def serving(*faults: Fault, **options: Any) -> Any:
    return running_server(8, model="replay", faults=faults, **options)


def batches(server: RunningServer) -> int:
    return server.counts.get("batch/validate", 0)


def asked(server: RunningServer) -> dict[str, int]:
    """How often each request of a line was asked."""
    return {name: times for name, times in server.counts.items() if not name.startswith("batch/")}


def assert_all_are_answered_once(replies: Sequence[Reply], server: RunningServer, number: int = 6) -> None:
    assert [reply["id"] for reply in replies] == [f"r{place}" for place in range(number)]
    assert [reply["error"] for reply in replies] == [None] * number
    assert set(server.answered.values()) == {1}


def test_replies_of_a_batch_are_stored_as_others_and_nothing_is_left_open(lab: Lab) -> None:
    with serving(keep_requests=True) as server:
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 1
    reply = orjson.loads(lab.output.with_name("out.jsonl.journal").read_bytes().splitlines()[0])
    assert (reply["finish_reason"], reply["stated_model"], reply["model"]) == ("stop", "replay", "replay")
    assert reply["usage"]["completion_tokens"] > 0
    assert sorted(path.name for path in lab.folder.iterdir()) == ["out.jsonl.held", "out.jsonl.journal"]


def test_a_shard_is_cut_by_the_numbers_of_requests_and_bytes_that_a_file_may_have(lab: Lab) -> None:
    with serving(batch_lines=2) as server:
        lab.spec = replace(SPEC, batch_requests=2)
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 3


def test_a_request_that_no_file_can_hold_fails_and_the_others_do_not(lab: Lab) -> None:
    lab.max_failed, long = 1, [{"role": "user", "content": "x" * 1_100_000}]
    requests = [request(0), request(1)._replace(messages=long), request(2)]
    lab.requests = lambda: iter(requests)  # type: ignore[method-assign]
    lab.spec = replace(SPEC, batch_mb=1)
    with serving() as server:
        replies = lab.run(server)
    assert [reply["error"] and reply["error"]["kind"] for reply in replies] == [None, "bad_request", None]


@pytest.mark.parametrize("kind", ["lose", "hang"])
def test_a_batch_whose_answer_was_lost_is_found_and_not_submitted_twice(lab: Lab, kind: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(api_module, "_CALL_TIMEOUT_S", 0.5)
    with serving(Fault(kind, match="batch/create", times=1)) as server:
        assert_all_are_answered_once(lab.run(server), server)
        # What hangs was not taken, and is submitted when the host has no such batch.
        assert batches(server) == 1
        assert server.counts["batch/create"] == (1 if kind == "lose" else 2)
    assert any(line.startswith("whether a batch was submitted is not known") for line in lab.said)


def test_a_batch_that_was_noted_long_ago_is_looked_for_as_patiently_as_any(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it was last submitted nobody noted: a host may have taken it just now, and list it in a moment."""
    find = BatchApi.find
    with serving(Fault("lose", match="batch/create", times=1)) as server:
        lab.die_when = "whether a batch was submitted is not known"
        with pytest.raises(KeyboardInterrupt):
            lab.run(server)
        lab.die_when = None
        noted = lab.output.with_name("out.jsonl.batches")
        noted.write_bytes(re.sub(rb'"at":(\d+)', lambda at: b'"at":%d' % (int(at[1]) - 1000), noted.read_bytes()))
        monkeypatch.setattr(BatchApi, "find", later_by(2, find))
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 1


def later_by(looks: int, find: Any) -> Any:
    """A host that lists its batches only from a later look on."""
    left = iter([None] * looks)

    async def found(api: BatchApi, file: str, name: str) -> str | None:
        return None if next(left, "listed") is None else await find(api, file, name)

    return found


def test_a_host_that_loses_all_submissions_is_given_up_and_not_asked_without_pause(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "_LOST_PAUSES_S", (0.05, 0.05))
    lab.spec = replace(SPEC, max_outage_s=0.5)
    with serving(Fault("hang", match="batch/create")) as server:
        monkeypatch.setattr(api_module, "_CALL_TIMEOUT_S", 0.01)
        with pytest.raises(UserError, match="has not said for 0 s whether it takes a batch"):
            lab.run(server)
        assert server.counts["batch/create"] <= 7
        assert lab.output.with_name("out.jsonl.batches").exists()


def test_a_job_that_is_told_to_stop_while_it_looks_for_a_lost_batch_does_not_submit_it_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host may list it a moment later: the next job looks for it."""
    find, asked_to_stop = BatchApi.find, later_by(4, BatchApi.find)

    async def stopping(api: BatchApi, file: str, name: str) -> str | None:
        lab.drain.stop()
        return await asked_to_stop(api, file, name)

    with serving(Fault("lose", match="batch/create", times=1)) as server:
        monkeypatch.setattr(BatchApi, "find", stopping)
        lab.run(server)
        assert server.counts["batch/create"] == 1
        monkeypatch.setattr(BatchApi, "find", find)
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 1


def test_a_host_that_is_always_busy_is_given_up_at_last(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_LONGEST_BUSY_S", 0.2)
    with serving(Fault("status", match="batch/create", status=429)) as server:
        with pytest.raises(UserError, match="has taken no batch for 0 hours"):
            lab.run(server)
        assert batches(server) == 0


def test_among_many_batches_of_an_account_the_own_one_is_found(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_PAGE", 2)
    with serving(Fault("lose", match="batch/create", times=9)) as server:
        lab.spec = replace(SPEC, batch_requests=1)
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 6
        assert server.counts["batch/create"] == 6


@pytest.mark.parametrize("moment", ["submitted", "the batch batch-0 is in_progress", "the batch batch-0 is completed"])
@pytest.mark.parametrize("how", ["stop_when", "die_when"])
def test_a_job_that_ends_early_goes_on_with_what_was_submitted(lab: Lab, moment: str, how: str) -> None:
    with serving(batch_looks=3) as server:
        setattr(lab, how, moment)
        try:
            lab.run(server)
        except KeyboardInterrupt:
            assert how == "die_when"
        lab.stop_when = lab.die_when = None
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 1
    assert not lab.noted.exists()


def test_a_job_that_dies_while_an_answer_is_lost_finds_its_batch(lab: Lab) -> None:
    lab.die_when = "whether a batch"
    with serving(Fault("lose", match="batch/create", times=1)) as server:
        with pytest.raises(KeyboardInterrupt):
            lab.run(server)
        assert b'"uploaded"' in lab.noted.read_bytes()
        assert b'"submitted"' not in lab.noted.read_bytes()
        lab.die_when = None
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 1


def test_a_job_that_dies_between_storing_and_noting_asks_nothing_again(lab: Lab) -> None:
    lab.die_when = "warning: lines of the batch"
    with serving(Fault("garble", match="*3", times=1)) as server:
        with pytest.raises(KeyboardInterrupt):
            lab.run(server)
        lab.die_when = None
        noted = lab.noted.read_bytes()
        assert_all_are_answered_once(lab.run(server), server)
        assert sorted(asked(server).values()) == [1, 1, 1, 1, 1, 2]
        # The next job may find all answered, and that note still there.
        lab.noted.write_bytes(noted)
        lab.run(server)
        assert batches(server) == 2
    assert not lab.noted.exists()
    lab.noted.write_bytes(noted)
    forget_answered(lab.output, lambda key: key != f"{3:016x}")
    assert lab.noted.exists()
    forget_answered(lab.output, lambda key: True)
    assert not lab.noted.exists()


def test_a_torn_note_is_cut_off_and_another_line_is_refused(lab: Lab) -> None:
    with serving() as server:
        lab.noted.write_bytes(b'{"event": "uploa')
        assert_all_are_answered_once(lab.run(server), server)
        lab.noted.write_bytes(b'{"event": "party"}\n')
        with pytest.raises(UserError, match="says nothing of a batch"):
            lab.run(server)


def test_requests_without_a_result_are_asked_again_and_the_others_not(lab: Lab) -> None:
    faults = [
        Fault("expire", match="*1", times=1),
        Fault("skip", match="*2", times=1),
        Fault("garble", match="*3", times=1),
        Fault("status", status=500, match="*4", times=1),
        Fault("null_finish", match="*5", times=1),
    ]
    with serving(*faults) as server:
        assert_all_are_answered_once(lab.run(server), server)
        assert list(asked(server).values()) == [1, 2, 2, 2, 2, 2]
    assert any("expired" in line for line in lab.said)
    assert any("unreadable" in line for line in lab.said)


def test_numbers_that_no_computer_has_in_a_line_are_an_error_like_others(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lenient reader takes such numbers, and `NaN`; a strict writer would not."""
    fetch, key = BatchApi.fetch, f"{1:016x}"
    body = '{"error":{"message":"bad","code":%s,"loss":[NaN,-Infinity]}}' % ("9" * 30)

    async def hostile(api: BatchApi, file: str, path: Path) -> None:
        await fetch(api, file, path)
        lines = [line for line in path.read_text().splitlines() if f'"{key}"' not in line]
        response = f'{{"status_code":400,"body":{body}}}'
        path.write_text("\n".join([*lines, f'{{"custom_id":"{key}","response":{response}}}', ""]))

    monkeypatch.setattr(BatchApi, "fetch", hostile)
    lab.max_failed = 1
    with serving() as server:
        replies = lab.run(server)
    assert [reply["error"] and reply["error"]["kind"] for reply in replies] == [None, "bad_request", *[None] * 4]


def test_what_never_has_a_result_fails_after_the_retries(lab: Lab) -> None:
    lab.max_failed = 2
    with serving(Fault("skip", match="*1"), Fault("refusal", match="*2")) as server:
        replies = lab.run(server)
        assert asked(server)[f"{1:016x}"] == SPEC.retries + 1
        assert asked(server)[f"{2:016x}"] == 1
    kinds = [reply["error"] and reply["error"]["kind"] for reply in replies]
    assert kinds == [None, "no_result", "refused", None, None, None]


def test_too_many_failures_end_the_job_with_all_that_was_answered_kept(lab: Lab) -> None:
    with serving(Fault("refusal", match="*2", times=1)) as server:
        with pytest.raises(UserError, match="failed for good"):
            lab.run(server)
        # The next run asks for the one that failed, and for no other.
        assert_all_are_answered_once(lab.run(server), server)
        assert sorted(asked(server).values()) == [1, 1, 1, 1, 1, 2]


def test_an_input_that_is_not_taken_ends_the_job_and_is_submitted_anew_when_that_is_mended(lab: Lab) -> None:
    with serving(Fault("status", match="batch/validate", times=1, message="no such model")) as server:
        with pytest.raises(UserError, match=r"does not take the requests of a batch: .*no such model"):
            lab.run(server)
        assert_all_are_answered_once(lab.run(server), server)


def test_replies_that_cannot_be_read_are_asked_again_in_another_batch(lab: Lab) -> None:
    def again(request: Request, reply: Reply) -> Request | None:
        return request._replace(seed=1_000_000, key="f" * 16) if (request.row_id, request.seed) == ("r1", 0) else None

    lab.again = again
    with serving() as server:
        replies = lab.run(server)
        assert batches(server) == 2
    assert [(reply["id"], reply["seed"]) for reply in replies][-2:] == [("r5", 0), ("r1", 1_000_000)]
    assert {reply["error"] for reply in replies} == {None}


def test_wrong_lines_of_an_input_fail_alone(lab: Lab) -> None:
    lab.max_failed = 1
    with serving(Fault("invalid", match="*4")) as server:
        replies = lab.run(server)
        assert batches(server) == 2
    kinds = [reply["error"] and reply["error"]["kind"] for reply in replies]
    assert kinds == [None, None, None, None, "bad_request", None]


def test_a_full_queue_is_waited_for(lab: Lab) -> None:
    with serving(Fault("status", match="batch/validate", times=2, message="token_limit_exceeded")) as server:
        assert_all_are_answered_once(lab.run(server), server)
    assert any("to take it later" in line for line in lab.said)


def test_a_queue_that_stays_full_ends_the_job_in_a_sentence_and_the_next_run_submits_anew(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_queue, "_LONGEST_S", 0.2)
    with serving(Fault("status", match="batch/validate", message="token_limit_exceeded")) as server:
        with pytest.raises(UserError, match="too much of this account queued for 0 hours"):
            lab.run(server)
        assert batches(server) > 1
    with serving() as server:
        assert_all_are_answered_once(lab.run(server), server)


def test_a_queue_that_stays_full_ends_the_job_beside_a_batch_that_is_left_alone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_queue, "_LONGEST_S", 0.2)
    with serving(batch_looks=5000) as server:
        lab.stop_when = "submitted"
        lab.run(server)
    lab.stop_when, lab.keys_from = None, 100
    full = Fault("status", match="batch/validate", message="token_limit_exceeded")
    with serving(full) as server, pytest.raises(UserError, match="too much of this account queued for 0 hours"):
        asyncio.run(asyncio.wait_for(lab._run(server.base_url), 30))
    assert any("answers nothing that is asked now" in line for line in lab.said)


def test_a_queue_that_has_taken_something_is_waited_for_as_long_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = itertools.count(1, 20)  # by each look at the clock
    monkeypatch.setattr(run_module, "time", SimpleNamespace(monotonic=lambda: 3600.0 * next(hours), time=time.time))
    numbers, look = list[str](), api_module.BatchApi.look

    async def seen(api: api_module.BatchApi, number: str) -> api_module.Batch:
        """The first batch and the fourth, which has what is asked once more, come into a full queue."""
        numbers.extend({number} - set(numbers))
        batch = await look(api, number)
        refused = batch._replace(status="failed", output_file=None, errors=[{"code": "token_limit_exceeded"}])
        return refused if numbers.index(number) in (0, 3) else batch

    monkeypatch.setattr(api_module.BatchApi, "look", seen)
    lab.again = lambda request, reply: request._replace(key="f" * 16) if request.row_id == "r1" else None
    with serving() as server:
        assert len(lab.run(server)) == 7
    assert sum("too much of this account queued" in line for line in lab.said) == 2


@pytest.mark.parametrize("call", ["upload", "list", "look", "download"])
@pytest.mark.parametrize("kind", ["status", "reset"])
def test_calls_that_fail_in_passing_are_repeated(lab: Lab, call: str, kind: str) -> None:
    faults = [Fault(kind, match=f"batch/{call}", times=2, status=503)]
    faults += [Fault("lose", match="batch/create", times=1)] if call == "list" else []
    with serving(*faults) as server:
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_host_is_asked_again_whether_it_takes_a_batch(lab: Lab, status: int) -> None:
    with serving(Fault("status", match="batch/create", times=2, status=status)) as server:
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 1


@pytest.mark.parametrize("call", ["look", "download"])
def test_a_batch_that_is_not_known_for_a_moment_is_waited_for_and_not_paid_again(lab: Lab, call: str) -> None:
    with serving(Fault("status", match=f"batch/{call}", times=4, status=404)) as server:
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 1
    assert sum("it is asked again" in line for line in lab.said) == 4


def test_a_batch_that_is_known_between_is_not_taken_for_lost(lab: Lab) -> None:
    unknown, known = Fault("status", match="batch/look", times=4, status=404), Fault("slow", "batch/look", times=1)
    with serving(unknown, known, unknown, batch_looks=3) as server:
        assert_all_are_answered_once(lab.run(server), server)
        assert batches(server) == 1
    assert sum("it is asked again" in line for line in lab.said) == 8


def test_a_batch_that_the_host_forgot_is_submitted_again(lab: Lab) -> None:
    with serving(Fault("status", match="batch/look", times=5, status=404)) as server:
        replies = lab.run(server)
        assert [reply["error"] for reply in replies] == [None] * 6
        assert batches(server) == 2
    assert any("does not know the batch" in line for line in lab.said)


def test_a_file_of_a_batch_that_is_gone_takes_nothing_with_it_that_the_other_brought(lab: Lab) -> None:
    """What the batch answered is stored and not paid for again; only what stood in the lost file is."""
    there, gone = Fault("slow", "batch/download", times=1), Fault("status", "batch/download", times=1, status=404)
    with serving(Fault("expire", match="*1", times=1), *[there, gone] * 5) as server:
        assert [reply["error"] for reply in lab.run(server)] == [None] * 6
        assert batches(server) == 2
        assert sorted(asked(server).values()) == [1, 1, 1, 1, 1, 2]
    assert sum("it is asked again" in line for line in lab.said) == 4
    assert not list(lab.folder.glob("*batch-*"))


def test_a_batch_of_requests_that_nobody_asks_any_more_is_left_alone(lab: Lab) -> None:
    with serving(batch_looks=50) as server:
        lab.stop_when = "submitted"
        lab.run(server)
        lab.stop_when, lab.keys_from, lab.number = None, 100, 2
        assert len([reply for reply in lab.run(server) if reply["error"] is None]) >= 2
        assert any("answers nothing that is asked now" in line for line in lab.said)


def test_a_host_without_batches_is_named_before_anything_is_uploaded(lab: Lab) -> None:
    with serving(Fault("status", match="batch/list", status=404)) as server:
        with pytest.raises(UserError, match="has no batch API") as caught:
            lab.run(server)
        assert "batch/upload" not in server.counts
    assert "`server: endpoint`" in str(caught.value)


def test_a_refused_key_is_named_by_its_variable_and_no_file_holds_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.spec = replace(SPEC, api_key_env="BATCH_KEY")
    with serving(api_key="right-key") as server:
        monkeypatch.setenv("BATCH_KEY", "wrong-key")
        with pytest.raises(UserError, match="BATCH_KEY") as caught:
            lab.run(server)
        assert "wrong-key" not in str(caught.value)
        monkeypatch.setenv("BATCH_KEY", "right-key")
        lab.stop_when = "submitted"
        lab.run(server)
    files = [path for path in lab.folder.rglob("*") if path.is_file()]
    assert lab.noted in files
    assert not [path for path in files if b"right-key" in path.read_bytes()]


def test_fields_are_omitted_and_renamed_in_batches_too(lab: Lab) -> None:
    lab.spec = replace(SPEC, omit=("seed",), rename={"max_tokens": "max_completion_tokens"})
    with serving(refuse=["seed", "max_tokens"]) as server:
        assert_all_are_answered_once(lab.run(server), server)
    lab.output.with_name("out.jsonl.journal").unlink()
    lab.spec = SPEC
    with serving(refuse=["seed"]) as server, pytest.raises(UserError, match="does not take the field `seed`"):
        lab.run(server)
