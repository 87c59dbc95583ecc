"""Where blocks of Python begin and end in what a model writes."""

from __future__ import annotations

import pytest
from omr.turns.tags import tagged, tags_named

FENCES, TAGS = tags_named("fences"), tags_named("tool_call")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Compute.\n```python\nprint(1)\n```\nmore", "print(1)"),
        ("```Python3\nprint(1)\n```", "print(1)"),
        ("``` {.python}\nprint(1)\n```\n", "print(1)"),
        ("```python3.11\nprint(1)\n```\n", "print(1)"),
        ("```Python:run.py\nprint(1)\n```\n", "print(1)"),
        ("```py {linenos=true}\nprint(1)\n```\n", "print(1)"),
        ("```py\r\nprint(1)\r\n```\r\n", "print(1)"),
        ("````python\nprint('''\n```\n''')\n````\n", "print('''\n```\n''')"),
        ("- first:\n  ```python\n  if x:\n      y()\n  ```\n", "if x:\n    y()"),
        ("```text\n1\n```\n```python\nprint(2)\n```\n", "print(2)"),
        ("```python\n```\n", ""),
    ],
)
def test_a_fenced_block_is_read_as_markdown_reads_it(text: str, code: str) -> None:
    block = FENCES.find(text).block
    assert block is not None
    assert block.is_closed
    assert block.code == code


@pytest.mark.parametrize(
    "code",
    [
        "s = '''\n```\n'''\nprint(s)",
        's = r"""\n```\n\\"""\n```\n"""',
        "x = \"it's\"  # don't\ns = '''a \\''' b\n```\n'''",
        "s = f'''{1}\n```\n# '''\nprint('```')",
        "# '''\nprint('\"\"\"')",
    ],
)
def test_a_fence_within_a_string_of_three_quotes_ends_no_block(code: str) -> None:
    block = FENCES.find(f"```python\n{code}\n```\nso").block
    assert block is not None
    assert block.code == code


@pytest.mark.parametrize("text", ["```python\nprint(1)\n``` no\n", "```python\nprint(1)", "```python\ns='''\n```\n"])
def test_a_block_that_nothing_closes_is_open(text: str) -> None:
    block = FENCES.find(text).block
    assert block is not None
    assert not block.is_closed


@pytest.mark.parametrize(
    ("text", "open_other"),
    [
        ("```text\n1", True),
        ("```\n1\n```\n", False),
        ("```text\n```python\nprint(1)\n", True),
        ("```pycon\n>>> 1\n1\n```\n", False),
        ("```python-repl\n>>> 1\n1\n```\n```pythonic\n```\n```pyret\n", True),
        ("no code: `x`, ``` y ```", False),
        ("", False),
    ],
)
def test_what_is_no_python_is_no_block(text: str, open_other: bool) -> None:
    assert FENCES.find(text) == (None, open_other)


def test_a_tagged_block_ends_at_the_first_closing_tag_behind_the_opening_one() -> None:
    text = "Surplus </tool_call>.\n<tool_call>\nx = 1\n</tool_call> y </tool_call>"
    block = TAGS.find(text).block
    assert block is not None
    assert block.end is not None
    assert (block.code, text[block.start : block.end]) == ("x = 1", "<tool_call>\nx = 1\n</tool_call>")
    assert TAGS.find(text[: block.end - 1]).block == (block.start, block.start + len("<tool_call>"), None, None, "")
    assert TAGS.find("only </tool_call>").block is None


def test_the_places_of_a_block_are_those_of_its_bare_code() -> None:
    for tags, text in ((TAGS, "So " + tagged("a\nb")), (FENCES, "So\n```python\n\na\nb\n```\n."), (TAGS, tagged(""))):
        block = tags.find(text).block
        assert block is not None
        assert block.code_to is not None
        assert text[block.code_from : block.code_to] == block.code


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" + "x='''\n```\n" * 100_000,
        "```\n" * 250_001,
        "```python\n" + "```x\n" * 200_000,
        "```python\n" + "'\"\n```!\n" * 100_000,
        "<tool_call>" * 100_000,
        "</tool_call>" * 100_000,
    ],
)
def test_endless_text_of_tags_is_read_and_holds_no_closed_block(text: str) -> None:
    for tags in (TAGS, FENCES):
        block = tags.find(text).block
        assert block is None or not block.is_closed or block.code == "x='''\n```\nx='''"
