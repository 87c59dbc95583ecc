"""Classified problems, their answers and converted proofs in, every usable problem once out.

In: classified.jsonl for the order and for the problems that neither branch takes; answers.jsonl, or nothing where
problems were given, whose rows bring their answers along; proofs.jsonl, or nothing where converted proofs are not
wanted; the light rows that say where threads come from, if there are any.
Out: the rows of the answers and of proofs.jsonl, in the order of classified.jsonl; with what is told of their thread,
or of the given problem, as `problem_source`, `source_url`, `source_license`, `source_author`, `source_date`. The answer
that was given with a proof is none of the restated problem.

Dropped: `unreadable_class`, `invalid`, `mcq`, `binary`; without `--proofs` also `proof`; and `duplicate` (`kept` is the
id of the row that stays): of problems in the same notation, the first one with an answer stays,
or the first if none has one. Problems that a parser of the branches dropped were counted there; `read` is the rows of
both branches and the classified rows that go to neither.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from omr.errors import UserError, leave, run_command
from omr.files.duplicates import Duplicates
from omr.files.jsonl import Fields, Row, read_rows
from omr.files.unique import unique_rows
from omr.stages.flags import open_stage, stage_parser
from omr.stages.routing import ANSWERS, PROOFS, branch_of
from omr.stages.stage import Stage
from omr.threads.origins import COLUMN_OF, origin_fields

CLASSIFIED_FIELDS: Fields = {"id": str, "thread_id": str, "problem": str}
BRANCH_FIELDS: Fields = {"id": str, "problem": str, "expected_answer": (str, None), "problem_type": str}
ANSWER_FIELDS = ("id", "thread_id", "problem", "expected_answer", "problem_type")


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
    """The rows of a branch, which are in the file `path`, taken one by one by their ids in the order of
    classified.jsonl."""

    def __init__(self, rows: Iterator[Row], path: Path) -> None:
        self._path = path
        self._rows = rows
        self._next = next(rows, None)

    def take(self, row_id: str) -> Row | None:
        """The row of this id, or None where the branch's parser has dropped it."""
        row = self._next
        if row is None or row["id"] != row_id:
            return None
        self._next = next(self._rows, None)
        return row

    def check_end(self) -> None:
        """Raises UserError for a row that no problem of the branch asked for."""
        if self._next is not None:
            raise UserError(
                f"row {self._next['id']!r} is not among those of its branch, or not in the order of the problems",
                file=self._path,
                remedy="delete this file and run again: it was made from another classified.jsonl",
            )


class Problems:
    """The classified problems, and the rows of both branches. `answers`: None where the problems bring theirs along,
    `proofs`: None where none are wanted."""

    def __init__(self, classified: Path, answers: Path | None, proofs: Path | None) -> None:
        self._classified, self._answers, self._proofs = classified, answers, proofs

    @property
    def are_given(self) -> bool:
        return self._answers is None

    def __iter__(self) -> Iterator[Row]:
        fields = {**CLASSIFIED_FIELDS, **(BRANCH_FIELDS if self.are_given else {})}
        return unique_rows(read_rows(self._classified, fields), self._classified)

    def answers(self) -> Iterator[Row]:
        """The rows of the answers branch."""
        if self._answers is not None:
            return read_rows(self._answers, BRANCH_FIELDS)
        given = (row for row in self if branch_of(row) == ANSWERS)
        return ({field: row[field] for field in ANSWER_FIELDS} for row in given)

    def branches(self) -> dict[str, BranchRows]:
        """The rows of each branch that is wanted, to be taken in the order of the problems."""
        found = {ANSWERS: BranchRows(self.answers(), self._answers or self._classified)}
        return found if self._proofs is None else found | {PROOFS: BranchRows(self.proofs(), self._proofs)}

    def proofs(self) -> Iterator[Row]:
        """The converted proofs."""
        return iter(()) if self._proofs is None else read_rows(self._proofs, BRANCH_FIELDS)


def merged_rows(stage: Stage, problems: Problems, origins: Origins | None = None) -> Iterator[Row]:
    """The rows of both branches in the order of the problems; rows of neither are dropped on the way."""
    branches = problems.branches()
    about = (*CLASSIFIED_FIELDS, "expected_answer") if problems.are_given else tuple(CLASSIFIED_FIELDS)
    for problem in problems:
        branch = branch_of(problem)
        if branch in branches:
            row = branches[branch].take(problem["id"])
            if row is not None:
                stage.count_read()
                yield row | (told_of(problem) if origins is None else origins.of(problem["thread_id"]))
        else:
            stage.count_read()
            stage.drop({field: problem[field] for field in about}, "proof" if branch == PROOFS else branch)
    for rows in branches.values():
        rows.check_end()


def told_of(problem: Row) -> Row:
    """Where a given problem comes from, as far as its row says it; of one of a thread nothing."""
    return {field: problem[field] for field in COLUMN_OF.values() if field in problem}


def find_duplicates(problems: Problems) -> Duplicates:
    duplicates = Duplicates()
    for row in chain(problems.answers(), problems.proofs()):
        duplicates.note_problem(row)
    duplicates.note_answers(problems.answers())
    return duplicates


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__)
    parser.add_argument("--classified", type=Path, required=True, metavar="FILE", help="classified.jsonl")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="answers.jsonl; without it, problems have theirs")
    parser.add_argument("--proofs", type=Path, metavar="FILE", help="proofs.jsonl; without it, proofs are dropped")
    parser.add_argument("--origins", type=Path, metavar="FILE", help="light rows about the threads")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    problems = Problems(arguments.classified, arguments.answers, arguments.proofs)
    duplicates = find_duplicates(problems)
    origins = None if arguments.origins is None else Origins(arguments.origins)
    types = Counter[str]()
    with open_stage("merge_data", arguments) as stage:
        for row in merged_rows(stage, problems, origins):
            kept = duplicates.kept_instead_of(row)
            if kept is None:
                stage.write(row)
                types[row["problem_type"]] += 1
            else:
                stage.drop(row, "duplicate", kept=kept)
        stage.note("problem_types", dict(sorted(types.items())))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
