"""The filter of system calls: an allow list, all else fails with EPERM; other machine languages end the process."""

from __future__ import annotations

import ctypes
import functools
import platform
import struct

from omr.sandbox.confined.kernel import checked, libc
from omr.sandbox.confined.system_calls import CONDITIONS, MACHINES, NEVER, Only

_LOAD, _EQUALS, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
#: x86-64's second set of call numbers (x32) begins here.
_OTHER_NUMBERS = 0x40000000
_PR_SECCOMP, _FILTER = 22, 2


def _step(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", operation, if_true, if_false, value)


def _condition(number: int, only: Only, pid: int) -> bytes:
    """Steps for one call of which an argument is compared. Its low 32 bits are all that the kernel reads of it."""
    values = [pid if value is None else value for value in only.values]
    steps = _step(_EQUALS, number, 0, 2 + 2 * len(values)) + _step(_LOAD, _ARGUMENTS + 8 * only.argument)
    for value in values:
        steps += _step(_EQUALS, value, 0, 1) + _step(_RETURN, _ALLOW)
    return steps + _step(_RETURN, _ERRNO | only.errno)


def _without_bits(number: int, argument: int, bits: int) -> bytes:
    """Steps for one call that is allowed unless one of the bits is set. All flags lie in the low 32 bits."""
    steps = _step(_EQUALS, number, 0, 4) + _step(_LOAD, _ARGUMENTS + 8 * argument)
    return steps + _step(_HAS_BITS, bits, 0, 1) + _step(_RETURN, _ERRNO | 1) + _step(_RETURN, _ALLOW)


@functools.cache
def _without_pid(machine: str) -> tuple[bytes, bytes]:
    """What comes before and after the calls that are compared with the process id, which differ per session."""
    architecture, numbers = MACHINES[machine]
    head = _step(_LOAD, _ARCHITECTURE) + _step(_EQUALS, architecture, 1, 0) + _step(_RETURN, _KILL_PROCESS)
    head += _step(_LOAD, _NUMBER) + _step(_AT_LEAST, _OTHER_NUMBERS, 0, 1) + _step(_RETURN, _KILL_PROCESS)
    head += b"".join(_without_bits(numbers[name], argument, bits) for name, (argument, bits) in NEVER.items())
    tail = b"".join(
        _step(_EQUALS, number, 0, 1) + _step(_RETURN, _ALLOW)
        for name, number in numbers.items()
        if name not in CONDITIONS and name not in NEVER
    )
    return head, tail + _step(_RETURN, _ERRNO | 1)


def program(machine: str, pid: int) -> bytes:
    """The filter (classic BPF) for a session whose process id is `pid`."""
    head, tail = _without_pid(machine)
    numbers = MACHINES[machine][1]
    return head + b"".join(_condition(numbers[name], only, pid) for name, only in CONDITIONS.items()) + tail


def restrict_calls(pid: int) -> None:
    """Switch the filter on for this process, for good. Needs no_new_privs."""
    steps = program(platform.machine(), pid)
    buffer = ctypes.create_string_buffer(steps, len(steps))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps) // 8, ctypes.addressof(buffer)), 16)
    nothing = ctypes.c_ulong(0)
    checked(libc.prctl(_PR_SECCOMP, ctypes.c_ulong(_FILTER), header, nothing, nothing), "seccomp")
