"""The terminal of a run: one place draws it, and everything that jobs print goes past it into a file.

Jobs of one run would otherwise write over each other and over whatever is drawn. So while a run is drawn, the standard
output and error of this process, which its jobs inherit, are a file beside Snakemake's log; the terminal is kept here.
A file and no pipe: nothing that goes on behind a killed Snakemake writes into the void.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rich.console import Console, ConsoleDimensions, RenderableType
from rich.live import Live
from rich.text import Text

#: Lines of jobs that are for people, whatever else jobs say.
_FOR_PEOPLE = ("error:", "warning:", "Error:", "Warning:")
_MOST_CHARACTERS = 1000
_MOST_BYTES = 1 << 20


class Display:
    """Draws on the terminal of standard error until `end`. Only one at a time, and only where that is a terminal."""

    def __init__(self, said: Path) -> None:
        """`said`: the file for what jobs print."""
        self._said = said
        self._terminal = os.dup(2)
        self._kept = [(number, os.dup(number)) for number in (1, 2) if os.isatty(number)]
        said.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        _flush()
        for number, _ in self._kept:
            os.dup2(file, number)
        os.close(file)
        self._read_bytes = 0
        self._has_ended = False
        stream = os.fdopen(os.dup(self._terminal), "w", encoding=sys.stderr.encoding or "utf-8", errors="replace")
        self._console = Console(file=stream, force_terminal=True, highlight=False, markup=False)
        self._fit()
        self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False,
                          redirect_stderr=False, vertical_overflow="crop")  # fmt: skip
        self._live.start()
        self._console.show_cursor(True)  # a killed process could not
        atexit.register(self._break_off)

    def _break_off(self) -> None:
        """The process ends and nobody said so: what it said last tells why."""
        _flush()
        with suppress(OSError, ValueError):
            self.relay(everything=True)
        self.end()

    @property
    def width(self) -> int:
        return self._console.width

    @property
    def height(self) -> int:
        return self._console.height

    def _fit(self) -> None:
        with suppress(OSError):
            self._console.size = ConsoleDimensions(*os.get_terminal_size(self._terminal))

    def draw(self, view: Callable[[int, int], RenderableType], everything: bool) -> None:
        """Show what jobs have printed that is for people (or all of it), and below it what `view` makes of a width and
        a height."""
        self._fit()
        self.relay(everything)
        self._live.update(view(self.width, self.height), refresh=True)

    def relay(self, everything: bool) -> None:
        """Show what jobs have printed since the last time."""
        for line in self._new_lines():
            if everything or line.startswith(_FOR_PEOPLE):
                self.show(line)

    def _new_lines(self) -> list[str]:
        with self._said.open("rb") as file:
            file.seek(self._read_bytes)
            data = file.read(_MOST_BYTES)
        whole = data[: data.rfind(b"\n") + 1] if b"\n" in data else data if len(data) == _MOST_BYTES else b""
        self._read_bytes += len(whole)
        return whole.decode(errors="replace").splitlines()

    def show(self, line: str) -> None:
        """A line that stays, above what is drawn; any thread may call this."""
        text = "".join(char for char in line[:_MOST_CHARACTERS] if char.isprintable())
        self._console.print(Text(text), soft_wrap=True)

    def end(self) -> None:
        """Give the terminal back as it was, with nothing drawn on it."""
        if self._has_ended:
            return
        self._has_ended = True
        with suppress(OSError, ValueError):
            self._live.stop()
        _flush()
        for number, kept in self._kept:
            os.dup2(kept, number)
            os.close(kept)
        os.close(self._terminal)
        atexit.unregister(self._break_off)
        with suppress(OSError):
            if not self._said.stat().st_size:
                self._said.unlink()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
