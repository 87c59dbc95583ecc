"""What a job says of itself while it works can be read at any moment, and is never trusted."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from omr.errors import UserError
from omr.replies.progress_file import JobProgress, ProgressFile, read_progress

LOOK = JobProgress(phase="asking", model="m", total=9, stored=2, answered=3, failed={"http": 1})


def silent(line: str) -> None:
    raise AssertionError(line)


def test_a_job_that_works_has_a_file_and_one_that_ended_well_none(tmp_path: Path) -> None:
    path = tmp_path / "x.progress"
    with ProgressFile(path, lambda: LOOK, silent) as told:
        found = wait_for(path)
    told.done()
    assert (found.phase, found.done, found.total, found.tries) == ("asking", 6, 9, 1)
    assert (found.pid, bool(found.started)) == (os.getpid(), True)
    assert list(tmp_path.iterdir()) == []


def wait_for(path: Path) -> JobProgress:
    for _ in range(1000):
        if path.exists() and (found := read_progress(path)) is not None:
            return found
        time.sleep(0.01)
    raise AssertionError("no file appeared")


def test_a_job_that_fails_says_why_and_the_next_one_counts_its_tries(tmp_path: Path) -> None:
    path = tmp_path / "x.progress"
    with pytest.raises(UserError), ProgressFile(path, lambda: LOOK, silent):
        raise UserError("the server\x1b[2J is gone")
    found = read_progress(path)
    assert found is not None
    assert (found.phase, found.note, found.tries) == ("failed", "the server[2J is gone", 1)
    with ProgressFile(path, lambda: LOOK, silent):
        pass
    again = read_progress(path)
    assert again is not None
    assert (again.phase, again.tries) == ("asking", 2)


def test_a_job_goes_on_where_it_cannot_say_how_far_it_is(tmp_path: Path) -> None:
    lines: list[str] = []
    (tmp_path / "x.progress").mkdir()
    with ProgressFile(tmp_path / "x.progress", lambda: LOOK, lines.append) as told:
        pass
    told.done()
    assert len(lines) == 1
    assert "cannot be written" in lines[0]


WHOLE: dict[str, Any] = {"version": 1, "phase": "asking", "total": 3}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"version": 1, "pha',
        b"[1]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        orjson.dumps(WHOLE | {"version": 2}),
        orjson.dumps(WHOLE | {"phase": "dancing"}),
        orjson.dumps(WHOLE | {"phase": ["asking"]}),
        orjson.dumps(WHOLE | {"total": "3"}),
        orjson.dumps(WHOLE | {"total": -1}),
        orjson.dumps(WHOLE | {"total": 10**18}),
        orjson.dumps(WHOLE | {"total": True}),
        orjson.dumps(WHOLE | {"total": 1.5}),
        orjson.dumps(WHOLE | {"failed": [1]}),
        orjson.dumps(WHOLE | {"failed": {"a": -1}}),
        orjson.dumps(WHOLE | {"note": {}}),
        orjson.dumps(WHOLE | {"note": "x" * (1 << 17)}),
    ],
)
def test_a_file_that_says_nothing_of_use_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.progress"
    path.write_bytes(content)
    assert read_progress(path) is None


def test_texts_are_made_fit_to_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "x.progress"
    failed = {f"\x1b[31mkind {n}": 1 for n in range(99)}
    path.write_bytes(orjson.dumps(WHOLE | {"note": "\u202ea\x1b[2J\n" * 999, "host": "h\x00", "failed": failed}))
    found = read_progress(path)
    assert found is not None
    assert found.note.isprintable()
    assert len(found.note) <= 300
    assert found.host == "h"
    assert len(found.failed) <= 40
    assert all(kind.isprintable() for kind in found.failed)
