"""Ask a model: rows x prompts x seeds -> raw replies. The only command that talks to a model.

In: a rows file (JSONL with `id` and the fields its prompts use), prompt files, the merged config for how the model is
served. Out: one shard of raw replies (JSONL, see omr/replies/reply.py) and its counts. What replies mean is never
decided here: a CPU step reads them, so that a better parser never costs a GPU hour. With --retries, what its parser
cannot read is asked again (omr/asking/tries.py). See omr/replies/journal.py for what survives a kill.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from omr.asking.budget import Budget
from omr.asking.client import ChatClient
from omr.asking.code_settings import CodeSettings
from omr.asking.draining import Drain
from omr.asking.planning import Planning
from omr.asking.progress import Log, Progress, run_logged
from omr.asking.prompt_fields import ROW_FIELDS, check_prompt, fields_of_rows
from omr.asking.prompts import Prompt, load_prompt
from omr.asking.requests import Request, RequestPlan, Sampling
from omr.asking.selection import in_table, planned
from omr.asking.serving import drain_through_server
from omr.asking.special_tokens import SpecialTokens
from omr.asking.time_limit import watched_time_limit
from omr.asking.tries import NEVER, Tries, TryAgain
from omr.asking.twin_jobs import EXIT_STOPPED, PostponedError, Queueing
from omr.config.files import read_config
from omr.config.kept import edition_of, texts_of, with_texts
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import AtomicFile, Row
from omr.files.open_files import set_aside
from omr.models.model import ModelSpec, model_spec
from omr.replies.journal import ReplyStore
from omr.replies.progress_file import JobProgress, ProgressFile, progress_path
from omr.servers.full_load import FullLoad
from omr.servers.kinds import telling_reuse
from omr.servers.model_files import served_from
from omr.servers.model_notes import note_model
from omr.servers.sites import ServerSite, server_site

if TYPE_CHECKING:
    # With the sandbox, which most jobs never need: half of a short job is its imports.
    from omr.turns.job import CodeJob
    from omr.turns.solver import TurnCounts


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--stage", required=True, help="name of the stage, the first part of every request id")
    add("--rows", type=Path, required=True, help="JSONL rows with `id` and the fields that the prompts use")
    add("--branch", help="only rows that classification sends to this branch (answers, proofs)")
    add("--prompt", type=Path, nargs="+", required=True, help="prompt files; each row is asked with each of them")
    add("--seed", type=int, nargs="+", default=[0], help="sample indexes (default: 0)")
    add("--places", type=Path, help="where the rows lie, so that those of other shards are not read")
    add("--plan", type=Path, help="of each row only the seeds below its number in this plan (see plan_solutions.py)")
    add("--wanted", help="of each row only so many seeds as this table (as --table of plan_solutions.py) says")
    add("--pass-rates", type=Path, help="the pass rates that the table goes by")
    add("--shard", type=int, default=0, help="which shard of the rows, from 0")
    add("--shards", type=int, default=1, help="number of shards")
    add("--config", type=Path, nargs="+", required=True, help="config files, later ones win")
    add("--model", required=True, help="key under `models:` in config")
    identity = "path[@revision][ extra_body as JSON][ without FIELD,...]; must agree with config if given"
    add("--model-identity", help=identity)
    add("--model-manifest", type=Path, help="the model's files (see download_model.py), served instead of its path")
    add("--model-note", type=Path, help="where the run notes which commit it asks; another one is refused")
    add("--model-texts", type=Path, help="a folder with copies of the model's chat template, or authored replies")
    add("--tokenizer", type=Path, help="the model's tokenizer.json, for prompts that come near its context length")
    add("--temperature", type=float, default=0.0)
    add("--top-p", type=float, default=1.0)
    add("--max-tokens", type=int, required=True, help="completion tokens wanted")
    add("--sampling", default="{}", help="further sampling parameters as JSON, e.g. '{\"top_k\": 20}'")
    add("--code", help="for solutions that run code: the recipe's `code` as JSON")
    add("--sandbox", type=Path, help="what prepare_sandbox.py wrote: where code runs, if config does not say")
    add("--retries", type=int, help="further tries of each request whose reply cannot be read (default: unread)")
    add("--retry-temperature", type=float, default=0.7, help="of further tries")
    add("--max-failed-fraction", type=float, help="requests that may fail for good (default: as config says, or 0.01)")
    add("--grace-s", type=float, default=20.0, help="seconds for requests in flight when told to stop")
    add("--output", type=Path, required=True, help="the shard's replies (JSONL)")
    add("--counts", type=Path, required=True, help="requests, failures and tokens of the shard (JSON)")
    add("--log", type=Path, help="log file (default: standard error)")
    return parser.parse_args(argv)


def numbers_of_solutions(args: argparse.Namespace) -> Callable[[Row], int] | None:
    """How many solutions of each row the command line wants; None where it wants every seed of all."""
    if args.plan is not None:
        return planned(args.plan)
    if args.wanted is not None:
        table, first = orjson.loads(args.wanted), min(args.seed)
        return in_table(table, first, args.pass_rates, args.shard, args.shards)
    return None


class Work(NamedTuple):
    """What is to be asked, what is asked again, and how far that is."""

    plan: RequestPlan
    tries: Tries
    progress: Progress


class Job(NamedTuple):
    """Which model is asked, as what its server loads, where that server's software is, which share of the requests may
    fail for good, when one is asked again, the run's budget, and what is needed where replies run code."""

    model: ModelSpec
    served: ModelSpec
    site: ServerSite
    max_failed_fraction: float
    try_again: TryAgain
    budget: Budget
    code: CodeJob | None = None


