from __future__ import annotations

import os
import random
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.errors import UserError
from omr.replies.reply import Name, ReplyIndex, usable_text
from stage_runs import reply, write_rows, write_shards

NAMES = st.text(alphabet=st.sampled_from(["a", "b", '"', "\\", "/", "é", "\n", "0", ",", ":", "{", "𝄞"]), min_size=1)


def test_a_reply_is_found_by_row_prompt_and_seed(tmp_path: Path) -> None:
    replies = [reply(f"r-{row}", prompt, f"{row} {prompt} {seed}", seed=seed)
               for row in range(50) for prompt in ("p", "q") for seed in range(3)]  # fmt: skip
    random.Random(0).shuffle(replies)
    with ReplyIndex(write_shards(tmp_path, replies, 4)) as index:
        assert len(index) == 300
        assert all(index.get(one["id"], one["prompt"], one["seed"]) == one for one in replies)
        assert index.get("r-50", "p") is None
        assert index.get("r-1", "p", 3) is None
        assert index.get("r-1", "r") is None


@given(st.sets(st.tuples(NAMES, NAMES, st.integers(0, 99)), max_size=20), st.booleans())
@settings(max_examples=50, deadline=None)
def test_any_name_is_found_whatever_the_order_of_the_keys(
    tmp_path_factory: pytest.TempPathFactory, names: set[tuple[str, str, int]], is_reversed: bool
) -> None:
    replies = [reply(row, prompt, f"{row}|{prompt}|{seed}", seed=seed) for row, prompt, seed in sorted(names)]
    rows = [dict(reversed(one.items())) if is_reversed else one for one in replies]
    path = write_rows(tmp_path_factory.mktemp("replies") / "replies.jsonl", rows)
    with ReplyIndex([path]) as index:
        assert all(index.get(one["id"], one["prompt"], one["seed"]) == one for one in replies)


def test_names_of_equal_hash_stay_apart(tmp_path: Path) -> None:
    # Put into one string without escapes, these are the same.
    one, other = reply('a","prompt":"b', "c", "1"), reply("a", 'b","prompt":"c', "2")
    with ReplyIndex([write_rows(tmp_path / "one.jsonl", [one])]) as index:
        assert index.get(one["id"], one["prompt"]) == one
        assert index.get(other["id"], other["prompt"]) is None
    with ReplyIndex([write_rows(tmp_path / "both.jsonl", [one, other])]) as index:
        assert index.get(one["id"], one["prompt"]) == one
        assert index.get(other["id"], other["prompt"]) == other


def test_a_text_that_looks_like_the_head_of_a_reply_is_a_text(tmp_path: Path) -> None:
    head = '{"id":"b","prompt":"p","seed":0,"key":"'
    path = write_rows(tmp_path / "replies.jsonl", [reply("a", "p", head)])
    with ReplyIndex([path]) as index:
        assert index.get("b", "p") is None
        assert index.get("a", "p")["text"] == head


@pytest.mark.parametrize("size", [1, 100, 2_000, 70_000, 1_000_000])
def test_long_and_short_texts_are_read_whole(tmp_path: Path, size: int) -> None:
    replies = [
        reply("a", "p", "x"),
        reply("b", "p", "é" * size),
        reply("c", "p", ""),
        *(reply(f"d-{n}", "p", "y") for n in range(500)),
    ]
    with ReplyIndex([write_rows(tmp_path / "replies.jsonl", replies)]) as index:
        assert all(index.get(one["id"], "p") == one for one in replies)


def test_a_file_need_not_end_with_a_line_end(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_bytes(orjson.dumps(reply("a", "p", "x")) + b"\n" + orjson.dumps(reply("b", "p", "y")))
    with ReplyIndex([path]) as index:
        assert [index.get("a", "p")["text"], index.get("b", "p")["text"]] == ["x", "y"]


def test_the_later_of_two_replies_counts(tmp_path: Path) -> None:
    paths = [write_rows(tmp_path / f"{text}.jsonl", [reply("a", "p", text)]) for text in ("old", "new")]
    with ReplyIndex(paths) as index:
        assert index.get("a", "p")["text"] == "new"


def test_no_files_and_empty_files_hold_no_reply(tmp_path: Path) -> None:
    with ReplyIndex([]) as none, ReplyIndex([write_rows(tmp_path / "empty.jsonl", [])]) as empty:
        assert [len(none), len(empty), none.get("a", "p"), empty.get("a", "p")] == [0, 0, None, None]


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"null", b'{"id":"a"}', b'{"id":"a","prompt":"p","seed":0,"key":"0', b"\xff"]
)
def test_a_line_that_is_no_reply_is_an_error_with_its_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_bytes(orjson.dumps(reply("a", "p", "x")) + b"\n" + line + b"\n")
    with pytest.raises(UserError) as error:
        ReplyIndex([path])
    assert str(error.value).startswith(f"{path}:2:")


