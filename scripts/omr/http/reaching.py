"""How a host is reached: its name becomes addresses, and one of these takes a connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

#: The addresses of a name are asked for again after so long.
_KNOWN_S = 30.0
#: The next address is tried beside the one before it after so long.
_NEXT_ADDRESS_S = 0.25
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
Made = TypeVar("Made", bound=asyncio.BaseProtocol)


class Resolver:
    """Addresses of hosts by their names. Each name is asked for once at a time, however many wait for it: the
    system's resolver answers a few at a time, and a slow one would take each connection's time to connect."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[float, asyncio.Task[list[str]]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """Raises OSError for a name that is not known, UnicodeError for one that no host can have."""
        if is_address(host):
            return [host]
        now = asyncio.get_running_loop().time()
        at, task = self._asked.get(host, (0.0, None))
        if task is None or (task.done() and (now - at > _KNOWN_S or task.exception() is not None)):
            task = asyncio.get_running_loop().create_task(_resolved(host))
            # Whoever waited may be gone when it fails.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._asked[host] = now, task
        return await asyncio.shield(task)

    def forget(self, host: str) -> None:
        """None of its addresses was reached: others may be its own by now."""
        _, task = self._asked.get(host, (0.0, None))
        if task is not None and task.done():
            del self._asked[host]


def is_address(host: str) -> bool:
    """Whether a host is given by its address (an IPv6 one without brackets)."""
    for family in _FAMILIES:
        with suppress(OSError, UnicodeError, ValueError):
            socket.inet_pton(family, host)
            return True
    return False


async def _resolved(host: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for family, *_, address in found if family in _FAMILIES))


async def reach(make: Callable[[], Made], addresses: Sequence[str], port: int) -> Made:
    """A connection to the first of the addresses that takes one. The next one is tried when those before it have
    failed, or have not answered for a while. Raises the OSError of the first if none takes one."""
    loop = asyncio.get_running_loop()
    if len(addresses) == 1:
        return (await loop.create_connection(make, addresses[0], port))[1]
    left, faults = list(addresses), list[BaseException]()
    trying = set[asyncio.Task[tuple[asyncio.Transport, Made]]]()
    try:
        while left or trying:
            if left:
                trying.add(loop.create_task(loop.create_connection(make, left.pop(0), port)))
            wait_s = _NEXT_ADDRESS_S if left else None
            done, _ = await asyncio.wait(trying, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                trying.discard(task)
                if (fault := task.exception()) is None:
                    return task.result()[1]
                faults.append(fault)
    finally:
        for task in trying:
            task.add_done_callback(_close)
            task.cancel()
    raise faults[0] if faults else OSError("the host has no address")


def _close(task: asyncio.Task[tuple[asyncio.Transport, Made]]) -> None:
    """Nobody wants this connection any more, if it was made."""
    if not task.cancelled() and task.exception() is None:
        task.result()[0].abort()