def read_job(args: argparse.Namespace, prompts: Sequence[Prompt]) -> Job:
    """The model of the command line as config describes it, with its tokenizer."""
    config = read_config(args.config)
    spec = model_spec(config, args.model)
    # In config it may be a hub id; the workflow downloads it and gives its file here.
    by_hand = spec.tokenizer if (spec.tokenizer or "").endswith(".json") else None
    spec = replace(spec, tokenizer=by_hand if args.tokenizer is None else str(args.tokenizer))
    spec = spec if args.model_texts is None else with_texts(spec, args.model_texts)
    fraction = args.max_failed_fraction
    if fraction is None:
        fraction = config.get("generate", {}).get("max_failed_fraction", 0.01)
    # What determines the replies is the model's identity; from where it is loaded only matters to the server.
    served = spec if args.model_manifest is None else served_from(spec, args.model_manifest)
    if args.model_note is not None and args.model_manifest is not None:
        note_model(args.model_note, args.model_manifest)
    job = Job(spec, served, server_site(config, spec.server), fraction, read_try_again(args, config), Budget(config))
    if args.code is None:
        return job
    from omr.turns.job import code_job, sandbox_settings

    code = CodeSettings.read(orjson.loads(args.code))
    sandbox = sandbox_settings(config, code, args.sandbox)
    return job._replace(served=telling_reuse(served), code=code_job(code, spec, served, prompts, sandbox))


def read_try_again(args: argparse.Namespace, config: Mapping[str, Any]) -> TryAgain:
    """When requests are asked again; without --retries no reply is looked at."""
    if args.retries is None:
        return NEVER
    bound = config.get("unreadable", {}).get("max_fraction", 1.0)
    from omr.parsers.readable import is_readable  # with all parsers

    return TryAgain(is_readable, args.retries, args.retry_temperature, bound)


def request_plan(args: argparse.Namespace, job: Job, prompts: Sequence[Prompt]) -> RequestPlan:
    """The requests that the command line describes. Raises UserError for what cannot be asked."""
    if not 0 <= args.shard < args.shards:
        raise UserError(f"there is no shard {args.shard} of {args.shards}", remedy="shards are numbered from 0")
    spec, code = job.model, job.code
    if args.model_identity not in (None, spec.fingerprint):
        raise UserError(
            f"the model {spec.name!r} is {spec.fingerprint} in config, but {args.model_identity} was expected",
            file=args.config[-1],
            remedy="run Snakemake again, so that it reads the changed config",
        )
    sampling = Sampling(args.temperature, args.top_p, args.max_tokens, orjson.loads(args.sampling))
    rows, seeds = (args.rows, args.shard, args.shards), args.seed
    # Authored replies are what a model's weights are: others are another model's.
    model = f"{spec.fingerprint} {edition_of(texts_of(spec))}" if spec.is_authored else spec.fingerprint
    plan = RequestPlan(*rows, prompts, seeds, model, sampling, args.branch, numbers_of_solutions(args))
    plan = replace(plan, places=args.places, special=SpecialTokens.of_model(spec.tokenizer, job.served.path))
    return plan if code is None else replace(plan, code=code.code, template=code.template)


