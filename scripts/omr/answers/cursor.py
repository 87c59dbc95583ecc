"""A place in a row of tokens, moved forward as they are read."""

from __future__ import annotations

from collections.abc import Sequence

from omr.answers.tokens import Token
from omr.answers.trees import RefusalError


class Cursor:
    """What a parser asks of its tokens: what comes next, and to go on. Marks and commands are named by their text."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.place = 0

    def peek(self, ahead: int = 0) -> Token | None:
        """The next token, or one further ahead; None behind the last."""
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else None

    def next(self) -> Token:
        """The next token, passed. Raises RefusalError behind the last."""
        token = self.peek()
        if token is None:
            raise RefusalError("ends too early")
        self.place += 1
        return token

    def sees(self, *marks: str) -> bool:
        """Whether one of these marks comes next."""
        token = self.peek()
        return token is not None and token.is_mark(*marks)

    def sees_command(self, *commands: str) -> bool:
        """Whether one of these commands comes next."""
        token = self.peek()
        return token is not None and token.is_command(*commands)

    def take(self, mark: str) -> bool:
        """Pass a mark if it comes next."""
        if not self.sees(mark):
            return False
        self.place += 1
        return True

    def expect(self, mark: str) -> None:
        """Pass a mark. Raises RefusalError if it does not come next."""
        if not self.take(mark):
            raise RefusalError(f"no {mark}")

    def expect_end(self) -> None:
        """Raises RefusalError if anything follows."""
        if self.peek() is not None:
            raise RefusalError("more follows")
