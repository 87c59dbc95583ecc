"""What each lexical net finds, and what it leaves to the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from contamination_files import APPLES, CLEAN, DIVISORS, SHORT, TRIANGLE, read_json_lines, write_benchmark
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.contamination.benchmarks import Pool
from omr.contamination.lexical_nets import ExactNet, NgramNet, TfidfNet
from omr.contamination.nets import Hit, Net, best, write_matches
from omr.contamination.rewording import paraphrase, renumber

PROBLEMS = [TRIANGLE, APPLES, DIVISORS, SHORT]
NETS: dict[str, Callable[[Pool], Net]] = {
    "exact": lambda pool: ExactNet(pool, min_words=12, top_k=5),
    "ngrams": lambda pool: NgramNet(pool, n=8, min_share=0.5, top_k=5),
    "tfidf": lambda pool: TfidfNet(pool, min_score=0.4, top_k=5),
}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return Pool([write_benchmark(tmp_path_factory.mktemp("pool"), "math", PROBLEMS)])


@pytest.fixture(scope="module")
def nets(pool: Pool) -> dict[str, Net]:
    return {name: make(pool) for name, make in NETS.items()}


def found(net: Net, text: str) -> list[int]:
    return [hit.text for hit in net.search([text])[0]]


@pytest.mark.parametrize("name", NETS)
def test_every_net_finds_a_copy_in_another_spelling(nets: dict[str, Net], name: str) -> None:
    copy = TRIANGLE.replace("$", "").replace("\\frac", "\\dfrac").upper().replace("\\DFRAC", "\\dfrac")
    assert nets[name].search([copy]) == [[Hit(0, 1.0)]]


@pytest.mark.parametrize("name", NETS)
def test_no_net_finds_anything_near_a_different_problem_or_an_empty_one(nets: dict[str, Net], name: str) -> None:
    assert nets[name].search([CLEAN, "", "$$"]) == [[], [], []]


def test_the_exact_net_finds_a_long_problem_inside_a_longer_one(nets: dict[str, Net]) -> None:
    [hit] = nets["exact"].search([f"Source: a contest. {DIVISORS} Please help me!"])[0]
    assert hit.text == 2
    assert 0.5 < hit.score < 1


def test_the_exact_net_compares_short_problems_as_a_whole_only(nets: dict[str, Net]) -> None:
    assert found(nets["exact"], "compute \\(7!\\)") == [3]
    assert found(nets["exact"], f"Easy one. {SHORT} And then $8!$.") == []


def test_a_sign_more_is_no_exact_match(nets: dict[str, Net]) -> None:
    assert found(nets["exact"], DIVISORS.replace("+ 1", "- 1")) == []


def test_the_ngram_score_is_the_share_of_the_benchmark_problem_that_is_found(nets: dict[str, Net]) -> None:
    [whole] = nets["ngrams"].search([f"{APPLES} {CLEAN}"])[0]
    half = nets["ngrams"].search([APPLES.split(". ")[0] + ". " + APPLES.split(". ")[1] + "."])[0]
    assert whole == Hit(1, 1.0)
    assert 0.5 <= half[0].score < 1


def test_problems_shorter_than_the_ngram_are_counted_and_found_by_the_other_nets(pool: Pool) -> None:
    ngrams = NgramNet(pool, n=8, min_share=0.5, top_k=5)
    assert ngrams.skipped == 1
    assert found(ngrams, SHORT) == []
    assert found(NETS["exact"](pool), SHORT) == [3]
    assert found(NETS["tfidf"](pool), SHORT) == [3]


@pytest.mark.parametrize("number", range(3))
def test_tfidf_finds_paraphrases_and_renumberings(nets: dict[str, Net], number: int) -> None:
    for rewrite in (paraphrase, renumber):
        other = rewrite(PROBLEMS[number], Random(7))
        assert other is not None
        assert found(nets["tfidf"], other)[0] == number


@pytest.mark.parametrize("problems", [["$$"], ["zzz"], ["..."], ["7"]])
@pytest.mark.parametrize("name", NETS)
def test_a_pool_with_nothing_to_compare_is_searched_all_the_same(
    tmp_path: Path, name: str, problems: list[str]
) -> None:
    net = NETS[name](Pool([write_benchmark(tmp_path, "odd", problems)]))
    assert net.search([TRIANGLE]) == [[]]


def test_common_runs_of_a_large_pool_do_not_hide_a_copy(tmp_path: Path) -> None:
    problems = [
        f"Find the number of positive integers less than ${n}$ that are divisible by ${n // 7}$."
        for n in range(200, 500)
    ]
    net = TfidfNet(Pool([write_benchmark(tmp_path, "alike", problems)]), min_score=0.4, top_k=3)
    assert found(net, problems[123])[0] == 123


def test_equal_scores_are_ranked_by_the_order_of_the_pool() -> None:
    assert best([Hit(5, 0.5), Hit(2, 0.5), Hit(9, 0.9)], 2) == [Hit(9, 0.9), Hit(2, 0.5)]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations([TRIANGLE, APPLES + " " + DIVISORS, CLEAN, "Find $x$.", ""]), block=st.integers(1, 6))
@pytest.mark.parametrize("name", NETS)
def test_what_is_found_depends_neither_on_the_order_of_the_problems_nor_on_the_blocks(
    nets: dict[str, Net], pool: Pool, tmp_path_factory: pytest.TempPathFactory, name: str, order: list[str], block: int
) -> None:
    path = tmp_path_factory.mktemp("found") / "matches.jsonl"
    rows = [{"id": text, "problem": text} for text in order]
    write_matches(path, rows, nets[name], pool, block_rows=block)
    matches = read_json_lines(path)
    for text in order:
        alone = nets[name].search([text])[0]
        assert [match["row"] for match in matches if match["id"] == text] == [hit.text for hit in alone]


def test_every_row_of_a_text_that_benchmarks_share_is_a_match(tmp_path: Path) -> None:
    files = [write_benchmark(tmp_path, "math", [SHORT, TRIANGLE]), write_benchmark(tmp_path, "math-500", [TRIANGLE])]
    pool = Pool(files)
    write_matches(tmp_path / "m.jsonl", [{"id": "a", "problem": TRIANGLE}], NETS["exact"](pool), pool, block_rows=1)
    assert read_json_lines(tmp_path / "m.jsonl") == [
        {"id": "a", "benchmark": "math", "row": 1, "score": 1.0},
        {"id": "a", "benchmark": "math-500", "row": 0, "score": 1.0},
    ]
