"""What models write behind a problem although they were asked for the problem alone: it is cut off.

An answer or a solution that would stand in the problem of a training row, what the prompt's own tags and examples
look like, and closing words to the reader.
"""

from __future__ import annotations

import re

from omr.files.patterns import lazy
from omr.parsers.reply_text import SPACE, without_blank_edges

_MARKS = r"[ \t\u3000\xa0>#*_`(\[•–-]*+"
_ANSWER = r"(?:(?:the |my )?(?:final |expected |correct |short )?(?:answers?|ans\.?|solutions?)(?: key)?)"
_NUMBER = r"(?: [0-9]{1,2})?"
_COLON = rf"[*_`]*+{SPACE}?[:：]"
#: A label that begins a line, or (for an answer) a sentence: all that follows belongs to it.
_LABELLED = lazy(
    rf"\n{_MARKS}(?:{_ANSWER}|(?:full |short )?(?:explanation|reasoning|justification|rationale|proof|hints?))"
    rf"{_NUMBER}{_COLON}"
    rf"|(?<=[.?!$)\]。？！]){SPACE}{{0,3}}+[*_`(\[]*+{_ANSWER}{_NUMBER}{_COLON}",
    re.IGNORECASE,
)
#: Tags and headings of prompts.
_OF_PROMPT = lazy(
    rf"\n[ \t]*+</?[a-z][a-z_]{{2,30}}>|\n{_MARKS}example (?:post|problem|reply|discussion)s?{_COLON}", re.IGNORECASE
)
#: The last sentence states the answer: a number, a formula, or yes or no.
_STATED = lazy(
    r"(?:(?<=[\n.?!$)])|(?<=^))[\s*_(]{0,200}+(?:so |thus |hence )?(?:the|its|my) (?:final |correct )?(?:answer|result)"
    r" (?:is|was|equals|should be)[: ]{1,2}[*_]*+(?:[$\\0-9(+−-]|(?:yes|no|true|false)\b)(?:[^?.!\n]|[.!](?! ))*\Z",
    re.IGNORECASE,
)
#: A last line of one word and a number, in whatever language: `Antwort: 5`.
_WORD_AND_NUMBER = lazy(rf"\n{_MARKS}[^\W\d_]{{2,20}}{_COLON}[ $*]*+[0-9+−-][0-9 .,/%$*−+-]*+\Z")
_FORMULA = lazy(r"[$\\0-9=]")
#: The writer speaks of itself, to the reader, or about what it wrote.
_TO_READER = lazy(
    r"(?-i:\bI\b)|\bi'(?:m|ve|ll|d)\b|\bme\b|\blet me know\b|\bfeel free\b|\bhope (?:this|that|it)\b|\banything else\b"
    r"|\b(?:these|those) (?:are|were)\b|\b(?:the|this) (?:post|thread|forum|user|author)\b"
    r"|^\W*(?:this is|note|please note|is there|would you|if you (?:need|have|want|would))\b"
    r"|\bproblems? (?:is|are|was|were) (?:stated|posed|identified|found)",
    re.IGNORECASE,
)
#: A line that begins so is a part of the problem.
_PART = lazy(r"\W{0,3}(?:[a-z]|[0-9]{1,2}|[ivx]{1,4})[).]", re.IGNORECASE)
_TASK = lazy(
    r"\?|^\W*(?:find|determine|compute|calculate|prove|show|solve|evaluate|how|what|which|let(?! me)|suppose|given"
    r"|consider)\b",
    re.IGNORECASE,
)
_PARAGRAPHS = 4


def without_leaks(problem: str) -> str:
    """A problem up to where an answer, a part of the prompt, or words to the reader begin."""
    text = "\n" + problem
    leaks = ((_LABELLED, True), (_OF_PROMPT, True), (_STATED, True), (_WORD_AND_NUMBER, False))
    for pattern, may_be_all in leaks:
        leak = pattern.search(text)
        if leak is not None and (leak.start() > 0 or may_be_all):
            text = text[: leak.start()]
    for _ in range(_PARAGRAPHS):
        before, _, last = text.rstrip().rpartition("\n")
        if not before.strip() or not _is_to_reader(last):
            break
        text = before
    return problem if text == "\n" + problem else without_blank_edges(text)


def _is_to_reader(paragraph: str) -> bool:
    return (
        _FORMULA.search(paragraph) is None
        and _PART.match(paragraph) is None
        and _TASK.search(paragraph) is None
        and _TO_READER.search(paragraph.replace("’", "'")) is not None
    )
