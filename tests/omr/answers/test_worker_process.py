"""Processes that compare answers: forked where that is safe, and then no different from those that start anew."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from omr.answers import equivalence_pool, equivalence_worker
from omr.answers.equivalence import EquivalenceChecker
from omr.answers.worker_process import WorkerProcess
from omr.errors import UserError

SCRIPTS = Path(__file__).parents[3] / "scripts"
#: Run apart: the process that runs tests may have threads.
BEGIN = """
import atexit, json, mmap, os, resource, sys, threading, time
from omr.answers import worker_process
from omr.answers.equivalence import EquivalenceChecker

def processes(checker):
    return [worker._process for worker in checker._pool._workers]

def is_fork(process):
    return type(process._process).__name__ == "ForkProcess"
"""
PAIRS = [
    (r"\sqrt{4}+x", "x+2"),
    ("(1, 2)", r"\{1, 2\}"),
    (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}"),
    (r"\prod_{k=1}^{10^9} k", "5"),
    ("9^{9^{9^9}}", "9^{9^{9^9}} + 1"),
    *(("(" * depth + "x+1" + ")" * depth, "1+x") for depth in range(10, 300, 7)),
    *(("-" * depth + "x", "1+x") for depth in range(50, 1000, 50)),
    *((r"\sqrt{" * depth + "x" + "}" * depth, "1+x") for depth in range(10, 300, 7)),
]

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked on Linux")


def lines(program: str, **given: Any) -> list[str]:
    """What a program says; `given` are its variables."""
    begin = BEGIN + "".join(f"{name} = json.loads({json.dumps(value)!r})\n" for name, value in given.items())
    done = subprocess.run(
        [sys.executable, "-"],
        input=begin + program,
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def run(program: str, **given: Any) -> Any:
    """The same of its last line, as JSON."""
    return json.loads(lines(program, **given)[-1])


@linux
def test_a_forked_worker_says_of_everything_what_one_that_starts_anew_says() -> None:
    program = """
def verdicts():
    with EquivalenceChecker(workers=1, timeout_s=1.0) as checker:
        found = [verdict.value for verdict in checker.compare_many(map(tuple, pairs))]
        return is_fork(processes(checker)[0]), found

def deeper(frames):
    return verdicts() if not frames else deeper(frames - 1)

forked = deeper(850)  # how deep the stack of the parent is must not count
worker_process.may_fork = lambda: False
print(json.dumps([forked, verdicts()]))
"""
    forked, started = run(program, pairs=PAIRS)
    assert (forked[0], started[0]) == (True, False)
    assert dict(enumerate(forked[1])) == dict(enumerate(started[1]))
    assert len(set(started[1])) == 3


@linux
def test_a_process_with_another_thread_is_not_forked() -> None:
    program = """
leave = threading.Event()
thread = threading.Thread(target=leave.wait)
kinds = []
for start, end in ((lambda: None, lambda: None), (thread.start, lambda: (leave.set(), thread.join()))):
    start()
    with EquivalenceChecker(workers=1) as checker:
        kinds.append((checker.compare("\\\\sqrt{4}", "2").value, is_fork(processes(checker)[0])))
    end()
print(json.dumps(kinds))
"""
    assert run(program) == [["equal", True], ["equal", False]]


@linux
def test_a_forked_worker_holds_no_file_or_pipe_but_its_own(tmp_path: Path) -> None:
    program = """
held = open(path, "w")
def files(process):
    folder = f"/proc/{process.pid}/fd"
    return {os.readlink(f"{folder}/{name}") for name in os.listdir(folder)}

with EquivalenceChecker(workers=2) as checker:
    pairs = [(f"\\\\sqrt{{{4 * n * n}}}", f"{2 * n}") for n in range(2, 40)]
    assert {verdict.value for verdict in checker.compare_many(pairs)} == {"equal"}
    of_both = [files(process) for process in processes(checker)]
    ours = os.readlink("/proc/self/fd/2")
    print(json.dumps([[len(files) for files in of_both], sorted(set.intersection(*of_both) - {ours})]))
"""
    numbers, shared = run(program, path=str(tmp_path / "held"))
    assert numbers == [3, 3]
    assert shared == []


@linux
def test_a_forked_worker_leaves_to_its_parent_what_the_parent_would_write_or_tidy_up(tmp_path: Path) -> None:
    program = """
