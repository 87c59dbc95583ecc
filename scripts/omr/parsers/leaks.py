"""What models write behind a problem although they were asked for the problem alone: it is cut off.

An answer or a solution that would stand in the problem of a training row, what the prompt's own tags and examples
look like, and closing words to the reader. A problem may have parts that look so (a proof whose error is to be found,
a table of numbers): where what is cut may be one, the problem stays whole or is unclear.
"""

from __future__ import annotations

import re

from omr.files.patterns import lazy
from omr.parsers.reply_text import SPACE, without_blank_edges

_MARKS = r"[ \t\u3000\xa0>#*_`(\[•–-]*+"
_ANSWER = r"(?:(?:the |my )?(?:final |expected |correct |short )?(?:answers?|ans\.?|(?P<in_line>solutions?))(?: key)?)"
_NUMBER = r"(?: [0-9]{1,2})?"
_COLON = rf"[*_`]*+{SPACE}?[:：]"
#: A label that begins a line, or (for an answer) a sentence: all that follows belongs to it.
_LABELLED = lazy(
    rf"\n{_MARKS}(?:{_ANSWER.replace('in_line', 'work')}"
    rf"|(?:full |short )?(?P<other>explanation|reasoning|justification|rationale|proof|hints?))"
    rf"{_NUMBER}{_COLON}"
    rf"|(?<=[.?!$)\]。？！]){SPACE}{{0,3}}+[*_`(\[]*+{_ANSWER}{_NUMBER}{_COLON}",
    re.IGNORECASE,
)
#: The tags of prompts, and headings of their examples.
_OF_PROMPT = lazy(
    r"\n[ \t]*+</?(?:forum_post|forum_discussions|problem|fragment|comparison|tool_call|solutions?)>"
    rf"|\n{_MARKS}example (?:post|problem|reply|discussion)s?{_COLON}",
    re.IGNORECASE,
)
#: A sentence that states the answer: a number, a formula, or yes or no. It is searched in the last one.
_STATED = lazy(
    r"(?:(?<=[\n.?!$)])|\A)[\s*_(]{0,200}+(?:so |thus |hence )?(?:the|its|my) (?:final |correct )?answer"
    r" (?:is|was|equals|should be)[: ]{1,2}[*_]*+(?=[$\\0-9(+−-]|(?:yes|no|true|false)\b)",
    re.IGNORECASE,
)
#: A last line of one word and a number, in whatever language (`Antwort: 5`), and a line of a list of such.
_WORD_AND_NUMBER = lazy(rf"{_MARKS}[^\W\d_]{{2,20}}{_COLON}[ $*]*+[0-9+−-][0-9 .,/%$*−+-]*+")
_ENTRY = lazy(rf"{_MARKS}[^\W\d_]{{1,20}}(?: [^\W\d_]{{1,20}}){{0,3}}{_COLON}[ $*]*+\S")
_FORMULA = lazy(r"[$\\0-9=]")
#: Words to the reader, in phrases that no problem has.
_COURTESY = lazy(
    r"\blet me know\b|\bfeel free\b|\bhope (?:this|that|it)\b|\banything else\b|\bhappy to\b|\bwould you like\b"
    r"|\bif you (?:need|have|want) (?:any|more|further|other|help)|\bproblems? (?:is|are|was|were|have been|has been)"
    r" (?:stated|posed|identified|found|extracted)",
    re.IGNORECASE,
)
#: A remark on what was written down speaks of problems and of where they stand, or of the writer.
_PROBLEMS = lazy(r"\b(?:problems?|questions?|exercises?|statements?)\b", re.IGNORECASE)
_POST = lazy(r"\b(?:the|this|original) (?:post|thread|forum|user|author)\b|\bI(?:['’]ve| have)\b", re.IGNORECASE)
#: A line that begins so is a part of the problem.
_PART = lazy(r"\W{0,3}(?:[a-z]|[0-9]{1,2}|[ivx]{1,4})[).]", re.IGNORECASE)
_VERBS = (
    r"(?:find|determine|compute|calculate|prove|show|solve|evaluate|decide|choose|explain|describe|identify|factor"
    r"|simplify|express|sketch|draw|write|construct|count|complete|fill|how|what|which)\b"
)
#: A question, or a sentence that sets a task.
_TASK = lazy(rf"\?|？|(?:(?<=[\n.!:;)\]$。])|\A)[\s*_>(\[]{{0,20}}+(?:[a-z0-9]{{1,2}}[.)] )?{_VERBS}", re.IGNORECASE)
#: The same, anywhere in a sentence.
_ASKS = lazy(rf"\?|？|[求证試试]|\b{_VERBS}", re.IGNORECASE)
_WORDS = lazy(r"\w+")
_ENDS = ("\n", ". ", "! ", "? ")
_PARAGRAPHS = 4


