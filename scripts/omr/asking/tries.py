"""Asking again where a reply cannot be read: with another seed, at a temperature of its own, a few times.

Greedy decoding says the same twice, and a loop stays a loop: another draw often is what was asked for. It happens here,
while the server runs, and not in a pass of its own over the replies that the parse rule could not read: that pass would
load the model once more for a few requests, and would double the rules of every stage. So this command is given the one
thing of a parser that it needs, a yes or no to "can this be read?", and nothing that a reply means. Each try is stored
as a reply of its own; the parse rule takes the first that it can read, whatever this command thought of it. With a
better parser fewer requests are asked again, and none is asked for what is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from omr.asking.requests import Request, RequestPlan
from omr.errors import UserError
from omr.files.plain_text import plain_text
from omr.replies.reply import SEEDS_PER_TRY, Reply


class TryAgain(NamedTuple):
    """When a request is asked again: `is_readable` says no, at most `retries` times, at `temperature`.

    More than the share `max_fraction` of requests that stay unreadable stop the job.
    """

    is_readable: Callable[[Reply], bool]
    retries: int
    temperature: float
    max_fraction: float


#: Characters of a reply that an error shows.
_EXAMPLE = 120
NEVER = TryAgain(is_readable=lambda reply: True, retries=0, temperature=0.0, max_fraction=1.0)


class Tries:
    """The tries of a plan's requests, from the store and while they are asked.

    Tell it of every stored reply (`note`), then of every request of the plan (`first_missing`), then of every reply as
    it arrives (`after`). `keys` are those of all further tries of the output. Memory: the keys of unreadable
    replies and of further tries.
    """

    def __init__(self, plan: RequestPlan, how: TryAgain) -> None:
        self._plan = plan
        self._how = how
        self._unreadable: set[int] = set()
        self._example = ""
        self._requests = self._recovered = self._left = 0
        self.keys: list[int] = []

    def note(self, reply: Reply) -> None:
        """Take in whether a stored reply can be read."""
        if reply["error"] is None and not self._how.is_readable(reply):
            self._unreadable.add(int(reply["key"], 16))
            said = plain_text(reply["text"] or "", _EXAMPLE) or "nothing"
            self._example = f"{reply['id']} ({reply['prompt']}): {said}"

    def first_missing(self, request: Request, stored: Callable[[str], bool]) -> int:
        """Which try of a request of the plan must be asked: its number, counted from 1, or 0 for none.

        Tries that the store has stay in the output though an earlier reply can be read by now.
        """
        self._requests += 1
        if not stored(request.key):
            return 1
        is_settled = self._settles(request)
        for number in range(2, self._how.retries + 2):
            request = self._plan.again(request, self._how.temperature)
            if not stored(request.key):
                if is_settled:
                    return 0
                self.keys.append(int(request.key, 16))
                return number
            self.keys.append(int(request.key, 16))
            if not is_settled and self._settles(request):
                is_settled = True
                self._recovered += 1
        self._left += not is_settled
        return 0

    def number(self, request: Request, number: int) -> Request:
        """A try of a request of the plan by its number, counted from 1."""
        for _ in range(number - 1):
            request = self._plan.again(request, self._how.temperature)
        return request

    def _settles(self, request: Request) -> bool:
        return int(request.key, 16) not in self._unreadable

    def after(self, request: Request, reply: Reply) -> Request | None:
        """The next try, if a reply that has just come needs one. Raises UserError beyond the bound, see `check`."""
        self.note(reply)
        is_try = request.seed >= SEEDS_PER_TRY
        if self._settles(request):
            self._recovered += is_try and reply["error"] is None
            return None
        if request.seed >= self._how.retries * SEEDS_PER_TRY:
            self._left += 1
            self.check()
            return None
        again = self._plan.again(request, self._how.temperature)
        self.keys.append(int(again.key, 16))
        return again

    def check(self) -> None:
        """Raise UserError if more requests stay unreadable than the bound allows."""
        if self._left > int(self._how.max_fraction * self._requests):
            raise UserError(
                f"{self._left} of {self._requests} requests have no reply that can be read, after "
                f"{self._how.retries} further tries of each: more than `unreadable.max_fraction` of config allows; the "
                f"last one is the reply to {self._example}",
                remedy="does the model follow the prompt? With a higher bound, or a parser that reads them, run again: "
                "replies are kept, in the journal beside the output, and nothing is asked twice. A new prompt or "
                "another model is asked anew; where another model bears the same name, delete the journal",
            )

    def counts(self) -> dict[str, Any]:
        """{"replies": further tries, "recovered": requests that one of them made readable, "left": those that stay
        unreadable}."""
        return {"replies": len(self.keys), "recovered": self._recovered, "left": self._left}
