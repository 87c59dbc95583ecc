"""The report of a recipe that runs code: its figures, and samples with code set as code."""

from __future__ import annotations

import re
from pathlib import Path

import run_files
from code_run_files import RECIPE, write_code_run
from test_write_report import Reader, read
from write_report import main


def report(run: Path) -> str:
    page = run / RECIPE / "report.html"
    arguments = ["--run", str(run), "--recipe", RECIPE, "--config", str(run / "config.yaml")]
    assert main([*arguments, "--output", str(page)]) == 0
    return page.read_text(encoding="utf-8")


def shown(page: str) -> Reader:
    return read(page)


def test_the_section_tells_how_much_code_was_run_and_how_it_ended(tmp_path: Path) -> None:
    text = shown(report(write_code_run(tmp_path))).text
    assert "ran 4 blocks, and their server was called 6 times" in text
    assert "3.0 s of processor time, 0.75 s a block" in text
    assert "wrote a block when none was left to run 1 25.0%" in text
    assert "an error 2 50.0%" in text
    assert "4 allowed 2" in text
    assert "8+ 1" in text


def test_solutions_that_code_ended_are_not_told_as_cut_at_the_token_limit(tmp_path: Path) -> None:
    run = write_code_run(tmp_path)
    path = run / RECIPE / "counts/fill_majority_answer/shard-000-of-001.json"
    run_files.write_counts(path, read=1, passed=1, written=2, dropped={}, solutions={"answered": 1, "unfinished": 1})
    text = shown(report(run)).text
    assert "not finished 1 50.0%" in text
    assert "reached the token limit, or ended with code that was not run" in text


def test_votes_and_drops_are_in_words(tmp_path: Path) -> None:
    text = shown(report(write_code_run(tmp_path))).text
    assert "a new, significant calculation 1 50.0%" in text
    assert "new, or a check? check 8 50.0%" in text
    assert "1 no block is a new calculation that is hard by hand" in text
    assert "2 a block that ended in an error" in text
    assert "judge code" in text


def test_code_and_output_of_a_sample_are_set_as_such(tmp_path: Path) -> None:
    page = report(write_code_run(tmp_path))
    assert '<pre class="code">print(&#39;fine&#39;)</pre><pre class="output">fine</pre>' in re.sub(
        r">\s+<pre", "><pre", page
    )


def test_code_and_outputs_never_become_markup(tmp_path: Path) -> None:
    found = shown(report(write_code_run(tmp_path, run_files.HOSTILE)))
    assert not found.elements & {"script", "img", "iframe", "link"}
    assert not [name for name in found.attributes if name.startswith("on")]
    assert all(link is not None and link.startswith("#") for link in found.links)


def test_stages_that_have_not_run_are_no_error(tmp_path: Path) -> None:
    run = write_code_run(tmp_path)
    for stage in ("clean_code_solutions", "cut_fragments", "select_by_code"):
        for path in (run / RECIPE / "counts" / stage).iterdir():
            path.unlink()
    assert "No solution has been looked at yet." in report(run)


def test_a_recipe_without_code_has_no_such_section(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    arguments = ["--run", str(run), "--recipe", run_files.RECIPE, "--config", str(run / "config.yaml")]
    assert main([*arguments, "--output", str(run / "page.html")]) == 0
    assert "<h2>Code</h2>" not in (run / "page.html").read_text()