def without_leaks(problem: str) -> str | None:
    """A problem up to where an answer, a part of the prompt, or words to the reader begin; None if that is unclear."""
    text: str | None = "\n" + problem
    for cut in (
        _without_remarks,
        _without_prompt,
        _without_labelled,
        _without_stated,
        _without_number,
        _without_remarks,
    ):
        text = None if text is None else cut(text)
    if text is None:
        return None
    return problem if text == "\n" + problem else without_blank_edges(text)


def _without_prompt(text: str) -> str:
    leak = _OF_PROMPT.search(text)
    return text if leak is None else text[: leak.start()]


def _without_labelled(text: str) -> str | None:
    """What stands before a label such as `Answer:`; all if its part ends in the only task. None if there are tasks on
    both sides or none, or if the text before speaks of the solution, proof or hint."""
    leak = _LABELLED.search(text)
    if leak is None or not text[: leak.start()].strip():
        return text if leak is None else ""
    before, after = text[: leak.start()], text[leak.start() :]
    if _TASK.search(_last_sentence(after)) is not None and _ASKS.search(before) is None:
        return text
    is_leak = _ASKS.search(before) is not None and _TASK.search(after) is None and not _speaks_of(leak, before)
    return before if is_leak else None


def _last_sentence(text: str) -> str:
    text = text.rstrip()
    return text[max(text.rfind(end) for end in _ENDS) + 1 :]


def _speaks_of(leak: re.Match[str], before: str) -> bool:
    label = (leak["work"] or leak["in_line"] or leak["other"] or "").casefold()
    return label in _WORDS.findall(before.casefold())


def _without_stated(text: str) -> str | None:
    """What stands before last sentences that state the answer; None if the sentence before them asks nothing."""
    left = text
    for _ in range(_PARAGRAPHS):
        whole = left.rstrip()
        leak = _STATED.search(whole, max(whole.rfind(end) + 1 for end in ("?", *_ENDS)))
        if leak is None:
            break
        left = whole[: leak.start()]
    is_clear = left is text or not left.strip() or _ASKS.search(_last_sentence(left)) is not None
    return left if is_clear else None


def _without_number(text: str) -> str | None:
    """What stands before a last line such as `Antwort: 5`; all if that is a line of a list, None if it may be data."""
    before, _, last = text.rstrip().rpartition("\n")
    if not before.strip() or _WORD_AND_NUMBER.fullmatch(last) is None:
        return text
    if _ENTRY.match(before.rstrip().rpartition("\n")[2]) is not None:
        return text
    is_apart = before.endswith("\n")
    return before if is_apart and _FORMULA.search(before) and _ASKS.search(before) else None


def _without_remarks(text: str) -> str | None:
    """The text without last lines to the reader; None if one may be."""
    for _ in range(_PARAGRAPHS):
        before, _, last = text.rstrip().rpartition("\n")
        if not before.strip() or _FORMULA.search(last) or _PART.match(last):
            break
        is_remark = _POST.search(last) is not None
        if _COURTESY.search(last) is None and not (is_remark and _PROBLEMS.search(last) and not _TASK.search(last)):
            return text if not is_remark or _TASK.search(last) else None
        text = before
    return text
