r"""Whether answers are the same, for text of models: none of it is evaluated, nor can it hang or kill the run.

    with EquivalenceChecker(workers=4) as checker:
        checker.compare(r"\frac{1}{2}", "0.5")            # Verdict.EQUAL
        list(checker.compare_many([("x=2", "2"), ...]))   # in order, with all workers
        checker.group(["1/2", "0.5", "3"])                # [1, 1, 0]

Equal spellings and plain numbers are settled here; everything else in worker processes (omr.answers.equivalence_pool)
by omr.answers.comparison, whose docstring states the conventions, then by SymPy for sums, integrals and the like. A
comparison that takes too long, too much memory or a worker's life is `UNKNOWN`, and so is all that is not shown:
whoever asks decides who judges it then, but must not take it for right or wrong.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from types import TracebackType
from typing import Self

from omr.answers.equivalence_pool import Job, WorkerPool
from omr.answers.spelling import BLANKS, MAX_ANSWER_CHARS, normalise_answer, plain_number
from omr.answers.verdict import Verdict

__all__ = ["EquivalenceChecker", "Verdict"]

Pair = tuple[str, str]

_INTEGER = re.compile(r"([+-]?)([0-9]+)")
#: `-3`, `0.5`, `1/2`, `-\frac{1}{2}`, of bounded length.
_RATIONAL = re.compile(
    r"(?P<sign>-?)(?:(?P<numeral>\d{1,30}(?:\.\d{1,30})?)(?:/(?P<slashed>\d{1,30}))?"
    r"|\\frac\{(?P<above>-?\d{1,30})\}\{(?P<below>\d{1,30})\})",
    re.ASCII,
)
#: Pairs whose verdicts may wait for that of an earlier one.
_WINDOW = 512
_PATIENCE_FACTOR, _LEAST_PATIENCE_S = 30, 120.0


class EquivalenceChecker:
    """Compares answers, each distinct pair once. A context manager: leaving it ends the workers.

    Args:
        workers: processes that compare; they are started when first needed.
        timeout_s: CPU seconds for one comparison. Time during which a busy machine lets others run does not count.
        memory_mb: address space of one worker.
        remembered: verdicts that are kept, the least recently used forgotten first; about 150 bytes each.
    """

    def __init__(
        self, *, workers: int = 2, timeout_s: float = 3.0, memory_mb: int = 1024, remembered: int = 200_000
    ) -> None:
        self._workers, self._timeout_s, self._memory_mb, self._remembered = workers, timeout_s, memory_mb, remembered
        self._memory: OrderedDict[bytes, Verdict] = OrderedDict()
        self._pool: WorkerPool | None = None
        # Callers of `compare_many` may take turns: verdicts are kept for whoever still waits for them.
        self._wanted: dict[bytes, int] = {}
        self._arrived: dict[bytes, Verdict] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers; the checker can be used again and starts new ones. Verdicts still awaited are lost."""
        self._wanted.clear()
        self._arrived.clear()
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    @property
    def killed(self) -> int:
        """Workers that had to be replaced since the pool was started."""
        return 0 if self._pool is None else self._pool.killed

    def compare(self, one: str, other: str) -> Verdict:
        """The verdict on one pair, whichever way round it is given.

        Raises: UserError when workers cannot be started.
        """
        return next(self.compare_many([(one, other)]))

    def compare_many(self, pairs: Iterable[Pair]) -> Iterator[Verdict]:
        """The verdicts on pairs, in their order. Reads ahead of what it yields, up to 512 pairs.

        Raises: UserError when workers cannot be started.
        """
        source = iter(pairs)
        waiting: deque[Verdict | bytes] = deque()
        more = True
        try:
            while more or waiting:
                more = more and self._fill(source, waiting)
                while waiting and (verdict := self._verdict_on(waiting[0])) is not None:
                    self._release(waiting.popleft())
                    yield verdict
                if waiting or not self._has_room():  # nothing of ours, but others may have filled the workers
                    self._collect()
        finally:
            for left in waiting:
                self._release(left)

    def group(self, answers: Sequence[str]) -> list[int]:
        """The class of each answer: answers of one class are the same answer.

        Classes and their numbers depend on the set of answers alone, not on their order or number. Equality is not
        transitive at the edges (`10` is `10\\%`, which is `0.1`), so the classes are built like this: spellings are
        taken from the shortest to the longest, equally long ones in alphabetical order; each joins the first class
        whose first member it equals and none of whose members it differs from, or starts a class of its own. Unknown
        joins nothing and parts nothing.
        """
        spellings = {answer: normalise_answer(answer) for answer in set(answers)}
        classes: list[list[str]] = []
        number: dict[str, int] = {}
        for spelling in sorted(set(spellings.values()), key=lambda each: (len(each), each)):
            place = self._class_of(spelling, classes)
            if place == len(classes):
                classes.append([])
            classes[place].append(spelling)
            number[spelling] = place
        return [number[spellings[answer]] for answer in answers]

    def _class_of(self, spelling: str, classes: Sequence[Sequence[str]]) -> int:
        firsts = self.compare_many((spelling, members[0]) for members in classes)
        for place, verdict in enumerate(list(firsts)):
            if verdict is not Verdict.EQUAL:
                continue
            rest = self.compare_many((spelling, member) for member in classes[place][1:])
            if Verdict.DIFFERENT not in list(rest):
                return place
        return len(classes)

    def _has_room(self) -> bool:
        return self._pool is None or self._pool.room

    def _fill(self, source: Iterator[Pair], waiting: deque[Verdict | bytes]) -> bool:
        """Take pairs while there is room for them; False when there are no more."""
        while len(waiting) < _WINDOW and self._has_room():
            pair = next(source, None)
            if pair is None:
                return False
            waiting.append(self._settle(*pair))
        return True

    def _settle(self, one: str, other: str) -> Verdict | bytes:
        """The verdict, or the key under which it will arrive."""
        verdict = compare_cheaply(one, other)
        if verdict is not None:
            return verdict
        one, other = sorted((one, other))
        key = _key(one, other)
        remembered = self._memory.get(key)
        if remembered is not None:
            self._memory.move_to_end(key)
            return remembered
        if key not in self._wanted:
            self._running_pool().submit(Job(key, one, other))
        self._wanted[key] = self._wanted.get(key, 0) + 1
        return key

    def _verdict_on(self, head: Verdict | bytes) -> Verdict | None:
        return self._arrived.get(head) if isinstance(head, bytes) else head

    def _release(self, head: Verdict | bytes) -> None:
        """One caller less waits for this key."""
        if not isinstance(head, bytes) or head not in self._wanted:
            return
        self._wanted[head] -= 1
        if not self._wanted[head]:
            del self._wanted[head]
            self._arrived.pop(head, None)

    def _collect(self) -> None:
        if self._pool is None or not self._pool.busy:
            raise RuntimeError("the checker was closed while verdicts were awaited")
        for key, verdict in self._pool.collect():
            if key in self._wanted:
                self._arrived[key] = verdict
            self._memory[key] = verdict
            if len(self._memory) > self._remembered:
                self._memory.popitem(last=False)

    def _running_pool(self) -> WorkerPool:
        if self._pool is None:
            self._pool = WorkerPool(
                workers=self._workers,
                timeout_s=self._timeout_s,
                memory_mb=self._memory_mb,
                patience_s=max(_PATIENCE_FACTOR * self._timeout_s, _LEAST_PATIENCE_S),
            )
        return self._pool


