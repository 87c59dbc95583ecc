"""Judging final answers: what a comparison proves needs no model, the rest is asked once per distinct question.

A question is (problem, predicted answer, expected answer). Its row in a `comparisons` file is {"id", "problem_id",
"predicted_answer", "expected_answer", "comparison", "settled_by"}; `comparison` is `equal`, `different` or `unknown`,
`settled_by` says what settled the question (that the answer is right, or by `comparison` that it is different), or is
null: then it goes to the model, which never overrules a proof. To measure the model, it is asked some settled ones too.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from omr.answers.faults import NO_ANSWER, SEVERAL_ANSWERS
from omr.answers.verdict import Verdict
from omr.errors import UserError
from omr.files.jsonl import AtomicFile, Fields, Row, dumps, read_rows
from omr.parsers.verdicts import parse_judgement
from omr.replies.reply import Reply, ReplyIndex, usable_text
from omr.stages.stage import Stage

Item = TypeVar("Item")

#: The prompt of the questions; its name is part of a reply's identity.
PROMPT_NAME = "judge_answers"
SYMBOLIC, SOLUTION, LLM = "symbolic", "solution", "llm"

_COMPARISON: Fields = {
    "id": str,
    "problem_id": str,
    "predicted_answer": str,
    "comparison": str,
    "settled_by": (str, None),
    "asked_as": (str, None),
}

#: Of the reasons of "unjudged", those that tell something about the solution; the others concern the verdict.
SOLUTION_FAULTS = frozenset({"failed", "unfinished", NO_ANSWER, SEVERAL_ANSWERS})
#: Of them, those that make it a solution that is not right.
NOT_RIGHT = SOLUTION_FAULTS - {"failed"}


def why_not_right(row: Row) -> str | None:
    """The reason to drop a judged solution: a fault of it, `wrong`, or `unjudged`. None for a right one."""
    if row["judgement"] == "yes":
        return None
    if row["judgement"] == "no":
        return "wrong"
    reason: str = row["unjudged_reason"]
    return reason if reason in SOLUTION_FAULTS else "unjudged"


class Question(NamedTuple):
    """Is `predicted` the same answer as `expected`? `asked_by` solutions (or summaries) share it."""

    problem_id: str
    predicted: str
    expected: str
    asked_by: int = 1

    @property
    def id(self) -> str:
        """`<problem id>-<16 hex digits of the two answers' hash>`: the same in every run."""
        answers = blake2b(digest_size=8)
        answers.update(self.predicted.encode())
        answers.update(b"\0")
        answers.update(self.expected.encode())
        return f"{self.problem_id}-{answers.hexdigest()}"


class Judgement(NamedTuple):
    """`judgement` is `yes`, `no` or `unjudged`; `judged_by` is null exactly if it is `unjudged`, `reason` if not."""

    judgement: str
    judged_by: str | None
    reason: str | None


def unjudged(reason: str) -> Judgement:
    return Judgement("unjudged", None, reason)


def by_problem(rows: Iterable[Row], key: str) -> Iterator[tuple[str, list[Row]]]:
    """Consecutive rows of the same problem, whose id is in the field `key`."""
    for problem_id, group in groupby(rows, key=lambda row: row[key]):
        yield problem_id, list(group)


def batches(items: Iterable[Item], size: int = 2000) -> Iterator[list[Item]]:
    """Consecutive items in lists of `size`, the last one shorter; by default enough to keep all comparers busy."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


# ---- asking ----------------------------------------------------------------------------------------------------------


