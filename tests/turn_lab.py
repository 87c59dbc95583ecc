"""Solutions with code against a replay server, with an interpreter in place of the sandbox: for code of tests alone."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omr.asking.client import ChatClient
from omr.asking.code_settings import CodeSettings
from omr.asking.hosts import Endpoint
from omr.asking.requests import Request, Sampling
from omr.models.model import ModelSpec
from omr.replay.faults import Fault
from omr.replay.launch import RunningServer, running_server
from omr.replay.replies import Reply as Authored
from omr.replay.replies import Turn
from omr.replies.reply import Reply
from omr.sandbox.results import Past, Result
from omr.servers.dialect import dialect_of
from omr.turns.chat_template import ChatTemplate
from omr.turns.forms import Form, TextForm, ToolsForm
from omr.turns.journal import TurnJournal, forget_turns
from omr.turns.solver import Solver

TEMPLATE = ChatTemplate(
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{{ '<|im_start|>assistant\\n' }}",
    Path("chat_template.jinja"),
)
SETTINGS = CodeSettings("tool_call", 1, 8, True, 10, 1000, 2048)
ID = "solve/row/prompt/0"


class Interpreter:
    """A session: runs code of tests in this process. `shown` replaces what a block does."""

    def __init__(self, sandbox: StandIn) -> None:
        self._sandbox = sandbox
        self._names: dict[str, Any] = {}

    async def run(self, code: str) -> Result:
        self._sandbox.ran.append(code)
        if code in self._sandbox.shown:
            return self._sandbox.shown[code]
        written = io.StringIO()
        try:
            with contextlib.redirect_stdout(written):
                exec(code, self._names)
        except (ArithmeticError, NameError, SyntaxError, ValueError) as error:
            told = f"{type(error).__name__}: {error}\n"
            return Result("error", written.getvalue(), told, len(written.getvalue()), len(told), 0.01)
        return Result("ok", written.getvalue(), "", len(written.getvalue()), 0, 0.01)

    async def replay(self, past: Sequence[Past]) -> bool:
        self._sandbox.replayed += [block.code for block in past]
        return any([(await self.run(block.code)).stdout != block.stdout for block in past])

    async def close(self) -> None:
        self._sandbox.closed += 1


@dataclass
class StandIn:
    """A sandbox without walls; `ran`: all code in order."""

    tier: str = "none"
    identity: str = "stand-in"
    shown: dict[str, Result] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    replayed: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    closed: int = 0

    async def open(self, name: str, seed: int) -> Interpreter:
        self.seeds.append(seed)
        return Interpreter(self)


def block(code: str) -> str:
    return f"<tool_call>\n{code}\n</tool_call>"


def fence(code: str) -> str:
    return f"```python\n{code}\n```\n"


@dataclass
class Lab:
    """How one solution is asked for; `solve` answers it. `folder` is where its turns are kept."""

    folder: Path
    settings: CodeSettings = SETTINGS
    allowed: int = 4
    max_tokens: int = 4000
    server: str = "replay"
    dialect: str = "vllm"
    sandbox: StandIn = field(default_factory=StandIn)
    template: ChatTemplate = TEMPLATE
    stop_after: int | None = None  # turns, after which the job is told to stop
    model: dict[str, Any] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)
    received: list[str] = field(default_factory=list)

    @property
    def request(self) -> Request:
        messages = [{"role": "user", "content": "What is 6 * 7?"}]
        return Request("row", "prompt", 0, messages, "0123456789abcdef", self.allowed, "Runs Python.")

    def solve(self, *turns: str | Turn, faults: Sequence[Fault] = (), **options: Any) -> Reply | None:
        """The reply to a model that says these turns."""
        said = tuple(turn if isinstance(turn, Turn) else Turn(turn) for turn in turns)
        authored = Authored("", finish_reason=options.pop("finish_reason", "stop"), turns=said)
        with running_server(
            {ID: authored}, dialect=self.dialect, faults=faults, keep_requests=True, **options
        ) as server:
            return asyncio.run(self._solve(server))

    def reply(self, *turns: str | Turn, **options: Any) -> Reply:
        found = self.solve(*turns, **options)
        assert found is not None
        return found

    async def _solve(self, server: RunningServer) -> Reply | None:
        spec = ModelSpec("replay", "replay", self.server, base_url=server.base_url, retries=1, **self.model)
        sampling = Sampling(0.7, 0.95, self.max_tokens)
        async with ChatClient(spec, "solve", sampling, Endpoint(server.base_url, None, "replay")) as client:
            with TurnJournal(self.folder / "out.jsonl", lambda key: False) as journal:
                solver = self.solver(client, journal)
                try:
                    reply = await solver.answer(self.request)
                finally:
                    self.kept = server.kept_requests
                    self.received = server.received
        if reply is not None:
            forget_turns(self.folder / "out.jsonl")
        return reply

    def solver(self, client: ChatClient, journal: TurnJournal) -> Solver:
        taken = 0

        def stopped() -> bool:
            return self.stop_after is not None and taken >= self.stop_after

        def note_turn() -> None:
            nonlocal taken
            taken += 1

        form: Form = ToolsForm("Runs Python.", self.settings.show_budget)
        if self.settings.tags != "tools":
            form = TextForm(self.settings.tags, self.template, dialect_of(self.server))
        return Solver(client, self.settings, form, self.sandbox, journal, _nothing, stopped, note_turn)

    def with_tags(self, tags: str, **changes: Any) -> Lab:
        return replace(self, settings=self.settings._replace(tags=tags, **changes))


@contextlib.contextmanager
def _nothing() -> Iterator[None]:
    yield
