"""The command of the lexical nets."""

from __future__ import annotations

from pathlib import Path

import pytest
import search_lexical
from contamination_files import (
    APPLES,
    CLEAN,
    SHORT,
    TRIANGLE,
    read_json_lines,
    write_benchmark,
    write_problems,
    write_rows,
)


def arguments(tmp_path: Path, net: str, *options: str) -> list[str]:
    benchmarks = [
        write_benchmark(tmp_path, "math-500", [SHORT, TRIANGLE]),
        write_benchmark(tmp_path, "gsm8k", [APPLES]),
    ]
    problems = write_problems(tmp_path / "merged.jsonl", {"b-1": f"{TRIANGLE} And $AC$?", "a-1": CLEAN, "c-1": APPLES})
    canary = {"id": "canary-verbatim-math-500-0", "kind": "verbatim", "benchmark": "math-500", "row": 0}
    canaries = write_rows(tmp_path / "canaries.jsonl", [canary | {"problem": SHORT}])
    files = ["--problems", str(problems), "--canaries", str(canaries), "--benchmarks", *map(str, benchmarks)]
    return ["--net", net, *files, *options, "--output", str(tmp_path / "matches.jsonl")]


@pytest.mark.parametrize(("net", "finds_the_short_one"), [("exact", True), ("ngrams", False), ("tfidf", True)])
def test_matches_come_in_the_order_of_the_problems_with_canaries_last(
    tmp_path: Path, net: str, finds_the_short_one: bool
) -> None:
    assert search_lexical.main(arguments(tmp_path, net)) == 0
    matches = [(row["id"], row["benchmark"], row["row"]) for row in read_json_lines(tmp_path / "matches.jsonl")]
    canary = [("canary-verbatim-math-500-0", "math-500", 0)] if finds_the_short_one else []
    assert matches == [("b-1", "math-500", 1), ("c-1", "gsm8k", 0), *canary]


def test_the_least_score_and_the_length_of_runs_are_options(tmp_path: Path) -> None:
    assert search_lexical.main(arguments(tmp_path, "ngrams", "--ngram-words", "2", "--min-score", "0.99")) == 0
    matches = [row["id"] for row in read_json_lines(tmp_path / "matches.jsonl")]
    assert matches == ["b-1", "c-1", "canary-verbatim-math-500-0"]


def test_no_problems_have_no_matches(tmp_path: Path) -> None:
    given = arguments(tmp_path, "tfidf")
    write_rows(tmp_path / "merged.jsonl", [])
    write_rows(tmp_path / "canaries.jsonl", [])
    assert search_lexical.main(given) == 0
    assert (tmp_path / "matches.jsonl").read_bytes() == b""


@pytest.mark.parametrize("option", ["--top-k", "--ngram-words", "--min-words"])
def test_a_number_below_one_is_refused(tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        search_lexical.main(arguments(tmp_path, "exact", option, "0"))
    assert option in capsys.readouterr().err
