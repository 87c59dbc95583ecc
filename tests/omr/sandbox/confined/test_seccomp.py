"""The filter of system calls, run step by step by an interpreter of its language, for both machines."""

from __future__ import annotations

import functools
import struct

import pytest
from omr.sandbox.confined.seccomp import program
from omr.sandbox.confined.system_calls import CONDITIONS, MACHINES, NEVER, X86_64

PID = 4711
ALLOW, KILL, EPERM, ENOSYS, EINVAL, ENOTTY = 0x7FFF0000, 0x80000000, 0x50001, 0x50026, 0x50016, 0x50019
#: The same numbers on both machines: from 424 on, calls are numbered alike.
NEW_CALLS = range(424, 470)
ALLOWED_NEW_CALLS = {436, 439}  # close_range, faccessat2


@functools.cache
def filter_of(machine: str) -> list[tuple[int, ...]]:
    """The steps: operation, how many to skip if true and if false, value."""
    steps = list(struct.iter_unpack("HBBI", program(machine, PID)))
    assert 100 < len(steps) <= 4096
    return steps


def answer(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the filter returns for a call."""
    steps = filter_of(machine)
    arch = MACHINES[machine][0] if architecture is None else architecture
    words = [value & 2**64 - 1 for value in (*arguments, 0, 0, 0, 0, 0, 0)][:6]
    data = struct.pack("IIQ6Q", number, arch, 0, *words)
    at = loaded = 0
    while True:
        operation, if_true, if_false, value = steps[at]
        at += 1
        if operation == 0x20:
            loaded = struct.unpack_from("I", data, value)[0]
        elif operation == 0x15:
            at += if_true if loaded == value else if_false
        elif operation == 0x45:
            at += if_true if loaded & value else if_false
        elif operation == 0x35:
            at += if_true if loaded >= value else if_false
        else:
            assert operation == 0x06
            return int(value)


@pytest.fixture(params=sorted(MACHINES))
def machine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_calls_of_the_list_are_allowed_and_all_others_refused(machine: str) -> None:
    plain = {number for name, number in MACHINES[machine][1].items() if name not in CONDITIONS}
    conditional = {MACHINES[machine][1][name] for name in (*CONDITIONS, *NEVER)}
    for number in range(1024):
        if number not in conditional:
            assert answer(machine, number) == (ALLOW if number in plain else EPERM), number


def test_no_number_stands_for_two_calls(machine: str) -> None:
    numbers = list(MACHINES[machine][1].values())
    assert len(numbers) == len(set(numbers))


def test_other_machine_languages_end_the_process(machine: str) -> None:
    assert answer(machine, 0, architecture=0x40000003) == KILL  # 32-bit x86
    assert answer(machine, 0, architecture=0x40000028) == KILL  # 32-bit ARM
    assert answer(machine, 0x40000000) == answer(machine, 0x40000000 | 39) == answer(machine, 2**32 - 1) == KILL


def test_signals_go_to_the_process_itself_only(machine: str) -> None:
    for name in ("kill", "tkill", "tgkill"):
        number = MACHINES[machine][1][name]
        assert answer(machine, number, PID, 9) == ALLOW
        for other in (0, 1, -1, -PID, PID + 1, 2**31 - 1):
            assert answer(machine, number, other, 9) == EPERM


def test_limits_and_places_of_other_processes_are_out_of_reach(machine: str) -> None:
    numbers = MACHINES[machine][1]
    assert answer(machine, numbers["prlimit64"], 0) == ALLOW
    assert answer(machine, numbers["prlimit64"], PID + 1) == answer(machine, numbers["prlimit64"], -1) == EPERM
    for name in ("getpgid", "getsid", "sched_getaffinity"):
        assert answer(machine, numbers[name], 0) == answer(machine, numbers[name], PID) == ALLOW
        assert answer(machine, numbers[name], PID + 1) == EPERM


def test_clocks_of_other_processes_are_out_of_reach(machine: str) -> None:
    number = MACHINES[machine][1]["clock_gettime"]
    assert answer(machine, number, 1) == answer(machine, number, 2) == ALLOW
    assert answer(machine, number, (~PID << 3) | 2) == answer(machine, number, (~1 << 3) | 2) == EINVAL


def test_threads_fail_in_a_way_that_the_library_falls_back_from(machine: str) -> None:
    assert answer(machine, MACHINES[machine][1]["clone3"]) == ENOSYS
    assert answer(machine, {"x86_64": 56, "aarch64": 220}[machine]) == EPERM  # clone


@pytest.mark.parametrize("command", [8, 10, 15, 1024, 1031, 1033, 5, 6, 7, 9, 37])
def test_owners_of_descriptors_locks_leases_seals_and_pipe_sizes_are_not_set(machine: str, command: int) -> None:
    assert answer(machine, MACHINES[machine][1]["fcntl"], 0, command) == EPERM
    assert answer(machine, MACHINES[machine][1]["fcntl"], 0, 3) == ALLOW


@pytest.mark.parametrize("request_number", [0x5412, 0x5452, 0x8901, 0x8902, 0x540E, 0x541C])
def test_terminals_and_devices_get_no_commands(machine: str, request_number: int) -> None:
    assert answer(machine, MACHINES[machine][1]["ioctl"], 0, request_number) == ENOTTY
    assert answer(machine, MACHINES[machine][1]["ioctl"], 0, 0x5401) == ALLOW


def test_memory_is_not_taken_from_the_machines_huge_pages_nor_locked(machine: str) -> None:
    number = MACHINES[machine][1]["mmap"]
    private, shared, huge, locked = 0x22, 0x21, 0x40000, 0x2000
    assert answer(machine, number, 0, 4096, 3, private) == answer(machine, number, 0, 4096, 3, shared) == ALLOW
    for flags in (private | huge, shared | huge, private | locked, 2**40 | private | huge):
        assert answer(machine, number, 0, 4096, 3, flags) == EPERM


def test_pages_are_neither_merged_with_others_nor_broken(machine: str) -> None:
    number = MACHINES[machine][1]["madvise"]
    assert answer(machine, number, 0, 0, 4) == ALLOW
    assert {answer(machine, number, 0, 0, advice) for advice in (12, 13, 21, 22, 100, 101)} == {EPERM}


def test_only_pairs_of_sockets_within_the_process_exist(machine: str) -> None:
    numbers = MACHINES[machine][1]
    assert answer(machine, numbers["socketpair"], 1) == ALLOW
    assert answer(machine, numbers["socketpair"], 2) == answer(machine, numbers["socketpair"], 16) == EPERM
    assert not {"socket", "connect", "bind", "listen", "accept4", "sendto", "sendmsg", "recvmsg"} & set(numbers)


def test_of_the_newer_calls_only_two_harmless_ones_are_allowed(machine: str) -> None:
    allowed = {number for number in NEW_CALLS if answer(machine, number) == ALLOW}
    assert allowed == ALLOWED_NEW_CALLS


def test_both_machines_allow_the_same_calls_but_for_old_names_of_them() -> None:
    arm = set(MACHINES["aarch64"][1])
    old = {
        "open", "stat", "lstat", "access", "readlink", "getdents", "dup2", "mkdir", "rmdir", "unlink", "rename", "pipe", "poll",
        "select", "epoll_wait", "time", "alarm", "getpgrp", "pause",
    }  # fmt: skip
    assert set(X86_64) - arm == old
    assert arm <= set(X86_64)
