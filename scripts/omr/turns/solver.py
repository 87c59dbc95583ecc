"""Solutions that run code: asked for turn by turn, each block run in the sandbox, its output put behind it.

See omr/replies/steps.py for what comes of it, omr/turns/journal.py for what survives a kill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from omr.asking.client import ChatClient
from omr.asking.code_settings import CodeSettings
from omr.asking.hosts import Home
from omr.asking.outcomes import FinalError
from omr.asking.questions import Question
from omr.asking.reading import Told
from omr.asking.requests import Request, sampling_seed
from omr.asking.rows import failed, stored
from omr.asking.special_tokens import SpecialTokens
from omr.replies.reply import Reply
from omr.replies.steps import stored_steps
from omr.sandbox.results import LOST, Past, Result
from omr.turns.forms import Form
from omr.turns.insertions import insertion, note_of
from omr.turns.journal import Turn, TurnJournal
from omr.turns.said import Next, Said, next_of
from omr.turns.so_far import SoFar
from omr.turns.tags import Block

#: What servers may count otherwise than we do between two turns.
_MARGIN = 16
#: After so many stops at tags that closed no block of Python a server is no longer asked to stop: a model that writes
#: nothing but closing tags would make a request of each.
_MOST_STOPS = 16


class Session(Protocol):
    """One interpreter, whose variables stay from block to block. `replay` runs blocks again that ran before, and says
    whether one of them came out otherwise."""

    async def run(self, code: str) -> Result: ...
    async def replay(self, past: Sequence[Past]) -> bool: ...
    async def close(self) -> None: ...


class Sandbox(Protocol):
    """What runs code: omr.sandbox.pool.Pool, or what stands in for it."""

    @property
    def tier(self) -> str: ...
    @property
    def identity(self) -> str: ...
    async def open(self, name: str, seed: int) -> Session: ...


@dataclass
class TurnCounts:
    """Over all solutions of a job: requests, and tokens of prompts behind the first turn, with those that the server
    had kept from the turn before (as far as it says)."""

    turns: int = 0
    repeated: int = 0
    cached: int = 0
    told: bool = False

    def add(self, turn: int, usage: dict[str, int] | None) -> None:
        self.turns += 1
        if turn and usage is not None:
            self.repeated += usage.get("prompt_tokens", 0)
            self.cached += usage.get("cached_tokens", 0)
            self.told |= "cached_tokens" in usage

    @property
    def reused(self) -> float | None:
        """Share of those prompts that was not computed again; None if the server does not say."""
        return self.cached / self.repeated if self.told and self.repeated else None


@dataclass
class Solver:
    """Answers requests with solutions that run code.

    `at_server` is entered while a request is there, `on_turn` told of every one that was answered, `stopped` whether no
    further one may be sent; `special` are the control tokens of the model.
    """

    client: ChatClient
    code: CodeSettings
    form: Form
    sandbox: Sandbox
    journal: TurnJournal
    at_server: Callable[[], AbstractContextManager[None]]
    stopped: Callable[[], bool]
    on_turn: Callable[[], None] = lambda: None
    special: SpecialTokens = field(default_factory=SpecialTokens)
    counts: TurnCounts = field(default_factory=TurnCounts)

    async def answer(self, request: Request) -> Reply | None:
        """The reply to a request; None if it was told to stop before the solution was finished."""
        solution = _Solution(self, request)
        try:
            return await solution.finish()
        except FinalError as error:
            return failed(request, self.client.spec, error)
        finally:
            await solution.close()


class _Solution:
    """One solution on its way."""

    def __init__(self, solver: Solver, request: Request) -> None:
        self._solver, self._request = solver, request
        self._so_far = SoFar()
        self._session: Session | None = None
        self._home = Home()
        self._replays_differ = 0
        self._prompt_tokens = 0  # of the first turn, as the server counted them
        self._own_tokens = 0  # written and inserted so far
        self._context_tokens = 0  # all that the last turn ended with
        self._stops = 0

    async def finish(self) -> Reply | None:
        await self._resume()
        while True:
            room = self._room()
            if room < 1:
                return self._reply(Next("end", "", ended="length"))
            if self._solver.stopped():
                return None
            try:
                said, latency_s = await self._ask(room)
            except FinalError as error:
                if error.kind == "context_overflow" and self._so_far.turns:
                    return self._reply(Next("end", "", ended="length"))
                raise
            then = next_of(said, self._so_far.written, self._solver.form.tags)
            turn = self._turn(said, then, latency_s)
            self._so_far.add(turn)
            if then.do == "end":
                return self._reply(then)
            if then.do == "run" and self._allowed_left < 1:
                return self._reply(then._replace(ended="too_many_blocks"))
            if then.do == "run" and said.finish_reason == "length" and self._room() < 1:
                return self._reply(then._replace(ended="length"))
            self._solver.journal.append(self._who(), self._so_far.turns)
            await self._after(then.block)

    # ---- a turn ------------------------------------------------------------------------------------------------

    async def _ask(self, room: int) -> tuple[Said, float]:
        form, number = self._solver.form, len(self._so_far.turns)
        fields = form.fields(self._request, self._so_far, stops=self._stops < _MOST_STOPS)
        question = Question(f"{self._request.name}/{number}", fields, room, form.route, home=self._home)
        with self._solver.at_server():
            (said, told), latency_s = await self._solver.client.answer_to(question, self._read)
        self._solver.client.note_model(told.stated_model)
        self._solver.counts.add(number, said.usage)
        self._solver.on_turn()
        return said, latency_s

    def _read(self, body: Any) -> tuple[Said, Told]:
        said = self._solver.form.read(body)
        if not self._so_far.turns:
            prompt = self._solver.form.prompt(self._request, self._so_far)
            self._solver.client.check_prompt(prompt, body.get("usage"))
        return said

    def _turn(self, said: Said, then: Next, latency_s: float) -> Turn:
        turn = Turn(then.text, self._so_far.pending, said.usage, then.ran_on, said.message, latency_s)
        self._count(turn)
        return turn

    async def _after(self, block: Block | None) -> None:
        """Run the block that a turn ended with, if it did."""
        if block is None:
            self._stops += 1
            return
        self._stops = 0
        session = await self._opened()
        result = await session.run(block.code)
        self._replays_differ += result.replay_differs
        left = self._allowed_left - 1
        note = note_of(left) if self._solver.code.show_budget else ""
        shown = insertion(result, note, self._solver.special, on_new_line=self._so_far.ends_line)
        self._so_far.ran(block, shown)

    async def _opened(self) -> Session:
        if self._session is None:
            seed = sampling_seed(self._request.name)
            self._session = await self._solver.sandbox.open(self._request.name, seed)
        return self._session

    @property
    def _allowed_left(self) -> int:
        return self._request.executions_allowed - len(self._so_far.steps)

    # ---- tokens ------------------------------------------------------------------------------------------------

    def _count(self, turn: Turn) -> None:
        """Note what a turn used, as the server counted it, or else at most."""
        at_most = self._solver.client.budget.count_at_most
        usage = turn.usage or {}
        written = usage.get("completion_tokens")
        if written is None or turn.ran_on:  # what stands behind the block does not count
            written = min(at_most(turn.text), at_most(turn.text) if written is None else written)
        inserted = 0 if turn.inserted is None else at_most(turn.before)
        prompt = usage.get("prompt_tokens")
        if prompt is None:
            prompt = self._context_tokens + inserted if self._context_tokens else self._first_prompt()
            before = self._own_tokens + inserted
        else:  # what it has grown by is what was written and inserted
            self._prompt_tokens = self._prompt_tokens or prompt
            before = max(prompt - self._prompt_tokens, self._own_tokens)
        self._own_tokens = before + written
        self._context_tokens = prompt + written

    def _first_prompt(self) -> int:
        texts = self._solver.form.prompt(self._request, self._so_far)
        return sum(self._solver.client.budget.count_at_most(message["content"]) for message in texts)

    def _room(self) -> int:
        """Completion tokens that the next turn may have. Raises FinalError if the prompt alone is too long."""
        budget = self._solver.client.budget
        if not self._so_far.turns:
            allowed, tokens = budget.allowed(self._solver.form.prompt(self._request, self._so_far))
            if allowed < 1:
                message = f"the prompt has {tokens} tokens, more than the model's limits allow"
                raise FinalError("context_overflow", message)
            return allowed
        pending = self._so_far.pending
        inserted = 0 if pending is None else budget.count_at_most(pending.text)
        left = budget.wanted - self._own_tokens - inserted
        return min(left, budget.room_behind(self._context_tokens + inserted) - _MARGIN)

    # ---- resume, and the end -----------------------------------------------------------------------------------

    async def _resume(self) -> None:
        """Take over the stored turns. Outputs come from them; blocks are run again for their variables only, from the
        last one that lost them on. The last block has no output yet: it is run for good."""
        for turn in self._solver.journal.take(self._request.key):
            block = self._last_block()
            if turn.inserted is not None and block is not None:
                self._so_far.ran(block, turn.inserted)
            self._count(turn)
            self._so_far.add(turn)
            self._stops += 1
            if self._last_block() is not None:
                self._stops = 0
        block = self._last_block()
        if block is None:
            return
        past = self._past()
        if past:
            session = await self._opened()
            self._replays_differ += await session.replay(past)
        await self._after(block)

    def _last_block(self) -> Block | None:
        so_far = self._so_far
        return self._solver.form.block_of(so_far.written, so_far.turns[-1]) if so_far.turns else None

    def _past(self) -> list[Past]:
        """The blocks whose variables the next one can see."""
        ran = zip(self._so_far.codes, self._so_far.insertions, strict=True)
        blocks = [Past(code, shown.status, shown.stdout) for code, shown in ran]
        lost = [place for place, block in enumerate(blocks, 1) if block.status in LOST]
        return blocks[lost[-1] if lost else 0 :]

    def _who(self) -> dict[str, Any]:
        request = self._request
        return {"id": request.row_id, "prompt": request.prompt, "seed": request.seed, "key": request.key}

    def _reply(self, then: Next) -> Reply:
        so_far, solver = self._so_far, self._solver
        statuses = [step.status for step in so_far.steps]
        sandbox = {"tier": solver.sandbox.tier, "identity": solver.sandbox.identity}
        fields = {
            "text": so_far.text,
            "finish_reason": "length" if then.ended == "length" else "stop",
            "usage": _sums([turn.usage for turn in so_far.turns]),
            "latency_s": round(sum(turn.latency_s for turn in so_far.turns), 3),
            "executions": len(statuses),
            "executions_allowed": self._request.executions_allowed,
            "code_errors": statuses.count("error"),
            "timeouts": statuses.count("timeout") + statuses.count("killed"),
            "ended": then.ended,
            "turns": len(so_far.turns),
            "ran_on": sum(turn.ran_on for turn in so_far.turns),
            "replays_differ": self._replays_differ,
            "code_cpu_s": round(sum(shown.cpu_s for shown in so_far.insertions), 3),
            "sandbox": sandbox if statuses else None,
        }
        return stored(self._request, solver.client.spec, **fields, **stored_steps(so_far.steps))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _sums(usages: Sequence[dict[str, int] | None]) -> dict[str, int] | None:
    """Tokens of all turns; None if the server counted none of them."""
    told = [usage for usage in usages if usage]
    names = dict.fromkeys(name for usage in told for name in usage)
    return {name: sum(usage.get(name, 0) for usage in told) for name in names} or None
