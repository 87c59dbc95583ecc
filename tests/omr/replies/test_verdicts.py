"""What was read of replies is what a reading of the replies themselves gives."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from omr.errors import UserError
from omr.files.jsonl import dumps
from omr.replies.reply import SEEDS_PER_TRY, Reply
from omr.replies.tries import TriedReplies
from omr.replies.verdicts import Readable, Verdicts
from omr.stages.stage import Stage

PROMPTS = ("one", "two")


def reply(row_id: str, prompt: str, seed: int, text: str | None) -> dict[str, Any]:
    return {"id": row_id, "prompt": prompt, "seed": seed, "text": text, "finish_reason": "stop", "error": None}


def read(given: Reply) -> Readable:
    text = given["text"]
    return Readable(text, None if text else "empty_reply", text in ("yes", "no"))


def is_readable(given: Reply) -> bool:
    return read(given).is_readable


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(map(dumps, rows)))
    return path


def counted(replies: Verdicts | TriedReplies, folder: Path) -> Any:
    """What is noted in a stage's counts of requests that were asked again."""
    folder.mkdir()
    with Stage("stage", *(folder / name for name in ("output", "dropped", "counts"))) as stage:
        replies.note_counts(stage)
        return stage.counts().get("asked_again")


@pytest.mark.parametrize("draw", [random.Random(seed) for seed in range(40)], ids=range(40))
def test_they_are_those_of_the_replies_in_any_order_with_any_tries(tmp_path: Path, draw: random.Random) -> None:
    names = [(f"r{n}", prompt, seed) for n in range(6) for prompt in PROMPTS for seed in (0, 1)]
    rows = [
        reply(row_id, prompt, seed + number * SEEDS_PER_TRY, draw.choice(["yes", "no", "perhaps", "", "\u2028é"]))
        for row_id, prompt, seed in names
        if draw.random() < 0.9
        for number in range(draw.choice([1, 1, 1, 2, 4]))
        if draw.random() < 0.9  # also a try without the one before it
    ]
    rows += draw.sample(rows, 5)  # some requests have two replies
    draw.shuffle(rows)
    files = [write(tmp_path / "a.jsonl", rows[::2]), write(tmp_path / "b.jsonl", rows[1::2])]
    verdicts = Verdicts(files, read)
    with TriedReplies(files, is_readable) as replies:
        for name in [*names, ("r7", "one", 0), ("r1", "three", 0)]:
            found = replies.get(*name)
            assert verdicts.get(*name) == (None if found is None else read(found))
        assert counted(verdicts, tmp_path / "one") == counted(replies, tmp_path / "other")


def test_a_name_with_escapes_and_keys_in_another_order_are_found(tmp_path: Path) -> None:
    odd = dict(reversed(reply('a"\\\n\u00e9', "one", 0, "yes").items()))
    verdicts = Verdicts([write(tmp_path / "a.jsonl", [odd])], read)
    assert verdicts.get('a"\\\n\u00e9', "one") == Readable("yes", None, True)
    assert verdicts.get("a", "one") is None


@pytest.mark.parametrize("line", [b"{}\n", b"[1]\n", b'{"id": "a", "prompt": "one", "seed": 0}\n', b"{\n", b"\xff\n"])
def test_a_line_that_is_no_reply_is_told_with_its_place(tmp_path: Path, line: bytes) -> None:
    path = write(tmp_path / "a.jsonl", [reply("a", "one", 0, "yes")])
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(UserError, match=r"a\.jsonl:2: .*\n.*delete this file and run again"):
        Verdicts([path], read)
