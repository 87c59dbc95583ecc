"""Code that a model shows in its prose, where nobody runs it, and what it says that such code has printed.

Models write fences as they like: of ticks or tildes, in the middle of a line, behind the `>` of a quotation, with a
version or a file behind the language's name; or they write a session of an interpreter. All of it takes time linear in
the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from omr.files.patterns import lazy

_ANY_CASE, _LINES = re.IGNORECASE, re.IGNORECASE | re.MULTILINE
#: From its first sign on, or an endless one is gone through from each.
_TICKS, _TILDES = r"`(?<!``)`{2,}+", r"~(?<!~~)~{2,}+"
_RUN = rf"(?:{_TICKS}|{_TILDES})"
#: What an info string begins with where it names Python: `python3.11`, `Python:run.py`, `{.python}`, `pycon`.
_PYTHON = lazy(_RUN + r"[ \t{.]{0,9}+(?:i?python|py(?:con|tb)?(?![a-z]))", _ANY_CASE)
#: Quotation marks at the beginning of a line.
_MARKS = r"^[ \t]*+(?:>[ \t]++)*+"
_OUTPUT = (
    r"[{.]{0,3}+(?:out(?:puts?)?|std(?:out|err)|results?|console|terminal|execution[ _-]?\w*)"
    r"(?![a-z])"
)
#: A fence that says it shows what code printed. In the middle of a line a blank parts what closes a fence from words.
_OUTPUT_FENCE = lazy(rf"{_RUN}{_OUTPUT}|^[ \t>]*+{_RUN}[ \t]++{_OUTPUT}", _LINES)
#: A line of an interpreter's session, with those that continue it, and behind it one that only the interpreter writes.
_SESSION = lazy(
    rf"{_MARKS}>>>[ \t]++\S[^\n]*+(?:\n[ \t]*+(?:>[ \t]++)*+\.\.\.[^\n]*+)*+"
    r"\n[ \t]*+(?:>[ \t]++)*+(?!>>>|>?\s|```|~~~|\\end\{|</)(?=\S)"
    r"|^[ \t>]*+Out[ ]?\[\d{1,5}\]:",
    re.MULTILINE,
)
#: A fence within one line; ticks anywhere; tildes at the beginning of a line, since in LaTeX they are blanks.
_FENCE = lazy(
    rf"(?P<whole>{_TICKS}[^`\n]++`{{3,}}+)|(?P<ticks>{_TICKS})(?P<info>[^`\n]*+)"
    r"|^[ \t>]*+(?:[-*+][ \t]++)?(?P<tildes>~{3,}+)(?P<about>[^\n]*+)",
    re.MULTILINE,
)
_LANGUAGE = lazy(r"[a-z][a-z+#]*+", _ANY_CASE)
#: What is in a fence and does nothing.
_TEXT = frozenset({"text", "txt", "plaintext", "plain"})
_MARKUP = _TEXT | {
    *("tex", "latex", "math", "asy", "asymptote", "md", "markdown", "html", "xml", "svg"),
    *("json", "yaml", "csv", "diff", "mermaid", "dot"),
}
#: So near to an output, words that announce it.
_ANNOUNCED_WITHIN, _NEAR = 300, 110
_ANNOUNCES = lazy(r"\b(?:outputs?|prints?|printed|results?|returns?)\b", _ANY_CASE)
_BETWEEN = " \t\r\n>"


class _Fence(NamedTuple):
    """What a fence says it holds (a name in lower case, or ""), where it begins, and where it ends.

    `is_filled`: whether anything stands in it.
    """

    language: str
    start: int
    end: int
    is_filled: bool


def shows_python(text: str) -> bool:
    """Whether a text of the model's own shows Python in a fence of any kind, with or without an output."""
    return ("```" in text or "~~~" in text) and _PYTHON.search(text) is not None


def shows_output(text: str) -> bool:
    """Whether a text of the model's own shows what code is said to have printed.

    That is a fence or a session which says so, or a fence without a language behind one with code: directly, or behind
    words that announce an output.
    """
    if _has_session(text):
        return True
    if "```" not in text and "~~~" not in text:
        return False
    return _OUTPUT_FENCE.search(text) is not None or _has_output_behind_code(text)


def _has_session(text: str) -> bool:
    return (">>>" in text or "Out[" in text or "Out [" in text) and _SESSION.search(text) is not None


def _has_output_behind_code(text: str) -> bool:
    code: _Fence | None = None
    for fence in _fences(text):
        if code is not None and _is_plain(fence) and fence.is_filled and _announces(text, code.end, fence.start):
            return True
        code = None if _is_plain(fence) or fence.language in _MARKUP else fence
    return False


def _is_plain(fence: _Fence) -> bool:
    return not fence.language or fence.language in _TEXT


def _announces(text: str, start: int, end: int) -> bool:
    """Whether what stands between code and a plain fence lets that be the code's output."""
    if end - start > _ANNOUNCED_WITHIN:
        return False
    between = text[start:end].strip(_BETWEEN)
    return not between or _ANNOUNCES.search(between[-_NEAR:]) is not None


def _fences(text: str) -> Iterator[_Fence]:
    """The fences of a text in their order; one that nothing closes ends with the text."""
    opened: tuple[str, str, int, int] | None = None  # its run, language, and where it and its content begin
    for found in _FENCE.finditer(text):
        run, info = _run_and_info(found)
        if opened is not None:
            if not info and found["whole"] is None and run.startswith(opened[0]):
                yield _Fence(opened[1], opened[2], found.end(), bool(text[opened[3] : found.start()].strip(_BETWEEN)))
                opened = None
        elif found["whole"] is not None:
            # Many write so what is no code: a name, a value.
            yield _Fence("python" if _PYTHON.match(found[0]) else "", found.start(), found.end(), True)
        else:
            opened = run, _language(info), found.start(), found.end()
    if opened is not None:
        yield _Fence(opened[1], opened[2], len(text), bool(text[opened[3] :].strip(_BETWEEN)))


def _run_and_info(found: re.Match[str]) -> tuple[str, str]:
    if found["whole"] is not None:
        return "```", found["whole"].strip("`")
    if found["ticks"] is not None:
        return found["ticks"], found["info"].strip()
    return found["tildes"], found["about"].strip()


def _language(info: str) -> str:
    word = _LANGUAGE.match(info.lstrip("{. \t"))
    return word[0].lower() if word else ""
