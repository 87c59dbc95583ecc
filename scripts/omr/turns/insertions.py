"""What is put behind a block that was run: its output in a fence, and how many executions are left.

The two sentences that begin the notes are part of the published form: loaders read the budget from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from omr.asking.special_tokens import SpecialTokens
from omr.sandbox.results import Result

_CUT = "<output cut>"
_TICKS = re.compile(r"`{3,}")


@dataclass(frozen=True)
class Insertion:
    """A text to insert, with the places of the output in it, and what came of the block.

    The first `stdout_chars` of the output are what the block printed, to be compared when it is run again.
    """

    text: str
    output_from: int
    output_to: int
    stdout_chars: int
    status: str
    cpu_s: float
    printed: str | None = None  # the standard output itself, where it is shown otherwise

    @property
    def output(self) -> str:
        return self.text[self.output_from : self.output_to]

    @property
    def stdout(self) -> str:
        shown = self.text[self.output_from : self.output_from + self.stdout_chars]
        return shown if self.printed is None else self.printed

    def as_json(self) -> list[Any]:
        """All but the text, for a journal."""
        return [self.output_from, self.output_to, self.stdout_chars, self.status, self.cpu_s, self.printed]

    @classmethod
    def read(cls, text: str, stored: list[Any]) -> Insertion:
        """Raises ValueError or TypeError for what `as_json` does not write."""
        found = cls(text, *stored)
        numbers = (found.output_from, found.output_to, found.stdout_chars)
        places = [type(number) is int for number in numbers]
        texts = isinstance(text, str) and isinstance(found.status, str) and isinstance(found.printed, str | None)
        if not all(places) or not texts or not isinstance(found.cpu_s, int | float):
            raise TypeError("no insertion")
        if not 0 <= found.output_from <= found.output_to <= len(text) or found.stdout_chars < 0:
            raise ValueError("no places in the text")
        return found


def insertion(result: Result, note: str, special: SpecialTokens, *, on_new_line: bool) -> Insertion:
    """The output of a block as the model sees it; `on_new_line` if a line begins where it is inserted.

    Control tokens that it prints arrive as text: servers would read them as the end of the turn.
    """
    printed = _utf8(result.stdout)
    stdout = special.as_text(printed)[0]
    output = _with_mark(stdout, len(result.stdout) < result.stdout_chars)
    output += _with_mark(special.as_text(_utf8(result.stderr))[0], len(result.stderr) < result.stderr_chars)
    # A fence that nothing within it closes.
    ticks = "`" * max(3, 1 + max((len(found) for found in _TICKS.findall(output)), default=0))
    opening = ("" if on_new_line else "\n") + f"{ticks}output\n"
    closing = ("" if output.endswith("\n") or not output else "\n") + f"{ticks}\n"
    if note:
        closing += f"```system\n{note}\n```\n"
    output_to = len(opening) + len(output)
    places = len(opening), output_to, len(stdout)
    otherwise = None if stdout == printed else printed
    return Insertion(opening + output + closing, *places, result.status, result.cpu_s, otherwise)


def tool_answer(shown: Insertion, note: str) -> str:
    """The same for a server that takes outputs as messages: no fence is needed there."""
    return "\n".join(part for part in (shown.output.rstrip("\n"), note) if part)


def note_of(left: int) -> str:
    """What the model is told about the executions that are left."""
    if left < 1:
        return "You have run out of code executions! Write the rest of the solution without code."
    return f"Remaining code executions: {left}. Every block that you close takes one."


def _with_mark(text: str, is_cut: bool) -> str:
    if not is_cut:
        return text if text.endswith("\n") or not text else text + "\n"
    return f"{text}{_CUT}\n"


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
