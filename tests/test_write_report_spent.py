"""The report tells what was spent beside its table: replies that were asked anew since."""

from __future__ import annotations

from pathlib import Path

import run_files
from test_write_report import read, report


def test_what_was_spent_on_replies_that_were_asked_anew_stands_beside_the_table(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    before = read(report(run)).text
    assert "went into replies that were asked anew" not in before
    spent = {"held_s": 7200.0, "prompt_tokens": 1000, "completion_tokens": 234, "without_usage": 0}
    run_files.asked(run, "extract_problems", 3, superseded=spent)
    run_files.asked(run, "classify_problems", 3, superseded=spent)
    text = read(report(run)).text
    assert "Besides, 2,468 tokens and 4.0 h of jobs went into replies that were asked anew since" in text
    run_files.asked(run, "classify_problems", 3, superseded=spent | {"without_usage": 2})
    assert "Besides, at least 2,468 tokens" in read(report(run)).text
