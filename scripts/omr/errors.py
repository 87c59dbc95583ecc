"""Errors that a user can act on, and how a command shows them."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn


class UserError(Exception):
    """Something the user can mend: says what is wrong, where, and what to do.

    Attributes: `what` (one sentence), `file`, `line` (1-based), `remedy` (one sentence).
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.file = file
        self.line = line
        self.remedy = remedy

    def __str__(self) -> str:
        place = "" if self.file is None else f"{self.file}:"
        if self.line is not None:
            place += f"{self.line}:"
        message = f"{place} {self.what}".strip()
        return message if self.remedy is None else f"{message}\n  remedy: {self.remedy}"


#: What a user can mend of a disk or its folders -> how.
_REMEDIES = {
    errno.ENOSPC: "make room on that disk, then run the same command again: what is stored is kept",
    errno.EDQUOT: "make room in your quota, then run the same command again: what is stored is kept",
    errno.EROFS: "the disk is mounted read-only: mount it for writing, or run where you may write",
    errno.EACCES: "see who owns it (`ls -ld`) and give yourself the permission, or run where you have it",
    errno.EPERM: "see who owns it (`ls -ld`) and give yourself the permission, or run where you have it",
    errno.EMFILE: "allow more open files (`ulimit -n`), then run the same command again",
    errno.EIO: "the disk or its network fails: see what the system's log says of it",
    errno.ESTALE: "the network file system lost it: run the same command again",
}


def as_user_error(error: OSError) -> UserError | None:
    """What a full, read-only or forbidden disk is to a user; None for errors that only a programmer understands."""
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return None
    # An empty name is a file descriptor's, whose writer did not say which file it is.
    return UserError((error.strerror or str(error)).lower(), file=error.filename or None, remedy=remedy)


@contextmanager
def of_file(path: str | Path) -> Iterator[None]:
    """Let an OSError inside name the file, which calls on an open one do not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def user_fault(error: BaseException) -> UserError | None:
    """What a user can mend, also of errors that were raised together or stand behind another one."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError):
        return as_user_error(error)
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((found for one in inner if (found := user_fault(one)) is not None), None)


@contextmanager
def told_as_sentence() -> Iterator[None]:
    """Let a `UserError` inside, or a disk that cannot be used, end the process with its message and exit status 1,
    where no command's `main` stands above: Snakemake would print where in our code it was raised."""
    try:
        yield
    except (UserError, OSError) as error:
        fault = user_fault(error)
        if fault is None:
            raise
        _tell(f"error: {fault}")
        sys.exit(1)


def _tell(text: str) -> None:
    """Say on stderr why a command ends, if that can be: its status says it anyway."""
    if sys.stderr is None:  # the shell gave none (`2>&-`): `print` would write among the results
        return
    with suppress(OSError, ValueError):  # a full disk; closed
        print(text, file=sys.stderr, flush=True)


def run_command(main: Callable[[], int]) -> int:
    """Run a command's `main`; a `UserError`, and a disk that cannot be written, become a message on stderr and exit
    status 2."""
    try:
        return main()
    except UserError as error:
        _tell(f"error: {error}")
        return 2
    except BrokenPipeError:
        # The reader of our output left (`| head`): nothing to report.
        if sys.stderr is not None:
            sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        _tell("stopped by Ctrl-C")
        return 130
    except (OSError, BaseExceptionGroup) as error:
        fault = user_fault(error)
        if fault is None:
            raise
        _tell(f"error: {fault}")
        return 2


def leave(status: int) -> NoReturn:
    """End this process with a command's status, at once, when all is written and closed; 1 in place of 0 if what it
    printed could not be written.

    Taking the interpreter down module by module is a fifth of what a small stage costs, and frees what the kernel frees
    anyway. It may also abort a process that has asked something over HTTP: threads of pyreqwest 0.15.1 outlive their
    client, and one that still wants the interpreter then is an error (`PyGILState_Release`, SIGABRT).
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # as it is where the shell gave none (`>&-`)
                stream.flush()
        except ValueError:  # closed
            pass
        except BrokenPipeError:  # nobody reads it any more
            status = status or 1
        except OSError as error:
            status = status or 1
            # Not to descriptor 2: where the shell gave no stderr, that is a file that was opened since.
            _tell(f"error: what this printed could not be written: {error.strerror}")
    os._exit(status)
