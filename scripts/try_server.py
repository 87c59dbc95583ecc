"""Try one model: start its server in this job, ask it one question, and say in one page what was found.

In: the run's config, the model's name in it, its files if the workflow prepared them. Out: a page of text, which is
written while things are found out: environment, files, chat template, GPUs, how long the server takes, the reply, its
speed and its answer; or what went wrong, with the end of the server's log. The exit status is 2 if the model cannot be
asked.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from omr.asking.prompts import load_prompt
from omr.asking.requests import Sampling
from omr.config.files import read_config
from omr.errors import leave, run_command, user_fault
from omr.models.model import model_spec
from omr.runs.trial import Page, Trial
from omr.servers.sites import server_site


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--config", type=Path, nargs="+", required=True, help="config files, later ones win")
    add("--model", required=True, help="key under `models:` in config")
    add("--model-manifest", type=Path, help="the model's files (see download_model.py), served instead of its path")
    add("--tokenizer", type=Path, help="the model's tokenizer.json")
    add("--prompt", type=Path, default=Path("prompts/solve_cot.yaml"), help="how the question is put")
    add("--temperature", type=float, default=0.6)
    add("--top-p", type=float, default=0.95)
    add("--max-tokens", type=int, default=8192, help="the most of the reply; half of `max_model_len` if that is less")
    add("--page", type=Path, required=True, help="what was found (text)")
    return parser.parse_args(argv)


def read_trial(args: argparse.Namespace) -> Trial:
    """What the command line asks for. Raises UserError for a model that config describes wrongly."""
    config = read_config(args.config)
    spec = model_spec(config, args.model)
    spec = replace(spec, tokenizer=None if args.tokenizer is None else str(args.tokenizer))
    most = args.max_tokens if spec.max_model_len is None else min(args.max_tokens, spec.max_model_len // 2)
    return Trial(
        spec=spec,
        site=server_site(config, spec.server),
        manifest=args.model_manifest,
        prompt=load_prompt(args.prompt),
        sampling=Sampling(args.temperature, args.top_p, most),
        server_log=args.page.with_suffix(".server.log"),
    )


async def tried(trial: Trial, page: Page) -> None:
    """Run a trial; a signal to end stops the server first."""
    task = asyncio.ensure_future(trial.run(page))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        page.fault("told to stop, by the time limit or by somebody (`runtime_min` of the model is the limit)")


def run(args: argparse.Namespace, say: Callable[[str], None]) -> int:
    page = Page(say)
    try:
        asyncio.run(tried(read_trial(args), page))
    except Exception as error:
        # A page of findings must not end without the last one.
        fault = user_fault(error)
        page.fault(str(error) if fault is None else str(fault))
        if fault is None:
            raise
    say("It can be asked." if page.faults == 0 else "It cannot be asked like this.")
    return 2 if page.faults else 0


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    args.page.parent.mkdir(parents=True, exist_ok=True)
    with args.page.open("w", encoding="utf-8", errors="replace", buffering=1) as file:

        def say(line: str) -> None:
            print(line, file=file)
            print(line, flush=True)

        return run(args, say)


if __name__ == "__main__":
    leave(run_command(main))
