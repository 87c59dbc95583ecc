"""A job whose replies are solutions that run code: what it needs beside a model's server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from omr.asking.code_settings import CodeSettings
from omr.asking.draining import Drain
from omr.asking.prompts import Prompt
from omr.asking.questions import COMPLETIONS
from omr.asking.special_tokens import SpecialTokens
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.sandbox.pool import Pool
from omr.sandbox.settings import SandboxSettings, site_settings
from omr.servers.dialect import dialect_of
from omr.servers.endpoint import check_completions
from omr.servers.full_load import FullLoad
from omr.turns.chat_template import ChatTemplate, load_template
from omr.turns.forms import Form, TextForm, ToolsForm
from omr.turns.journal import TurnJournal
from omr.turns.solver import Solver, TurnCounts

#: Below this share of prompts that the server still knew, later turns are computed again and again.
_LITTLE_REUSE = 0.6


@dataclass(frozen=True)
class CodeJob:
    """`template`: what the prompts are rendered with is known by this ("" where the server does it)."""

    code: CodeSettings
    form: Form
    template: str
    sandbox: SandboxSettings
    special: SpecialTokens

    def words(self, counts: TurnCounts, load: FullLoad) -> list[str]:
        """What a log says about the turns of the job, and what could be better."""
        return words_on_turns(counts, load)

    @asynccontextmanager
    async def solving(
        self, drain: Drain, output: Path, is_finished: Callable[[str], bool], say: Callable[[str], None]
    ) -> AsyncIterator[TurnCounts]:
        """While the body runs, the drain's requests are answered by solutions that run code.

        Raises UserError, before any request, where there is no sandbox or the endpoint takes no text.
        """
        client = drain.client
        if self.form.route == COMPLETIONS and client.spec.server == "endpoint":
            await check_completions(client.spec, say)
        pool = await Pool.start(self.sandbox, say)
        try:
            with TurnJournal(output, is_finished, say, drain.store.check_is_ours) as journal:
                solver = Solver(
                    client, self.code, self.form, pool, journal, drain.at_server, lambda: drain.stopped,
                    drain.note_turn, self.special,
                )  # fmt: skip
                drain.answer, drain.spare = solver.answer, self.sandbox.slots
                drain.also_synced = journal.sync
                yield solver.counts
        finally:
            await pool.close()


def code_job(
    code: CodeSettings, spec: ModelSpec, served: ModelSpec, prompts: Sequence[Prompt], sandbox: SandboxSettings
) -> CodeJob:
    """The job of a recipe's `code`; `served` is the model as its server loads it. Raises UserError where prompt, model
    or server do not fit."""
    if spec.server == "batch":
        raise UserError(
            f"solutions with code are asked for turn by turn, and the model {spec.name!r} is asked in batches",
            remedy="set `server: endpoint` of the model, or use another model for that recipe",
        )
    special = SpecialTokens.of_model(spec.tokenizer, served.path)
    if code.tags == "tools":
        about = {prompt.tool for prompt in prompts}
        if None in about or len(about) != 1:
            path = prompts[0].path
            raise UserError("the prompt does not say what the tool does", file=path, remedy="add a text under `tool`")
        return CodeJob(code, ToolsForm(str(about.pop()), code.show_budget), "", sandbox, special)
    template = template_of(spec, served)
    return CodeJob(code, TextForm(code.tags, template, dialect_of(spec.server)), template.identity, sandbox, special)


def template_of(spec: ModelSpec, served: ModelSpec) -> ChatTemplate:
    """The chat template of a model: the file that config names, or the one beside its weights."""
    if spec.chat_template is not None:
        path = Path(spec.chat_template)
        if not path.exists():
            raise UserError("there is no such chat template", file=path, remedy="check `chat_template` in config")
        return load_template(path)
    folder = Path(served.path) if Path(served.path).is_dir() else _cached_folder(served)
    if folder is None:
        raise UserError(
            f"the chat template of the model {spec.name!r} is not here, and solutions with code need it",
            remedy="name a file with it (chat_template.jinja or tokenizer_config.json) under `chat_template` of the "
            "model, or use `tags: tools` where the server knows calls of tools",
        )
    return load_template(folder)


def _cached_folder(spec: ModelSpec) -> Path | None:
    """Where the hub library keeps a model that it has fetched."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(spec.path, "tokenizer_config.json", revision=spec.revision)
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def sandbox_settings(config: Mapping[str, Any], code: CodeSettings, prepared: Path | None) -> SandboxSettings:
    """What the site lends (`sandbox` of config) and what the recipe allows; `prepared`: what prepare_sandbox.py wrote,
    which names the interpreter where config does not."""
    site = config.get("sandbox")
    if site is None:
        raise UserError("config does not say where code of models runs", remedy="add `sandbox`, see config/README.md")
    python = site["python"]
    if python is None and prepared is not None:
        python = orjson.loads(prepared.read_bytes())["python"]
    if python is None and not site["container"]:
        raise UserError(
            "nothing says in which environment code of models runs",
            remedy="run with `--sdm conda`, which makes envs/sandbox.yaml, or name its interpreter: `sandbox.python`",
        )
    limits = {"cpu_s": code.timeout_s, "output_chars": code.output_chars, "memory_mb": code.memory_mb}
    return site_settings(site, python, **limits)


def words_on_turns(counts: TurnCounts, load: FullLoad) -> list[str]:
    """What a log says about the turns of a job, and what could be better."""
    reused = counts.reused
    if reused is None:
        return [f"{counts.turns} turns"]
    lines = [f"{counts.turns} turns; of what later ones repeat the server still knew {reused:.0%}"]
    if reused < _LITTLE_REUSE and load.is_enough and load.waiting > 0:
        lines.append(
            "advice: what other solutions had in the server's cache was lost while their code ran or they waited: "
            f"lower `concurrency`, to {max(1, round(0.85 * load.running))} or less"
        )
    return lines
