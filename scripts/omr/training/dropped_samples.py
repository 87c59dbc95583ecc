"""Solutions that did not become training rows, as samples for people: what was judged, and the beginning of what was
said. Nobody reads the store of replies again for a page."""

from __future__ import annotations

from collections.abc import Iterator

from omr.files.jsonl import Row
from omr.replies.reply import Reply
from omr.solutions.solution import read_solution
from omr.solutions.transcripts import Transcript, transcript_of

#: Characters that are kept of each of a sample's texts, or of all that was said and run together.
MAX_CHARS = 6_000


def sample_of(judged: Row, problem: str | None, reply: Reply | None) -> Row:
    """A judged row with `problem` and `said`: [[kind, text, characters that are left out], ...]; kinds are `reasoning`
    and `solution`, or of a solution that ran code `prose`, `code` and `output`, in order."""
    return judged | {"problem": problem, "said": [] if reply is None else list(_said(reply))}


def _said(reply: Reply) -> Iterator[tuple[str, str, int]]:
    if reply.get("steps"):
        yield from _in_turns(transcript_of(reply))
    elif reply["text"] is not None:
        for kind, text in zip(("reasoning", "solution"), read_solution(reply), strict=True):
            if text:
                yield kind, text[:MAX_CHARS], max(len(text) - MAX_CHARS, 0)


def _in_turns(transcript: Transcript) -> Iterator[tuple[str, str, int]]:
    left = MAX_CHARS
    for kind, text in _pieces(transcript):
        if text.strip():
            yield kind, text[: max(left, 0)], len(text) - len(text[: max(left, 0)])
            left -= len(text)


def _pieces(transcript: Transcript) -> Iterator[tuple[str, str]]:
    prose = transcript.prose
    for before, step in zip(prose, transcript.steps, strict=False):
        yield "prose", before
        yield "code", step.code(transcript.text)
        yield "output", step.output(transcript.text)
    yield "prose", prose[-1]
