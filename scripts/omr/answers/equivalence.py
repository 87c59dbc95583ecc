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

import json
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import count
from types import TracebackType
from typing import Any, Self, TypeVar

from omr.answers.ballots import Ballot, Decision, Rules, asked, decide, read_decision
from omr.answers.classes import Pair, classes_of
from omr.answers.equivalence_pool import Job, WorkerPool
from omr.answers.plain_comparison import compare_cheaply
from omr.answers.verdict import Verdict

__all__ = ["EquivalenceChecker", "Verdict"]

Item = TypeVar("Item")
Found = TypeVar("Found")

#: Pairs whose verdicts may wait for that of an earlier one.
_WINDOW = 512
#: What keys of ballots begin with; longer than those of pairs, so no key is both.
_OF_BALLOTS = b"the ballot number "
_PATIENCE_FACTOR, _LEAST_PATIENCE_S = 30, 120.0
#: Of a ballot that is decided here: two of them for each pair are looked at.
_FEW_SPELLINGS = 64


class _NotCheapError(Exception):
    """Spelling does not settle whether two answers are the same."""


def _compare_all_cheaply(pairs: Iterable[Pair]) -> Iterator[Verdict]:
    for pair in pairs:
        verdict = compare_cheaply(*pair)
        if verdict is None:
            raise _NotCheapError
        yield verdict


class EquivalenceChecker:
    """Compares answers, each distinct pair once. A context manager: leaving it ends the workers.

    Args:
        workers: processes that compare; they are started when first needed.
        timeout_s: CPU seconds for one comparison. Time during which a busy machine lets others run does not count.
        memory_mb: address space that comparisons of one worker may take.
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
        self._arrived: dict[bytes, Verdict | Decision | None] = {}
        self._ballots = count()

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
        return self._in_order(pairs, self._settle)

    def group(self, answers: Sequence[str]) -> list[int]:
        """The class of each answer, see `classes_of`: answers of one class are the same answer."""
        return classes_of(answers, self.compare_many)

    def decide_many(self, ballots: Iterable[Ballot], rules: Rules) -> Iterator[Decision]:
        """The decisions on ballots, in their order; each is made by one worker as a whole.

        Where one costs a worker its life, or takes it so long that it looks stuck, its comparisons are made one by
        one: then that of them which is to blame is unknown, and no other.

        Raises: UserError when workers cannot be started.
        """
        ahead = deque[Ballot]()

        def settle(ballot: Ballot) -> Decision | bytes:
            ahead.append(ballot)
            return self._ask_for_decision(ballot, rules)

        for found in self._in_order(ballots, settle):
            ballot = ahead.popleft()
            yield decide(ballot, rules, self.compare_many) if found is None else found

    def _in_order(self, items: Iterable[Item], settle: Callable[[Item], Found | bytes]) -> Iterator[Found]:
        """What `settle` finds for each item, at once or under a key by which a worker's answer will arrive."""
        source = iter(items)
        waiting: deque[Found | bytes] = deque()
        more = True
        try:
            while more or waiting:
                more = more and self._fill(source, waiting, settle)
                while waiting and self._is_there(waiting[0]):
                    yield self._taken(waiting.popleft())
                if waiting or not self._has_room():  # nothing of ours, but others may have filled the workers
                    self._collect()
        finally:
            for left in waiting:
                self._release(left)

    def _has_room(self) -> bool:
        return self._pool is None or self._pool.room

    def _fill(
        self, source: Iterator[Item], waiting: deque[Found | bytes], settle: Callable[[Item], Found | bytes]
    ) -> bool:
        """Take items while there is room for them; False when there are no more."""
        while len(waiting) < _WINDOW and self._has_room():
            for item in source:
                waiting.append(settle(item))
                break
            else:
                return False
        return True

    def _settle(self, pair: Pair) -> Verdict | bytes:
        """The verdict, or the key under which it will arrive."""
        verdict = compare_cheaply(*pair)
        if verdict is not None:
            return verdict
        one, other = sorted(pair)
        key = _key(one, other)
        remembered = self._memory.get(key)
        if remembered is not None:
            self._memory.move_to_end(key)
            return remembered
        return self._ask(key, ["pair", one, other])

    def _ask_for_decision(self, ballot: Ballot, rules: Rules) -> Decision | bytes:
        """The decision where spelling settles it before there are workers, else the key under which it will arrive.

        A worker takes longer to start than a small shard has to do; once there are some, they do all.
        """
        if len(ballot.spellings) + (ballot.known is not None) < 2:
            return decide(ballot, rules, self.compare_many)
        if self._pool is None and len(ballot.spellings) <= _FEW_SPELLINGS:
            with suppress(_NotCheapError):
                return decide(ballot, rules, _compare_all_cheaply)
        return self._ask(_OF_BALLOTS + b"%d" % next(self._ballots), ["ballot", *asked(ballot, rules)])

    def _ask(self, key: bytes, question: list[Any]) -> bytes:
        if key not in self._wanted:
            self._running_pool().submit(Job(key, question))
        self._wanted[key] = self._wanted.get(key, 0) + 1
        return key

    def _is_there(self, head: Found | bytes) -> bool:
        return not isinstance(head, bytes) or head in self._arrived

    def _taken(self, head: Found | bytes) -> Any:
        found = self._arrived[head] if isinstance(head, bytes) else head
        self._release(head)
        return found

    def _release(self, head: object) -> None:
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
        for key, line in self._pool.collect():
            if key.startswith(_OF_BALLOTS):
                found: Verdict | Decision | None = None if line is None else read_decision(json.loads(line))
            else:
                found = self._memory[key] = Verdict.UNKNOWN if line is None else Verdict(line.decode())
            if key in self._wanted:
                self._arrived[key] = found
        while len(self._memory) > self._remembered:
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


def _key(one: str, other: str) -> bytes:
    whole = blake2b(one.encode("utf-8", "surrogatepass"), digest_size=16)
    whole.update(b"\0")
    whole.update(other.encode("utf-8", "surrogatepass"))
    return whole.digest()
