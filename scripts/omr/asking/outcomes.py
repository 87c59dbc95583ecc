"""What may become of one try of a request beside a reply: what is worth another try, and what is final."""

from __future__ import annotations


class TransientError(Exception):
    """Worth another try. `kind` becomes the error's kind when tries run out."""

    def __init__(self, kind: str, message: str, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.status, self.retry_after_s = kind, message, status, retry_after_s


class UnreachableError(TransientError):
    """No connection: the server may be away for all."""


class FinalError(Exception):
    """No other try would end differently."""

    def __init__(self, kind: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.status = kind, message, status
