"""What all parsers of replies share: the part that follows the reasoning, and lines without their decoration."""

from __future__ import annotations

import json
from typing import Any

from omr.answers.damage import repaired_text
from omr.files.patterns import lazy
from omr.files.surrogates import without_surrogates

_CLOSED = "</think>"
#: Full-width forms as their ASCII characters, and the ideographic space and full stop.
FULL_WIDTH = {0xFEE0 + code: chr(code) for code in range(0x21, 0x7F)} | {0x3000: " ", 0x3002: ".", 0xFF61: "."}
#: Markdown, quotes, dollars and brackets become spaces: deleting them would join what they part (`no*t`, `1$2`).
_DECORATION = {ord(sign): " " for sign in "*_`\"'“”„‘’«»「」$|{}[]()<>（）［］｛｝＊＿＂＇｜＜＞＄｀"}
INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_TO_PLAIN = FULL_WIDTH | _DECORATION | INVISIBLE
#: Commands around words that are no mathematics.
TEXT_COMMANDS = lazy(r"\\(?:boxed|fbox|text|textbf|mathrm)(?![a-zA-Z])")
_RULE = "*_`-=#~"
_EDGES = frozenset(_RULE)
_FENCE = lazy(r"```[a-z]*+")
#: White space within a line, and what may stand before its first word: a heading, a bullet, a quote mark, emphasis.
SPACE = r"[ \t\u3000\xa0]"
LINE_HEAD = r"\n(?P<head>[ \t\u3000\xa0>#*_`+•–-]*+)"


def after_thinking(text: str) -> str | None:
    """What a reply says after its reasoning (`<think>...</think>`); None if the reasoning does not end."""
    if "think>" not in text:
        return text
    rest = text.rpartition(_CLOSED)[2]
    return None if "<think>" in rest else rest


def unix_lines(text: str) -> str:
    """The text with `\\n` as its only line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def shown_lines(text: str) -> list[str]:
    """The lines that show something."""
    return [line for line in unix_lines(text).split("\n") if not is_blank(line)]


def is_blank(line: str) -> bool:
    """Whether a line shows nothing: white space, a rule (`---`), the fence of a code block."""
    line = line.strip()
    return not line or (line[0] in _EDGES and (not line.strip(_RULE) or _FENCE.fullmatch(line) is not None))


def plain(line: str) -> str:
    """A line in small letters, without markdown, quotes, brackets, a bullet, and the stop at its end.

    `- **"Not Proof".**` becomes `not proof`. Signs that may change the meaning (`~`, `?`, `/`) stay.
    """
    if "\\" in line:
        line = TEXT_COMMANDS.sub(" ", line)
    line = " ".join(line.translate(_TO_PLAIN).casefold().split())
    line = line.lstrip("#").lstrip()
    if line.startswith(("- ", "+ ", "• ", "– ")):
        line = line[2:]
    return line.rstrip(" .,;!")


def without_emphasis(head: str, label: str, text: str) -> str:
    """A label's text, without the mark that closes what the label opened: `**Problem 1:** x`, `**Answer: 5**`.

    `head` is what stands before the label's first word (marks that touch it are emphasis, others a bullet), `label`
    what ends the label, `text` what follows. The mark closes behind the label, at the end of its line, or of the text.
    """
    opened = head[len(head.rstrip("*_`")) :]
    if not opened or opened in label:
        return text
    if text.startswith(opened):
        return text[len(opened) :]
    line, newline, rest = text.partition("\n")
    whole = _without_blank_end(text)
    for ending in (opened, f"{opened}."):
        if line.rstrip().endswith(ending):
            return line.rstrip().removesuffix(ending) + newline + rest
        if whole.endswith(ending):
            return whole.removesuffix(ending)
    return text


def without_blank_edges(text: str) -> str:
    """The text without white space, rules and code fences before and after it."""
    text = _without_blank_end(text).lstrip()
    if text[:1] not in _EDGES:
        return text
    lines = text.split("\n")
    first = 0
    while first < len(lines) and is_blank(lines[first]):
        first += 1
    return "\n".join(lines[first:]).lstrip()


def _without_blank_end(text: str) -> str:
    text = text.rstrip()
    if text[-1:] not in _EDGES:
        return text
    lines = text.split("\n")
    while lines and is_blank(lines[-1]):
        lines.pop()
    return "\n".join(lines).rstrip()


#: A backslash with which a command of LaTeX begins, though JSON would take it for an escape or refuse it: `\n` and
#: `\u` are ambiguous, so that only names of commands count there.
_LATEX_ESCAPE = lazy(
    r"(?<!\\)((?:\\\\)*+)\\(?=[bfrt][a-zA-Z]|n(?:eq?|u|abla|ot(?:in)?|mid|geq|leq|parallel)(?![a-z])"
    r"|u(?![0-9a-fA-F]{4})|[^\\\"/bfnrtu])"
)
_MAX_JSON_CHARACTERS = 100_000


def json_value(text: str) -> Any:
    """What a reply says that is JSON and nothing else (a code fence may stand around it); None for any other.

    Formulas whose backslashes are not escaped are read as they are meant. Its texts are mended as whole replies are:
    escapes may spell what stands in none of these (control characters and tokens, halves of surrogate pairs).
    """
    text = without_blank_edges(text)
    if text[:1] not in ("{", "[") or text[-1:] not in ("}", "]") or len(text) > _MAX_JSON_CHARACTERS:
        return None
    for spelled in (_LATEX_ESCAPE.sub(r"\1\\\\", text), text):
        try:
            return _mended(json.loads(spelled))
        except (ValueError, RecursionError):
            continue
    return None


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return repaired_text(without_surrogates(value))
    if isinstance(value, list):
        return [_mended(item) for item in value]
    return {key: _mended(item) for key, item in value.items()} if isinstance(value, dict) else value
