"""How a run of Snakemake ends: what it made and where that is, or what failed, what is kept, and how to go on."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from omr.files.typed import as_typed
from omr.runs.failed_nodes import told_of_nodes
from omr.runs.planned import Planned

_RULER = "-" * 80
_MOST_SHOWN, _MOST_CHARACTERS = 5, 300
#: A column that is narrower would be harder to read than lines that the terminal breaks.
_LEAST_WHY = 24
#: Made files that people ask for, by how their paths end, and what they are.
_PRODUCTS = (
    ("/sft.jsonl", "training rows"),
    ("/dataset", "dataset"),
    ("/rl", "for RL"),
    ("/preferences", "preferences"),
    ("/report.html", "report"),
    ("/decontaminated.jsonl", "clean problems"),
    ("/estimate.txt", "estimate"),
)
#: Longer than any error that a command says, short enough to be read at once.
_TAIL_BYTES = 1 << 16
#: Signals that people and schedulers stop a run with.
_STOPPED_BY: dict[int, str] = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "a signal to end (SIGTERM)"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Ending:
    """Watches over one run: knows what it is to make, and whether somebody stopped it."""

    def __init__(
        self, folder: str, arguments: Sequence[str], before: Callable[[str], object] = lambda how: None
    ) -> None:
        """`folder`: of the run; `arguments`: Snakemake's command line; `before`: called before anything is said, as
        `done` or `stopped`."""
        self._before = before
        self._folder, self._command = Path(folder), shlex.join([as_typed(arguments[0], "snakemake"), *arguments[1:]])
        self._remakes = False
        self._files: list[str] = []
        self._last: list[str] = []
        self._pages: list[Path] = []
        self._signal: int | None = None

    def watch(self, planned: Planned, jobs_run_here: bool, remakes: bool) -> None:
        """From now on signals are noted, and then do what they did. Only in a process's main thread.

        What jobs say is seen as they say it where they run here. `remakes`: whether the command makes again what a
        stopped run was making (`--rerun-incomplete`); else Snakemake refuses to go on without that.
        """
        self._remakes = remakes
        self._pages = [] if jobs_run_here else [Path(page) for page in planned.pages]
        self._files = [file for files in planned.files.values() for file in files]
        self._last = planned.last
        for number in _STOPPED_BY:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                signal.signal(number, self._noting(before))

    def _noting(self, before: Any) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:
            self._signal = number
            if callable(before):
                before(number, frame)

        return handle

    def tell_success(self) -> None:
        self._before("done")
        self._tell_pages()
        text = self.success(self._files, self._last)
        if text:
            print(f"{_RULER}\n{text}", file=sys.stderr)

    def tell_failure(self, failed: Iterable[Any], left: int, logs: Sequence[str], used_up: str | None = None) -> None:
        """Ends the process, as a signal would where one came: nothing that is said behind it could say more."""
        self._before("stopped")
        self._tell_pages()
        print(f"{_RULER}\n{self.failure(failed, left, logs, used_up)}", file=sys.stderr)
        sys.exit(1 if self._signal is None or used_up is not None else 128 + self._signal)

    def _tell_pages(self) -> None:
        for page in self._pages:
            with suppress(OSError):  # a job that never began has none
                text = page.read_text(encoding="utf-8", errors="replace")
                if not text:
                    continue
                print(f"{_RULER}\n{page}\n" + "\n".join(map(_printable, text.splitlines())), file=sys.stderr)

    def success(self, made: Iterable[str], last: Iterable[str]) -> str:
        """What a run that ended well says; `made` are the files of its jobs, `last` those that no job of it read. Empty
        if it made nothing of the run."""
        files = [file for file in made if file.startswith(f"{self._folder}/") and Path(file).exists()]
        tables = sorted((Path(file) for file in files if file.endswith("/stages.txt")), key=_by_depth)
        width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
        parts = [f"{path}\n{fitted(_table(path), width)}" for path in tables]
        where = [f"{what + ':':15} {file}" for end, what in _PRODUCTS for file in sorted(files) if file.endswith(end)]
        if not where:
            where = [f"{'made:':15} {file}" for file in sorted(set(files).intersection(last))]
            where[_MOST_SHOWN:] = [f"... and {len(where) - _MOST_SHOWN} more"] if len(where) > _MOST_SHOWN else []
        elif any(file.endswith("/report.html") for file in files):
            command = [as_typed(sys.executable, "python"), "scripts/browse.py", "--run", str(self._folder)]
            where.append(f"{'look around:':15} {shlex.join(command)}")
        where += [f"{'nodes:':15} {line}" for line in self._nodes()] if where else []
        return "\n\n".join([*parts, "\n".join(where)]) if where else ""

    def failure(self, failed: Iterable[Any], left: int, logs: Sequence[str], used_up: str | None = None) -> str:
        """What a run says that did not end well: `failed` are Snakemake's jobs, `left` how many have still to run,
        `used_up` what was said of its budget where that ended it."""
        stopped_by, jobs = _STOPPED_BY.get(self._signal or 0), sorted(failed, key=str)
        again = "To go on:" if stopped_by else "When that is mended, the same command goes on:"
        if used_up is not None:
            lines = [f"Stopped, since {used_up}; {left} jobs are left."]
            again = (
                "To go on, raise `budget` in config or do less (`seeds`, `recipes_to_run`), and the same command again:"
            )
        elif stopped_by is not None:
            lines = [f"Stopped by {stopped_by}; {left} jobs are left."]
        else:
            lines = [f"The run did not finish: {len(jobs)} of its jobs failed, {left} are left."]
            for job in jobs[:_MOST_SHOWN]:
                lines += _of_job(job)
            if len(jobs) > _MOST_SHOWN:
                lines.append(f"  ... and {len(jobs) - _MOST_SHOWN} more, see Snakemake's own log")
        lines += [
            *(f"Nodes: {line}." for line in self._nodes()),
            self._kept(),
            again,
            f"  {self._command}{'' if self._remakes or self._signal is None else ' --rerun-incomplete'}",
            f"Snakemake's own log: {', '.join(map(str, logs))}",
        ]
        return "\n".join(lines)

    def _nodes(self) -> list[str]:
        return [_printable(line) for line in told_of_nodes(self._folder)]

    def _kept(self) -> str:
        # Whatever a run makes first are rows, or replies in a journal beside where they are to be.
        if not any(self._folder.rglob("*.jsonl*")):
            return f"Nothing of {self._folder} was made yet."
        return f"Kept in {self._folder}: all finished files, and every reply that was stored; none is asked for again."


def _by_depth(path: Path) -> tuple[int, str]:
    """What all recipes share comes first."""
    return len(path.parts), str(path)


def _table(path: Path) -> str:
    """The table of stages, without what explains it below."""
    return path.read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]


def fitted(table: str, width: int | None) -> str:
    """A table whose last column, `why`, is wrapped below itself for a terminal of this width; None: as it is."""
    lines = table.splitlines()
    start = lines[0].find("why") if lines else -1
    if width is None or start < 0 or width - start < _LEAST_WHY:
        return table
    wrapped: list[str] = []
    for line in lines:
        whys = textwrap.wrap(line[start:], width - start, break_on_hyphens=False) or [""]
        wrapped += [line[:start] + whys[0], *(" " * start + why for why in whys[1:])]
    return "\n".join(wrapped)


def _of_job(job: Any) -> Iterator[str]:
    wildcards = getattr(job, "wildcards_dict", {})
    named = ", ".join(f"{name} {value}" for name, value in wildcards.items() if name not in ("run", "shards", "parts"))
    yield f"  {job.name}" + (f" ({named})" if named else "")
    for log in list(getattr(job, "log", ()))[:1]:
        said = _said(Path(log))
        yield from (f"    {line}" for line in said)
        silent = "" if said else " (it says nothing: what the job said stands above)"
        yield f"    log: {log}{silent}"


def _printable(line: str) -> str:
    return _CONTROL.sub("", line)


def _said(log: Path) -> list[str]:
    """What a log ends with: its last error and the remedy behind it, else its last line."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = handle.read().decode(errors="replace")
    except OSError:
        return []
    lines = [_printable(line)[:_MOST_CHARACTERS] for line in text.splitlines() if line.strip()]
    starts = [place for place, line in enumerate(lines) if line.startswith("error:") or " error: " in line]
    if not starts:
        return lines[-1:]
    first = starts[-1]
    more = [line for line in lines[first + 1 : first + 4] if line.startswith("  ")]
    return [lines[first], *more]