def server_log(args: argparse.Namespace) -> Path:
    """The model server's own log: beside the log of this command, or beside the output."""
    beside: Path = args.log or args.output
    return beside.with_suffix(".server.log")


async def answer(
    args: argparse.Namespace, work: Work, job: Job, store: ReplyStore, planning: Planning, log: Log
) -> Drain:
    """Ask for everything that is missing. Returns the drain; its `stopped` says whether it was told to end early."""
    plan, tries, progress = work
    async with AsyncExitStack() as stack:
        if job.model.server != "batch":
            stack.enter_context(connections(job.model))
        client = await stack.enter_async_context(ChatClient(job.model, args.stage, plan.sampling, say=log))
        drain = Drain(client, store, progress, 0, args.grace_s)

        async def planned() -> Iterator[Request]:
            requests = await planning.finish_beside()
            note_plan(args, work, planning, store, log)
            drain.max_failed = int(job.max_failed_fraction * len(planning.keys))
            drain.full_load = store.held.full_load
            return requests

        drain.again = tries.after
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, drain.stop)
        turns: TurnCounts | None = None
        try:
            if job.code is not None:
                turns = await stack.enter_async_context(job.code.solving(drain, args.output, store.__contains__, log))
            progress.phase = "loading"
            stop = partial(stop_for_budget, drain, log)
            async with watched_time_limit(job.model, drain.stop, log), job.budget.watched(stop):
                if job.model.server == "batch":
                    from omr.batches.run import drain_through_batches

                    await planned()
                    await drain_through_batches(drain, planning.requests, log)
                else:
                    where = job.served, job.site, server_log(args)
                    await drain_through_server(drain, planned, *where, log, on_start=store.held.note_start)
        finally:
            log(progress.line())
            log(f"{client.retries} tries were repeated")
            tell_load(drain.full_load, log)
            for line in () if turns is None or job.code is None else job.code.words(turns, drain.full_load):
                log(line)
    return drain


@contextmanager
def connections(model: ModelSpec) -> Iterator[None]:
    """Sees to it that this process may have as many as there are requests in flight.

    A server is taken for away if its requests cannot be sent, and the GPUs would wait. Raises UserError where the
    system allows less.
    """
    wanted = model.in_flight * (2 if model.is_authored else 1)  # both ends are ours
    with set_aside(wanted) as found:
        if found < wanted:
            raise UserError(
                f"{model.in_flight} requests in flight need {wanted} open files at once, and this process may have "
                f"{found} for them",
                remedy="raise the hard limit of open files (`ulimit -Hn` shows it) where this job runs, or lower "
                f"`concurrency` of the model {model.name}",
            )
        yield


def stop_for_budget(drain: Drain, log: Log, what: str) -> None:
    log(f"{what}: this job ends")
    drain.progress.note = what
    drain.stop()


def tell_load(load: FullLoad, log: Log) -> None:
    if load.seconds:
        log(str(load))
    if load.advice is not None:
        log(f"advice: {load.advice}")


def run(args: argparse.Namespace, log: Log) -> int:
    prompts = [load_prompt(path) for path in args.prompt]
    fields = fields_of_rows(args.rows)
    for prompt in prompts if fields else ():
        check_prompt(prompt, fields | ROW_FIELDS.get(args.stage, frozenset()), args.code is not None)
    job = read_job(args, prompts)
    plan = request_plan(args, job, prompts)
    try:
        return fill_store(args, plan, job, log)
    except PostponedError as postponed:
        log(str(postponed))
        return EXIT_STOPPED


