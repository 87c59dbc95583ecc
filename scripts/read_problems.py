r"""Problems that are there already, with or without answers: the first file of a recipe that starts from no forum.

In: files of rows (see omr/files/tables.py), or the manifest that `download_raw_data.py` wrote, and which of their
columns hold the problem, its answer, its id, where it comes from; a path into a column is one with dots.

Out, `merged.jsonl`: `id` (the one given; else `<hash of the problem's notation>-1`), `thread_id` (the id, or that
hash), `problem`, `expected_answer` (or null), `problem_type` (`has_answer_extracted`, `no_answer_extracted`) and, where
they are told, `problem_source`, `source_url`, `source_license`, `source_author`, `source_date`. A number is an answer,
and so is the only element of a list; a blank text, NaN, or a word for what is missing (`N/A`, `notfound`) is none.
With --to-classify the same rows are the problems.jsonl that a model classifies; they have `forum_discussions` then,
which the prompt for proofs inserts: the solution that is given with the problem, or an empty text.

Dropped: rows that cannot be used (`unreadable_json`, `missing_column`, `wrong_type`, `unusable_id`), `empty_problem`
(also an empty cell of a CSV file), `too_long_problem`, `placeholder_answer` (`?`, `proof`), `too_long_answer`, and
`duplicate`: of problems in the same notation the first with an answer stays, or the first if none has one (`kept` is
its id). Too many unusable rows (empty ones count), none that states a problem to solve, two problems with one id, and
a column that no row has are errors.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from omr.answers.placeholders import can_be_answer
from omr.answers.spelling import MAX_ANSWER_CHARS
from omr.contamination.steps import is_canary
from omr.errors import UserError, leave, run_command
from omr.files.duplicates import Duplicates
from omr.files.hash_table import HashTable
from omr.files.jsonl import Row
from omr.files.notation import notation
from omr.files.tables import CELLS, MISSING, Line, kind_of, read_lines, top_columns, value_at
from omr.parsers.extraction import fault_of_problem
from omr.stages.faulty_rows import FaultyRows
from omr.stages.flags import open_stage, stage_parser
from omr.stages.stage import Stage
from omr.threads.files import find_inputs
from omr.threads.origins import ORIGINS, USUAL, origin_fields
from omr.threads.rows import told

#: What a row is made of. The first must be in every row; a column of the second kind in some row.
PROBLEM, ANSWER, ID, SOLUTION = "problem", "expected_answer", "id", "solution"
FIELDS = (PROBLEM, ANSWER, ID, SOLUTION, *ORIGINS)
#: Reasons for which a row is no row of problems; the others are about the problem that it states.
_UNUSABLE = ("unreadable_json", "missing_column", "wrong_type", "unusable_id", "empty_problem")
_MAY_LACK = {ID: "id", **USUAL}
_SHOWN_CHARACTERS = 2000
#: Ids stand in names of replies and in longer ids, which tell their parts by `~`.
_USABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
#: What programs and data sets write where an answer is missing: to no problem is that the answer.
_SAYS_MISSING = re.compile(
    r"#?n/a|<?na>?|nan|none|null|nil|missing|unavailable|no[_ -]?answer|"
    r"(?:answer[_ -])?not?[_ -]?(?:found|given|provided|available|applicable|stated)",
    re.IGNORECASE,
)
#: Floats that are whole numbers and exact are written as such.
_MAX_EXACT = 2**53


class Refused(NamedTuple):
    """A row without a problem to solve: why, and what is known of it."""

    reason: str
    detail: str
    about: Row


class Found(NamedTuple):
    """A row of the input: where it stands, and what it became."""

    file: str
    line: int
    row: Row | Refused


class ProblemSet:
    """The rows of files of problems, to be read as often as needed. `columns` maps `FIELDS` to paths in a row; a field
    that is left out is not looked for. `to_classify`: rows have what a model is told of a problem."""

    def __init__(
        self, files: list[Path], columns: Mapping[str, str], limit: int | None = None, to_classify: bool = False
    ) -> None:
        self.files = files
        self._columns = dict(columns)
        self._limit = limit
        self.to_classify = to_classify
        #: Columns that some row has had.
        self.seen: set[str] = set()
        #: Rows so far of the pass that goes on whose answer is a word for a missing one.
        self.said_missing = 0
        #: Columns of the first row.
        self.there: list[str] = []

    def __iter__(self) -> Iterator[Found]:
        """Every row in order. Raises UserError for a file that cannot be read or holds none."""
        left, self.said_missing = self._limit, 0
        wanted = top_columns(self._columns.values())
        for file in self.files:
            rows = 0
            for line in read_lines(file, wanted):
                if left is not None and rows >= left:
                    break
                rows += 1
                yield Found(str(file), line.number, self._read(line, kind_of(file) in CELLS))
            if not rows and left != 0:
                raise UserError("holds no rows", file=file, remedy="give a file with one problem a row")
            left = None if left is None else left - rows

    def _read(self, line: Line, of_cells: bool) -> Row | Refused:
        try:
            row = orjson.loads(line.data)
        except orjson.JSONDecodeError as error:
            shown = line.data[: 4 * _SHOWN_CHARACTERS].decode(errors="replace")[:_SHOWN_CHARACTERS]
            return Refused("unreadable_json", str(error), {"text": shown})
        if not isinstance(row, dict):
            return Refused("wrong_type", f"a JSON object was expected, not {_type_name(row)}", {})
        self.there = self.there or list(row)
        values = {field: value_at(row, path) for field, path in self._columns.items()}
        if values[PROBLEM] is MISSING:
            return Refused("missing_column", f"no {self._columns[PROBLEM]}; it has: {', '.join(row) or 'nothing'}", {})
        if of_cells and values[PROBLEM] is None:
            # An empty cell is a text without characters: what is null elsewhere has no such reading.
            values[PROBLEM] = ""
        if ANSWER in values and _is_rounded(values[ANSWER]):
            try:
                values[ANSWER] = value_at(json.loads(line.data), self._columns[ANSWER])
            except ValueError:  # more digits than Python writes
                return self._mistyped(ANSWER, "a number of fewer digits", values[ANSWER])
        if len(self.seen) < len(values):
            self.seen |= {field for field, value in values.items() if value is not MISSING}
        return self._build({field: value for field, value in values.items() if value is not MISSING})

    def _build(self, values: Mapping[str, Any]) -> Row | Refused:
        problem = values[PROBLEM]
        if not isinstance(problem, str):
            return self._mistyped(PROBLEM, "text", problem)
        problem = problem.replace("\0", "").strip()
        fault = fault_of_problem(problem)
        if fault is not None:
            return Refused(fault, f"{len(problem)} characters", {"problem": problem[:_SHOWN_CHARACTERS]})
        answer = answer_of(values.get(ANSWER))
        if answer is MISSING:
            return self._mistyped(ANSWER, "text, a number, a list of one of them, or null", values[ANSWER])
        self.said_missing += says_missing(values.get(ANSWER))
        own_id = _plain_id(values.get(ID))
        for field in ORIGINS:
            value = values.get(field)
            if isinstance(value, bool) or not isinstance(value, str | int | float | list | None):
                return self._mistyped(field, "text", value)
        solution = values.get(SOLUTION)
        if not isinstance(solution, str | None):
            return self._mistyped(SOLUTION, "text or null", solution)
        if own_id is not None and (not _USABLE_ID.fullmatch(own_id) or is_canary(own_id)):
            detail = f"{self._columns[ID]} is {own_id!r:.80}: an id has 1 to 128 of a-z, A-Z, 0-9, `_.:-`"
            return Refused("unusable_id", f"{detail}; `id: null` makes ids from the texts", {"problem": problem})
        about = {"problem": problem, "expected_answer": answer}
        if answer is not None and not can_be_answer(answer):
            return Refused("placeholder_answer", "what stands for the answer is none", about)
        if answer is not None and len(answer) > MAX_ANSWER_CHARS:
            shown = {"expected_answer": answer[:_SHOWN_CHARACTERS]}
            return Refused("too_long_answer", f"{len(answer)} characters", about | shown)
        kind = "no_answer_extracted" if answer is None else "has_answer_extracted"
        origin = origin_fields({field: told(values.get(field)) for field in ORIGINS})
        asked = {"forum_discussions": (solution or "").replace("\0", "").strip()} if self.to_classify else {}
        return _ids(own_id, problem) | about | {"problem_type": kind} | origin | asked

    def _mistyped(self, field: str, wanted: str, value: Any) -> Refused:
        return Refused("wrong_type", f"{self._columns[field]} must be {wanted}, not {_type_name(value)}", {})


def _is_rounded(value: Any) -> bool:
    """Whether a number may have been a longer one in the file: the quick reader makes floats of large integers."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return isinstance(value, float) and abs(value) >= _MAX_EXACT


