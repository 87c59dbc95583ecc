"""Candidates of a problem: summaries of right and of wrong solutions, as far as they can stand beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from omr.answers.damage import has_control_token
from omr.files.jsonl import Fields, Row

#: What the rows of summaries, of right and of wrong solutions, must have.
SUMMARIZED: Fields = {
    "id": str,
    "seed": int,
    "summary": str,
    "summary_answer": str,
    "summary_candidate": int,
    "expected_answer": str,
    "answer_source": str,
    "judged_by": (str, None),
    "majority_votes": int,
    "total_votes": int,
}
_TAGS = ("<think>", "</think>")
#: A line of a candidate that a reader of the comparison might take for one of ours, or for a verdict.
_OUR_LINE = re.compile(r"^[\W_]{0,200}+(?:solution[\W_]{0,200}+\d++[\W_]{0,200}:|judge?ment[\W_]{0,200}:)", re.I | re.M)


class Candidate(NamedTuple):
    """One solution as it would be shown. `answer` is what its text states; `right` is what its judge said."""

    recipe: str
    problem_id: str
    seed: int
    summary_candidate: int
    answer: str
    right: bool
    text: str
    judged_by: str | None = None

    @property
    def id(self) -> str:
        """The id of its trace, which is that of a training row too."""
        return f"{self.problem_id}-{self.seed}"

    @property
    def name(self) -> str:
        """What tells it apart from all others: several recipes have solutions of the same id."""
        return f"{self.recipe}/{self.id}"


class LeftOut(NamedTuple):
    """A candidate that cannot be shown, and why."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True)
class PoolRules:
    """What a recipe asks of its candidates."""

    max_chars: int


def candidate_of(row: Row, recipe: str, *, right: bool) -> Candidate:
    """The candidate that a row of summaries is."""
    return Candidate(
        recipe,
        row["id"],
        row["seed"],
        row["summary_candidate"],
        row["summary_answer"],
        right,
        row["summary"],
        row["judged_by"],
    )


def fault_of(text: str, rules: PoolRules) -> str | None:
    """Why a text cannot be shown, or None.

    Texts are never cut: the reference keeps the last 3,000 characters, and with them half a sentence, or no answer.
    """
    if len(text) > rules.max_chars:
        return "candidate_too_long"
    if any(tag in text for tag in _TAGS):
        return "think_tag_in_text"
    if has_control_token(text):
        return "control_token_in_text"
    return "looks_like_heading" if _OUR_LINE.search(text) else None


def usable_candidates(candidates: Iterable[Candidate], rules: PoolRules) -> tuple[list[Candidate], list[LeftOut]]:
    """(candidates that can be shown, by name; those left out), whatever the order in which they are given.

    Texts that are the same but for white space enter once. If such a text counts as right and as wrong, nobody knows
    which it is, and it does not enter.
    """
    usable: list[Candidate] = []
    left_out: list[LeftOut] = []
    same: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda each: each.name):
        fault = fault_of(candidate.text, rules)
        if fault is None:
            same.setdefault(" ".join(candidate.text.split()), []).append(candidate)
        else:
            left_out.append(LeftOut(candidate, fault))
    for first, *others in same.values():
        contradicted = any(other.right != first.right for other in others)
        if contradicted:
            left_out.append(LeftOut(first, "right_and_wrong"))
        else:
            usable.append(first)
        left_out += [LeftOut(other, "right_and_wrong" if contradicted else "equal_text") for other in others]
    return usable, left_out
