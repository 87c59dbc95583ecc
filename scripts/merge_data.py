"""Classified problems, their answers and converted proofs in, every usable problem once out.

In: classified.jsonl for the order and for the problems that neither branch takes; answers.jsonl; proofs.jsonl, or
nothing where converted proofs are not wanted; the light rows that say where threads come from, if there are any.
Out: the rows of answers.jsonl and proofs.jsonl, in the order of classified.jsonl; with what is told of their
thread, as `problem_source`, `source_url`, `source_license`, `source_author`, `source_date`.

Dropped: `unreadable_class`, `invalid`, `mcq`, `binary`; without `--proofs` also `proof`; and `duplicate` (`kept` is the
id of the row that stays): of problems in the same notation, the first one with an answer stays,
or the first if none has one. Problems that a parser of the branches dropped were counted there; `read` is the rows of
both branches and the classified rows that go to neither.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from omr.errors import UserError, run_command
from omr.files.duplicates import Duplicates
from omr.files.jsonl import Fields, Row, read_rows
from omr.files.unique import unique_rows
from omr.stages.flags import open_stage, stage_parser
from omr.stages.routing import ANSWERS, PROOFS, branch_of
from omr.stages.stage import Stage
from omr.threads.origins import origin_fields

CLASSIFIED_FIELDS = {"id": str, "thread_id": str, "problem": str}
BRANCH_FIELDS: Fields = {"id": str, "problem": str, "expected_answer": (str, None), "problem_type": str}


class Origins:
    """What is told of the threads, read in step with their problems."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = read_rows(path, {"id": str})
        self._row: Row = {"id": None}

    def of(self, thread_id: str) -> Row:
        """The fields of a product row that a thread's origin gives; none where nothing is told.

        Raises UserError for a thread that is not there, or not in the order of the problems.
        """
        while self._row["id"] != thread_id:
            row = next(self._rows, None)
            if row is None:
                what = f"the thread {thread_id!r} is not in it, or not at its place"
                raise UserError(what, file=self._path, remedy="delete this file and run again")
            self._row = row
        return origin_fields(self._row)


class BranchRows:
    """The rows of a branch's file, taken one by one by their ids in the order of classified.jsonl."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = read_rows(path, BRANCH_FIELDS)
        self._next = next(self._rows, None)

    def take(self, row_id: str) -> Row | None:
        """The row of this id, or None where the branch's parser has dropped it."""
        row = self._next
        if row is None or row["id"] != row_id:
            return None
        self._next = next(self._rows, None)
        return row

    def check_end(self, classified: Path) -> None:
        """Raises UserError for a row that no problem of the branch asked for."""
        if self._next is not None:
            raise UserError(
                f"row {self._next['id']!r} is not among those of its branch in {classified}, or not in their order",
                file=self._path,
                remedy="delete this file and run again: it was made from another classified.jsonl",
            )


def merged_rows(
    stage: Stage, classified: Path, answers: Path, proofs: Path | None, origins: Origins | None = None
) -> Iterator[Row]:
    """The rows of both branches in the order of classified.jsonl; rows of neither are dropped on the way."""
    branches = {ANSWERS: BranchRows(answers)} | ({PROOFS: BranchRows(proofs)} if proofs is not None else {})
    for problem in unique_rows(read_rows(classified, CLASSIFIED_FIELDS), classified):
        branch = branch_of(problem)
        if branch in branches:
            row = branches[branch].take(problem["id"])
            if row is not None:
                stage.count_read()
                yield row | (origins.of(problem["thread_id"]) if origins is not None else {})
        else:
            stage.count_read()
            about = {field: problem[field] for field in CLASSIFIED_FIELDS}
            stage.drop(about, "proof" if branch == PROOFS else branch)
    for rows in branches.values():
        rows.check_end(classified)


def find_duplicates(answers: Path, proofs: Path | None) -> Duplicates:
    duplicates = Duplicates()
    for path in (answers, proofs):
        for row in () if path is None else read_rows(path, BRANCH_FIELDS):
            duplicates.note_problem(row)
    duplicates.note_answers(read_rows(answers, BRANCH_FIELDS))
    return duplicates


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__)
    parser.add_argument("--classified", type=Path, required=True, metavar="FILE", help="classified.jsonl")
    parser.add_argument("--answers", type=Path, required=True, metavar="FILE", help="answers.jsonl")
    parser.add_argument("--proofs", type=Path, metavar="FILE", help="proofs.jsonl; without it, proofs are dropped")
    parser.add_argument("--origins", type=Path, metavar="FILE", help="light rows about the threads")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    duplicates = find_duplicates(arguments.answers, arguments.proofs)
    origins = None if arguments.origins is None else Origins(arguments.origins)
    types = Counter[str]()
    with open_stage("merge_data", arguments) as stage:
        for row in merged_rows(stage, arguments.classified, arguments.answers, arguments.proofs, origins):
            kept = duplicates.kept_instead_of(row)
            if kept is None:
                stage.write(row)
                types[row["problem_type"]] += 1
            else:
                stage.drop(row, "duplicate", kept=kept)
        stage.note("problem_types", dict(sorted(types.items())))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
