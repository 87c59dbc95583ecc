"""Pages to look around in a run: threads, problems, solutions, votes, verdicts, drops, each with its whole story.

In: the results folder of a run, finished or not. Out: a local server for the browser of this machine, until Ctrl-C. It
reads only; where rows are is kept in an index (browse.sqlite in that folder), which is made while the pages are there
already, and later looks only at files that changed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from omr.browse.database import NAME, open_for_writing
from omr.browse.indexing import Index
from omr.browse.pages import Pages, State
from omr.browse.server import DEFAULT_PORT, Server, bind, keep_indexed, loopback
from omr.errors import leave, run_command
from omr.files.counted import counted
from omr.files.locks import FileLock
from omr.runs.run_folder import check_run, newest_run
from omr.servers.ports import port_number


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--run", type=Path, help="results folder of the run (default: the newest in results/)")
    add("--host", default="127.0.0.1", help="a loopback address (default: 127.0.0.1)")
    add("--port", type=port_number, help=f"port (default: {DEFAULT_PORT}, or a free one where that is taken)")
    add("--index", type=Path, help=f"where the index is kept (default: {NAME} in the run's folder)")
    add("--only-index", action="store_true", help="bring the index up to date and end")
    return parser.parse_args(argv)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    host = loopback(args.host)
    named = args.run or newest_run(Path("results"))
    check_run(named)
    run = named.resolve()
    index = (args.index or run / NAME).resolve()
    if args.only_index:
        with FileLock(index.with_name(f".{index.name}.lock"), say):
            read = Index(open_for_writing(index), run, say).update()
        print(f"{index}: up to date, {counted(read, 'file')} read")
        return 0
    open_for_writing(index).close()
    state = State()
    server = Server(Pages(run, index, state), bind(host, args.port))
    keep_indexed(run, index, state, say)
    print(f"{run.name}: {server.url}\nCtrl-C ends it.", flush=True)
    try:
        asyncio.run(server.serve())
    except KeyboardInterrupt:
        print("ended")
    return 0


if __name__ == "__main__":
    leave(run_command(main))
