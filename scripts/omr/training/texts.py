"""The text of right solutions: from the reply store, or from a trace and its new summary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from omr.answers.damage import has_control_token
from omr.errors import UserError
from omr.files.jsonl import Fields, Row, read_rows
from omr.replies.reply import Reply, ReplyIndex
from omr.solutions.solution import is_finished, read_solution

_TRACE: Fields = {"problem_id": str, "seed": int, "solution": str}
_SUMMARIZED: Fields = {"id": str, "seed": int, "summary": str, "summary_candidate": int, "summary_judged_by": str}
_TAGS = ("<think>", "</think>")


class Origin(NamedTuple):
    """Of the reply that a text is from: its model (path and revision), its key, and its tokens; null where unknown."""

    model: str | None
    reply_key: str | None
    completion_tokens: int | None


class Text(NamedTuple):
    """What a right solution says; `whole` has the reasoning, if any, in `<think>` tags, and the solution behind it.

    `summary` is the row of the new summary that the solution is, or None.
    """

    reasoning: str
    solution: str
    whole: str
    origin: Origin
    summary: Row | None

    @property
    def fault(self) -> str | None:
        """Why a row must not hold this text: a reader could not tell where its reasoning ends (`think_tag_in_text`), or
        a trainer would take part of it for a turn's end (`control_token_in_text`)."""
        if any(tag in part for part in self[:2] for tag in _TAGS):
            return "think_tag_in_text"
        return "control_token_in_text" if any(map(has_control_token, self[:2])) else None


def _text(reasoning: str, solution: str, reply: Reply, summary: Row | None) -> Text:
    whole = f"<think>\n{reasoning}\n</think>\n\n{solution}" if reasoning else solution
    tokens = (reply["usage"] or {}).get("completion_tokens")
    origin = Origin(reply.get("model"), reply.get("key"), tokens if type(tokens) is int else None)
    return Text(reasoning, solution, whole, origin, summary)


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


class Summaries:
    """Traces and their new summaries, in the order of the judged rows."""

    def __init__(self, traces: Path, summarized: Path) -> None:
        self._files = RowsInStep(traces, _TRACE, "problem_id"), RowsInStep(summarized, _SUMMARIZED, "id")

    def take(self, row: Row) -> tuple[Row | None, Row | None]:
        """(trace, summarized row) of a right solution; ask for all of them, in order."""
        traces, summarized = self._files
        return traces.take(row["id"], row["seed"]), summarized.take(row["id"], row["seed"])

    def check_end(self) -> None:
        for file in self._files:
            file.check_end()


@dataclass(frozen=True)
class Texts:
    """Finds what right solutions say; `summaries` is None for a recipe without them."""

    solutions: ReplyIndex
    prompt_name: str
    summaries: Summaries | None

    def of(self, row: Row, trace: Row | None, summary: Row | None) -> Text | str:
        """The text of a right solution, or the reason (`no_summary`) why there is none.

        A solution without reasoning has nothing to write a summary from: it keeps its own text. Raises UserError where
        the files do not belong together.
        """
        reply = self.solutions.get(row["id"], self.prompt_name, row["seed"])
        if reply is None or not is_finished(reply):
            raise _mismatch(row, "there is no finished reply")
        if trace is None:
            reasoning, solution = read_solution(reply)
            if self.summaries is not None and (reasoning or summary is not None):
                raise _mismatch(row, "there is no trace, though it has reasoning")
            return _text(reasoning, solution, reply, None)
        if summary is None:
            return "no_summary"
        return _text(trace["solution"], summary["summary"], reply, summary)


def _mismatch(row: Row, what: str) -> UserError:
    return UserError(
        f"the solution of problem {row['id']!r} with seed {row['seed']} was judged right, but {what}",
        remedy="the files belong to different runs: delete the judged rows and what was made from them, and run again",
    )
