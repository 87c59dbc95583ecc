"""Regular expressions that are compiled when they are first used.

Python compiles them anew in every process, which takes longer than importing the module that they stand in. Most jobs
are short and use few of those that the modules they import hold.
"""

from __future__ import annotations

import re
from typing import Any, cast

#: What a compiled expression offers; `pattern` is known before.
_OFFERED = (
    "search",
    "match",
    "fullmatch",
    "findall",
    "finditer",
    "sub",
    "subn",
    "split",
    "flags",
    "groups",
    "groupindex",
)


class _Lazy:
    """Has the attributes of a compiled expression as its own once one of them is asked for: then it is as fast."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        if name not in _OFFERED:
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._flags)
        self.__dict__ |= {offered: getattr(compiled, offered) for offered in _OFFERED}
        return self.__dict__[name]

    def __repr__(self) -> str:
        return f"lazy({self.pattern!r}, {self._flags!r})"


def lazy(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, at the first use. For constants of modules, whose methods are called on them; a faulty one fails
    where it is used, so tests use each."""
    return cast("re.Pattern[str]", _Lazy(pattern, flags))