import gc
import omr.answers.equivalence_worker as worker
asked = worker.compare_answers
def collecting(one, other):
    gc.collect()
    return asked(one, other)
worker.compare_answers = collecting
atexit.register(lambda: os.write(1, b"at exit\\n"))
class Temporary:
    def __init__(self):
        self.itself = self  # only collecting finds it
    def __del__(self):
        with open(path, "a") as file:
            file.write("tidied up\\n")
gc.set_threshold(1 << 30)
Temporary()
sys.stdout.write("said once\\n")
try:
    with EquivalenceChecker(workers=1) as checker:
        assert checker.compare("\\\\sqrt{4}", "2").value == "equal"
        process = processes(checker)[0]
        os.dup2(os.open("/dev/null", os.O_WRONLY), process.input.fileno())  # its input ends, and so does it
        while open(f"/proc/{process.pid}/stat").read().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
finally:
    sys.stdout.write("finally\\n")
sys.stdout.flush()
gc.collect()
"""
    tidied = tmp_path / "tidied"
    assert lines(program, path=str(tidied)) == ["said once", "finally", "at exit"]
    assert tidied.read_text() == "tidied up\n"


@linux
def test_what_the_parent_has_used_is_not_charged_to_a_forked_worker() -> None:
    program = """
room = mmap.mmap(-1, 3 << 30)  # of address space; no memory is used
while time.process_time() < 2.0:
    pass
with EquivalenceChecker(workers=1, timeout_s=1.0, memory_mb=512) as checker:
    pairs = [("\\\\sum_{k=1}^{n} k", "\\\\frac{n(n+1)}{2}"), ("\\\\sqrt{4}+x", "x+2")]
    found = [verdict.value for verdict in checker.compare_many(pairs)]
    print(json.dumps([is_fork(processes(checker)[0]), checker.killed, found]))
"""
    assert run(program) == [True, 0, ["equal", "equal"]]


@linux
def test_a_forked_worker_may_take_no_more_memory_than_it_is_given() -> None:
    program = """
with EquivalenceChecker(workers=1, memory_mb=512) as checker:
    checker.compare("\\\\sqrt{4}", "2")
    limits = [resource.prlimit(processes(checker)[0].pid, which) for which in (resource.RLIMIT_AS, resource.RLIMIT_CORE)]
    with open("/proc/self/statm") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    print(json.dumps([limits, held]))
"""
    ((soft, hard), core), held = run(program)
    assert soft == hard
    assert abs(soft - held - (512 << 20)) < 64 << 20
    assert core == [0, 0]


@linux
def test_what_a_library_prints_in_a_forked_worker_is_taken_for_no_verdict() -> None:
    program = """
import omr.answers.equivalence_worker as worker
asked = worker.compare_answers
def noisy(one, other):
    print("equal", flush=True)
    os.write(1, b"different\\n")
    return asked(one, other)
worker.compare_answers = noisy
with EquivalenceChecker(workers=1) as checker:
    print(json.dumps([checker.compare("\\\\sqrt{4}", other).value for other in ("2", "3", "x")]))
"""
    assert run(program) == ["equal", "different", "unknown"]


#: Takes all the time that it is given.
ENDLESS = (r"\prod_{k=1}^{10^9} k + \sum_{k=1}^{n} k", "9^{9^{9^9}}")


@linux
@pytest.mark.parametrize("kind", ["forked", "started"])
@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_a_worker_ends_with_its_parent_also_in_the_midst_of_a_comparison(how: str, kind: str) -> None:
    program = """
may_fork = worker_process.may_fork
worker_process.may_fork = lambda: kind == "forked" and may_fork()
with EquivalenceChecker(workers=1, timeout_s=300.0) as checker:
    checker.compare("\\\\sqrt{4}", "2")
    assert is_fork(processes(checker)[0]) == (kind == "forked")
    os.write(1, b"%d\\n" % processes(checker)[0].pid)
    checker.compare(*endless)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", BEGIN + f"kind, endless = {kind!r}, {ENDLESS!r}\n" + program],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert worker != parent.pid
    time.sleep(0.5)  # it has the question then
    getattr(parent, how)()
    try:
        # Its standard error is the parent's, which ends when nobody holds it any more: one that stayed would time out.
        parent.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        os.kill(worker, signal.SIGKILL)
        raise


