"""Regular expressions that are compiled when they are first used.

Python compiles them anew in every process, which takes longer than importing the module that they stand in. Most jobs
are short and use few of those that the modules they import hold.
"""

from __future__ import annotations

import re
import sys
from typing import Any, cast

#: What a compiled expression offers; `pattern` is known before.
_OFFERED = ("search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split", "flags", "groups")


class _Used:
    """An expression that was compiled: its attributes are the compiled one's."""


class _Lazy:
    """Puts the compiled expression in its own place in its module once it is used, so that it costs nothing more then;
    where something else holds it as well, it takes the compiled one's attributes."""

    def __init__(self, pattern: str, flags: int, module: dict[str, Any]) -> None:
        self.pattern = pattern
        self._flags, self._module = flags, module

    def __getattr__(self, name: str) -> Any:
        if name not in _OFFERED:
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._flags)
        for held_as, value in list(self._module.items()):
            if value is self:
                self._module[held_as] = compiled
        self.__dict__ |= {offered: getattr(compiled, offered) for offered in _OFFERED}
        self.__class__ = _Used  # type: ignore[assignment]  # without `__getattr__`, which slows all attributes down
        return getattr(compiled, name)

    def __repr__(self) -> str:
        return f"lazy({self.pattern!r}, {self._flags!r})"


def lazy(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, at the first use. For constants of modules, whose methods are called on them, not to be compared
    with `is`; a faulty one fails where it is used, so tests use each."""
    return cast("re.Pattern[str]", _Lazy(pattern, flags, sys._getframe(1).f_globals))