def answer_of(value: Any) -> Any:
    """The answer that a value states, or None where it states none or says that it is missing; MISSING for what cannot
    be one.

    Numbers count, whole ones without a fraction; a list of one counts as what it holds.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        text = value.replace("\0", "").strip()
        return None if not text or says_missing(text) else text
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return MISSING
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _MAX_EXACT
    return str(int(value) if is_whole else value)


def says_missing(value: Any) -> bool:
    """Whether a value is a word for an answer that is missing."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return isinstance(value, str) and _SAYS_MISSING.fullmatch(value.replace("\0", "").strip()) is not None


def _plain_id(value: Any) -> str | None:
    """An id as text; a value that can be none becomes a text that no id is."""
    if value is None or isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else "\0"


def _ids(own: str | None, problem: str) -> Row:
    if own is not None:
        return {"id": own, "thread_id": own}
    digest = blake2b(notation(problem).encode(errors="replace"), digest_size=8).hexdigest()
    return {"id": f"{digest}-1", "thread_id": digest}


def _type_name(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "null" if value is None else type(value).__name__


def look_through(problems: ProblemSet, max_bad_fraction: float) -> Duplicates:
    """The first two passes: whether the rows can be used, and which problems occur more than once. Raises UserError."""
    duplicates = Duplicates()
    faulty = FaultyRows(max_bad_fraction, "`problems_from.max_bad_fraction` in config")
    read, refused = 0, Counter[str]()
    for read, found in enumerate(problems, 1):
        if not isinstance(found.row, Refused):
            duplicates.note_problem(found.row)
            continue
        refused[found.row.reason] += 1
        if found.row.reason in _UNUSABLE:
            faulty.add(found.file, found.line, found.row.reason, found.row.detail)
            faulty.check(read, at_end=False)
    faulty.check(read, at_end=True)
    if read and read == refused.total():
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(refused.items()))
        what = f"holds no problem to solve: none of {read} rows can be used ({reasons})"
        remedy = "mend the rows, or see whether `problems_from.columns` names the right ones"
        raise UserError(what, file=problems.files[0], remedy=remedy)
    numbered = ((n, found.row) for n, found in enumerate(problems))
    duplicates.note_answers(_told_apart(n, row) for n, row in numbered if not isinstance(row, Refused))
    return duplicates


