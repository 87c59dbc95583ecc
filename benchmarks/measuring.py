"""What the benchmarks of stages share: files of rows, replies, a stage run in a process of its own, and its floor.

Of each run: CPU seconds (user + system, of children too, start included), peak memory of the largest process, and bytes
read as the kernel counts them (`rchar` of /proc/self/io: also what came from the page cache; none where there is no
such file). A floor is a sketch without checks that does the same on the same files: the least work that a stage can be.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import random
import resource
import runpy
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import orjson

SCRIPTS = Path(__file__).parent.parent / "scripts"
#: Of prctl(2): processes that their parents left behind become ours.
_SET_CHILD_SUBREAPER = 36
_ORPHANS_END_S = 30.0
#: Requests in flight: how far from the order of the rows a reply may arrive.
IN_FLIGHT = 512
Row = dict[str, Any]


class Cost(NamedTuple):
    """What a run took."""

    cpu_s: float
    peak_mb: float
    read_mb: float | None
    wall_s: float


def write_lines(path: Path, rows: Iterable[Row]) -> Path:
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    return path


def read_lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        yield from map(orjson.loads, file)


def count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def reply(row_id: str, prompt: str, seed: int, text: str) -> Row:
    fields = {"id": row_id, "prompt": prompt, "seed": seed, "key": row_id[:16], "text": text, "reasoning": None}
    usage = {"prompt_tokens": 200, "completion_tokens": len(text) // 3}
    end = {"model": "m@1", "stated_model": "m", "latency_s": 1.234}
    return fields | {"finish_reason": "stop", "usage": usage, "error": None} | end


def arriving(rows: Iterable[Row], draw: random.Random) -> Iterator[Row]:
    """The rows in an order of arrival: each a random way off its place."""
    waiting: list[Row] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) > IN_FLIGHT:
            place = draw.randrange(len(waiting))
            waiting[place], waiting[-1] = waiting[-1], waiting[place]
            yield waiting.pop()
    yield from waiting


def run_stage(stage: str, folder: Path, **flags: object) -> tuple[Cost, Path]:
    """Run a stage's script with these flags; its cost and its output."""
    outputs = {name: folder / f"{stage}.{name}" for name in ("output", "dropped", "counts")}
    arguments = []
    for name, value in {**flags, **outputs}.items():
        arguments += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    return cost_of(_as_script, str(SCRIPTS / f"{stage}.py"), arguments), outputs["output"]


def _as_script(path: str, arguments: list[str]) -> None:
    sys.argv[1:] = arguments
    sys.path.insert(0, str(SCRIPTS))
    end_at_once, measured = os._exit, os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() == measured:  # what it took is still to be told
            raise SystemExit(status)
        end_at_once(status)

    os._exit = leave
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as ended:
        if ended.code:
            raise RuntimeError(f"{path} ended with status {ended.code}") from None


def cost_of(function: Callable[..., None], *arguments: object) -> Cost:
    """What a function of a module takes in a process of its own, whose start is part of it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measured, args=(theirs, function, arguments))
    process.start()
    theirs.close()
    try:
        cost: Cost = ours.recv()
    except EOFError:
        raise SystemExit("what was to be measured failed") from None
    finally:
        process.join()
    return cost


def _measured(pipe: Any, function: Callable[..., None], arguments: tuple[object, ...]) -> None:
    _adopt_orphans()
    started = time.monotonic()
    function(*arguments)
    wall_s = time.monotonic() - started
    _await_orphans()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(each.ru_utime + each.ru_stime for each in used)
    pipe.send(Cost(cpu_s, max(each.ru_maxrss for each in used) / 1024, _read_mb(), wall_s))


def _adopt_orphans() -> None:
    """What a worker process has started and not waited for would be counted by nobody."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _await_orphans() -> None:
    until = time.monotonic() + _ORPHANS_END_S
    try:
        while time.monotonic() < until:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.01)
    except ChildProcessError:
        return
    print("a process that was started has not ended: its CPU time is not counted", file=sys.stderr)


def _read_mb() -> float | None:
    if not os.path.exists("/proc/self/io"):
        return None
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"]) / 1e6


def print_head(title: str = "stage") -> None:
    print(f"\n| {title} | rows | rows per CPU s | floor | share of the floor | peak MB | MB read | MB of its inputs |")
    print("|---|---|---|---|---|---|---|---|", flush=True)


def print_line(name: str, rows: int, cost: Cost, floor: Cost | None, inputs: Iterable[Path]) -> None:
    """A line of the table; MB of inputs are those of the files, each once."""
    rate = rows / cost.cpu_s
    least = "" if floor is None else f"{rows / floor.cpu_s:,.0f}"
    share = "" if floor is None else f"{floor.cpu_s / cost.cpu_s:.0%}"
    read = "" if cost.read_mb is None else f"{cost.read_mb:,.0f}"
    given = sum(path.stat().st_size for path in inputs) / 1e6
    print(
        f"| `{name}` | {rows:,} | {rate:,.0f} | {least} | {share} | {cost.peak_mb:.0f} | {read} | {given:,.0f} |",
        flush=True,
    )
