"""What the files of a run are, told by their paths."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from omr.runs.saved import Saved

#: In this order files are indexed: what lists show comes first, texts of solutions last; and what an earlier config
#: left, which no list shows.
THREADS, PROBLEMS, MERGED, DROPPED, VERDICTS, TRAINING, ROWS, REPLIES, EARLIER = range(9)
#: Stages that drop all solutions of a problem whose vote came to nothing.
UNVOTED = ("fill_majority_answer", "settle_votes")
_SKIPPED = frozenset({"logs", "counts", "benchmarks", "dataset"})
_JOURNAL, _PARQUET = ".journal", ".parquet"
_FIRST = {"raw_aops_data.jsonl": THREADS, "problems.jsonl": PROBLEMS, "merged.jsonl": MERGED}


class FileKind(NamedTuple):
    """What a file holds (`kind`), of which stage and recipe (empty: the problems' stages)."""

    kind: int
    stage: str
    recipe: str


class Found(NamedTuple):
    """A file of a run: its path in the run, and what tells whether it changed."""

    path: str
    size: int
    mtime_ns: int
    inode: int

    @property
    def is_parquet(self) -> bool:
        return self.path.endswith(_PARQUET)

    @property
    def is_journal(self) -> bool:
        return self.path.endswith(_JOURNAL)


def recipes_of(run: Path) -> list[str]:
    """The recipes that have begun."""
    return sorted({path.parent.name for name in ("solutions", "groups") for path in run.glob(f"*/{name}")})


def shown_recipes(run: Path) -> list[str]:
    """Those of them that the run's config has."""
    saved = Saved.of(run)
    return [name for name in recipes_of(run) if saved.knows(name)]


def kind_of(path: str, recipes: frozenset[str]) -> FileKind:
    """What a file is, by its path in the run."""
    parts = PurePosixPath(path.removesuffix(_JOURNAL)).parts
    recipe, parts = (parts[0], parts[1:]) if len(parts) > 1 and parts[0] in recipes else ("", parts)
    head = parts[0]
    stage = parts[1].removesuffix(".jsonl") if len(parts) > 1 else head.removesuffix(".jsonl")
    if head == "dropped":
        return FileKind(DROPPED, stage, recipe)
    if head == "replies":
        return FileKind(REPLIES, stage, recipe)
    if not recipe:
        return FileKind(_FIRST.get(path, ROWS), head.removesuffix(".jsonl"), "")
    if head == "solutions":
        return FileKind(REPLIES, "generate_solutions", recipe)
    if head in ("judged", "majority"):
        return FileKind(VERDICTS, head, recipe)
    kind = TRAINING if path.endswith(_PARQUET) else ROWS
    return FileKind(kind, head.removesuffix(".jsonl"), recipe)


def find_files(run: Path) -> Iterator[Found]:
    """The files of rows in a run's folder, and journals of replies whose output is not there yet.

    Of Parquet files those with training rows: datasets are links to them, other products are made from them.
    """
    for folder, folders, names in os.walk(run):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        listed = set(names)
        holds_training_rows = Path(folder).parent.name == "sft"
        for name in sorted(names):
            is_journal = name.endswith(".jsonl" + _JOURNAL) and name.removesuffix(_JOURNAL) not in listed
            is_training = holds_training_rows and name.endswith(_PARQUET)
            if name.startswith(".") or not (name.endswith(".jsonl") or is_journal or is_training):
                continue
            path = Path(folder, name)
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            yield Found(path.relative_to(run).as_posix(), stat.st_size, stat.st_mtime_ns, stat.st_ino)
