"""Ending with the process that started this one, so that a killed workflow leaves no server behind."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from types import FrameType

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def exit_with_parent() -> None:
    """From now on, end at once when the parent process dies (Linux; elsewhere this does nothing).

    Call it from the main thread.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()

    def parent_changed(signum: int, frame: FrameType | None) -> None:
        # The signal also comes when only the thread ends that started us: then the parent is still the same.
        if os.getppid() != parent:
            os._exit(1)

    signal.signal(signal.SIGUSR2, parent_changed)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGUSR2), 0, 0, 0)
    if os.getppid() != parent:
        # It died between the two calls: no signal will come.
        os._exit(1)