@pytest.mark.parametrize(
    "rest", [b'0","text":"x"}', b'0" "text":"x"}', b'0","text":"\xff","finish_reason":null,"error":null}']
)
def test_a_reply_that_only_begins_like_one_is_an_error_when_it_is_read(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_bytes(b'{"id":"a","prompt":"p","seed":0,"key":"' + rest + b"\n")
    with ReplyIndex([path]) as index, pytest.raises(UserError, match="at byte 0"):
        index.get("a", "p")


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (None, "no_reply"),
        (reply("a", "p", None), "request_failed_context_overflow"),
        (reply("a", "p", "half a te", finish_reason="length"), "unfinished_reply"),
        (reply("a", "p", "x", finish_reason=None), "unfinished_reply"),
        (reply("a", "p", ""), "empty_reply"),
        (reply("a", "p", " \n"), "empty_reply"),
    ],
)
def test_what_is_no_whole_reply_has_a_reason(stored: dict[str, object] | None, reason: str) -> None:
    assert usable_text(stored) == (None, reason)


def test_a_whole_reply_is_its_text() -> None:
    assert usable_text(reply("a", "p", " proof\n")) == (" proof\n", None)


def test_a_reply_may_name_the_tags_of_its_prompt() -> None:
    text = "In <forum_discussions>, post 2 gives 5; <tool_call> checks it.\nAnswer: 5"
    assert usable_text(reply("a", "p", text)) == (text, None)


def in_files(folder: Path, problems: int, seeds: int, size: int) -> list[Path]:
    """A file for each seed, with replies in an order of arrival that is near the problems' own."""
    draw = random.Random(0)
    paths = []
    for seed in range(seeds):
        order = sorted(range(problems), key=lambda n: n + draw.random() * 20)
        rows = [reply(f"p-{n}", "solve", f"{n}/{seed} " + "x" * draw.randint(0, size), seed=seed) for n in order]
        paths.append(write_rows(folder / f"{seed}.jsonl", rows))
    return paths


def names_of(problems: int, seeds: int) -> list[Name]:
    return [Name(f"p-{n}", "solve", seed) for n in range(problems) for seed in range(seeds)]


def test_replies_that_are_read_ahead_are_those_that_are_found_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omr.replies.reply._AHEAD_BYTES", 20_000)
    paths = in_files(tmp_path, 40, 3, 900)
    again = write_rows(tmp_path / "again.jsonl", [reply("p-3", "solve", "a later one", seed=1)])
    wanted = [*names_of(40, 3)[::2], Name("p-0", "solve", 9), Name("p-0", "other", 0), *names_of(3, 1)]
    with ReplyIndex([*paths, again]) as index:
        found = list(index.ahead(wanted, lambda name: [name] if name.row_id != "p-5" else []))
        pairs = list(index.ahead([7, 8], lambda n: [Name(f"p-{n}", "solve", seed) for seed in (2, 0)]))
        assert [item for item, _ in found] == wanted
        for name, replies in found:
            assert replies == ([] if name.row_id == "p-5" else [index.get(*name)])
    assert [[one["seed"] for one in replies if one] for _, replies in pairs] == [[2, 0], [2, 0]]


def test_replies_are_read_ahead_in_few_long_reads_in_the_order_of_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omr.replies.reply._AHEAD_BYTES", 400_000)
    paths = in_files(tmp_path, 200, 8, 900)
    reads: list[tuple[int, int, int]] = []
    pread = os.pread

    def noting(descriptor: int, size: int, offset: int) -> bytes:
        reads.append((descriptor, offset, size))
        return pread(descriptor, size, offset)

    with ReplyIndex(paths) as index:
        monkeypatch.setattr(os, "pread", noting)
        found = sum(len(replies) for _, replies in index.ahead(names_of(200, 8)[::3], lambda name: [name]))
    assert found == 534
    assert len(reads) < found / 10
    assert max(size for _, _, size in reads) > 40_000
    # A batch goes through all files once, and none goes back in one.
    begins = [n for n in range(len(reads)) if n == 0 or reads[n][0] < reads[n - 1][0]]
    for start, end in zip(begins, [*begins[1:], len(reads)], strict=True):
        assert reads[start:end] == sorted(reads[start:end])


def test_of_the_beginning_of_files_only_replies_that_begin_there_are_known(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [reply(f"p-{n}", "solve", "x" * 200) for n in range(10)])
    line = path.stat().st_size // 10
    with ReplyIndex([path], head_bytes=3 * line) as index:
        assert [index.get(f"p-{n}", "solve") is not None for n in range(10)] == [True] * 3 + [False] * 7
        assert [found for _, [found] in index.ahead([Name("p-2", "solve", 0)], lambda name: [name])] == [
            index.get("p-2", "solve")
        ]
