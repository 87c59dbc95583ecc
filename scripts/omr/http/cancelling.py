"""Cancelled tasks end, also while they wait for HTTP."""

from __future__ import annotations

import asyncio


def heed_cancelling() -> None:
    """Raise CancelledError if the running task was cancelled. To be called after what is awaited of pyreqwest.

    pyreqwest 0.15.1 hands over an answer (or a fault) that is there when its task is cancelled, and the cancellation is
    lost: what tries again until it succeeds would go on for good, and the job that waits for it would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
