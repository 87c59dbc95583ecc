"""Whether code draws pictures, by what it imports and calls: there is nobody to look at them, and no screen.

Read from the syntax tree: a name in a comment or a string is no import, an alias is followed from block to block.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from textwrap import dedent

from omr.files.patterns import lazy

#: Packages that do nothing but draw, or whose import here is for that.
_DRAWING = frozenset(
    str.split(
        "matplotlib pylab mpl_toolkits seaborn plotly bokeh altair turtle pyplot ggplot plotnine holoviews pyvista vtk"
        " mayavi graphviz pydot pygal cartopy tkinter pygame PIL cv2 imageio manim vpython pyqtgraph bqplot hvplot"
    )
)
#: Functions of other packages that draw: by package, the beginnings of their names.
_DRAWING_CALLS = {
    "sympy": ("plot", "textplot"),
    "networkx": ("draw",),
    "mpmath": ("plot", "cplot", "splot"),
    "scipy": ("dendrogram", "voronoi_plot", "delaunay_plot", "convex_hull_plot"),
}
#: Packages whose objects draw themselves, by the method that does.
_DRAWING_METHODS = {"pandas": frozenset({"plot", "hist", "boxplot"}), "sage": frozenset({"plot"})}
#: Packages with a module `plotting`.
_WITH_PLOTTING = frozenset({"sympy", "pandas"})
_IMPORTERS = frozenset({"__import__", "import_module"})
#: Code in ASCII that draws has one of these.
_WORDS = lazy(
    "|".join(
        {*_DRAWING, *_IMPORTERS, "plotting"}
        | {name for names in _DRAWING_CALLS.values() for name in names}
        | {name for names in _DRAWING_METHODS.values() for name in names}
    )
)


def plots(codes: Iterable[str]) -> bool:
    """Whether one of the blocks of a session draws; what a block imports, the later ones have."""
    codes = list(codes)
    # Most code has none of the words; parsing it would take most of the time.
    if all(code.isascii() and _WORDS.search(code) is None for code in codes):
        return False
    names = _Names()
    return any(names.draws(statement) for code in codes for statement in _statements(code))


def _statements(code: str) -> Iterator[ast.AST]:
    """The code's syntax tree; of code that does not parse, its import lines alone."""
    whole = _parse(code)
    if whole is not None:
        yield whole
        return
    for line in code.splitlines():
        line = line.strip().removeprefix(">>> ")
        if line.startswith(("import ", "from ")) and (statement := _parse(line)) is not None:
            yield statement


def _parse(code: str) -> ast.AST | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in strings
            return ast.parse(dedent(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # A null byte, a lone surrogate, or nesting that no parser takes: nothing of it ran.
        return None


class _Names:
    """What the names of a session stand for, as far as imports say: a package's path, like `sympy.plotting`."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}
        self._stars: set[str] = set()
        self._methods: set[str] = set()
        self._own: set[str] = set()

    def draws(self, tree: ast.AST) -> bool:
        nodes = list(ast.walk(tree))
        if any(self._imports_drawing(node) for node in nodes):
            return True
        self._own |= {
            node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        self._own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        return any(isinstance(node, ast.Call) and self._is_drawing(node) for node in nodes)

    def _imports_drawing(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Import):
            for name in node.names:
                self._note(name.asname or name.name.partition(".")[0], name.name if name.asname else "", name.name)
            return any(_is_drawing_path(name.name) for name in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                if name.name == "*":
                    self._stars.add(node.module.partition(".")[0])
                self._note(name.asname or name.name, f"{node.module}.{name.name}", node.module)
            return any(_is_drawing_path(f"{node.module}.{name.name}") for name in node.names)
        if isinstance(node, ast.Call) and self._last_name(node.func) in _IMPORTERS and node.args:
            first = node.args[0]
            return isinstance(first, ast.Constant) and isinstance(first.value, str) and _is_drawing_path(first.value)
        return False

    def _note(self, name: str, path: str, module: str) -> None:
        self._paths[name] = path or name
        self._methods |= _DRAWING_METHODS.get(module.partition(".")[0], frozenset())

    def _is_drawing(self, call: ast.Call) -> bool:
        path = self._path(call.func)
        package, _, rest = path.partition(".")
        last = rest.rpartition(".")[2]
        if last and last.startswith(_DRAWING_CALLS.get(package, ())) and last != "plotting":
            return True
        if isinstance(call.func, ast.Name) and not self._is_known(call.func.id):
            return any(call.func.id.startswith(_DRAWING_CALLS.get(star, ())) for star in self._stars)
        return self._is_drawing_method(call.func)

    def _is_known(self, name: str) -> bool:
        return name in self._own or name in self._paths

    def _is_drawing_method(self, function: ast.expr) -> bool:
        """`frame.plot()`, `frame.plot.bar()`: of nothing that was imported, where such a package was."""
        while isinstance(function, ast.Attribute):
            if function.attr in self._methods:
                return True
            function = function.value
        return False

    def _path(self, function: ast.expr) -> str:
        """`sp.plotting.plot` as `sympy.plotting.plot` after `import sympy as sp`; "" if its root was not imported."""
        parts: list[str] = []
        while isinstance(function, ast.Attribute):
            parts.append(function.attr)
            function = function.value
        if not isinstance(function, ast.Name) or function.id not in self._paths:
            return ""
        return ".".join([self._paths[function.id], *reversed(parts)])

    def _last_name(self, function: ast.expr) -> str:
        if isinstance(function, ast.Attribute):
            return function.attr
        return function.id if isinstance(function, ast.Name) else ""


def _is_drawing_path(path: str) -> bool:
    package, _, rest = path.partition(".")
    return package in _DRAWING or (package in _WITH_PLOTTING and rest.partition(".")[0] == "plotting")
