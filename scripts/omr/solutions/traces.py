"""The reasoning that a solution's new summary is made of."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from omr.answers.equivalence import EquivalenceChecker, Verdict
from omr.errors import UserError
from omr.files.jsonl import Fields, Row
from omr.replies.reply import Reply
from omr.replies.steps import stored_steps
from omr.solutions.solution import boxed_step, is_finished, read_solution
from omr.solutions.transcripts import published, split, transcript_of

#: What the judged rows of solutions must have.
JUDGED: Fields = {
    "id": str,
    "seed": int,
    "predicted_answer": (str, None),
    "expected_answer": (str, None),
    "judgement": str,
}


class Origin(NamedTuple):
    """Of the reply that a text is from: its model (path and revision), its key, and its tokens; null where unknown."""

    model: str | None
    reply_key: str | None
    completion_tokens: int | None


def origin_of(reply: Reply) -> Origin:
    """What a training row tells of a reply."""
    tokens = (reply["usage"] or {}).get("completion_tokens")
    return Origin(reply.get("model"), reply.get("key"), tokens if type(tokens) is int else None)


class Trimmer:
    """Cuts reasoning after the step of its last boxed answer, and counts how it went.

    Where the last box provably holds another answer than the solution's, the reasoning went on from there, and stays
    whole.
    """

    def __init__(self, checker: EquivalenceChecker) -> None:
        self._checker = checker
        self.cases: Counter[str] = Counter()

    def trim(self, reasoning: str, predicted: str) -> str:
        step, boxed = boxed_step(reasoning)
        if boxed is None:
            self.cases["no_box"] += 1
            return reasoning
        if self._checker.compare(boxed, predicted) is Verdict.DIFFERENT:
            self.cases["box_of_another_answer"] += 1
            return reasoning
        self.cases["trimmed" if len(step) < len(reasoning) else "ends_with_box"] += 1
        return step


def trace_of(row: Row, reply: Reply | None, problem: str, trimmer: Trimmer) -> Row | None:
    """The trace of a judged solution, right or wrong: `id` = `<problem id>-<seed>`, `problem_id`, the fields of the
    judged row, `problem`, `solution` (the reasoning) and `reply` (its `Origin`). Of one that ran code, `solution` has
    the code in the published form, and `code` says where: {"steps", "blocks"} as in a reply.

    None if it has no reasoning. Raises UserError if the solution is not there.
    """
    if reply is None or not is_finished(reply):
        raise UserError(
            f"there is no finished solution of problem {row['id']!r} with seed {row['seed']}, though one was judged",
            remedy="the judged rows and the solutions belong to different runs: delete the judged rows and run again",
        )
    reasoning = _reasoning(reply, row["predicted_answer"], trimmer)
    if not reasoning["solution"]:
        return None
    identity = {"id": f"{row['id']}-{row['seed']}", "problem_id": row["id"]}
    told = {"problem": problem, "reply": origin_of(reply)._asdict()}
    return identity | {k: v for k, v in row.items() if k != "id"} | told | reasoning


def _reasoning(reply: Reply, predicted: str, trimmer: Trimmer) -> Row:
    if not reply.get("steps"):
        return {"solution": trimmer.trim(read_solution(reply).reasoning, predicted)}
    whole, _ = split(published(transcript_of(reply)))
    # Of what was said, not of what code printed; both have the same places.
    trimmed = whole.part(0, len(trimmer.trim(whole.spoken, predicted)))
    return {"solution": trimmed.text, "code": stored_steps(list(trimmed.steps))}