@dataclass
class Savings:
    """How many model calls the comparisons and the sharing of questions saved, for the counts of a stage."""

    answers: int = 0
    symbolic: int = 0
    llm_calls: int = 0
    shared: int = 0
    asked_before: int = 0

    def add(
        self, question: Question, settled_by: str | None, asked_before: bool = False, asked_as_another: bool = False
    ) -> None:
        self.answers += question.asked_by
        if settled_by is not None:
            self.symbolic += question.asked_by
        elif asked_as_another:
            self.shared += question.asked_by
        elif asked_before:
            self.asked_before += question.asked_by
        else:
            self.llm_calls += 1
            self.shared += question.asked_by - 1

    def note(self, stage: Stage) -> None:
        """Note {"answers", "symbolic", "llm_calls", "calls_saved_by_sharing"} and, after a round that asked questions,
        "asked_before": the first is the sum of the others."""
        stage.note("answers", self.answers)
        stage.note("symbolic", self.symbolic)
        stage.note("llm_calls", self.llm_calls)
        stage.note("calls_saved_by_sharing", self.shared)
        if self.asked_before:
            stage.note("asked_before", self.asked_before)


class QuestionWriter:
    """Writes every question with its outcome as the rows of a stage, and those for the model to a file of their own.

    `asked` holds the ids of questions that are answered already. Among those for the model are up to `audits` that are
    settled as equal (in another spelling) and as many that are settled as different: those with the least hashes of
    their ids.
    """

    def __init__(
        self, stage: Stage, questions: AtomicFile, asked: AbstractSet[str] = frozenset(), audits: int = 0
    ) -> None:
        self._stage = stage
        self._asked = asked
        self._audits = audits
        self._to_audit: dict[str, list[tuple[int, str, bytes]]] = {"equal": [], "different": []}
        self._questions = questions
        self._savings = Savings()
        self._outcomes: Counter[str] = Counter()

    def was_asked(self, question: Question) -> bool:
        """Whether an earlier round asked it."""
        return question.id in self._asked

    def write(
        self,
        question: Question,
        problem: str,
        verdict: Verdict,
        settled_by: str | None,
        asked_as: Question | None = None,
    ) -> None:
        """Write one question; `problem` is the text of its problem, `asked_as` the question whose answer is its answer,
        since both ask about the same in two spellings."""
        row = {
            "id": question.id,
            "problem_id": question.problem_id,
            "predicted_answer": question.predicted,
            "expected_answer": question.expected,
        }
        self._stage.count_read()
        other = None if asked_as is None else asked_as.id
        self._stage.write(row | {"comparison": verdict.value, "settled_by": settled_by, "asked_as": other})
        if settled_by is None and other is None and question.id not in self._asked:
            self._questions.write(dumps(row | {"problem": problem}))
        elif self._audits and verdict is not Verdict.UNKNOWN and question.predicted != question.expected:
            self._offer(verdict, question, dumps(row | {"problem": problem}))
        self._savings.add(question, settled_by, question.id in self._asked, other is not None)
        self._outcomes[verdict.value] += 1

    def _offer(self, verdict: Verdict, question: Question, line: bytes) -> None:
        # A heap of the least hashes, as their negatives: the greatest of them goes first.
        kept = self._to_audit[verdict.value]
        order = -int.from_bytes(blake2b(question.id.encode(), digest_size=8).digest())
        push = heapq.heappush if len(kept) < self._audits else heapq.heappushpop
        push(kept, (order, question.id, line))

    def finish(self) -> None:
        """Write the settled questions that measure the model, and add the figures to the stage's counts.

        They are those of `Savings.note`; `comparisons` counts distinct questions, `audits` the settled ones to ask.
        """
        for kept in self._to_audit.values():
            for _, question_id, line in sorted(kept, key=lambda one: one[1]):
                if question_id not in self._asked:
                    self._questions.write(line)
        self._stage.note("audits", sum(map(len, self._to_audit.values())))
        self._savings.note(self._stage)
        self._stage.note("comparisons", dict(sorted(self._outcomes.items())))


# ---- reading verdicts ------------------------------------------------------------------------------------------------


