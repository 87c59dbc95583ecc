"""The text of right solutions: from the reply store, or from a trace and its new summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from omr.answers.damage import has_control_token
from omr.answers.final_answer import boxed_answers
from omr.answers.spelling import normalise_answer
from omr.errors import UserError
from omr.files.jsonl import Fields, Row, read_rows
from omr.replies.reply import Reply
from omr.replies.steps import steps_of
from omr.solutions.solution import invents_output, is_finished, read_solution
from omr.solutions.traces import Origin, origin_of
from omr.solutions.transcripts import Transcript, joined, published, split, transcript_of
from omr.training.code_rows import Coded, coded, fault_of_code_text

_TRACE: Fields = {"problem_id": str, "seed": int, "solution": str, "reply": dict}
_UNTRACED: Fields = {"id": str, "seed": int, "reason": str}
_SUMMARIZED: Fields = {"id": str, "seed": int, "summary": str, "summary_candidate": int, "summary_judged_by": str}
_JUDGED = {"yes": "right", "no": "wrong", "unjudged": "as one with an answer"}
_TAGS, _TAG_END = ("<think>", "</think>"), "think>"


class Text(NamedTuple):
    """What a right solution says; `whole` has the reasoning, if any, in `<think>` tags, and the solution behind it.

    `summary` is the row of the new summary that the solution is, or None; `code` of a solution that ran code says where
    in `whole` it is.
    """

    reasoning: str
    solution: str
    whole: str
    origin: Origin
    summary: Row | None
    code: Coded | None = None

    @property
    def fault(self) -> str | None:
        """Why a row must not hold this text: a reader could not tell where its reasoning ends (`think_tag_in_text`), or
        a trainer would take part of it for a turn's end (`control_token_in_text`); of a solution that ran code also
        those of `fault_of_code_text`."""
        # Both tags end alike, and next to no text has either.
        if any(_TAG_END in part and any(tag in part for tag in _TAGS) for part in self[:2]):
            return "think_tag_in_text"
        fault = None if self.code is None else fault_of_code_text(self.code)
        if fault is not None:
            return fault
        # The tags around code have the form of such tokens, and trainers know them as what they are.
        parts = self[:2] if self.code is None else self.code.transcript.pieces
        return "control_token_in_text" if any(map(has_control_token, parts)) else None


def _text(reasoning: str, solution: str, origin: Origin, summary: Row | None) -> Text:
    whole = f"<think>\n{reasoning}\n</think>\n\n{solution}" if reasoning else solution
    return Text(reasoning, solution, whole, origin, summary)


def _coded_text(reasoning: Transcript, solution: Transcript, reply: Reply, summary: Row | None) -> Text:
    if reasoning.text:
        whole = joined(["<think>\n", reasoning, "\n</think>\n\n", solution])
        reasoning_to = len(whole.text) - len(solution.text)
    else:
        whole, reasoning_to = solution, 0
    return Text(reasoning.text, solution.text, whole.text, origin_of(reply), summary, coded(whole, reasoning_to, reply))


def ending_at_answer(reasoning: Transcript, solution: Transcript) -> Transcript:
    """A solution up to its final answer's box: as soon as the reasoning has reached it, else with what follows that."""
    within, after = (boxed_answers(part.spoken, limit=1) for part in (reasoning, solution))
    if within and (not after or normalise_answer(within[-1].content) == normalise_answer(after[-1].content)):
        return reasoning.part(0, within[-1].end)
    whole = joined([reasoning, "\n\n", solution]) if reasoning.text else solution
    end = len(whole.text) - len(solution.text) + after[-1].end if after else len(whole.text)
    return whole.part(0, end)


