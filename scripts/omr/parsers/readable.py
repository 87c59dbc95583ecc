"""Which replies are asked for again: those of labelling prompts that their parser cannot read.

Here alone something of parsers is used before all replies of a stage are there, and only to decide whether to ask the
same once more. What a reply means is decided by the rules that parse, from the stored replies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from omr.parsers.answer_lines import parse_answer
from omr.parsers.conversion import parse_conversion
from omr.parsers.extraction import parse_problems
from omr.parsers.verdicts import CODE_VOTES, parse_class, parse_judgement, parse_label, parse_true_false
from omr.replies.reply import Reply, usable_text

#: Why a reply that ended has no text: another try may have one.
_NO_TEXT = frozenset({"unfinished_reply", "empty_reply"})
#: A conversion that says something, though nothing that can be used.
_READ_CONVERSIONS = frozenset({None, "unchanged_problem", "still_a_proof"})


def _reads_class(label: str) -> Callable[[str], bool]:
    return lambda text: parse_class(text, label) is not None


def _reads_label(key: str, labels: Sequence[str]) -> Callable[[str], bool]:
    return lambda text: parse_label(text, key, labels) is not None


#: By prompt, whether a text can be read.
_CHECKS: dict[str, Callable[[str], bool]] = {
    "extract_problems": lambda text: parse_problems(text) is not None,
    **{f"classify_{label}": _reads_class(label) for label in ("proof", "mcq", "binary", "invalid")},
    "extract_answers": lambda text: parse_answer(text)[1] is None,
    "convert_proofs": lambda text: parse_conversion(text, "")[1] in _READ_CONVERSIONS,
    "check_contamination": lambda text: parse_true_false(text) is not None,
    "judge_answers": lambda text: parse_judgement(text) is not None,
    "match_answers": lambda text: parse_judgement(text) is not None,
    **{prompt: _reads_label(key, labels) for prompt, (key, labels) in CODE_VOTES.items()},
}


def is_readable(reply: Reply) -> bool:
    """Whether a reply need not be asked for again: it can be read, it failed, or its prompt has no parser here."""
    check = _CHECKS.get(reply["prompt"])
    if check is None:
        return True
    text, fault = usable_text(reply)
    return fault not in _NO_TEXT if text is None else check(text)
