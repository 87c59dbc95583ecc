"""Rows and replies of the labelling stages for the tests of their parsers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stage_runs import Row, reply

CLASSES = ["proof", "mcq", "binary", "invalid"]
CLASS_PROMPTS = [f"classify_{label}" for label in CLASSES]
ALL_FALSE = dict.fromkeys([f"is_{label}" for label in CLASSES], False)


def thread(number: int) -> Row:
    return {
        "id": f"{number:016x}",
        "forum_post": f"Find ${number}+x$, please!",
        "forum_discussions": f"Post 1:\nIt is {number}.",
        "source": "kept only where said",
    }


def problem(number: int, text: str = "") -> Row:
    of = thread(number)
    row = {"id": f"{of['id']}-1", "thread_id": of["id"], "problem": text or f"Find the value of ${number}+x$."}
    return row | {"forum_post": of["forum_post"], "forum_discussions": of["forum_discussions"]}


def classified(number: int, text: str = "", **classes: bool | None) -> Row:
    """A classified problem; classes that are not given are false."""
    return problem(number, text) | ALL_FALSE | classes


def class_replies(row_id: str, labels: Iterable[str] = (), texts: Mapping[str, str | None] | None = None) -> list[Row]:
    """The four replies about a problem that has these labels; `texts` are other replies by label."""
    labels = set(labels)
    plain = {label: label if label in labels else f"not {label}" for label in CLASSES}
    return [reply(row_id, f"classify_{label}", text) for label, text in (plain | dict(texts or {})).items()]
