"""Code that draws is told from code that only speaks of it."""

from __future__ import annotations

import pytest
from omr.solutions.plotting import plots

DRAWS = [
    "import matplotlib",
    "import matplotlib.pyplot as plt\nplt.show()",
    "from matplotlib import pyplot",
    "import numpy, seaborn as sns",
    "def f():\n    from plotly import graph_objects as go\n",
    "try:\n    import turtle\nexcept ImportError:\n    pass",
    "plt = __import__('matplotlib.pyplot')",
    "import importlib\nplt = importlib.import_module('matplotlib.pyplot')",
    "from PIL import Image",
    "import sympy as sp\nx = sp.Symbol('x')\nsp.plot(x**2)",
    "from sympy import symbols, plot\nplot(symbols('x'))",
    "from sympy import *\nx = symbols('x')\nplot(x**2, show=False)",
    "from sympy.plotting import plot3d",
    "import sympy\nsympy.plotting.plot_implicit(1)",
    "import networkx as nx\nnx.draw_networkx(nx.path_graph(3))",
    "import pandas as pd\npd.DataFrame([1]).plot.bar()",
    "import pandas as pd\ndf = pd.DataFrame([1])\ndf.plot()",
    "import mpmath\nmpmath.plot(mpmath.sin)",
    "import matplotlib.pyplot as plt\nprint(1",
    ">>> import matplotlib\n>>> 1",
]
DRAWS_NOT = [
    "",
    "print('import matplotlib')",
    "# import matplotlib.pyplot as plt\nprint(1)",
    'text = """\nimport matplotlib\n"""\n',
    "plot = [3, 4]\nprint(plot)",
    "from sympy import *\ndef plot(x):\n    return x\nprint(plot(3))",
    "def draw(cards):\n    return cards[0]\nprint(draw([1]))",
    "import sympy as sp\nprint(sp.Plane((0, 0, 0), (1, 0, 0)))",
    "import networkx as nx\nprint(nx.shortest_path(nx.path_graph(3), 0, 2))",
    "class Turtle:\n    def plot(self):\n        return 1\nprint(Turtle().plot())",
    "from sympy import plotting_is_no_such_name",
    "area_of_plot = 3 * 4\nprint(area_of_plot)",
    "import numpy as np\nprint(np.histogram([1, 2]))",
    "import pandas as pd\nprint(pd.Series([1]).sum())",
    "print('x' 'y'\nimport sys",
    "matplotlib = 3\nprint(matplotlib)",
]


@pytest.mark.parametrize("code", DRAWS)
def test_imports_and_calls_of_plotting_libraries_draw(code: str) -> None:
    assert plots(["x = 1", code])


@pytest.mark.parametrize("code", DRAWS_NOT)
def test_words_comments_strings_and_own_functions_do_not(code: str) -> None:
    assert not plots([code])


def test_an_alias_of_an_earlier_block_is_known_in_later_ones() -> None:
    assert plots(["import sympy as sp", "x = sp.Symbol('x')", "sp.plot(x)"])
    assert not plots(["x = sp.Symbol('x')", "sp.plot(x)"])


def test_an_own_function_of_an_earlier_block_is_known_in_later_ones() -> None:
    assert not plots(["from sympy import *", "def plot(points):\n    return len(points)", "print(plot([1]))"])


@pytest.mark.parametrize(
    "code",
    ["(" * 100_000, "-" * 100_000 + "1", "x\x00y", "'\ud800'", "a = " + "[" * 5000 + "]" * 5000, "\\", "1" * 10_000],
    ids=range(7),
)
def test_code_that_no_parser_takes_draws_nothing(code: str) -> None:
    assert not plots([code])
    assert not plots([f"{code}\nplot"])  # with a word for which it is parsed


def test_many_names_and_calls_take_time_in_step_with_their_number() -> None:
    code = "\n".join(f"import a{n}\nb{n} = c()\na{n}.d()" for n in range(10_000))
    assert not plots([f"{code}\nplot"])  # a minute, if squared
