"""Which replies are asked for again: those of labelling prompts that their parser cannot read.

Here alone something of parsers is used before all replies of a stage are there, and only to decide whether to ask the
same once more. What a reply means is decided by the rules that parse, from the stored replies.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from omr.parsers.verdicts import CODE_VOTES, parse_class, parse_judgement, parse_label, parse_true_false
from omr.replies.reply import Reply, usable_text

#: Why a reply that ended has no text: another try may have one.
_NO_TEXT = frozenset({"unfinished_reply", "empty_reply"})
#: A conversion that says something, though nothing that can be used.
_READ_CONVERSIONS = frozenset({None, "unchanged_problem", "still_a_proof"})
_CLASS = "classify_"


@cache
def _check_of(prompt: str) -> Callable[[str], bool] | None:
    """Whether a text can be read as a reply to a prompt; None for a prompt without a parser here.

    Parsers that most jobs have no use for are imported when they are asked for: they would be half of a short job.
    """
    if prompt == "extract_problems":
        from omr.parsers.extraction import parse_problems

        return lambda text: parse_problems(text) is not None
    if prompt == "extract_answers":
        from omr.parsers.answer_lines import parse_answer

        return lambda text: parse_answer(text)[1] is None
    if prompt == "convert_proofs":
        from omr.parsers.conversion import parse_conversion

        return lambda text: parse_conversion(text, "")[1] in _READ_CONVERSIONS
    return _verdict_check(prompt)


def _verdict_check(prompt: str) -> Callable[[str], bool] | None:
    if prompt.startswith(_CLASS) and prompt.removeprefix(_CLASS) in ("proof", "mcq", "binary", "invalid"):
        return lambda text: parse_class(text, prompt.removeprefix(_CLASS)) is not None
    if prompt in CODE_VOTES:
        key, labels = CODE_VOTES[prompt]
        return lambda text: parse_label(text, key, labels) is not None
    if prompt == "check_contamination":
        return lambda text: parse_true_false(text) is not None
    return (lambda text: parse_judgement(text) is not None) if prompt in ("judge_answers", "match_answers") else None


def is_settled(verdict: object, fault: str | None) -> bool:
    """Whether a reply of which this was read need not be asked for again, see `is_readable`."""
    return verdict is not None or (fault is not None and fault not in _NO_TEXT)


def is_readable(reply: Reply) -> bool:
    """Whether a reply need not be asked for again: it can be read, it failed, or its prompt has no parser here."""
    check = _check_of(reply["prompt"])
    if check is None:
        return True
    text, fault = usable_text(reply)
    return is_settled(None if text is None else check(text) or None, fault)
