"""A process that compares answers, one question after another, under limits that the kernel enforces.

Runs as `python -P -m omr.answers.equivalence_worker TIMEOUT_S MEMORY_MB PARENT`, or forked by
omr.answers.worker_process; `PARENT` is the process id of who started it, with whom it ends.
Writes `ready`, then answers each line of its input with a line: `["pair", "a", "b"]` with the verdict, `["ballot",
...]` (omr.answers.ballots) with the decision as JSON; and `retires` if it leaves the rest to another worker. When a
comparison uses more CPU time than it may, the kernel kills the process; whoever started it draws the conclusion and
starts another.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import FrameType
from typing import Any

from omr.answers.ballots import decide, read_asked
from omr.answers.comparison import compare_answers
from omr.answers.plain_comparison import compare_cheaply
from omr.answers.verdict import Verdict
from omr.answers.worker_process import RETIRES

#: Importing SymPy costs this much CPU time once; no comparison is charged for it.
_IMPORT_ALLOWANCE_S = 60
#: SymPy takes half of that: with much less it could not be imported, and all that needs it would be unknown.
_LEAST_MEMORY_MB = 128
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def allow_cpu(seconds: float) -> None:
    """Let this process use `seconds` more of CPU time, up to the next whole second, before the kernel kills it."""
    limit(resource.RLIMIT_CPU, math.ceil(time.process_time() + seconds))


def limit(what: int, soft: int, hard: int | None = None) -> None:
    """Limit this process, as far as a limit that it came with lets it: no user may raise that again."""
    most = resource.getrlimit(what)[1]
    wanted = [most if hard is None else hard, most]
    hard = min((value for value in wanted if value != resource.RLIM_INFINITY), default=resource.RLIM_INFINITY)
    resource.setrlimit(what, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def compare(one: str, other: str, timeout_s: float) -> Verdict:
    """The verdict on a pair; unknown when it takes more memory, a deeper stack or more digits than there are."""
    allow_cpu(timeout_s)
    verdict = _within_means(compare_answers, one, other)
    if verdict is not Verdict.UNKNOWN or not any(map(_may_be_symbolic, (one, other))):
        return verdict or Verdict.UNKNOWN
    allow_cpu(_IMPORT_ALLOWANCE_S)
    # Imported only here: SymPy takes seconds to load, and most work never needs it.
    from omr.answers.symbolic import compare_symbolically

    allow_cpu(timeout_s)
    return _within_means(compare_symbolically, one, other) or Verdict.UNKNOWN


def _within_means(compare_pair: Callable[[str, str], Verdict], one: str, other: str) -> Verdict | None:
    # Around this call alone: a limit that cannot be set is a ValueError too, and no verdict.
    try:
        return compare_pair(one, other)
    except (MemoryError, RecursionError, ValueError):  # Python refuses to write integers of thousands of digits
        return None


#: Operations beyond our own grammar.
_OPERATIONS = ("\\int", "\\sum", "\\prod", "\\lim", "\\det", "{vmatrix}", "\\frac{d}{")


def _may_be_symbolic(answer: str) -> bool:
    return any(operation in answer for operation in _OPERATIONS)


def answer(question: list[Any], timeout_s: float) -> str:
    """The line that answers a question."""
    kind, *asked = question
    if kind == "pair":
        one, other = asked
        return compare(one, other, timeout_s).value
    allow_cpu(timeout_s)
    return json.dumps(decide(*read_asked(asked), lambda pairs: _compare_all(pairs, timeout_s)))


def _compare_all(pairs: Iterable[tuple[str, str]], timeout_s: float) -> Iterator[Verdict]:
    for one, other in pairs:
        verdict = compare_cheaply(one, other)
        if verdict is None:
            first, second = sorted((one, other))
            verdict = _compare_once(first, second, timeout_s)
        yield verdict


#: The votes of a problem and the questions that they leave open are about the same pairs.
_compare_once = lru_cache(maxsize=1 << 12)(compare)


def address_space() -> int:
    """Bytes of address space that this process has now; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def end_with(parent: int) -> None:
    """From now on, end when the process `parent` has ended (Linux): nobody reads what its questions come to."""
    if not sys.platform.startswith("linux"):
        return

    def end_if_alone(signum: int, frame: FrameType | None) -> None:
        # The signal also comes when only the thread ends that started us: then the parent is still the same.
        if os.getppid() != parent:
            os._exit(1)

    signal.signal(signal.SIGUSR2, end_if_alone)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGUSR2), 0, 0, 0)
    end_if_alone(signal.SIGUSR2, None)  # it may have ended before the call, and no signal comes any more


def serve(timeout_s: float, memory_mb: int, parent: int) -> int:
    """Answer what comes on standard input on what is standard output now, until the input ends.

    `memory_mb` is what comparisons may take beyond what the process holds already: one that was forked has the address
    space of its parent, in which large files may be mapped.
    """
    if importlib.util.find_spec("latex2sympy2_extended") is None:
        print("equivalence worker: the package math-verify is not installed", file=sys.stderr)
        return 1
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us is interrupted as well, and ends us
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    held = address_space()
    limit(resource.RLIMIT_AS, held + (memory_mb << 20), held + (memory_mb << 20))
    room_mb = (resource.getrlimit(resource.RLIMIT_AS)[0] - held) >> 20
    if room_mb < min(memory_mb, _LEAST_MEMORY_MB):
        print(f"equivalence worker: limits here (`ulimit -v`) leave it {room_mb} MB of memory", file=sys.stderr)
        return 1
    questions, replies = os.fdopen(0, encoding="ascii", closefd=False), os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever a library prints must not be taken for a verdict
    print("ready", file=replies, flush=True)
    for line in questions:
        print(answer(json.loads(line), timeout_s), file=replies, flush=True)
        if _is_worn(timeout_s):
            print(RETIRES, file=replies, flush=True)
            break
    return 0


def _is_worn(timeout_s: float) -> bool:
    """Whether the next comparison might reach a limit on CPU time that this process came with: the kernel would take it
    for too hard. A low limit is used up to its half, so that a process is worth its start."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY:
        return False
    return hard - time.process_time() < min(2 * timeout_s + _IMPORT_ALLOWANCE_S, hard / 2)


def main(argv: list[str]) -> int:
    """Serve with the limits of the command line."""
    return serve(float(argv[0]), int(argv[1]), int(argv[2]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
