"""Which patterns take more than linear time: texts made to keep a pattern busy, and CPU time that grows with them.

A search that does not end cannot be stopped from within: searches run in child processes that end at a limit of their
CPU time. Run as a program, with a folder of scripts, it prints what it found as JSON.
"""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from patterns_made import make_patterns
from patterns_used import Use, patterns_used

#: What model-written text may hold without end.
_UNITS = (
    *"a1A \n\t\\{}()[]<>$,.'\"*_-=^|#`:/@&é",
    *("a1", "1,", "1.", " a", "a'", "a=", "\n ", "\n\n", "$a", "{}", "{{", "\\a", "\\\\", "\\(", "\\[", "\\{", "<|"),
    *("\\boxed{", "<think>", "<tool_call>", "[quote=", "```\n", "or ", "the "),
)
#: Nothing that a pattern looks for, at the end of each text.
_NO_FIT = "\x01"
_SIGNS = "a1 \n\\{}$(),.'\"<>[]*_-=^|#`:/@&!?A\t\r;%+~é中０\ue000\0"
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_ONE_SIGN = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
_NARROW = 100
#: Texts to look at first, and what is suspect there; then time is taken at greater lengths, beyond bounds of patterns.
_LENGTH, _SUSPECT_S = 10_000, 0.008
_MEASURED_LENGTH = 8_000
#: For a text that is so many times as long, so many times the CPU time are beyond linear, whatever else is running.
_LONGER, _DEARER = 8, 20.0
_MEASURABLE_S, _HOPELESS_S, _LONGEST = 0.03, 1.0, 256_000


class Kind(NamedTuple):
    """A kind of hostile text: its head, and what comes again and again behind it."""

    head: str
    unit: str

    def text(self, length: int) -> str:
        """About so long; longer with a longer unit, so that going through the rest from each unit costs as much."""
        return self.head + self.unit * int(length / len(self.unit) ** 0.5) + _NO_FIT

    def __str__(self) -> str:
        return f"{self.unit!r} again and again" + (f" behind {self.head!r}" if self.head else "")


class Job(NamedTuple):
    """A pattern, in one of its ways, on texts of some kinds."""

    use: Use
    kinds: Sequence[Kind]

    def run(self, length: int) -> None:
        for kind in self.kinds:
            self.use.run(kind.text(length))

    def __str__(self) -> str:
        kinds = ", ".join(map(str, self.kinds))
        return f"{self.use.place}: {self.use.pattern.pattern!r} ({self.use.way}) on {kinds}"


def kinds_for(pattern: re.Pattern[Any]) -> list[Kind]:
    """Runs of all that the pattern may repeat without a narrow bound, some of them behind what it wants before that.

    Other signs cannot keep it busy: what it does not repeat has a bound for each place of a text.
    """
    tree = _parser.parse(pattern.pattern, pattern.flags & ~(re.UNICODE if isinstance(pattern.pattern, bytes) else 0))
    repeated = list(_repeats(tree, tree.state, ""))
    signs = [_compiled(item, tree.state) for _, body in repeated for item in _single(body)]
    units = [unit for unit in _UNITS if all(any(sign.fullmatch(one) for sign in signs) for one in unit)]
    repeats = [Kind(head, unit) for head, body in repeated if (unit := _fitting(body, tree.state))]
    pairs = (Kind(one.head, one.unit + other.unit) for one, other in pairwise(repeats))
    again = (Kind("", one.head + one.unit) for one in repeats)
    whole = _fitting(tree, tree.state) or "a"
    return list(dict.fromkeys([*(Kind("", unit) for unit in (*units, whole)), *repeats, *again, *pairs]))


def _repeats(items: Any, state: Any, head: str) -> Iterator[tuple[str, Any]]:
    """What the parts of a parsed pattern repeat without a narrow bound, each with a text that leads to it."""
    for item in items:
        kind, value = item
        if kind in _REPEATS and value[1] > _NARROW:
            yield head, value[2]
        for part in _parts(kind, value):
            yield from _repeats(part, state, head)
        head += _fitting([item], state)


def _single(items: Any) -> Iterator[Any]:
    """The parts of a parsed pattern that stand for one sign."""
    for item in items:
        if item[0] in _ONE_SIGN:
            yield item
        for part in _parts(*item):
            yield from _single(part)


def _parts(kind: Any, value: Any) -> Sequence[Any]:
    if kind in _REPEATS:
        return [value[2]]
    if kind is _constants.BRANCH:
        return list(value[1])
    if kind is _constants.SUBPATTERN:
        return [value[3]]
    if kind is _constants.ATOMIC_GROUP:
        return [value]
    return [value[1]] if kind in (_constants.ASSERT, _constants.ASSERT_NOT) else []