class RowsInStep:
    """Rows of a file that come in the order of other rows, but not for all of them; one is held at a time."""

    def __init__(self, path: Path, required: Fields, id_field: str) -> None:
        self._path = path
        self._id_field = id_field
        self._rows: Iterator[Row] = read_rows(path, required)
        self._next = next(self._rows, None)

    def take(self, problem_id: str, seed: int) -> Row | None:
        """The row of a solution if it is the next one, else None."""
        row = self._next
        if row is None or row["seed"] != seed or row[self._id_field] != problem_id:
            return None
        self._next = next(self._rows, None)
        return row

    def check_end(self) -> None:
        """Raise UserError if rows are left: they belong to other judged rows."""
        if self._next is not None:
            raise UserError(
                f"its row of problem {self._next[self._id_field]!r} with seed {self._next['seed']} is of no right "
                "solution, or not in the order of the judged rows",
                file=self._path,
                remedy="the files belong to different runs: delete this one and run again",
            )


class Traced(NamedTuple):
    """What the stages of summaries made of a right solution: its trace and the row of its new summary, or the reason
    why it has no trace; all None where they did not look at it."""

    trace: Row | None = None
    summary: Row | None = None
    untraced: str | None = None


class Summaries:
    """Traces and their new summaries, and the solutions of which select_traces made none, in the order of the judged
    rows."""

    def __init__(self, traces: Path, summarized: Path, untraced: Path) -> None:
        self._traces = RowsInStep(traces, _TRACE, "problem_id")
        self._summarized = RowsInStep(summarized, _SUMMARIZED, "id")
        self._untraced = RowsInStep(untraced, _UNTRACED, "id")

    def take(self, row: Row) -> Traced:
        """What was made of a solution; ask for all of them, right or not, in order."""
        dropped = self._untraced.take(row["id"], row["seed"])
        if dropped is not None:
            return Traced(untraced=dropped["reason"])
        seat = row["id"], row["seed"]
        return Traced(self._traces.take(*seat), self._summarized.take(*seat))

    def check_end(self) -> None:
        for file in (self._traces, self._summarized, self._untraced):
            file.check_end()


@dataclass(frozen=True)
class Texts:
    """Makes the texts of solutions.

    With `end_at_answer` texts end behind the box of their final answer, and reasoning has no tags.
    """

    end_at_answer: bool = False

    def own(self, row: Row, reply: Reply | None) -> Text | str:
        """What the solving model wrote, or why it makes no row: `invented_output`. Raises UserError where there is no
        finished reply."""
        if reply is None or not is_finished(reply):
            raise _mismatch(row, "there is no finished reply")
        if invents_output(reply):
            return "invented_output"
        if not reply.get("steps"):
            return _text(*read_solution(reply), origin_of(reply), None)
        reasoning, solution = split(published(transcript_of(reply)))
        if self.end_at_answer:
            return _coded_text(Transcript(""), ending_at_answer(reasoning, solution), reply, None)
        return _coded_text(reasoning, solution, reply, None)

    def summarized(self, row: Row, traced: Traced, reply: Callable[[], Reply | None]) -> Text | str:
        """The reasoning and its new summary, or why there is no such text: `no_summary`, or what select_traces says.

        `reply` is asked where a trace does not tell enough: of a solution with code, and of one without reasoning. The
        latter has nothing to write a summary from, and keeps its own text. Raises UserError where the files do not
        belong together.
        """
        trace, summary, untraced = traced
        if untraced is not None:
            return self.own(row, reply()) if untraced == "empty_reasoning" else untraced
        if trace is None:
            raise _mismatch(row, "there is no trace, nor a reason for it")
        if summary is None:
            return "no_summary"
        if "code" not in trace:
            return _text(trace["solution"], summary["summary"], Origin(**trace["reply"]), summary)
        found = reply()
        if found is None:
            raise _mismatch(row, "there is no finished reply")
        reasoning = Transcript(trace["solution"], tuple(steps_of(trace["code"] | {"text": trace["solution"]})))
        return _coded_text(reasoning, Transcript(summary["summary"]), found, summary)


def _mismatch(row: Row, what: str) -> UserError:
    verdict = _JUDGED[row["judgement"]]
    return UserError(
        f"the solution of problem {row['id']!r} with seed {row['seed']} was judged {verdict}, but {what}",
        remedy="the files belong to different runs: delete the judged rows and what was made from them, and run again",
    )
