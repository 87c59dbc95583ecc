"""What the fork server loads before the first session, so that a session finds it in memory that all share."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Sequence

MODULES = (
    "numpy", "scipy", "scipy.optimize", "scipy.special", "scipy.integrate", "scipy.stats", "scipy.linalg",
    "scipy.sparse", "mpmath", "gmpy2", "sympy", "sympy.parsing.sympy_parser", "sympy.geometry",
    "sympy.ntheory.residue_ntheory",
    "networkx", "matplotlib.pyplot", "pandas", "tqdm", "decimal", "fractions", "statistics", "cmath", "heapq", "bisect",
    "itertools", "functools", "collections", "string", "datetime", "time", "typing", "dataclasses", "copy", "operator",
    "textwrap", "pprint", "asyncio", "timeit",
)  # fmt: skip

#: Fills sympy's caches with what solutions ask first: worth more than anything else here. Symbols have odd names, since
#: their assumptions are cached with them.
WARM_UP = """
from sympy import *
from sympy.solvers.diophantine import diophantine
x, y = symbols('warm_x warm_y')
n, k = symbols('warm_n warm_k', integer=True, positive=True)
solve(x**3 - 6*x**2 + 11*x - 6, x); solve([x + y - 3, x*y - 2], [x, y]); solveset(x**2 - 2, x, S.Reals)
integrate(x*exp(x), x); integrate(1/(1 + x**2), (x, 0, 1)); diff(sin(x)*x**2, x); series(exp(x), x, 0, 5)
summation(k**2, (k, 1, n)); limit((1 + 1/x)**x, x, oo); simplify((x**2 - 1)/(x - 1)); trigsimp(sin(x)**2 + cos(x)**2)
factor(x**6 - 1); expand((x + y)**5); apart(1/(x*(x + 1))); Poly(x**2 + 1, x).all_coeffs(); nroots(x**5 - x - 1)
nsimplify(0.3333333333333, rational=True); N(pi, 30); sqrt(8) + Rational(3, 4); latex(x**2/y); str(x/y)
Matrix([[1, 2], [3, 4]]).eigenvals(); factorint(360360); isprime(10**9 + 7); divisors(360); lambdify(x, x**2)(2)
integrate(x**2*exp(-x), (x, 0, oo)); integrate(sqrt(1 - x**2), (x, 0, 1)); integrate(1/(x**3 + 1), x)
solve(sqrt(x + 1) - x + 1, x); solve(2**x - 8, x); solve([x + 2*y - 7, x**2 + y**2 - 10], [x, y]); nsolve(cos(x) - x, 1)
nonlinsolve([x*y - 1, x - y], [x, y]); diophantine(x**2 - 2*y**2 - 1); dsolve(Function('warm_f')(x).diff(x) - x)
Matrix([[2, 1], [1, 3]]).det(); Matrix([[2, 1], [1, 3]]).inv(); Matrix([[2, 1], [1, 3]]).diagonalize()
Circle(Point(0, 0), 5).intersection(Line(Point(0, 0), Point(1, 1))); sqrtdenest(sqrt(3 + 2*sqrt(2)))
radsimp(1/(1 + sqrt(2))); minimal_polynomial(sqrt(2) + sqrt(3), x); binomial(n, 2).expand(func=True); floor(sqrt(50))
parse_expr('1 + 1'); Piecewise((1, x > 0), (0, True)).subs(x, 3); Interval(0, 1).intersect(Interval(0, 2))
"""

#: All variables that a session has; None stands for its own folder.
ENVIRONMENT = {
    "HOME": None,
    "TMPDIR": None,
    "MPLCONFIGDIR": None,
    "MPLBACKEND": "agg",
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

#: What the environment is, apart from programs that only install it.
_INSTALLERS = {"pip", "setuptools", "wheel", "uv"}


def identity() -> str:
    """A hash of Python's version and of the packages that can be imported here, with their versions."""
    pins = {f"{found.name.lower()}=={found.version}" for found in importlib.metadata.distributions()}
    kept = sorted(pin for pin in pins if pin.partition("==")[0] not in _INSTALLERS)
    text = "\n".join([sys.version.split()[0], *kept])
    return hashlib.sha256(text.encode()).hexdigest()


def set_environment(home: str) -> None:
    """Set the variables of `ENVIRONMENT` and no others: nothing is inherited."""
    os.environ.clear()
    os.environ.update({name: home if value is None else value for name, value in ENVIRONMENT.items()})


def load(modules: Sequence[str] | None = None) -> list[str]:
    """Import all, warm sympy up; or only these modules. Returns what did not work, each with its reason."""
    missing = []
    for name in MODULES if modules is None else modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  a package's own trouble, reported by the caller
            missing.append(f"{name}: {error}")
    if "tqdm" in sys.modules:
        sys.modules["tqdm"].tqdm.monitor_interval = 0  # no thread of its own, which it would complain to lack
    if "sympy" in sys.modules and modules is None:
        try:
            exec(WARM_UP, {})  # noqa: S102  our own text
        except Exception as error:  # noqa: BLE001  caches only: another version of sympy may know other names
            missing.append(f"what warms sympy up: {error}")
    return missing
