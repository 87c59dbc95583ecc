r"""One server of one model, started and asked one question: what somebody new to a site finds out first.

Every finding is a line of the page as soon as it is known, so that a job that is killed leaves what it had found. What
goes wrong is told with its remedy, and ends the trial; what only may be wrong is a note.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from omr.answers.final_answer import final_answer
from omr.answers.reasoning import split_reasoning
from omr.asking.client import ChatClient
from omr.asking.hosts import Endpoint
from omr.asking.prompts import Prompt
from omr.asking.requests import Request, Sampling
from omr.asking.special_tokens import SpecialTokens
from omr.asking.tokens import load_tokenizer
from omr.errors import UserError
from omr.models.model import CHECKPOINT_SERVERS, ModelSpec
from omr.replies.reply import Reply
from omr.servers import node_notes
from omr.servers.endpoint import api_key
from omr.servers.gpus import check_gpus
from omr.servers.kinds import KINDS
from omr.servers.launch import Launch, full_environment
from omr.servers.model_files import read_manifest, served_from
from omr.servers.opened import open_server
from omr.servers.sites import ServerSite
from omr.turns.chat_template import load_template

#: The stage that requests are named after, the row that is asked about, and its answer.
STAGE, ROW, ANSWER = "try_server", {"id": "sum", "problem": "What is 17 + 25?"}, "42"
#: The Python package of each server.
_PACKAGES = {"vllm": "vllm", "sglang": "sglang", "trtllm": "tensorrt_llm"}
_VERSION = """
import importlib.metadata, importlib.util, sys
if importlib.util.find_spec(sys.argv[1]) is None:
    sys.exit(f"there is no package {sys.argv[1]} for {sys.executable}")
try:
    print(importlib.metadata.version(sys.argv[1]), "for", sys.executable)
except importlib.metadata.PackageNotFoundError:
    print("of unknown version for", sys.executable)
