"""Verdicts of a model that was asked to decide: the label, or None where the reply cannot be read.

All are read by the one grammar of `statements.py`: reasoning may come before a verdict and a reason behind it, in any
case and decoration, in a sentence or in JSON. A reply without a verdict, with two different ones, or with one that it
takes back, is unreadable. None is never a default: callers count it and pass nothing on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from omr.parsers.reply_text import after_thinking, shown_lines
from omr.parsers.statements import Grammar

#: The votes on code: by prompt, the key and the labels of its verdict.
CODE_VOTES = {
    "judge_novelty": ("novelty", ("new", "check")),
    "judge_significance": ("significance", ("trivial", "moderate", "significant")),
}

_KEYS = r"verdict|decision|conclusion"
_JUDGEMENT = rf"judge?ment|{_KEYS}"
_ANSWER = rf"(?:class(?:ification)? )?(?:label|result)|answer|reply|output|class(?:ification)?|category|{_KEYS}"
_KEY_STEMS = ("verdict", "decision", "conclusion")
_JUDGEMENT_STEMS = ("judg", *_KEY_STEMS)
_ANSWER_STEMS = ("class", "label", "result", "answer", "reply", "output", "category", *_KEY_STEMS)
_SUBJECT = (
    r"(?:(?:(?:the|this|that|given|above) )+(?:math(?:ematics|ematical)? )?(?:problem|question|task|exercise)"
    r"(?: (?:above|given|here|itself|(?:between|in|from) [^.,;:!?]{1,40}?))?|it|this|that)"
    r" (?:is|counts as|qualifies as|has|does|would be|(?:is|can be|should be) (?:classified|considered)(?: as)?)"
    r"|i (?:would )?(?:say|call|classify|label|consider|judge) (?:(?:the|this|that) problem|this|it)(?: as| is| to be)?"
)
#: The names of a class in replies; `valid` is what is not invalid.
_NAMES = {"proof": "proof", "mcq": "mcq|multiple[- ]choice", "binary": "binary", "invalid": "invalid|valid"}
_NAME_STEMS = {"proof": ("proof",), "mcq": ("mcq", "multiple"), "binary": ("binary",), "invalid": ("valid",)}


def parse_class(text: str, label: str) -> bool | None:
    """True for the verdict `<label>`, False for `not <label>` (labels: proof, mcq, binary, invalid).

    `Proof.` is a heading as well, under which a model may give one instead of deciding: that bare word is a verdict
    on the last line only.
    """
    return {None: None, label: True}.get(_read(text, _class_grammar(label)), False)


@cache
def _class_grammar(label: str) -> Grammar:
    noun = f"(?:an? |the )?(?:{_NAMES[label]})(?: (?:problem|question|task|type|answer))?"
    named = rf"(?:is )?{noun} ?[:=?]+ ?(?:yes|no|true|false)"
    negation = r"(?:not[- ]|non[- ]?)"

    def verdict(found: str) -> str:
        is_negated = re.match(negation, found) is not None
        is_opposite = re.search(r"\bvalid", found) is not None
        is_denied = found.endswith(("no", "false"))
        return label if (is_negated + is_opposite + is_denied) % 2 == 0 else f"not {label}"

    labels = rf"{named}|(?:{negation})?(?:(?:have|be|count as) )?{noun}"
    heading = label if label == "proof" else None
    stems = (*_NAME_STEMS[label], *_ANSWER_STEMS)
    return Grammar(labels, verdict, _ANSWER, stems, subjects=_SUBJECT, alone=True, heading=heading)


_TRUE_FALSE = Grammar(
    "true|false",
    str,
    f"{_ANSWER}|statement|claim",
    ("true", "false", "statement", "claim", *_ANSWER_STEMS),
    alone=True,
)
_YES_NO = Grammar(
    "yes|no|true|false",
    lambda label: {"true": "yes", "false": "no"}.get(label, label),
    _JUDGEMENT,
    ("yes", "no", "true", "false", *_JUDGEMENT_STEMS),
    alone=True,
    answers=True,
)
_INDEX = Grammar(
    r"(?:(?:solution|candidate|option|index|number) )?(?:number |index )?#? ?[0-9]{1,4}",
    lambda label: str(int(label.rpartition(" ")[2].lstrip("#"))),
    rf"{_JUDGEMENT}|(?:best|selected|chosen) (?:solution|candidate|index)",
    ("best", "selected", "chosen", *_JUDGEMENT_STEMS),
    numbers=True,
)


def parse_true_false(text: str) -> bool | None:
    """The verdict `True` or `False`."""
    return {"true": True, "false": False}.get(_read(text, _TRUE_FALSE) or "")


def parse_judgement(text: str) -> bool | None:
    """The verdict of `Judgement: Yes` or `Judgement: No`; alone, the word counts on the first and the last line."""
    return {"yes": True, "no": False}.get(_read(text, _YES_NO) or "")


def parse_selection(text: str, allowed: range) -> int | None:
    """The index of `Judgment: <index>`, if it is one of those allowed.

    `parse_selection("Judgment: 2, as it checks both cases.", range(4))` is 2.
    """
    found = _read(text, _INDEX)
    index = None if found is None else int(found)
    return index if index in allowed else None


def parse_label(text: str, key: str, labels: Sequence[str]) -> str | None:
    """Which of the `labels` stands behind the key, for a reply with one such line for each of several questions.

    Key and labels are in small letters: `parse_label("**Novelty:** new (no check)\nSignificance: trivial", "novelty",
    ["new", "check"])` is "new". A label without its key is none, since a reply has several keys.
    """
    return _read(text, _label_grammar(key, tuple(labels)))


@cache
def _label_grammar(key: str, labels: tuple[str, ...]) -> Grammar:
    longest_first = sorted(labels, key=len, reverse=True)
    return Grammar("|".join(map(re.escape, longest_first)), str, re.escape(key), (key,))


def _read(text: str, grammar: Grammar) -> str | None:
    spoken = after_thinking(text)
    return None if spoken is None else grammar.the_one(shown_lines(spoken))
