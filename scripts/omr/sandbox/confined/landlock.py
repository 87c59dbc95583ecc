"""Landlock: the kernel's rules on files, ports and signals that a process can put on itself (Linux 5.13 or newer)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from omr.sandbox.confined.kernel import checked, libc

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_ABI_ONLY = 1
_PATH_BENEATH = 1
_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
_ALL_RIGHTS = 16
_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_FILE, _RENAME, _TRUNCATE = (
    1 << bit for bit in (1, 2, 3, 4, 5, 7, 8, 13, 14)
)
READ = _READ_FILE | _READ_DIR
WRITE = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_FILE | _RENAME | _TRUNCATE
_OF_A_FILE = _WRITE_FILE | _READ_FILE | _TRUNCATE
_PORTS = 0b11  # bind and connect, from ABI 4
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11  # from ABI 6


def kernel_abi() -> int:
    """The kernel's version of Landlock; 0 where it has none or it is switched off."""
    return max(0, int(libc.syscall(_CREATE, None, 0, _ABI_ONLY)))


def ruleset(abi: int, readable: Iterable[str], writable: Iterable[str]) -> int:
    """A descriptor of rules: only what is named may be read, or read and written; no port, no signal to outside."""
    handled = (1 << _RIGHTS_BY_ABI.get(abi, _ALL_RIGHTS)) - 1
    words = [handled]
    if abi >= 4:
        words.append(_PORTS)
    if abi >= 6:
        words.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"{len(words)}Q", *words)
    rules = checked(libc.syscall(_CREATE, attributes, len(attributes), 0), "landlock_create_ruleset")
    for paths, rights in ((readable, READ), (writable, READ | WRITE)):
        for path in paths:
            _allow(rules, path, rights & handled)
    return rules


def _allow(rules: int, path: str, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights &= ~0 if os.path.isdir(path) else _OF_A_FILE
        checked(libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, fd), 0), f"landlock: {path}")
    finally:
        os.close(fd)


def restrict_self(rules: int) -> None:
    """Put the rules on this process, for good. Needs no_new_privs."""
    checked(libc.syscall(_RESTRICT, rules, 0), "landlock_restrict_self")
