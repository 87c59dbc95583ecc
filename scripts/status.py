"""How far a run is: stages and shards, speed, failures, what is spent and what is left. Reads only.

In: a run's results folder, while jobs write to it or after. Out: a table; with --json the same as JSON; with --page an
HTML file that reloads itself. With --watch it goes on until Ctrl-C or until the run has ended.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import orjson
from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile
from omr.live.run import RunProgress, Watched
from omr.live.signs import RUNNING


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--run", type=Path, nargs="+", required=True, help="results folders of runs, like results/full")
    add("--watch", action="store_true", help="look again and again")
    add("--every-s", type=float, default=5.0, help="seconds between two looks (default: 5)")
    add("--json", action="store_true", help="print JSON, one object a line and run, instead of a table")
    add("--page", type=Path, help="write an HTML page that reloads itself while it is watched")
    add("--no-queue", action="store_true", help="do not ask Slurm's squeue")
    args = parser.parse_args(argv)
    if args.every_s <= 0:
        parser.error("--every-s must be above 0")
    if args.page is not None and len(args.run) > 1:
        parser.error("--page shows one run")
    return args


def is_over(run: RunProgress) -> bool:
    """Whether nothing more is to be expected: no job is at work, and no Snakemake that would start one."""
    at_work = any(stage.shards[RUNNING] for stage in run.stages)
    return not at_work and (run.jobs is None or run.jobs.state == "gone")


def look(args: argparse.Namespace, watched: list[Watched]) -> list[RunProgress]:
    runs = [one.look(asks_queue=not args.no_queue) for one in watched]
    if args.page is not None:
        from omr.live.page import page  # Jinja2 is not needed otherwise

        goes_on = args.watch and not is_over(runs[0])
        with AtomicFile(args.page) as file:
            file.write(page(runs[0], args.every_s if goes_on else None).encode())
    return runs


def print_json(runs: list[RunProgress]) -> None:
    for run in runs:
        sys.stdout.write(orjson.dumps(run.as_json(), option=orjson.OPT_APPEND_NEWLINE).decode())
    sys.stdout.flush()


def show(args: argparse.Namespace, watched: list[Watched]) -> None:
    """Tables on the terminal, or as plain text where there is none."""
    from omr.live.table import whole_view
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=160)

    def view(runs: list[RunProgress], height: int | None = None) -> Group:
        of_one = None if height is None else height // len(runs) - 1
        parts = [part for run in runs for part in (whole_view(run, console.width, of_one), Text(""))]
        return Group(*parts[:-1])

    runs = look(args, watched)
    if not args.watch or not console.is_terminal:
        console.print(view(runs))
        while args.watch and not all(map(is_over, runs)):
            time.sleep(args.every_s)
            runs = look(args, watched)
            console.print(Text(""), view(runs), sep="\n")
        return
    # What stands above on the terminal stays; what does not fit below is left out by us.
    with Live(
        view(runs, console.height), console=console, auto_refresh=False, screen=False, vertical_overflow="crop"
    ) as live:
        while not all(map(is_over, runs)):
            time.sleep(args.every_s)
            runs = look(args, watched)
            live.update(view(runs, console.height), refresh=True)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    watched = [Watched(folder) for folder in args.run]
    try:
        if args.json:
            tell(args, watched)
        else:
            show(args, watched)
    finally:
        if args.page is not None and args.watch:
            args.watch = False  # nobody writes the page again, so it need not reload
            look(args, watched)
    return 0


def tell(args: argparse.Namespace, watched: list[Watched]) -> None:
    """JSON, for programs."""
    runs = look(args, watched)
    print_json(runs)
    while args.watch and not all(map(is_over, runs)):
        time.sleep(args.every_s)
        runs = look(args, watched)
        print_json(runs)


if __name__ == "__main__":
    leave(run_command(main))
