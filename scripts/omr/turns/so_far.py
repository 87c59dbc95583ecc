"""A solution with code while it grows: its turns, its text, and the blocks that were run."""

from __future__ import annotations

from omr.replies.steps import Step
from omr.turns.insertions import Insertion
from omr.turns.journal import Turn
from omr.turns.tags import Block


class SoFar:
    """`text` is what stands behind the prompt, `pending` what has been inserted there and no turn has followed yet."""

    def __init__(self) -> None:
        self.prompt = ""  # as rendered, once it has been
        self.turns: list[Turn] = []
        self.steps: list[Step] = []
        self.codes: list[str] = []
        self.insertions: list[Insertion] = []
        self.pending: Insertion | None = None
        self._pieces: list[str] = []
        self._length = 0
        self._written: list[str] = []  # since the last block that was run

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def written(self) -> str:
        """What the model wrote since the last block that was run."""
        return "".join(self._written)

    @property
    def ends_line(self) -> bool:
        return bool(self._written) and self._written[-1].endswith("\n")

    def add(self, turn: Turn) -> None:
        """A turn, which began with what was pending."""
        self.turns.append(turn)
        self._written.append(turn.text)
        self._add(turn.text)
        self.pending = None

    def ran(self, block: Block, shown: Insertion) -> None:
        """The block at the end of what was written has been run: its output waits for the model."""
        start, here = self._length - len(self.written), self._length
        if block.code_to is None:
            raise ValueError("an open block cannot have been run")
        self.steps.append(
            Step(
                start + block.start,
                start + block.code_from,
                start + block.code_to,
                here + shown.output_from,
                here + shown.output_to,
                here + len(shown.text),
                shown.status,
            )
        )
        self.codes.append(block.code)
        self.insertions.append(shown)
        self.pending = shown
        self._written = []
        self._add(shown.text)

    def _add(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)
