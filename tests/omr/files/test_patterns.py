"""Regular expressions that are compiled at their first use say what compiled ones say."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from omr.files.patterns import _Lazy, lazy

SCRIPTS = Path(__file__).parents[3] / "scripts"
MODULES = [
    ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)
    for path in sorted((SCRIPTS / "omr").rglob("*.py"))
    if "from omr.files.patterns import lazy" in path.read_text(encoding="utf-8")
]


def test_an_expression_is_compiled_once_and_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Any] = []
    really = re.compile

    def count(*arguments: Any) -> re.Pattern[str]:
        compiled.append(arguments)
        return really(*arguments)

    monkeypatch.setattr(re, "compile", count)
    number = lazy("[0-9]+")
    assert number.pattern == "[0-9]+"
    assert not compiled
    assert number.search("a 12") is not None
    assert number.findall("1 23") == ["1", "23"]
    assert compiled == [("[0-9]+", 0)]


NUMBER = lazy("[0-9]+")
ALSO = (NUMBER,)


def test_a_constant_of_a_module_is_the_compiled_expression_once_it_was_used() -> None:
    assert NUMBER.search("a 12") is not None
    assert type(NUMBER) is re.Pattern
    assert type(ALSO[0]) is not re.Pattern
    assert ALSO[0].findall("1 23") == NUMBER.findall("1 23") == ["1", "23"]


def test_an_expression_does_what_a_compiled_one_does() -> None:
    source, flags, text = r"(?P<letter>[a-c])\d", re.IGNORECASE, "x A1 b2"
    ours, compiled = lazy(source, flags), re.compile(source, flags)
    for name in ("search", "match", "fullmatch"):
        for given in (text, "c3"):
            found, expected = getattr(ours, name)(given), getattr(compiled, name)(given)
            assert (found and found["letter"]) == (expected and expected["letter"])
    assert [one.span() for one in ours.finditer(text)] == [one.span() for one in compiled.finditer(text)]
    assert (ours.sub("-", text), ours.subn("-", text)) == (compiled.sub("-", text), compiled.subn("-", text))
    assert ours.split(text) == compiled.split(text)
    assert (ours.flags, ours.groups) == (compiled.flags, compiled.groups)
    with pytest.raises(AttributeError):
        _ = ours.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", MODULES)
def test_every_expression_of_a_module_can_be_compiled(module: str) -> None:
    known = vars(importlib.import_module(module))
    names = [name for name, value in known.items() if isinstance(value, re.Pattern | _Lazy)]
    assert names
    for name in names:
        assert known[name].flags >= 0
    assert all(isinstance(known[name], re.Pattern) for name in names)
