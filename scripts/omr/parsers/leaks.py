"""What models write behind a problem although they were asked for the problem alone: it is cut off.

An answer or a solution that would stand in the problem of a training row, what the prompt's own tags and examples
look like, and closing words to the reader. A problem may have parts that look so (a proof whose error is to be found,
a table of numbers): where what is cut may be one, the problem stays whole or is unclear. The text that it was taken
from settles much of that: a number which is not there was added.
"""

from __future__ import annotations

import re

from omr.files.patterns import lazy
from omr.parsers.founded import Discussion
from omr.parsers.labelled_lines import COLON, MARKS, ends_unclear, without_added_lines
from omr.parsers.reply_text import SPACE, without_blank_edges

_ANSWER = r"(?:(?:the |my )?(?:final |expected |correct |short )?(?:answers?|ans\.?|(?P<in_line>solutions?))(?: key)?)"
_NUMBER = r"(?: [0-9]{1,2})?"
#: A label that begins a line, or (for an answer) a sentence: all that follows belongs to it.
_LABELLED = lazy(
    rf"\n{MARKS}(?:{_ANSWER.replace('in_line', 'work')}"
    rf"|(?:full |short )?(?P<other>explanation|reasoning|justification|rationale|proof|hints?))"
    rf"{_NUMBER}{COLON}"
    rf"|(?<=[.?!$)\]。？！]){SPACE}{{0,3}}+[*_`(\[]*+{_ANSWER}{_NUMBER}{COLON}",
    re.IGNORECASE,
)
#: The tags of prompts, and headings of their examples.
_OF_PROMPT = lazy(
    r"\n[ \t]*+</?(?:forum_post|forum_discussions|problem|fragment|comparison|tool_call|solutions?)>"
    rf"|\n{MARKS}example (?:post|problem|reply|discussion)s?{COLON}",
    re.IGNORECASE,
)
#: A sentence that states the answer: a number, a formula, or yes or no. It is searched in the last one.
_STATED = lazy(
    r"(?:(?<=[\n.?!$)])|\A)[\s*_(]{0,200}+(?:so |thus |hence )?(?:the|its|my) (?:final |correct )?answer"
    r" (?:is|was|equals|should be)[: ]{1,2}[*_]*+(?=[$\\0-9(+−-]|(?:yes|no|true|false)\b)",
    re.IGNORECASE,
)
#: What alone stands behind a label: a number, a formula or some words, and no sentence or question.
_VALUE = lazy(r"[^\n?？。:：]{1,80}+[。)\]*_`]{0,9}+\s*+")
#: The end of a sentence, and a formula at the end of one.
_SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", ".*", ".**", "$", ")")
#: The first two of the options that a problem offers.
_OPTIONS = lazy(r"(?<![^\W_])A[).][^\n]{0,200}?\n?[^\n]{0,50}?(?<![^\W_])B[).]")
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


def without_leaks(problem: str, source: str | None = None) -> str | None:
    """A problem up to where an answer, a part of the prompt, or words to the reader begin; None if that is unclear.

    `source` is the text that the problem was copied from, where it is known.
    """
    text: str | None = _without_remarks("\n" + problem)
    text = text and _without_prompt(text)
    if text and source is not None:
        text = without_added_lines(text, source)
    text = text and _without_labelled(text)
    text = text and _without_stated(text, source)
    text = text and _without_remarks(text)
    if text is None or ends_unclear(text):
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
    if _is_answer(leak) and _OPTIONS.search(after) is not None and _OPTIONS.search(before) is None:
        return text
    asks = _ASKS.search(before) is not None or _is_only_answer(leak, before)
    return before if asks and _TASK.search(after) is None and not _speaks_of(leak, before) else None


def _is_answer(leak: re.Match[str]) -> bool:
    return (leak["work"] or leak["in_line"] or leak["other"]) is None


def _is_only_answer(leak: re.Match[str], before: str) -> bool:
    """Whether a sentence and a value are all there is: then the task is before the value, in whatever language."""
    is_value = _VALUE.fullmatch(leak.string, leak.end()) is not None
    return _is_answer(leak) and is_value and before.rstrip().endswith(_SENTENCE_ENDS)


def _last_sentence(text: str) -> str:
    text = text.rstrip()
    return text[max(text.rfind(end) for end in _ENDS) + 1 :]


def _speaks_of(leak: re.Match[str], before: str) -> bool:
    label = (leak["work"] or leak["in_line"] or leak["other"] or "").casefold()
    return label in _WORDS.findall(before.casefold())


def _without_stated(text: str, source: str | None) -> str | None:
    """What stands before last sentences that state the answer; None if the sentence before them asks nothing and the
    source may have them."""
    left = text
    for _ in range(_PARAGRAPHS):
        whole = left.rstrip()
        leak = _STATED.search(whole, max(whole.rfind(end) + 1 for end in ("?", *_ENDS)))
        if leak is None:
            break
        left = whole[: leak.start()]
    is_clear = left is text or not left.strip() or _ASKS.search(_last_sentence(left)) is not None
    if not is_clear and source is not None:
        is_clear = not Discussion(source).has(text[len(left) :])
    return left if is_clear else None


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
