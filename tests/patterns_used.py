"""Every regular expression of a folder of scripts, with the ways in which it is used.

Calls of `re` are found in the sources. What they compile is noted when modules are imported, and when `make` is called,
which is to make patterns that depend on arguments; else the argument of a call is evaluated among the module's names.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

#: Functions of `re`, and at which place of its arguments each has its flags.
_FLAGS_AT = {
    "compile": 1, "search": 2, "match": 2, "fullmatch": 2, "finditer": 2, "findall": 2, "split": 3, "sub": 4, "subn": 4,
}  # fmt: skip
#: All others go through the whole text, as `finditer` does.
_OTHER_WAYS = ("search", "match", "fullmatch")
_UNSEEN = "finditer"

#: (source file, line, function of `re`) -> what was compiled there.
_Noted = dict[tuple[str, int, str], list[re.Pattern[Any]]]


_IMPORTS_RE = re.compile(r"^[ \t]*(?:import|from)\b.*\b(?:re|regex|lazy)\b", re.MULTILINE)


class Use(NamedTuple):
    """A pattern and one way to use it: `search`, `match`, `fullmatch` or `finditer`."""

    place: str
    pattern: re.Pattern[Any]
    way: str

    def run(self, text: str) -> None:
        subject = text.encode() if isinstance(self.pattern.pattern, bytes) else text
        if self.way == "finditer":
            for _ in self.pattern.finditer(subject):
                pass
        else:
            getattr(self.pattern, self.way)(subject)


class _Source:
    """A source file: the calls of `re` in it, and where it speaks of which name (of the call, if it is called)."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.parents: dict[ast.AST, ast.AST] = {}
        self.calls: list[ast.Call] = []
        self.mentions: dict[str, list[ast.AST]] = defaultdict(list)
        self.imported: set[str] = set()
        #: Lines that take something out of `re`, or call it otherwise: its calls would not be found.
        self.odd: list[int] = []
        for node in ast.walk(ast.parse(text)):
            self.parents |= dict.fromkeys(ast.iter_child_nodes(node), node)
            self._look_at(node)

    def _look_at(self, node: ast.AST) -> None:
        match node:
            case ast.Call() if _function_of(node):
                self.calls.append(node)
            case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
                above = self.parents[node]
                is_called = isinstance(above, ast.Call) and above.func is node
                self.mentions[str(_name(node))].append(above if is_called else node)
            case ast.ImportFrom(module=module, names=names):
                self.imported |= {alias.name for alias in names}
                self.odd += [node.lineno] * (module in ("re", "regex"))
            case ast.Import(names=names):
                odd = any(alias.name == "regex" or (alias.name == "re" and alias.asname) for alias in names)
                self.odd += [node.lineno] * odd


class _Folder:
    """The sources below a folder; only those are parsed that speak of `re`, or of a name that is asked for."""

    def __init__(self, folder: Path) -> None:
        self._texts = {path: path.read_text() for path in sorted(folder.rglob("*.py"))}
        self._parsed: dict[Path, _Source] = {}
        self.with_re = [self._source(path) for path, text in self._texts.items() if _IMPORTS_RE.search(text)]

    def _source(self, path: Path) -> _Source:
        if path not in self._parsed:
            self._parsed[path] = _Source(path, self._texts[path])
        return self._parsed[path]

    def that_know(self, name: str, home: _Source) -> Iterator[_Source]:
        """The sources where a name of `home` is the same; names with a low line before them stay at home."""
        yield home
        if not name.startswith("_"):
            others = (self._source(path) for path, text in self._texts.items() if name in text and path != home.path)
            yield from (source for source in others if name in source.imported)


def _function_of(call: ast.Call) -> str | None:
    match call.func:
        case ast.Attribute(value=ast.Name(id="re"), attr=name) if name in _FLAGS_AT:
            return name
        case ast.Name(id="lazy"):
            return "compile"
    return None


