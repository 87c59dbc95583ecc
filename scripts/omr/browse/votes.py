"""The answers of a problem's solutions as its vote counted them, as far as the rows tell which of them are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from omr.answers.classes import classes_of
from omr.answers.plain_comparison import compare_cheaply
from omr.answers.spelling import normalise_answer
from omr.answers.verdict import Verdict
from omr.files.jsonl import Row
from omr.solutions.judging import LLM, SYMBOLIC

#: What a judgement says of an answer and the expected one.
_VERDICTS = {"yes": Verdict.EQUAL, "no": Verdict.DIFFERENT}
#: Who may tell which answers are the same: comparisons; and, of a vote that hung on them, models.
_TELLERS = (frozenset({SYMBOLIC}), frozenset({SYMBOLIC, LLM}))


class Counted(NamedTuple):
    """Spellings of one answer, the commonest first, and how many solutions gave any of them."""

    spellings: list[str]
    n: int


class Votes(NamedTuple):
    """The answers that were given, those of most solutions first, and how many solutions gave one.

    Unless they are counted `as_voted`, each stands as it was written: the vote knew more of them to be the same than
    the rows tell.
    """

    answers: list[Counted]
    total: int
    as_voted: bool


def votes_of(rows: Sequence[Row]) -> Votes:
    """The answers of the judged (or else voted) rows of a problem."""
    given = Counter(answer for row in rows if isinstance(answer := row.get("predicted_answer"), str))
    for tellers in _TELLERS:
        answers = _united(given, _to_expected(rows, tellers))
        if answers and _agrees(answers, rows[0]):
            return Votes(answers, given.total(), as_voted=True)
    return Votes([Counted([answer], n) for answer, n in given.most_common()], given.total(), as_voted=False)


def _agrees(answers: Sequence[Counted], vote: Row) -> bool:
    """Whether the vote found as many solutions for its answer; of a tie, which has no answer, for each of the first."""
    winner, most = vote.get("majority_answer"), vote.get("majority_votes")
    return any(one.n == most and winner in (None, *one.spellings) for one in answers if one.n == answers[0].n)


def _to_expected(rows: Iterable[Row], tellers: Collection[str]) -> dict[str, Verdict]:
    """What the `tellers` among the judges found each answer to be to the expected one."""
    judged = (row for row in rows if row.get("judged_by") in tellers and row.get("judgement") in _VERDICTS)
    return {normalise_answer(str(row.get("predicted_answer"))): _VERDICTS[row["judgement"]] for row in judged}


def _united(given: Counter[str], to_expected: Mapping[str, Verdict]) -> list[Counted]:
    """The answers by the rule of the vote, with what is known of them in place of its comparisons."""

    def compare(pairs: Iterable[tuple[str, str]]) -> list[Verdict]:
        return [_told(one, other, to_expected) for one, other in pairs]

    answers = [answer for answer, _ in given.most_common()]
    classes: dict[int, list[str]] = {}
    for answer, number in zip(answers, classes_of(answers, compare), strict=True):
        classes.setdefault(number, []).append(answer)
    counted = [Counted(spellings, sum(given[one] for one in spellings)) for spellings in classes.values()]
    return sorted(counted, key=lambda one: -one.n)


def _told(one: str, other: str, to_expected: Mapping[str, Verdict]) -> Verdict:
    """Whether two answers are the same: by their spellings, or by what they are to the expected one."""
    spelled = compare_cheaply(one, other)
    if spelled is not None:
        return spelled
    found = {to_expected.get(one), to_expected.get(other)}
    if found == {Verdict.EQUAL}:
        return Verdict.EQUAL
    return Verdict.DIFFERENT if found == {Verdict.EQUAL, Verdict.DIFFERENT} else Verdict.UNKNOWN
