"""Which of the ways of speaking HTTP a URL is asked by."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from omr.http.answer import Answer, Ask
from omr.http.plain import PlainHttp

if TYPE_CHECKING:
    from omr.http.library import LibraryHttp

_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


class HttpClient:
    """Asks servers (an async context manager): plain HTTP without a proxy directly, all else with the library.

    `direct`: past the site's proxies, which know nothing of a node's own servers; `idle_s` and `most_idle`: how long
    and how many connections to a host are kept for the next requests.
    """

    def __init__(self, connect_timeout_s: float, idle_s: float, most_idle: int, direct: bool) -> None:
        self._settings = (connect_timeout_s, idle_s, most_idle, direct)
        self._has_proxy = not direct and any(os.environ.get(name) for name in _PROXIES)
        self._plain = PlainHttp(connect_timeout_s, idle_s, most_idle)
        self._library: LibraryHttp | None = None

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._plain.close()
        if self._library is not None:
            await self._library.close()

    def ask(self, asked: Ask) -> Awaitable[Answer]:
        """The answer. Raises HttpError, and what `read_events` raises, when it is awaited."""
        if asked.url.startswith("http://") and asked.url.isascii() and not self._has_proxy:
            return self._plain.ask(asked)
        if self._library is None:
            from omr.http.library import LibraryHttp  # with threads of its own: only where it is needed

            self._library = LibraryHttp(*self._settings)
        return self._library.ask(asked)
