"""The demo's threads, benchmarks and authored replies fit together."""

from __future__ import annotations

import re
import unicodedata
from fnmatch import fnmatchcase
from itertools import combinations, product
from typing import Any

import orjson
import pytest
from demo_tables import (
    BENCHMARKS,
    DEMO,
    MAX_DISCUSSION_BYTES,
    PROMPTS,
    STAGES,
    benchmark,
    expected,
    lines,
    problem_texts,
    problems,
    replies,
    requests,
    shared_words_in_a_row,
    threads,
)
from omr.asking.prompts import load_prompt
from omr.files.jsonl import parse_row
from omr.threads.posts import build_discussion, thread_id

# ---- replies and rows belong together


@pytest.mark.parametrize("stage", STAGES)
def test_every_request_of_the_demo_has_a_reply(stage: str) -> None:
    missing = [name for name in requests(stage) if replies(stage).get(name) is None]
    assert missing == []


@pytest.mark.parametrize("stage", STAGES)
def test_no_reply_is_dead(stage: str) -> None:
    known, used = replies(stage), set()
    for name in requests(stage):
        keys = (name, name.rpartition("/")[0], name.split("/")[0])
        exact = next((key for key in keys if key in known.exact), None)
        used.add(exact or next((match for match, _ in known.patterns if fnmatchcase(name, match)), None))
    assert {*known.exact, *(match for match, _ in known.patterns)} - used == set()


def test_there_is_no_file_of_replies_that_no_stage_reads() -> None:
    files = {str(path.relative_to(DEMO / "replies").with_suffix("")) for path in DEMO.glob("replies/**/*.*")}
    folders = {path.parent.relative_to(DEMO / "replies") for path in DEMO.glob("replies/**/*.yaml")}
    # Each of the demo's models can be tried.
    assert files == {*STAGES, *(str(folder / "try_server") for folder in folders)}


@pytest.mark.parametrize("stage", STAGES)
def test_every_file_of_replies_says_in_its_first_line_that_no_model_wrote_it(stage: str) -> None:
    first = (DEMO / "replies" / f"{stage}.yaml").read_text(encoding="utf-8").split("\n")[0]
    assert first.startswith("#")
    assert "no model" in first


def test_the_table_names_every_thread_with_the_id_of_its_raw_texts() -> None:
    ids = {name: thread_id(line["original_question"], line["original_answers"]) for name, line in threads().items()}
    assert {name: thread["id"] for name, thread in expected()["threads"].items()} == {
        name: found for name, found in ids.items() if name != "polish-median-again"
    }


def test_the_table_names_every_problem_that_the_extraction_replies_hold() -> None:
    ids = {name: f"{expected()['threads'][name.split('/')[0]]['id']}-{name.split('/')[1]}" for name in problem_texts()}
    assert {name: row["id"] for name, row in problems().items()} == ids


# ---- the threads


def test_exactly_one_thread_stands_twice_in_the_file() -> None:
    raw = [orjson.dumps([line["original_question"], line["original_answers"]]) for line in lines()]
    twins = [(i, j) for i, j in combinations(range(len(raw)), 2) if raw[i] == raw[j]]
    assert [lines()[j]["source"] for _, j in twins] == ["sample-23-polish-median-again"]
    assert len(lines()) >= 22


def test_one_line_of_the_spoilt_file_is_no_json() -> None:
    spoilt = (DEMO / "threads_with_bad_line.jsonl").read_bytes().splitlines()
    assert [parse_row(line)[0] is None for line in spoilt] == [False, True, False]


class _ByteCounter:
    """Counts a token for every UTF-8 byte."""

    def at_most(self, text: str) -> int | None:
        return len(text.encode())

    def count(self, texts: list[str]) -> list[int]:
        return [len(text.encode()) for text in texts]


def test_the_limit_shortens_the_long_discussion_after_its_answer_and_no_other() -> None:
    counter: Any = _ByteCounter()
    left_out = {}
    for name, line in threads().items():
        found = build_discussion(line["original_answers"], MAX_DISCUSSION_BYTES, counter)
        if found.posts_left_out:
            left_out[name] = found
    assert list(left_out) == ["long-divisors"]
    assert r"\{-13,-3,-1,9\}" in left_out["long-divisors"].text
    assert sum(len(post.split()) for post in threads()["long-divisors"]["original_answers"]) > 1500


def test_the_quotes_of_the_demo_are_nested_unclosed_stray_and_alone() -> None:
    posts = threads()["lattice-quotes"]["original_answers"]
    balance = [(post.lower().count("[quote"), post.lower().count("[/quote]")) for post in posts]
    assert balance == [(2, 2), (1, 1), (0, 1), (1, 0), (1, 1)]
    assert posts[1].endswith("[/quote]")
    assert posts[0].index("[quote=OP]") < posts[0].index("[/quote]")


def test_the_demo_holds_combining_characters_other_scripts_and_emoji() -> None:
    text = orjson.dumps(lines()).decode()
    names = " ".join(unicodedata.name(character, "") for character in set(text))
    assert all(what in names for what in ("COMBINING", "CJK", "WITH OGONEK", "WAVING HAND"))
    vietnamese = threads()["vietnamese-train"]["original_question"]
    assert unicodedata.normalize("NFC", vietnamese) != vietnamese


def test_one_post_closes_the_tags_of_the_prompt_and_holds_placeholders() -> None:
    discussion = "\n".join(threads()["day-of-week"]["original_answers"])
    rendered = load_prompt(PROMPTS / "extract_answers.yaml").render(
        {"problem": "P", "forum_post": "F", "forum_discussions": discussion}
    )
    assert "{{ expected_answer }}" in rendered[-1]["content"]
    assert "</forum_discussions>" in discussion


# ---- the benchmarks


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_has_ten_to_fifteen_different_rows(name: str) -> None:
    assert 10 <= len(benchmark(name)) <= 15
    assert len({row["problem"] for row in benchmark(name)}) == len(benchmark(name))


def test_the_verbatim_copy_is_verbatim_in_its_thread_and_in_its_extraction() -> None:
    copied = benchmark("sample_contest")[0]
    assert copied["problem"] in threads()["verbatim-copy"]["original_question"]
    assert problem_texts()["verbatim-copy/1"] == copied["problem"]
    assert problems()["verbatim-copy/1"]["extracted"] == copied["answer"]


def test_the_paraphrased_copy_asks_for_the_same_number_in_other_words() -> None:
    copied = benchmark("sample_school")[0]
    assert problems()["paraphrased-copy/1"]["extracted"] == copied["answer"]
    assert (
        re.findall(r"\d+", copied["problem"])
        == ["20", "190"]
        == re.findall(r"\d+", problem_texts()["paraphrased-copy/1"])
    )
    for text in (problem_texts()["paraphrased-copy/1"], threads()["paraphrased-copy"]["original_question"]):
        assert shared_words_in_a_row(text, copied["problem"], 8) == set()


def test_no_other_problem_shares_eight_words_in_a_row_with_a_benchmark() -> None:
    texts = [text for name, text in problem_texts().items() if name != "verbatim-copy/1"]
    texts += [replies("convert_proofs").exact[row["id"]].text for row in problems(branch="proof").values()]
    rows = [row["problem"] for name in BENCHMARKS for row in benchmark(name)]
    assert [pair for pair in product(texts, rows) if shared_words_in_a_row(*pair, 8)] == []
