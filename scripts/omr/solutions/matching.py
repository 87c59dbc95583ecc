"""Votes that a model may decide: which of their answers, that no comparison tells apart, are the same answer.

A row of an `undecided` file is {"id", "classes": [[answer, votes], ...], "pairs", "different"}: the classes of a
problem's vote, and places of two classes each: those that are asked about, in this order, and those that are proven
to differ. Every pair is asked in both orders; a model that says `yes` to both has found one answer.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import Any, NamedTuple

from omr.answers.vote import Open, Pair, Vote, Voted, merge_classes
from omr.errors import UserError
from omr.files.jsonl import Fields, Row
from omr.parsers.verdicts import parse_judgement
from omr.replies.reply import ReplyIndex, usable_text

#: The prompt of the questions; its name is part of a reply's identity.
PROMPT_NAME = "match_answers"
UNDECIDED: Fields = {"id": str, "classes": list, "pairs": list, "different": list}


def vote_fields(extracted: str | None, vote: Vote | None, agrees: bool | None) -> dict[str, Any]:
    """The fields that all rows of a problem share; without a vote and a known answer, the answer is null.

    The answer of a tied vote is none.
    """
    voted = None if vote is None or vote.tied else vote.answer
    return {
        "expected_answer": voted if extracted is None else extracted,
        "answer_source": "majority" if extracted is None else "extracted",
        "majority_answer": voted,
        "majority_votes": vote.votes if vote else 0,
        "total_votes": vote.total if vote else 0,
        "vote_share": round(vote.share, 6) if vote else None,
        "majority_agrees": agrees,
    }


class Match(NamedTuple):
    """Are the `first` and the `second` answer to a problem the same?"""

    problem_id: str
    first: str
    second: str

    @property
    def id(self) -> str:
        """`<problem id>-<16 hex digits of the two answers' hash>`: the same in every run."""
        answers = blake2b(self.first.encode() + b"\0" + self.second.encode(), digest_size=8, person=b"match")
        return f"{self.problem_id}-{answers.hexdigest()}"

    @property
    def turned(self) -> Match:
        """The same question in the other order."""
        return Match(self.problem_id, self.second, self.first)

    def row(self, problem: str) -> Row:
        """The question as a row for the model; `problem` is the text of its problem."""
        identity = {"id": self.id, "problem_id": self.problem_id, "problem": problem}
        return identity | {"first_answer": self.first, "second_answer": self.second}


def undecided_row(problem_id: str, classes: list[Voted], found: Open) -> Row:
    """The row of a vote that the answers to `found.pairs` may change."""
    return {"id": problem_id, "classes": [list(one) for one in classes], **found._asdict()}


class Undecided(NamedTuple):
    """A row of the file, read."""

    problem_id: str
    classes: list[Voted]
    pairs: list[Pair]
    different: list[Pair]

    @classmethod
    def read(cls, row: Row) -> Undecided:
        """Raises UserError for classes or pairs that are none."""
        try:
            classes = [Voted(str(answer), int(votes)) for answer, votes in row["classes"]]
            pairs, different = ([(int(one), int(other)) for one, other in row[key]] for key in ("pairs", "different"))
        except (TypeError, ValueError) as error:
            what = f"the undecided vote on problem {row['id']!r} is not as it was written ({error})"
            raise UserError(what, remedy="delete the file and run again") from error
        return cls(row["id"], classes, pairs, different)

    def matches(self) -> list[Match]:
        """The question on each pair, in one of its orders."""
        return [Match(self.problem_id, *(self.classes[place].answer for place in pair)) for pair in self.pairs]


class Matcher:
    """Finds out from replies which answers are the same, and counts what the model said."""

    def __init__(self, replies: ReplyIndex) -> None:
        self._replies = replies
        self.found: Counter[str] = Counter()

    def settle(self, undecided: Undecided) -> list[Voted]:
        """The classes of a vote as the model leaves them."""
        same = []
        for pair, match in zip(undecided.pairs, undecided.matches(), strict=True):
            verdicts = [self._verdict(match), self._verdict(match.turned)]
            said = "unreadable" if None in verdicts else "same" if all(verdicts) else "orders_disagree"
            if not any(verdicts) and None not in verdicts:
                said = "different"
            self.found[said] += 1
            if said == "same":
                same.append(pair)
        return merge_classes(undecided.classes, same, undecided.different)

    def _verdict(self, match: Match) -> bool | None:
        text, _ = usable_text(self._replies.get(match.id, PROMPT_NAME))
        return None if text is None else parse_judgement(text)
