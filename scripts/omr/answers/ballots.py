"""What the answers to one problem say together: their classes, and what these are to the known answer.

All of it hangs on many comparisons of few answers, so it is decided as a whole where answers are compared (see
omr.answers.equivalence), by whatever compares there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from omr.answers.classes import Comparing, classes_of
from omr.answers.verdict import Verdict
from omr.answers.vote import Open, Requirement, Vote, Voted, count_votes, open_pairs, outcome

_AGREES = {Verdict.EQUAL: True, Verdict.DIFFERENT: False, Verdict.UNKNOWN: None}


class Rules(NamedTuple):
    """What makes a vote a majority; what makes it replace a known answer (None: nothing); and about how many pairs of
    answers a model may be asked, where no answer is known."""

    required: Requirement
    to_replace: Requirement | None
    max_pairs: int


class Ballot(NamedTuple):
    """The answers to a problem, each with how many solutions gave it, and the known answer or None."""

    spellings: Mapping[str, int]
    known: str | None


class Decision(NamedTuple):
    """What the answers say: their classes, whether these confirm or replace the known answer, and the pairs of classes
    that a model may be asked about (None: the vote is not open)."""

    classes: list[Voted]
    agrees: bool | None
    replaces: bool
    open_pairs: Open | None

    @property
    def vote(self) -> Vote | None:
        return outcome(self.classes) if self.classes else None

    @property
    def is_open(self) -> bool:
        return self.open_pairs is not None


def decide(ballot: Ballot, rules: Rules, compare: Comparing) -> Decision:
    """The decision on a problem, by the verdicts that `compare` gives."""
    classes = count_votes(ballot.spellings, lambda answers: classes_of(answers, compare))
    found = open_pairs(classes, rules.required, compare, rules.max_pairs) if ballot.known is None else None
    return Decision(
        classes,
        _agreement(ballot.known, classes, compare),
        _is_replaced(ballot.known, classes, rules.to_replace, compare),
        found if found is not None and found.pairs else None,
    )


def _agreement(known: str | None, classes: Sequence[Voted], compare: Comparing) -> bool | None:
    """Whether the vote confirms a known answer; None where that is undecided, as that of a tied vote is."""
    if known is None or not classes or outcome(classes).tied:
        return None
    [verdict] = compare([(outcome(classes).answer, known)])
    return _AGREES[verdict]


def _is_replaced(known: str | None, classes: Sequence[Voted], needed: Requirement | None, compare: Comparing) -> bool:
    """Whether the vote replaces a known answer: enough solutions agree, and all answers are proven to differ from it.

    An answer that may be the same in another form supports it.
    """
    if known is None or needed is None or not classes or needed.fault(outcome(classes)) is not None:
        return False
    return all(verdict is Verdict.DIFFERENT for verdict in compare([(voted.answer, known) for voted in classes]))


# As JSON, between processes


def asked(ballot: Ballot, rules: Rules) -> list[Any]:
    """A ballot and its rules as JSON."""
    return [list(ballot.spellings.items()), ballot.known, *rules]


def read_asked(found: Sequence[Any]) -> tuple[Ballot, Rules]:
    """What `asked` wrote."""
    spellings, known, required, to_replace, max_pairs = found
    needed = None if to_replace is None else Requirement(*to_replace)
    return Ballot(dict(spellings), known), Rules(Requirement(*required), needed, max_pairs)


def read_decision(found: Sequence[Any]) -> Decision:
    """A decision from its JSON, which is that of its fields."""
    classes, agrees, replaces, pairs = found
    if pairs is not None:
        pairs = Open(*([(one, other) for one, other in each] for each in pairs))
    return Decision([Voted(*one) for one in classes], agrees, replaces, pairs)
