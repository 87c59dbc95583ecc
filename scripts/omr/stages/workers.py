"""Work spread over processes: results in the order of the input, little of it in memory at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """The cores that this process may use, which on a shared machine are fewer than it has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, waiting_per_worker: int = 2
) -> Generator[Result, None, None]:
    """Yield function(item) for every item, in order, computed by `workers` processes (by this one if it is 1).

    The processes are forked before the first item is asked for, so whatever `function` holds (a tokenizer, say) is in
    memory once; items and results are pickled. At most `(1 + waiting_per_worker) * workers` items are under way. An
    exception of `function` is raised here. Workers end with their parent, however that ends. Raises UserError when a
    worker is killed.
    """
    if workers <= 1:
        yield from map(function, items)
        return
    from omr.stages.processes import mapped  # with what starts processes, which small inputs do without

    yield from mapped(function, items, workers, most=(1 + waiting_per_worker) * workers)
