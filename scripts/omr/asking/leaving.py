"""How a process ends that has asked something over HTTP."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """End this process with a status, at once, when all is written and closed.

    Threads of pyreqwest 0.15.1 outlive their client. One that still wants the interpreter while Python takes it down
    aborts the process (`PyGILState_Release`, SIGABRT): a short one in about every thirtieth run, after all of its work.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError, OSError):  # closed, or nobody reads it any more
            stream.flush()
    os._exit(status)