def _fitting(items: Any, state: Any) -> str:
    """A short text that a parsed pattern fits, as far as that is easily found."""
    text = ""
    for item in items:
        kind, value = item
        if kind in _ONE_SIGN:
            one = _compiled(item, state)
            text += next((sign for sign in (*_SIGNS, *_named(item)) if one.fullmatch(sign)), "")
        elif kind in _REPEATS:
            text += _fitting(value[2], state) * value[0]
        elif kind is not _constants.ASSERT_NOT and (kind is not _constants.ASSERT or value[0] > 0):
            text += "".join(_fitting(part, state) for part in _parts(kind, value)[:1])
    return text


def _compiled(item: Any, state: Any) -> re.Pattern[str]:
    found: re.Pattern[str] = _compiler.compile(_parser.SubPattern(state, [item]), state.flags)
    return found


def _named(item: Any) -> Iterator[str]:
    """The signs that an item of a parsed pattern names, of ranges the first."""
    kind, value = item
    if kind is _constants.LITERAL:
        yield chr(value)
    elif kind is _constants.RANGE:
        yield chr(value[0])
    elif kind is _constants.IN:
        for part in value:
            yield from _named(part)


def cpu_times(jobs: Sequence[Job], length: int, limit_s: float) -> Iterator[float | None]:
    """CPU seconds of each job on texts of that length; None for more than the limit."""
    done = 0
    while done < len(jobs):
        times = _times_in_child(jobs[done:], length, limit_s)
        yield from times
        done += len(times)
        if done < len(jobs):
            yield None
            done += 1


def _times_in_child(jobs: Sequence[Job], length: int, limit_s: float) -> list[float]:
    """As far as a child came before one job took more than the limit."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        ended = 1
        try:
            for job in jobs:
                signal.setitimer(signal.ITIMER_PROF, limit_s)
                begun_s = time.process_time()
                job.run(length)
                spent_s = time.process_time() - begun_s
                signal.setitimer(signal.ITIMER_PROF, 0)
                os.write(writer, struct.pack("d", spent_s))
            ended = 0
        finally:  # nothing of the parent's goes on here
            os._exit(ended)
    os.close(writer)
    with open(reader, "rb") as pipe:
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGPROF):
        raise RuntimeError(f"a search ended with status {status}: {jobs[len(told) // 8]}")
    return [spent_s for (spent_s,) in struct.iter_unpack("d", told)]


def steep_among(uses: Sequence[Use]) -> list[str]:
    """The patterns that take more than linear time, each with a text on which it does."""
    jobs = [Job(use, kinds_for(use.pattern)) for use in uses]
    # Most patterns take no time to speak of on all of their texts together.
    times = cpu_times(jobs, _LENGTH, 4 * _SUSPECT_S)
    busy = [job for job, spent_s in zip(jobs, times, strict=True) if spent_s is None or spent_s > _SUSPECT_S]
    return [str(job) for job in map(_steep_one, busy) if job is not None]


def _steep_one(job: Job) -> Job | None:
    """A job with the dearest of its kinds, or the first endless one, if the pattern takes more than linear time."""
    jobs = [Job(job.use, [kind]) for kind in job.kinds]
    dearest, most_s = job, _SUSPECT_S
    for one, spent_s in zip(jobs, cpu_times(jobs, _LENGTH, _HOPELESS_S), strict=True):
        if spent_s is None:
            return one
        if spent_s > most_s:
            dearest, most_s = one, spent_s
    # Twice, so that no single pause of the machine decides.
    return dearest if dearest is not job and grows_faster(dearest) and grows_faster(dearest) else None


def grows_faster(job: Job) -> bool:
    """Whether the time of a job grows faster than its text."""
    length = _MEASURED_LENGTH
    while (spent_s := next(cpu_times([job], length, _HOPELESS_S))) is not None and spent_s < _MEASURABLE_S:
        length *= 2
        if length > _LONGEST:
            return False
    if spent_s is None:
        return True
    # The least of several: what else runs makes it take longer, and never shorter.
    least_s = min(
        [spent_s, *(again_s for again_s in cpu_times([job, job], length, _HOPELESS_S) if again_s is not None)]
    )
    return next(cpu_times([job], _LONGER * length, _DEARER * least_s)) is None


def main(folder: Path, *, is_ours: bool) -> None:
    uses, unknown = patterns_used(folder, make_patterns if is_ours else lambda: None)
    places = sorted({use.place for use in uses})
    print(json.dumps({"places": places, "unknown": unknown, "steep": steep_among(uses)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), is_ours="--ours" in sys.argv[2:])
