"""Code and outputs that a model shows in its prose are found however they are written, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.solutions.shown_code import shows_output, shows_python

PYTHON = [
    "```python\nprint(2)\n```",
    "~~~python\nprint(2)\n~~~",
    "So ```python\nprint(2)\n```",
    "> ```python\n> print(2)\n> ```",
    "> > - ~~~~ Python3\n> > print(2)",
    "```Python:run.py\nprint(2)\n```",
    "```python3.11\nprint(2)\n```",
    "``` {.python .numberLines}\nprint(2)\n```",
    "```pycon\n>>> 2\n```",
    "```py\nprint(2)\n```",
    "We run ```python print(2)``` now.",
    "```ipython3\r\nprint(2)\r\n```",
]
OUTPUTS = [
    "```python\n>>> sum(range(10))\n45\n```\nso \\boxed{45}",
    ">>> print(2)\n2",
    "> >>> print(2)\n> 2\n",
    "```pycon\n>>> for n in range(2):\n...     print(n)\n...\n0\n1\n```",
    "In [1]: 1 + 1\nOut[1]: 2",
    "~~~python\nprint(2)\n~~~\nOutput:\n~~~\n2\n~~~\n\\boxed{2}",
    "```python\nprint(2)\n```\n```\n2\n```\n\\boxed{2}",
    "```python\nprint(2)\n```\n\n``` text\n2\n```",
    "> ```python\n> print(2)\n> ```\n>\n> ```\n> 2\n> ```",
    "So ```Python:run.py\nprint(2)\n```\nwhich prints ```\n2\n```",
    "```python\nprint(2)\n```\nOutput: ```2```",
    "~~~~py\nprint('~~~')\n~~~\n~~~~\n~~~\n2\n~~~",
    "```c++\nstd::cout << 2;\n```\nThe program prints\n```\n2\n```",
    "It gives ```output\n2\n```",
    "> ```output\n> 2",
    "> ~~~ Results:\n> 2",
]
NEITHER = [
    "",
    "```latex\n\\begin{lstlisting}\nprint 2\n\\end{lstlisting}\n```\nThe result is\n```\n2\n```",
    "\\begin{lstlisting}[language=Python]\nprint(2)\n\\end{lstlisting}",
    "```cpp\nint x = 2;\n```\nSo \\boxed{2}.\n```\n1 2\n3 4\n```",
    "```sage\nfactor(91)\n```\nfactors $91$.",
    "```\n1 2\n```\n```\n3 4\n```\nThe result is 5.",
    "``` x ``` and ``` y ``` print\n```\n2\n```",
    "$a~~~b$ and $10 >>> 2$, $x >> y$,\n> a quotation\n>> of another",
    "```pyret\ncheck: 2 end\n```\n",
    "We know that the output of Out(F) is 2. ``` Python is not needed",
]


@pytest.mark.parametrize("text", PYTHON)
def test_python_is_found_in_every_kind_of_fence(text: str) -> None:
    assert shows_python(f"Hm. {text}")
    assert shows_python(f"Hm.\n{text}\nSo.")


@pytest.mark.parametrize("text", OUTPUTS)
def test_an_output_is_found_in_every_kind_of_fence_and_session(text: str) -> None:
    assert shows_output(f"Hm.\n{text}\nSo it is.")
    assert shows_output(text.replace("\n", "\r\n"))


@pytest.mark.parametrize("text", [*PYTHON, *NEITHER[:-1]])
def test_code_by_itself_shows_no_output(text: str) -> None:
    assert not shows_output(f"Hm.\n{text}\nSo it is.")


@pytest.mark.parametrize("text", [*NEITHER[:-1], ">>> print(2)\n>>> x = 2\n\nSo it is."])
def test_other_languages_and_words_are_no_python(text: str) -> None:
    assert not shows_python(text)


@pytest.mark.parametrize(
    "unit",
    ["```", "~~~", "```\n", "```x", "~~~a`", "> ", ">>> a\n", ">>> a\n... ", "```python\n", "```c\n```\n", "\n>"],
)
def test_endless_text_of_marks_is_read_in_time(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    shows_python(text)
    shows_output(f"```c\n{text}")


@given(
    st.lists(
        st.sampled_from(["```", "~~~", "````", "python", "text", "\n", " ", "> ", ">>> ", "x", "...", "2"]), max_size=30
    )
)
@settings(max_examples=300, deadline=None)
def test_an_output_stays_one_whatever_is_said_before_and_behind(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert shows_output(f"{text}\n```output\n2\n```")
    assert shows_output(f">>> print(2)\n2\n{text}")