def compare_cheaply(one: str, other: str) -> Verdict | None:
    """The verdict where spelling settles it, else None. An empty answer is never known to be anything."""
    one, other = one.strip(BLANKS), other.strip(BLANKS)
    if not one or not other:
        return Verdict.UNKNOWN
    if one == other:
        return Verdict.EQUAL if normalise_answer(one) else Verdict.UNKNOWN
    first, second = _INTEGER.fullmatch(one), _INTEGER.fullmatch(other)
    if first and second:
        # Digits are compared, not numbers: Python takes quadratic time to read a long one.
        return Verdict.EQUAL if _plain_integer(first) == _plain_integer(second) else Verdict.DIFFERENT
    if max(len(one), len(other)) > MAX_ANSWER_CHARS:
        return Verdict.UNKNOWN
    spelled, other_spelled = normalise_answer(one), normalise_answer(other)
    if spelled == other_spelled:
        return Verdict.EQUAL if spelled else None
    return _compare_rationals(spelled, other_spelled)


def _compare_rationals(one: str, other: str) -> Verdict | None:
    """The verdict on spellings of two exact rationals; None where either is none, or a decimal that may be rounded."""
    first, second = _rational(one), _rational(other)
    if first is None or second is None:
        return None
    if first == second:
        return Verdict.EQUAL
    return None if "." in one or "." in other else Verdict.DIFFERENT


@lru_cache(maxsize=4096)
def _rational(spelled: str) -> Fraction | None:
    found = _RATIONAL.fullmatch(spelled)
    if found is None:
        return None
    numeral, above, below, slashed = found.group("numeral", "above", "below", "slashed")
    sign = -1 if found["sign"] else 1
    if numeral is None:
        return sign * Fraction(int(above), int(below)) if int(below) else None
    if slashed is None:
        return sign * Fraction(numeral)
    return sign * Fraction(int(numeral), int(slashed)) if numeral.isdigit() and int(slashed) else None


def _plain_integer(found: re.Match[str]) -> str:
    digits = plain_number(found[2])
    return digits if found[1] != "-" or digits == "0" else f"-{digits}"


def _key(one: str, other: str) -> bytes:
    whole = blake2b(one.encode("utf-8", "surrogatepass"), digest_size=16)
    whole.update(b"\0")
    whole.update(other.encode("utf-8", "surrogatepass"))
    return whole.digest()