"""
_LOOK_TIMEOUT_S = 300.0
#: What config says of a start and what was seen may differ by this factor without a word.
_START_FACTOR = 1.5
#: Tokens by which two renderings of one prompt may differ: a tokenizer's first token, a line break.
_TOKENS_BESIDE = 3
_MOST_SHOWN = 200


@dataclass
class Page:
    """What was found, line by line; `say` writes one."""

    say: Callable[[str], None]
    faults: int = 0

    def ok(self, what: str, found: str) -> None:
        self.say(f"ok     {what}: {found}")

    def note(self, what: str, found: str) -> None:
        self.say(f"note   {what}: {found}")

    def fault(self, what: str) -> None:
        self.faults += 1
        self.say(f"error: {what}")


@dataclass(frozen=True)
class Trial:
    """What is tried: a model, where its server's software is, its files if the workflow prepared them, the question."""

    spec: ModelSpec
    site: ServerSite
    manifest: Path | None
    prompt: Prompt
    sampling: Sampling
    server_log: Path

    async def run(self, page: Page) -> None:
        """Find out everything. Raises UserError for what keeps the model from being asked."""
        page.say(f"{STAGE}: {_told(self.spec)}")
        page.say(f"       on {_where()}")
        served = await asyncio.to_thread(self._look, page)
        with tempfile.TemporaryDirectory(prefix="omr-server-") as scratch:
            server = open_server(
                replace(served, max_outage_s=0.0),  # somebody looks on: an absence is told soon
                log_path=self.server_log,
                scratch=Path(scratch),
                site=self.site,
                on_event=lambda event: page.say(f"       {event}"),
            )
            try:
                started = time.monotonic()
                with node_notes.starting(self.spec.is_started):
                    await server.start()
                if self.spec.is_started:
                    node_notes.note(node_notes.SERVED)
                self._tell_start(page, time.monotonic() - started)
                endpoint = Endpoint(server.base_url, api_key(self.spec), server.served_name)
                reply = await self._ask(endpoint, page)
            finally:
                await server.stop()
        self._tell_reply(page, served, reply)

    # ---- before the server starts ------------------------------------------------------------------------------

    def _look(self, page: Page) -> ModelSpec:
        """The model as it is served, after a look at all that can be known without its server."""
        spec = self.spec
        if spec.server in _PACKAGES:
            page.ok("environment", f"{_PACKAGES[spec.server]} {self._version()}")
        served = spec
        if self.manifest is not None:
            served = served_from(spec, self.manifest)
            files = read_manifest(self.manifest)
            page.ok("files", f"{files.size / 1e9:,.1f} GB in {len(files.files)} files, all whole ({files.folder})")
        if spec.server in CHECKPOINT_SERVERS:
            self._look_at_template(page, served)
        if spec.server in KINDS and KINDS[spec.server].uses_gpus:
            self._look_at_gpus(page)
        return served

    def _version(self) -> str:
        """What the server's interpreter says of its package, as the server itself is going to be run."""
        kind, spec = KINDS[self.spec.server], self.spec
        asking = [self.site.interpreter, "-c", _VERSION, _PACKAGES[spec.server]]
        environment = full_environment(kind, Launch(spec, self.site, 0, 0, Path(tempfile.gettempdir())), os.environ)
        remedy = f"say where {spec.server} is under `servers:` in config, or let Snakemake install it: `--sdm conda`"
        try:
            done = subprocess.run(
                self.site.wrapped(asking, []),
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_LOOK_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise UserError(f"the server's environment cannot be run: {error}", remedy=remedy) from error
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()[-1]
            raise UserError(f"the server's environment lacks it: {said[:_MOST_SHOWN]}", remedy=remedy)
        return done.stdout.strip().splitlines()[-1][:_MOST_SHOWN] if done.stdout.strip() else "(it says no version)"

    def _look_at_template(self, page: Page, served: ModelSpec) -> None:
        source = Path(self.spec.chat_template or served.path)
        if not source.exists():
            page.note("chat template", "not looked at: the model's files are not in a folder that this job knows")
            return
        template = load_template(source)
        text = template.render(self.prompt.render(ROW), keep_bos=True)
        page.ok("chat template", f"{template.path} makes {len(text)} characters of the question")

    def _look_at_gpus(self, page: Page) -> None:
        spec = self.spec
        if not spec.gpus:
            page.note("GPUs", "none are asked for (`gpus` of the model)")
        elif not self.site.check_gpus:
            page.note("GPUs", f"not looked at (`check_gpus: false` of {spec.server})")
        elif spec.nodes > 1:
            page.ok("GPUs", f"{spec.gpus} on each of {spec.nodes} nodes are looked at by each node")
        else:
            check_gpus(spec.gpus, self.site.min_driver, lambda event: page.note("GPUs", event), os.environ)
            page.ok("GPUs", f"{spec.gpus} are there, with a driver of {self.site.min_driver} or newer")

    # ---- the server and its reply ------------------------------------------------------------------------------

    def _tell_start(self, page: Page, seconds: float) -> None:
        spec = self.spec
        if not spec.is_started:
            page.ok("endpoint", f"{', '.join(spec.base_urls)} answers and knows {spec.path}")
            return
        page.ok("start", f"ready after {seconds:.0f} s")
        minutes, said = seconds / 60, spec.start_min
        if said is not None and not said / _START_FACTOR <= minutes <= said * _START_FACTOR:
            page.note(
                "start", f"config says `start_min: {said:g}`, by which jobs are planned; here it was {minutes:.1f}"
            )
        if minutes > spec.runtime_min / 10:
            page.note("start", f"that is much of a job of {spec.runtime_min} minutes: raise `runtime_min`")

    async def _ask(self, endpoint: Endpoint, page: Page) -> Reply:
        # One question: a server that refuses it will refuse all, so there is no need to be patient.
        spec = replace(self.spec, retries=1, max_outage_s=min(self.spec.max_outage_s, 60.0))
        request = Request(ROW["id"], self.prompt.name, 0, self.prompt.render(ROW), "")
        async with ChatClient(
            spec, STAGE, self.sampling, endpoint, say=lambda line: page.note("reply", line)
        ) as client:
            return await client.ask(request)

    def _tell_reply(self, page: Page, served: ModelSpec, reply: Reply) -> None:
        error = reply["error"]
        if error is not None:
            raise UserError(
                f"the question failed ({error['kind']}): {error['message'][:_MOST_SHOWN]}",
                file=self.server_log if self.spec.server in KINDS else None,
                remedy="see `What becomes of a request` in config/README.md, and the server's log",
            )
        self._tell_speed(page, served, reply)
        reasoning, rest = (reply["reasoning"], reply["text"]) if reply["reasoning"] else split_reasoning(reply["text"])
        page.say(f"       it begins: {' '.join((reply['text'] or '').split())[:_MOST_SHOWN]!r}")
        page.ok("reasoning", f"{len(reasoning):,} characters" if reasoning else "none stands apart from the answer")
        self._tell_ending(page, served, reply, rest)

    def _tell_speed(self, page: Page, served: ModelSpec, reply: Reply) -> None:
        usage, seconds = reply["usage"] or {}, reply["latency_s"]
        tokens = usage.get("completion_tokens")
        if not tokens:
            page.note(
                "reply", f"whole after {seconds:.1f} s; the server counts no tokens, so what they cost is unknown"
            )
            return
        speed = f"{tokens / seconds:,.0f} tokens/s" if seconds else "too fast to be timed"
        page.ok("reply", f"{tokens:,} tokens in {seconds:.1f} s: {speed} for one request alone")
        expected = self._prompt_tokens(served)
        told = usage.get("prompt_tokens")
        if expected is not None and told and abs(told - expected) > _TOKENS_BESIDE:
            page.note(
                "chat template",
                f"the server read {told} tokens of a question that has {expected} by the model's own template: it uses "
                "another one",
            )

    def _prompt_tokens(self, served: ModelSpec) -> int | None:
        """Tokens of the question by the model's own template and tokenizer, where both are known."""
        source = Path(self.spec.chat_template or served.path)
        if self.spec.tokenizer is None or self.spec.server not in CHECKPOINT_SERVERS or not source.exists():
            return None
        text = load_template(source).render(self.prompt.render(ROW), keep_bos=True)
        return len(load_tokenizer(Path(self.spec.tokenizer)).encode(text, add_special_tokens=False).ids)

    def _tell_ending(self, page: Page, served: ModelSpec, reply: Reply, rest: str) -> None:
        if reply["finish_reason"] == "length":
            raise UserError(
                f"the reply did not end within {self.sampling.max_tokens} tokens",
                remedy="a model that never ends has no chat template, or the wrong one (`chat_template`, `args`)",
            )
        _, controls = SpecialTokens.of_model(self.spec.tokenizer, served.path).as_text(rest)
        if controls:
            page.note("answer", "control tokens stand in it: the server has another chat template than the model")
        answer = final_answer(reply["text"], reply["reasoning"])
        if answer == ANSWER:
            page.ok("answer", rf"\boxed{{{ANSWER}}}, as it should be")
        elif answer is None:
            page.note("answer", r"there is no \boxed{} in it: a model for other stages than solutions may be so")
        else:
            page.note("answer", f"{answer[:_MOST_SHOWN]!r} instead of {ANSWER}")


def _told(spec: ModelSpec) -> str:
    if not spec.is_started:
        return f"the model {spec.name} ({spec.path}) at {', '.join(spec.base_urls)}"
    on = f" on {spec.nodes} x {spec.gpus} GPUs" if spec.gpus else " on no GPU"
    return f"the model {spec.name} ({spec.identity}), served by {spec.server}{on}"


def _where() -> str:
    job = os.environ.get("SLURM_JOB_ID")
    of_job = f" in Slurm's job {job}" if job else ""
    return f"{socket.gethostname()}{of_job}"
