"""What was submitted is noted, and only by who holds the output."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.batches.submissions import Submissions
from omr.errors import UserError


def refuse() -> None:
    raise UserError("another job took over")


def test_nothing_is_written_where_the_check_refuses(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl.batches"
    with Submissions(tmp_path / "out.jsonl") as submissions:
        submissions.uploaded("file", ["1"])
    before = path.read_bytes()
    with pytest.raises(UserError, match="took over"), Submissions(tmp_path / "out.jsonl", refuse) as submissions:
        submissions.uploaded("other", ["2"])
    assert path.read_bytes() == before
    path.write_bytes(before + b"{torn")
    with pytest.raises(UserError, match="took over"), Submissions(tmp_path / "out.jsonl", refuse):
        pass
    assert path.read_bytes() == before + b"{torn"
