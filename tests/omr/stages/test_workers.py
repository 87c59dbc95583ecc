from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from omr.errors import UserError
from omr.stages.workers import ordered_map


def double(number: int) -> int:
    return 2 * number


def slow_at_first(number: int) -> int:
    time.sleep(0.05 if number == 0 else 0)
    return number


def refuse_three(number: int) -> int:
    if number == 3:
        raise UserError("three is refused", file="numbers", line=4, remedy="leave it out")
    return number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert list(ordered_map(slow_at_first, range(50), workers)) == list(range(50))


def test_no_items_give_no_results() -> None:
    assert list(ordered_map(double, [], 2)) == []


def test_few_items_are_under_way_at_a_time() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(1, 101):
            taken = number
            yield number

    for position, _ in enumerate(ordered_map(double, items(), 2, waiting_per_worker=1)):
        assert taken <= position + 4


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_function_arrives_whole(workers: int) -> None:
    with pytest.raises(UserError) as caught:
        list(ordered_map(refuse_three, range(9), workers))
    assert str(caught.value) == "numbers:4: three is refused\n  remedy: leave it out"


def test_a_killed_worker_is_an_error_with_a_remedy() -> None:
    with pytest.raises(UserError, match="a worker process was killed"):
        list(ordered_map(die, range(9), 2))


def test_workers_end_when_their_parent_is_killed() -> None:
    program = (
        "import os, time\n"
        "from omr.stages.workers import ordered_map\n"
        "def sleep(number):\n"
        "    os.write(1, b'%d\\n' % os.getpid())\n"  # in one piece, which print does not promise
        "    time.sleep(600)\n"
        "list(ordered_map(sleep, range(2), 2))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "scripts")}
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    for _ in range(2):
        assert int(parent.stdout.readline()) != parent.pid
    parent.kill()
    # The pipe ends when the last process that holds it is gone: workers that stayed would let this time out.
    assert parent.communicate(timeout=60)[0] == ""