@linux
def test_a_worker_whose_parent_is_gone_before_it_can_tell_does_not_begin() -> None:
    command = [sys.executable, "-P", "-m", "omr.answers.equivalence_worker", "1", "512", str(os.getppid())]
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    questions = subprocess.DEVNULL
    ended = subprocess.run(command, env=environment, stdin=questions, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")


@linux
def test_a_worker_outlives_the_thread_that_started_it() -> None:
    program = """
with EquivalenceChecker(workers=1) as checker:
    thread = threading.Thread(target=checker.compare, args=("\\\\sqrt{4}", "2"))
    thread.start()
    thread.join()
    worker = processes(checker)[0]
    found = checker.compare("\\\\sqrt{9}", "3").value
    print(json.dumps([is_fork(worker), found, checker.killed, worker is processes(checker)[0]]))
"""
    assert run(program) == [False, "equal", 0, True]


def test_limits_that_a_process_came_with_are_kept() -> None:
    """No user may raise them again: to try it would make every comparison unknown."""
    program = """
        import json, resource
        from omr.answers import equivalence_worker as worker
        for what in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
            resource.setrlimit(what, (3000 << 20, 3000 << 20))
        verdicts = [worker.compare("1/2", "0.5", 2.0).value, worker.compare(r"\\sqrt{4}+x", "x+2", 2.0).value]
        worker.limit(resource.RLIMIT_AS, 8000 << 20, 8000 << 20)
        print(json.dumps([verdicts, *(resource.getrlimit(what)[1] for what in (resource.RLIMIT_CPU, resource.RLIMIT_AS))]))
        print(json.dumps(resource.getrlimit(resource.RLIMIT_AS)[0]))
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found, soft = map(json.loads, ended.stdout.splitlines())
    assert found == [["equal", "equal"], 3000 << 20, 3000 << 20]
    assert soft == 3000 << 20


@linux
@pytest.mark.parametrize("kind", ["forked", "started"])
def test_a_limit_that_leaves_too_little_memory_is_told_as_that_and_nothing_is_unknown(kind: str) -> None:
    program = """
from omr.answers import equivalence_worker
from omr.errors import UserError
may_fork = worker_process.may_fork
worker_process.may_fork = lambda: kind == "forked" and may_fork()
resource.setrlimit(resource.RLIMIT_AS, (equivalence_worker.address_space() + (50 << 20),) * 2)
os.dup2(1, 2)  # what a worker says
try:
    with EquivalenceChecker(workers=1) as checker:
        checker.compare("\\\\sqrt{4}", "2")
except UserError as error:
    print(json.dumps(str(error)))
"""
    told, error = lines(program, kind=kind)
    assert re.fullmatch(r"equivalence worker: limits here \(`ulimit -v`\) leave it \d+ MB of memory", told)
    assert "does not start" in error
    assert "`ulimit -a`" in error


def test_a_worker_that_the_system_does_not_start_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*given: float) -> WorkerProcess:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(equivalence_pool, "start_worker", start)
    with EquivalenceChecker(workers=1) as checker, pytest.raises(UserError) as caught:
        checker.compare("\\sqrt{4}", "2")
    assert caught.value.what == "a process that compares answers cannot be started: Resource temporarily unavailable"


@linux
def test_a_worker_that_comes_near_a_limit_of_its_life_leaves_the_rest_to_another_one() -> None:
    """The kernel would kill it at the limit, as if what it is at were too hard."""
    program = """
import omr.answers.equivalence_worker as worker
from omr.answers.verdict import Verdict
end_with = worker.end_with
def limited(parent):
    resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
    end_with(parent)
def slow(one, other):
    end = time.process_time() + 0.25
    while time.process_time() < end:
        pass
    return Verdict.EQUAL
worker.end_with, worker.compare_answers = limited, slow
with EquivalenceChecker(workers=1, timeout_s=0.5) as checker:
    found = [verdict.value for verdict in checker.compare_many([("\\\\sqrt{4}", str(n)) for n in range(10)])]
    print(json.dumps([found, checker.killed]))
"""
    assert run(program) == [["equal"] * 10, 0]


def test_a_limit_that_cannot_be_set_is_an_error_and_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seconds: float) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(equivalence_worker, "allow_cpu", refuse)
    with pytest.raises(ValueError, match="not allowed"):
        equivalence_worker.compare("1", "2", 1.0)