class Judgements:
    """The verdicts on the answers of one problem after the other, in the order of the comparisons."""

    def __init__(self, comparisons: Path, replies: ReplyIndex) -> None:
        self._path = comparisons
        self._rows = read_rows(comparisons, _COMPARISON)
        self._next: Row | None = next(self._rows, None)
        self._replies = replies
        self._said = Counter[str]()
        self._audit: dict[str, Counter[str]] = {"equal": Counter(), "different": Counter()}

    def of_problem(self, problem_id: str) -> ProblemJudgements:
        """The verdicts on a problem's answers; ask for problems in the order of the comparisons, each once."""
        settled: dict[str, Row] = {}
        while self._next is not None and self._next["problem_id"] == problem_id:
            settled[self._next["predicted_answer"]] = self._next
            self._look_at_audit(self._next)
            self._next = next(self._rows, None)
        return ProblemJudgements(problem_id, settled, self._path, self._replies, self._said)

    def _look_at_audit(self, question: Row) -> None:
        if question["settled_by"] is None or question["comparison"] not in self._audit:
            return
        reply = self._replies.get(question["id"], PROMPT_NAME)
        if reply is not None:
            verdict = _verdict(reply)
            said = "unreadable" if isinstance(verdict, str) else "yes" if verdict else "no"
            self._audit[question["comparison"]][said] += 1

    def note(self, stage: Stage, model_stage: str) -> None:
        """Note what the model of `model_stage` said: `verdicts` on distinct questions, and the `audit` on settled ones.

        The audit is {"equal": {"yes": n, ...}, "different": {...}}, by what is proven and what the model said.
        """
        stage.note("verdicts", {model_stage: dict(sorted(self._said.items()))})
        stage.note("audit", {proven: dict(sorted(said.items())) for proven, said in self._audit.items() if said})

    def check_end(self) -> None:
        """Raise UserError if comparisons are left: then they are not those of the rows that were read."""
        if self._next is not None:
            raise _mismatch(self._path, self._next["problem_id"])


class ProblemJudgements:
    """The verdicts on the answers to one problem; each distinct answer is looked up once."""

    def __init__(
        self, problem_id: str, settled: dict[str, Row], path: Path, replies: ReplyIndex, said: Counter[str]
    ) -> None:
        self._problem_id = problem_id
        self._settled = settled
        self._path = path
        self._replies = replies
        self._said = said
        self._known: dict[str, Judgement] = {}

    def of(self, predicted: str) -> Judgement:
        """The verdict on an answer. Raises UserError for one that was never compared."""
        if predicted not in self._known:
            self._known[predicted] = self._look_up(predicted)
        return self._known[predicted]

    def _look_up(self, predicted: str) -> Judgement:
        question = self._settled.get(predicted)
        if question is None:
            raise _mismatch(self._path, self._problem_id)
        if question["settled_by"] is not None:
            differs = question["comparison"] == Verdict.DIFFERENT.value
            return Judgement("no" if differs else "yes", question["settled_by"], None)
        verdict = _verdict(self._replies.get(question["asked_as"] or question["id"], PROMPT_NAME))
        said = "unreadable" if isinstance(verdict, str) else "yes" if verdict else "no"
        if question["asked_as"] is None:
            self._said[said] += 1
        if isinstance(verdict, str):
            return unjudged(verdict)
        return Judgement("yes" if verdict else "no", LLM, None)


def _verdict(reply: Reply | None) -> bool | str:
    """What a judge said, or why nobody knows: `verdict_unreadable`, `verdict_<fault of the reply>`."""
    text, fault = usable_text(reply)
    if text is None:
        return f"verdict_{fault}"
    verdict = parse_judgement(text)
    return "verdict_unreadable" if verdict is None else verdict


def _mismatch(path: Path, problem_id: str) -> UserError:
    return UserError(
        f"its answers to problem {problem_id!r} are not those of the rows to judge",
        file=path,
        remedy="the files belong to different runs: delete this one and run again",
    )


def judgement_fields(judgement: Judgement) -> dict[str, Any]:
    """A verdict as fields of a row: `judgement`, `judged_by`, `unjudged_reason`."""
    return {
        "judgement": judgement.judgement,
        "judged_by": judgement.judged_by,
        "unjudged_reason": judgement.reason,
    }
