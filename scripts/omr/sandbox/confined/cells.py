"""One block of code, run as in a notebook: in the session's one namespace, the last expression's value is shown."""

from __future__ import annotations

import ast
import linecache
import signal
import sys
import traceback
import types
import warnings

from omr.sandbox.confined.output import Capped, without_folders

_OWN_FRAMES, _LIBRARY_FRAMES = 6, 2


class Interrupt(BaseException):
    """Raised in a block when its time is up; no Exception, so that `except Exception` does not swallow it."""


def format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning in one line, in place of `warnings.formatwarning`."""
    return f"{without_folders(filename)}:{lineno}: {category.__name__}: {message}\n"


warnings.formatwarning = format_warning


def format_error(error: BaseException) -> str:
    """A traceback of the block's own last frames and of the innermost ones of libraries, so that its last line, the
    message, is not cut off; without the runner's frames and without earlier errors of a chain."""
    kind = type(error)
    try:
        # Without the text of frames first: a deep recursion has thousands of them.
        told = traceback.TracebackException(kind, error, error.__traceback__, lookup_lines=False, compact=True)
        frames = list(told.stack)
        while frames and not frames[0].filename.startswith("<cell "):
            del frames[0]
        own = [number for number, frame in enumerate(frames) if frame.filename.startswith("<cell ")]
        chosen = set(own[-_OWN_FRAMES:])
        chosen |= {n for n in range(max(0, len(frames) - _LIBRARY_FRAMES), len(frames)) if n not in own}
        told.stack = traceback.StackSummary.from_list([_shown(frames[number]) for number in sorted(chosen)])
        return "".join(told.format(chain=False))
    except BaseException:  # noqa: BLE001  the error is foreign code: showing it can do anything
        return f"{kind.__name__}: (its message could not be shown)\n"


def _shown(frame: traceback.FrameSummary) -> traceback.FrameSummary:
    return traceback.FrameSummary(without_folders(frame.filename), frame.lineno, frame.name, line=frame.line)


def run_cell(module: types.ModuleType, code: str, number: int, out: Capped, err: Capped) -> str:
    """Run block `number`; what it prints goes to `out` and `err`. Returns `ok`, `error`, or `timeout`."""
    name = f"<cell {number}>"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    sys.stdout = sys.__stdout__ = out  # type: ignore[assignment, misc]
    sys.stderr = sys.__stderr__ = err  # type: ignore[assignment, misc]
    try:
        try:
            _execute(module, code, name, out)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Interrupt:
        return "timeout"
    except SystemExit as error:
        if error.code in (None, 0):  # a script that ends in `exit()` has done what it should
            return "ok"
        err.write(f"SystemExit: {error}\n")
        return "error"
    except BaseException as error:  # noqa: BLE001  whatever foreign code raises
        err.write(format_error(error))
        return "error"
    return "ok"


def _execute(module: types.ModuleType, code: str, name: str, out: Capped) -> None:
    tree = ast.parse(code, name)
    shown: ast.expr | None = None
    if tree.body and isinstance(last := tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
        shown = last.value
        del tree.body[-1]
    namespace = module.__dict__
    exec(compile(tree, name, "exec"), namespace)  # noqa: S102  here models' code is run, and nowhere else
    if shown is None:
        return
    value = eval(compile(ast.Expression(shown), name, "eval"), namespace)  # noqa: S307
    if value is not None:
        namespace["_"] = value
        out.write(repr(value) + "\n")
