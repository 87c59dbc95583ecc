"""Asks what is missing by a host's batch API: submits it in files, looks now and then, and stores what comes of it.

Nothing is submitted twice: what was submitted is noted before and after (omr/batches/submissions.py), so a job that was
killed, or told to stop, or reached its time limit, goes on waiting for the same batches. What a batch has no reply to
(it expired, or the host failed) is asked again by another one, `retries` times.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from omr.asking.draining import Drain
from omr.asking.outcomes import FinalError, TransientError
from omr.asking.questions import Question
from omr.asking.reading import error_of, holds_error
from omr.asking.refusals import AskOtherwiseError, Refusals, Refused
from omr.asking.requests import Request
from omr.asking.rows import answered, failed
from omr.batches.api import Batch, BatchApi, GoneError, LostError
from omr.batches.full_queue import FullQueue
from omr.batches.lines import Result, Results, write_requests
from omr.batches.submissions import Submission, Submissions
from omr.errors import UserError
from omr.http.cancelling import heed_cancelling
from omr.replies.reply import Reply
from omr.servers.endpoint import api_key, check_endpoint
from omr.servers.error_bodies import status_within

#: A host may list a batch some seconds after it took it.
_LOST_PAUSES_S = (1.0, 4.0, 15.0)
#: A host that says in so many looks, one after the other, that it does not know a batch or its results has lost it:
#: a gateway may say so of anything for a moment, and a batch that is taken for lost is paid again.
_GONE_LOOKS = 5
#: How a batch is before its input was taken.
_NOT_TAKEN = frozenset({"validating", "failed"})


class BatchRun:
    """One pass over the missing `requests` (which may be gone through again and again) of a drain's shard."""

    def __init__(
        self,
        drain: Drain,
        requests: Callable[[], Iterator[Request]],
        api: BatchApi,
        submissions: Submissions,
        say: Callable[[str], None],
    ) -> None:
        self._drain, self._all, self._api, self._open = drain, requests, api, submissions
        self._say, self._spec = say, drain.client.spec
        self._refusals = Refusals(self._spec)
        self._failed: set[int] = set()
        self._tries = Counter[int]()
        self._more: dict[int, Request] = {}  # next tries of replies that could not be read
        self._unsent: dict[str, FinalError] = {}
        self._shorter: set[int] = set()  # whose completions must have fewer tokens
        self._queue = FullQueue(self._spec.base_urls[0], self._spec.batch_requests, say)
        self._gone = Counter[str]()  # by the name of a batch, looks in a row that did not find it
        self._may_lack = True  # something may be wanted that is in no open batch
        self._useless: set[str] = set()  # names of open batches whose requests nobody asks any more
        self._said: dict[str, str] = {}

    async def run(self) -> None:
        """Return when each request has a reply or has failed for good, or the drain was told to stop."""
        await self._settle()
        while not self._drain.stopped:
            for submission in self._waited_for:
                await self._look(submission)
            if self._may_lack and not self._queue.waits:
                await self._submit()
            if not self._may_lack and not self._waited_for:
                return
            await self._pause()
            self._queue.note_look()

    @property
    def _waited_for(self) -> list[Submission]:
        return [submission for submission in self._open if submission.name not in self._useless]

    # ---- which requests ------------------------------------------------------------------------------------------

    def _unanswered(self) -> Iterator[Request]:
        for source in (self._all(), iter(list(self._more.values()))):
            for request in source:
                if request.key not in self._drain.store and int(request.key, 16) not in self._failed:
                    yield request

    def _wanted(self) -> Iterator[Request]:
        """Those that are in no open batch."""
        return (request for request in self._unanswered() if not self._open.holds(int(request.key, 16)))

    # ---- submitting ----------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Find out about batches that an earlier job may have submitted."""
        self._open.close_answered(self._drain.store.__contains__)
        self._useless = {submission.name for submission in self._open}
        for request in self._unanswered() if self._useless else ():
            key = int(request.key, 16)
            self._useless -= {submission.name for submission in self._open if key in submission.keys}
        for submission in self._open:
            if submission.name in self._useless:
                what = submission.batch or f"of the file {submission.file}"
                self._say(f"the batch {what} answers nothing that is asked now, and is left alone")
            elif submission.batch is None:
                await self._submitted(submission, may_be_there=True)

    async def _submit(self) -> None:
        """Submit what is wanted, in as many batches as it takes."""
        path = self._drain.store.scratch("batch-input")
        try:
            while not self._drain.stopped:
                bodies = self._bodies()
                keys, too_large = await asyncio.to_thread(
                    write_requests, path, bodies, self._queue.most, self._spec.batch_mb * 1_000_000
                )
                self._give_up_unsent(too_large)
                if not keys:
                    self._may_lack = False
                    return
                file = await self._api.upload(path)
                submission = self._open.uploaded(file, keys)
                await self._submitted(submission, may_be_there=False)
        finally:
            path.unlink(missing_ok=True)

    def _bodies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        client = self._drain.client
        for request in self._wanted():
            try:
                most = client.tokens_for(request, shorter=int(request.key, 16) in self._shorter)
            except FinalError as error:
                self._unsent[request.key] = error
                continue
            question = Question(request.name, {"messages": request.messages}, most, temperature=request.temperature)
            body = client.body_of(question)
            body.pop("stream", None)
            yield request.key, body

    def _give_up_unsent(self, too_large: list[str]) -> None:
        """Give up what no file can hold, or no context."""
        large = frozenset(too_large)
        for request in self._wanted() if large or self._unsent else ():
            if request.key in large:
                message = f"the request is larger than {self._spec.batch_mb} MB, what a file may have"
                self._give_up(request, FinalError("bad_request", message))
            elif request.key in self._unsent:
                self._give_up(request, self._unsent.pop(request.key))

    async def _submitted(self, submission: Submission, may_be_there: bool) -> None:
        """Submit an uploaded batch, unless it is there already. It is noted, or closed if the host refuses it.

        Where an answer is lost, the batch is looked for before it is submitted again, with pauses in between. Raises
        UserError if that goes on for too long. When the drain is told to stop, what is noted waits for the next job.
        """
        lost_since: float | None = None
        while not (may_be_there and self._drain.stopped):
            number = await self._found(submission) if may_be_there else None
            if number is None and may_be_there and self._drain.stopped:
                return  # told meanwhile
            if number is not None:
                self._say(f"the batch {number} had been submitted already: it is waited for")
            else:
                try:
                    number = await self._api.submit(submission.file, submission.name)
                except LostError as lost:
                    lost_since = lost_since or time.monotonic()
                    if time.monotonic() - lost_since > self._spec.max_outage_s:
                        raise UserError(
                            f"{self._spec.base_urls[0]} has not said for {self._spec.max_outage_s:.0f} s whether it "
                            f"takes a batch ({lost})",
                            remedy="run again when it does: the batch is noted, and looked for before it is submitted",
                        ) from lost
                    self._say(f"whether a batch was submitted is not known ({lost}): looking for it at the host")
                    may_be_there = True
                    continue
                except UserError as error:
                    self._open.closed(submission, f"refused: {error}")
                    raise
                self._say(f"submitted {len(submission.keys)} requests as the batch {number}")
            self._open.submitted(submission, number)
            return

    async def _found(self, submission: Submission) -> str | None:
        # However long ago it was noted: when it was last submitted, and whether it arrived, nobody noted.
        for pause_s in (0.0, *_LOST_PAUSES_S):
            await asyncio.sleep(pause_s)
            try:
                number = await self._api.find(submission.file, submission.name)
            except GoneError as error:
                raise UserError(
                    f"{self._spec.base_urls[0]} does not list its batches ({error}): "
                    "whether one was submitted is not known",
                    file=self._open.path,
                    remedy=f"look there for a batch of the file {submission.file}: if there is one, add a line "
                    f'{{"event":"submitted","name":"{submission.name}","batch":"ITS ID"}} to this file, else one with '
                    '"event":"closed"',
                ) from error
            if number is not None:
                return number
        return None

    # ---- looking -------------------------------------------------------------------------------------------------

    async def _pause(self) -> None:
        heed_cancelling()
        self._drain.progress.tick()
        try:
            await asyncio.wait_for(self._drain.stop_asked.wait(), self._spec.batch_poll_s)
        except TimeoutError:
            return

    async def _look(self, submission: Submission) -> None:
        if submission.batch is None:
            return
        try:
            batch = await self._api.look(submission.batch)
            if batch.status not in _NOT_TAKEN:
                self._queue.note_taken()
            self._tell(submission, batch)
            if batch.is_over:
                await self._finish(submission, batch)
            self._gone.pop(submission.name, None)
        except GoneError as error:
            self._gone[submission.name] += 1
            what = f"the host does not know the batch {submission.batch} or its results any more: {error}"
            if self._gone[submission.name] < _GONE_LOOKS:
                self._say(f"{what}; it is asked again")
                return
            self._say(f"warning: {what}; its requests are submitted again")
            await self._close(submission, "gone")

    def _tell(self, submission: Submission, batch: Batch) -> None:
        told = f"the batch {batch.id} is {batch.status}"
        if self._said.get(submission.name) != told:
            self._said[submission.name] = told
            self._say(told)
        self._drain.progress.load = f"batch {batch.status}, {batch.progress}" if batch.progress else ""

    async def _finish(self, submission: Submission, batch: Batch) -> None:
        """Store what a batch that is over has brought, and close it.

        Raises UserError for what ends the job, GoneError where a file is not there that may have the rest.
        """
        fault: UserError | None = None
        missing: GoneError | None = None
        if batch.status == "failed":
            fault = self._judge_input(submission, batch)
        scratch = self._drain.store.scratch
        files = {scratch("batch-output"): batch.output_file, scratch("batch-errors"): batch.error_file}
        there: list[Path] = []
        try:
            for path, file in files.items():
                try:
                    if file is not None:
                        await self._api.fetch(file, path)
                        there.append(path)
                except GoneError as error:
                    missing = error
            results = await asyncio.to_thread(Results, there, submission.keys.__contains__)
            fault = self._store(submission, results) or fault
        finally:
            for path in files:
                path.unlink(missing_ok=True)
        if results.odd:
            odd = ", ".join(f"{number} {reason}" for reason, number in sorted(results.odd.items()))
            self._say(f"warning: lines of the batch {batch.id} that are no results: {odd}")
        if missing is not None and any(int(request.key, 16) in submission.keys for request in self._unanswered()):
            raise fault or missing  # what was paid for and is there is stored
        await self._close(submission, batch.status)
        if fault is not None:
            raise fault

    async def _close(self, submission: Submission, why: str) -> None:
        """What has no reply is asked again, or given up."""
        await asyncio.to_thread(self._drain.store.sync)
        for request in self._unanswered():
            key = int(request.key, 16)
            if key in submission.keys:
                self._tries[key] += 1
                if self._tries[key] > self._spec.retries:
                    message = f"{self._tries[key]} batches had no reply to it; the last one was {why}"
                    self._give_up(request, FinalError("no_result", message))
        self._open.closed(submission, why)
        self._may_lack = True

    def _judge_input(self, submission: Submission, batch: Batch) -> UserError | None:
        """What to do about an input that was not taken: wait, give up its wrong lines, or end the job."""
        told = [f"{fault.get('code')}: {fault.get('message')}" for fault in batch.errors] or ["it does not say why"]
        shown = "; ".join(told)[:600]
        if self._queue.is_meant(shown):
            end = self._queue.refused(shown, len(submission.keys), len(self._waited_for) == 1)
            for key in submission.keys if end is None else ():
                self._tries[key] -= 1  # nobody has tried
            return end
        lines = {line for fault in batch.errors if isinstance(line := fault.get("line"), int)}
        wrong = {submission.order[line - 1] for line in lines if 1 <= line <= len(submission.order)}
        if not wrong or len(wrong) == len(submission.order):
            return UserError(
                f"{self._spec.base_urls[0]} does not take the requests of a batch: {shown}",
                remedy="see what it says; `omit` and `rename` of the model change the fields that requests have",
            )
        for request in self._unanswered():
            if request.key in wrong:
                self._give_up(request, FinalError("bad_request", f"its batch was refused: {shown}"))
        return None

    # ---- storing -------------------------------------------------------------------------------------------------

    def _store(self, submission: Submission, results: Results) -> UserError | None:
        """Store each request's result; the first fault that ends the job, once all others are stored."""
        fault: UserError | None = None
        again = Counter[str]()
        for request in self._unanswered() if len(results) else ():
            key = int(request.key, 16)
            result = results.get(key) if key in submission.keys else None
            if result is None:
                continue
            try:
                self._take(request, result)
            except TransientError as error:
                again[error.kind] += 1
            except UserError as error:
                fault = fault or error
        for kind, number in sorted(again.items()):
            self._say(f"{number} requests of the batch {submission.batch} have no reply yet ({kind})")
        return fault

    def _take(self, request: Request, result: Result) -> None:
        """Raises TransientError for what is to be asked again, UserError for what ends the job."""
        try:
            self._keep(request, self._reply(request, result))
        except FinalError as error:
            if not self._may_be_shorter(request, error):
                self._give_up(request, error)

    def _reply(self, request: Request, result: Result) -> Reply:
        if result.error is not None:
            code = str(result.error.get("code") or "error")[:60]
            raise TransientError(code, str(result.error.get("message"))[:300])
        where, body = self._spec.base_urls[0], result.body
        if result.status != 200:
            self._raise_for(where, result.status, body)
        if holds_error(body):
            within = error_of(body)
            self._raise_for(where, status_within(within) or 200, within)
        return answered(request, self._spec, self._drain.client.read(request, body), None)

    def _raise_for(self, where: str, status: int, body: Any) -> None:
        sent = dict.fromkeys(self._drain.client.body_of(Question("", {"messages": []}, 1)))
        try:
            self._refusals.raise_for(where, Refused(status, json.dumps(body).encode(), sent=sent))
        except AskOtherwiseError as error:
            raise FinalError("bad_request", error.message[:1000], status) from error

    def _may_be_shorter(self, request: Request, error: FinalError) -> bool:
        key = int(request.key, 16)
        client = self._drain.client
        if error.kind != "context_overflow" or key in self._shorter:
            return False
        certain = client.budget.certain(request.messages)
        if certain is None or certain >= client.tokens_for(request):
            return False
        self._shorter.add(key)
        return True

    def _keep(self, request: Request, reply: Reply) -> None:
        self._drain.keep(reply)
        key = int(request.key, 16)
        self._more.pop(key, None)
        if reply["error"] is None:
            self._refusals.has_answered = True
        else:
            self._failed.add(key)
        again = self._drain.again(request, reply)
        if again is not None:
            self._more[int(again.key, 16)] = again

    def _give_up(self, request: Request, error: FinalError) -> None:
        self._keep(request, failed(request, self._spec, error))


async def drain_through_batches(
    drain: Drain, requests: Callable[[], Iterator[Request]], say: Callable[[str], None]
) -> None:
    """Ask all `requests` of a drain by the batch API of its model's host. Raises UserError where that cannot be."""
    spec = drain.client.spec
    await check_endpoint(spec, say)
    with Submissions(drain.store.output, drain.store.check_is_ours) as submissions:
        async with BatchApi(spec, api_key(spec), say) as api:
            await drain.run_instead(BatchRun(drain, requests, api, submissions, say).run())