def patterns_used(folder: Path, make: Callable[[], None]) -> tuple[list[Use], list[str]]:
    """(the patterns of all sources below the folder, places of calls whose pattern is not known).

    To be called once, in a process that has imported none of them.
    """
    sources = _Folder(folder)
    sys.path.insert(0, str(folder))
    noted = _note_calls()
    places = {source: str(source.path.relative_to(folder)) for source in sources.with_re}
    names = {source: place.removesuffix(".py").replace("/", ".") for source, place in places.items() if source.calls}
    modules = {source: importlib.import_module(name) for source, name in names.items()}
    make()
    used: dict[Use, None] = {}  # in their order
    unknown = [f"{place}:{line}" for source, place in places.items() for line in source.odd]
    for source, module in modules.items():
        for call in source.calls:
            place, function = f"{places[source]}:{call.lineno}", str(_function_of(call))
            lines = range(call.lineno, (call.end_lineno or call.lineno) + 1)
            patterns = [found for line in lines for found in noted.get((str(source.path), line, function), ())]
            try:
                patterns = patterns or [_evaluated(call, function, vars(module))]
            except NameError:
                unknown.append(place)
                continue
            methods = _methods(call, source, sources, set()) if function == "compile" else {function}
            ways = {method if method in _OTHER_WAYS else "finditer" for method in methods}
            if "finditer" in ways:
                ways -= {"search"}  # which does no more
            used |= {Use(place, pattern, way): None for pattern in patterns for way in sorted(ways)}
    return list(used), unknown


def _note_calls() -> _Noted:
    """From now on, note who calls functions of `re` with which pattern."""
    noted: _Noted = defaultdict(list)
    compiled = re.compile

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(pattern: Any, *args: Any, **named: Any) -> Any:
            caller = sys._getframe(1)
            given = args[_FLAGS_AT[name] - 1 :]
            pattern_there = compiled(pattern, *given[:1] or (named.get("flags", 0),))
            noted[caller.f_code.co_filename, caller.f_lineno, name].append(pattern_there)
            return function(pattern, *args, **named)

        return call

    for name in _FLAGS_AT:
        setattr(re, name, noting(name, getattr(re, name)))
    with suppress(ImportError):  # a folder that has none
        # What is compiled at its first use is compiled at once, where it stands.
        importlib.import_module("omr.files.patterns").lazy = re.compile  # type: ignore[attr-defined]
    return noted


def _evaluated(call: ast.Call, function: str, names: dict[str, Any]) -> re.Pattern[Any]:
    """Raises NameError if the call depends on more than what its module has."""
    flags = [*call.args[_FLAGS_AT[function] :], *(named.value for named in call.keywords if named.arg == "flags")]
    values = [eval(compile(ast.Expression(node), "<call>", "eval"), names) for node in (call.args[0], *flags)]
    return re.compile(*values)


def _methods(node: ast.AST, source: _Source, sources: _Folder, followed: set[str]) -> set[str]:
    """The methods that are called of what an expression gives, by the names under which it goes on."""
    above = source.parents[node]
    if isinstance(above, ast.Attribute):
        return {above.attr} & _FLAGS_AT.keys()  # `.pattern` goes through no text
    if isinstance(above, ast.IfExp) and node is not above.test:
        return _methods(above, source, sources, followed)
    names = _names_given(node, above, source)
    if not names:
        return {_UNSEEN}
    found = set()
    for name in names - followed:
        followed.add(name)
        for place in sources.that_know(name, source):
            for mention in place.mentions[name]:
                found |= _methods(mention, place, sources, followed)
    return found


def _names_given(node: ast.AST, above: ast.AST, source: _Source) -> set[str]:
    """The names by which the value of an expression is known; none if it has others too."""
    match above:
        case ast.Assign(targets=targets, value=value) if value is node:
            return {name for target in targets if (name := _name(target))}
        case ast.Return():
            while not isinstance(above, ast.FunctionDef):
                above = source.parents[above]
            return {above.name}
        case ast.Tuple(elts=values):
            match source.parents[above]:
                case ast.Assign(targets=[ast.Tuple(elts=targets)]):
                    return {str(_name(target)) for target, value in zip(targets, values, strict=True) if value is node}
    return set()


def _name(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