def _told_apart(number: int, row: Row) -> Row:
    """The row with its number in its id: equal problems have one id where ids are made from texts."""
    return row | {"id": f"{number}:{row['id']}"}


def check_columns(problems: ProblemSet, columns: Mapping[str, str]) -> None:
    """Raises UserError for a column that config names and no row has.

    Those of the id and of the origin may lack under their usual names.
    """
    for field, path in columns.items():
        if field in problems.seen or path == _MAY_LACK.get(field):
            continue
        raise UserError(
            f"no row has {path!r}, which is to be the {field}; the first one has: {', '.join(problems.there)}",
            file=problems.files[0],
            remedy=f"name the column under `problems_from.columns.{field}`, or set that to null if there is none",
        )


def write_problems(stage: Stage, problems: ProblemSet, duplicates: Duplicates) -> None:
    """The last pass. Raises UserError if two different problems have the same id."""
    ids, types = HashTable(), Counter[str]()
    for position, (file, line, row) in enumerate(problems):
        stage.count_read()
        place = {"file": file, "line": line}
        if isinstance(row, Refused):
            stage.drop({"id": None, **place, "detail": row.detail, **row.about}, row.reason)
        elif (kept := duplicates.kept_instead_of(_told_apart(position, row))) is not None:
            stage.drop(row | place, "duplicate", kept=kept.partition(":")[2])
        else:
            number = len(ids)
            if ids.add(hash(row["id"])) != number:
                what = f"the id {row['id']!r} is that of another problem before it"
                remedy = "give every problem an id of its own, or set `problems_from.columns.id` to null"
                raise UserError(what, file=file, line=line, remedy=remedy)
            stage.write(row)
            types[row["problem_type"]] += 1
    stage.note("problem_types", dict(sorted(types.items())))
    if problems.said_missing:
        stage.note("answers_said_missing", problems.said_missing)
    if problems.to_classify:
        stage.note("to_classify", True)


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__)
    parser.add_argument("--input", nargs="+", required=True, metavar="FILE", help="files or folders, or a manifest")
    parser.add_argument("--problem", required=True, metavar="COLUMN", help="the problem's text")
    parser.add_argument("--expected-answer", metavar="COLUMN", help="its answer; without it all are voted on")
    for field in ORIGINS:
        parser.add_argument(f"--{field}", metavar="COLUMN", help="where it comes from: a column that tells it")
    parser.add_argument("--id", metavar="COLUMN", help="its id; without it ids are made from the texts")
    parser.add_argument("--solution", metavar="COLUMN", help="its solution, for proofs that a model restates")
    parser.add_argument("--to-classify", action="store_true", help="write problems.jsonl, for a model to classify")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N rows")
    parser.add_argument("--max-bad-fraction", type=float, default=0.01, metavar="F", help="unusable rows tolerated")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    columns = {field: value for field in FIELDS if (value := getattr(arguments, field)) is not None}
    files = find_inputs(arguments.input)
    problems = ProblemSet(files, columns, arguments.limit, arguments.to_classify)
    duplicates = look_through(problems, arguments.max_bad_fraction)
    check_columns(problems, columns)
    with open_stage("read_problems", arguments) as stage:
        write_problems(stage, problems, duplicates)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