def fill_store(args: argparse.Namespace, plan: RequestPlan, job: Job, log: Log) -> int:
    """Ask for what the store lacks and publish it; the command's exit status."""
    work = Work(plan, Tries(plan, job.try_again), Progress(0, 0, log))
    gpus = gpus_of(job.model)
    with ReplyStore(args.output, log, Queueing(job.model, log), work.tries.note, gpus) as store:
        with ProgressFile(progress_path(args.output), lambda: look_at(work.progress, job.model, store), log) as told:
            status = fill_open_store(args, work, job, store, log)
        if status == 0:
            told.done()
    return status


def gpus_of(spec: ModelSpec) -> int:
    """The GPUs that a job holds for its model."""
    return spec.gpus * spec.nodes


def look_at(progress: Progress, spec: ModelSpec, store: ReplyStore) -> JobProgress:
    """What watchers are told of this job: tokens and time are all that was spent."""
    held, before = store.held, store.held.superseded
    spent: dict[str, Any] = {"held_s": held.seconds + before["held_s"], "gpu_s": held.gpu_s + before["gpu_s"]}
    tokens = {kind: number + before[kind] for kind, number in store.usage.tokens().items()}
    spent = {name: round(number, 3) for name, number in spent.items()} | tokens
    return replace(progress.look(), model=spec.name, gpus=gpus_of(spec), **spent)


def fill_open_store(args: argparse.Namespace, work: Work, job: Job, store: ReplyStore, log: Log) -> int:
    plan, tries, progress = work
    planning = Planning(plan, store, tries)
    failed: list[dict[str, Any]] = []
    if planning.finds_work():
        job.budget.check()
        drain = asyncio.run(answer(args, work, job, store, planning, log))
        if drain.stopped:
            log("told to stop: finished replies are kept, the next run goes on from there")
            progress.phase = "stopped"
            return EXIT_STOPPED
        failed = drain.failed
    else:
        note_plan(args, work, planning, store, log)
    store.publish([*planning.keys, *tries.keys], failed)
    forget_unfinished(args, store)
    write_counts(args, job.model, store, tries, planning)
    return 0


def forget_unfinished(args: argparse.Namespace, store: ReplyStore) -> None:
    """What was kept of replies on their way, beside the output, is needed no longer."""
    beside = {path.name.removeprefix(args.output.name) for path in args.output.parent.glob(f"{args.output.name}.*")}
    if ".turns" in beside:
        from omr.turns.journal import forget_turns

        forget_turns(args.output)
    if ".batches" in beside:
        from omr.batches.submissions import forget_answered

        forget_answered(args.output, store.__contains__)


def note_plan(args: argparse.Namespace, work: Work, planning: Planning, store: ReplyStore, log: Log) -> None:
    """Say what is to be asked, when all of it is known."""
    total = len(planning.keys)
    work.progress.begin(total, total - planning.count)
    if len(store) and planning.fresh == total:
        store.held.forget()  # what is stored answered other requests
    if planning.neutralised:
        log(f"the rows of {planning.neutralised} requests hold control tokens of chat templates, sent as text")
    log(f"{args.stage} {args.output}: {planning.count} of {total} requests have no reply yet")


def write_counts(
    args: argparse.Namespace, spec: ModelSpec, store: ReplyStore, tries: Tries, planning: Planning
) -> None:
    held = store.held
    counts = {"stage": args.stage, "model": spec.name, "served": spec.identity, "wall_s": round(held.seconds, 3)}
    counts |= {"gpus": gpus_of(spec), "gpu_s": round(held.gpu_s, 3)} | store.usage.as_json()
    if args.retries is not None:
        counts["asked_again"] = tries.counts()
    if planning.neutralised:
        counts["neutralised"] = planning.neutralised
    counts["bytes_read"] = {"rows": planning.bytes_read, "replies": store.bytes_read}
    if +held.superseded:
        counts["superseded"] = held.superseded
    if held.starts:
        counts |= {"starts": held.starts, "start_s": round(held.start_s, 3)}
        counts["started_gpus"] = sorted(held.started_gpus)
    if held.full_load.seconds:
        counts |= {"full_load": held.full_load.as_json(), "measured_gpus": sorted(held.measured_gpus)}
    with AtomicFile(args.counts) as file:
        file.write(orjson.dumps(counts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    return run_logged(args.log, lambda log: run(args, log))


if __name__ == "__main__":
    leave(run_command(main))
