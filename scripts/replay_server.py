"""Serve authored replies over the OpenAI API: a model without a model, and the double of model servers in tests.

In: a folder of `<stage>.yaml` files with replies (omr/replay/replies.py describes them), or nothing with `--echo`.
Out: answers to HTTP requests, chosen by their header `X-Request-Id: <stage>/<row id>/<prompt>/<seed>`.
Step: any that asks a model. The replies are written by people; no model runs here.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path

from omr.errors import UserError, leave, run_command
from omr.replay.app import STREAMING, ServerOptions
from omr.replay.completions import REASONING_FIELDS
from omr.replay.dialects import DIALECTS
from omr.replay.faults import load_faults
from omr.replay.parent import exit_with_parent
from omr.replay.replies import Echo, ReplyFolder, ReplySource
from omr.replay.server import ReplayServer
from omr.servers.ports import port_number


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--replies", type=Path, metavar="DIR", help="folder of <stage>.yaml files")
    source.add_argument("--echo", action="store_true", help="make up replies from a hash of the request id")
    parser.add_argument("--reply-tokens", type=int, default=16, metavar="N", help="length of --echo replies")
    parser.add_argument("--model", default="replay", help="name under which the model is served")
    parser.add_argument("--dialect", choices=DIALECTS, default="vllm", help="the server to imitate")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=port_number, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--port-file", type=Path, metavar="F", help="file that gets the port, by rename")
    parser.add_argument("--faults", type=Path, metavar="F.yaml", help="what to do wrong, see omr/replay/faults.py")
    parser.add_argument("--start-delay-s", type=float, default=0.0, metavar="S", help="time until ready")
    parser.add_argument("--refuse-until-ready", action="store_true", help="refuse connections until ready")
    parser.add_argument("--latency-s", type=float, default=0.0, metavar="S", help="time that every reply takes")
    parser.add_argument("--context-tokens", type=int, default=131_072, metavar="N", help="context length")
    parser.add_argument("--reasoning-field", choices=REASONING_FIELDS, default="dialect", help="where reasoning goes")
    parser.add_argument("--streaming", choices=STREAMING, default="asked", help="when replies come in pieces")
    parser.add_argument("--refuse", nargs="+", default=[], metavar="FIELD", help="fields of requests it does not know")
    parser.add_argument("--require-key-env", metavar="NAME", help="variable with the key that clients must send")
    parser.add_argument("--count-file", type=Path, metavar="F", help="append a line per request and per whole reply")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when the starting process ends (Linux)")
    return parser.parse_args(argv)


def source_of(args: argparse.Namespace) -> ReplySource:
    """Where the replies come from. Raises UserError for a folder that is not as described."""
    return Echo(args.reply_tokens) if args.echo else ReplyFolder(args.replies)


def options_of(args: argparse.Namespace) -> ServerOptions:
    """How the server behaves. Raises UserError for a bad file of faults or a missing key."""
    return ServerOptions(
        model=args.model,
        dialect=args.dialect,
        host=args.host,
        port=args.port,
        port_file=args.port_file,
        faults=load_faults(args.faults) if args.faults else (),
        start_delay_s=args.start_delay_s,
        refuse_until_ready=args.refuse_until_ready,
        latency_s=args.latency_s,
        context_tokens=args.context_tokens,
        reasoning_field=args.reasoning_field,
        streaming=args.streaming,
        refuse=args.refuse,
        api_key=key_from(args.require_key_env) if args.require_key_env else None,
        count_file=args.count_file,
    )


def key_from(variable: str) -> str:
    """The key in an environment variable. Raises UserError if there is none."""
    key = os.environ.get(variable, "")
    if not key:
        raise UserError(f"the variable {variable} is not set", remedy=f"export {variable}=... or leave the option out")
    return key


async def serve(server: ReplayServer) -> None:
    """Serve until SIGTERM or SIGINT, then stop as the imitated server does; a second signal ends it at once."""
    told_to_stop = asyncio.Event()

    def on_signal(number: int) -> None:
        if told_to_stop.is_set():
            os._exit(128 + number)
        told_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    await server.start()
    stopping = asyncio.create_task(told_to_stop.wait())
    ready = asyncio.create_task(server.wait_ready())
    if not server.options.refuse_until_ready:
        print(f"listening on {server.root_url}", flush=True)
    await asyncio.wait({stopping, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        ready.result()
        if server.options.refuse_until_ready:
            print(f"listening on {server.root_url}", flush=True)
        await stopping
    ready.cancel()
    await server.shut_down()


def main(argv: list[str] | None = None) -> int:
    """Run the server; returns 0 when it was told to stop."""
    args = parse_args(argv)
    if args.exit_with_parent:
        exit_with_parent()
    asyncio.run(serve(ReplayServer(source_of(args), options_of(args))))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
