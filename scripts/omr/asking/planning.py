"""What of a plan is still to be asked: found while the server loads, in one pass over the job's own rows.

The first request without a reply says that a server is needed; the rest of the plan is gone through while it starts.
Nothing is sent before the whole plan is known: every fault of rows and prompts is found until then. Memory: a key per
request, the first requests that are missing, up to a bound, and where the rows of the others lie: these are read and
rendered once more when their turn comes.
"""

from __future__ import annotations

import asyncio
import threading
from array import array
from collections.abc import Iterator

from omr.asking.requests import Request, RequestPlan
from omr.asking.tries import Tries
from omr.replies.journal import ReplyStore
from omr.stages.row_places import Place

#: Characters of messages that are kept.
_KEPT_CHARS = 1 << 23


class Planning:
    """The requests of a plan, and which of them the store lacks.

    `keys` are those of all requests; `count` is how many are missing, `fresh` how many of these were never asked, and
    `neutralised` how many have rows with control tokens that were made text: as far as `finish` has come.
    """

    def __init__(self, plan: RequestPlan, store: ReplyStore, tries: Tries) -> None:
        self._plan, self._store, self._tries = plan, store, tries
        self._rows = plan.own_rows()
        self.keys = array("Q")
        self.count = self.fresh = self.neutralised = 0
        self._kept: list[tuple[Request, int]] = []  # with the number of the try to send
        self._chars_left = _KEPT_CHARS
        # Of further rows with something to ask: where they lie, where in `keys` theirs begin, and of each request the
        # number of the try to send, or 0.
        self._starts, self._lengths, self._keys_at, self._asked = array("Q"), array("Q"), array("Q"), bytearray()
        self._given_up = threading.Event()
        self._steps = self._go_through()

    @property
    def bytes_read(self) -> int:
        """Of rows and their places, so far."""
        return self._rows.bytes_read

    def finds_work(self) -> bool:
        """Go on until something must be asked; False if there is nothing, and then the whole plan is known."""
        return next(self._steps, False)

    def finish(self) -> None:
        """Go through the rest of the plan. Raises UserError for any fault of rows and prompts."""
        for _ in self._steps:
            if self._given_up.is_set():
                return

    async def finish_beside(self) -> Iterator[Request]:
        """`finish` in a thread; returns the requests to send."""
        try:
            await asyncio.to_thread(self.finish)
        finally:
            self._given_up.set()  # if this was cancelled: the thread is not
        return self.requests()

    def _go_through(self) -> Iterator[bool]:
        """Yields at every row that has something to ask."""
        for place, row in self._plan.placed_rows(self._rows):
            keys_at = len(self.keys)
            requests = list(self._plan.requests_of(row))
            asked = bytes(map(self._first_missing, requests))
            if not any(asked):
                continue
            if self._chars_left > 0:
                self._keep(requests, asked)
            else:
                self._starts.append(place.start)
                self._lengths.append(place.length)
                self._keys_at.append(keys_at)
                self._asked += asked
            yield True
        self._tries.check()

    def _keep(self, requests: list[Request], asked: bytes) -> None:
        for request, number in zip(requests, asked, strict=True):
            if number:
                self._kept.append((request, number))
                self._chars_left -= sum(len(message["content"]) for message in request.messages)

    def _first_missing(self, request: Request) -> int:
        self.neutralised += request.neutralised > 0
        self.keys.append(int(request.key, 16))
        number = self._tries.first_missing(request, self._store.recall)
        self.count += number > 0
        self.fresh += number == 1
        return number

    def requests(self) -> Iterator[Request]:
        """The requests that are missing, in the order of the rows."""
        for request, number in self._kept:
            yield self._tries.number(request, number)
        numbers = iter(self._asked)
        of_row = len(self._plan.prompts) * len(self._plan.seeds)  # at most
        places = (Place(*place) for place in zip(self._starts, self._lengths, strict=True))
        for row, keys_at in zip(self._rows.at(places), self._keys_at, strict=True):
            for request in self._plan.requests_of(row, iter(self.keys[keys_at : keys_at + of_row])):
                number = next(numbers)
                if number:
                    yield self._tries.number(request, number)
