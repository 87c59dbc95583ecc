"""Bodies that come compressed, though nobody asked for it."""

from __future__ import annotations

import zlib

from omr.http.answer import HttpError, TooLargeError

_ZLIB = frozenset({"gzip", "x-gzip", "deflate"})
#: Either of zlib's forms is told by its first bytes.
_ANY_FORM = 32 + zlib.MAX_WBITS


def decoded(content: bytes, encoding: str | None, status: int, most_bytes: int) -> bytes:
    """A body as it was before it was encoded. Raises HttpError, TooLargeError for what becomes too large."""
    name = (encoding or "identity").strip().lower()
    if name == "identity" or not content:
        return content
    if name not in _ZLIB:
        raise HttpError(f"the answer is compressed ({name[:40]}), which was not asked for")
    opened = zlib.decompressobj(_ANY_FORM)
    try:
        whole = opened.decompress(content, most_bytes + 1)
    except zlib.error as error:
        raise HttpError(f"the answer is said to be compressed ({name}), but cannot be read: {error}") from error
    if len(whole) > most_bytes:
        raise TooLargeError(status, most_bytes)
    if not opened.eof:
        raise HttpError(f"the compressed answer ({name}) is cut")
    return whole
