"""Forum threads: their identity, and the clean text of a post and of its discussion.

What counts as a quote, and what goes with it, is in omr.threads.quotes. Posts are cleaned one by one: a fault in one
never reaches the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import orjson

from omr.answers.damage import without_escapes
from omr.threads.quotes import quoted_spans
from omr.threads.token_counts import TokenCounter

#: Signs that the forum's old software wrote as macros, so that its own markup would not take them.
_MACRO = re.compile(r"\\(equal|plus|minus)(?![A-Za-z])(?:[ \t]*\{[ \t]*\})?")
_SIGN = {"equal": "=", "plus": "+", "minus": "-"}

#: What stands between two posts of a discussion.
_BETWEEN = "\n\n"

# Posts that are tokenised at a time: enough to share the call, few enough to stop soon after the matter is settled.
_POSTS_AT_A_TIME = 8


class Discussion(NamedTuple):
    """The posts of a thread as one text: "Post 1:\\n...\\n\\nPost 2:\\n..."; and how many posts went where."""

    text: str
    posts_kept: int
    posts_empty: int
    posts_left_out: int


def thread_id(post: str, answers: Sequence[str]) -> str:
    """The content hash of a raw thread, 16 hex digits: the same under any shuffling or subsetting of the data."""
    return blake2b(orjson.dumps([post, list(answers)]), digest_size=8).hexdigest()


def clean_post(text: str) -> str:
    """A post without quotes and quote tags, in plain LaTeX that lost nothing to escapes; stripped. Takes linear time.

    Where something was removed, a line ends: quotes are blocks on the page.
    """
    text = _MACRO.sub(lambda macro: _SIGN[macro[1]], without_escapes(text))
    spans = quoted_spans(text)
    if not spans:
        return text.strip()
    kept, end = [], 0
    for start, stop in spans:
        kept.append(text[end:start].strip())
        end = stop
    kept.append(text[end:].strip())
    return "\n".join(filter(None, kept))


def build_discussion(
    answers: Sequence[str], max_tokens: int, counter: TokenCounter, clean: Callable[[str], str] = clean_post
) -> Discussion:
    """Join the answers, each made clean, while the text stays within `max_tokens`; no post is ever cut.

    Posts of which nothing is left after cleaning are skipped, and the numbers count the posts that are there: 1, 2, 3
    without gaps. The first post that does not fit ends the discussion, however short the later ones are. A post is
    counted with its heading and the blank line before it. A tokenizer that sees the whole text may join a full stop to
    the blank line behind it, so the sum may exceed the count of the whole by a token a post.
    """
    posts = [post for answer in answers if (post := clean(answer))]
    blocks = [f"{_BETWEEN}Post {number}:\n{post}" for number, post in enumerate(posts, 1)]
    if blocks:
        blocks[0] = blocks[0].removeprefix(_BETWEEN)
    text, kept = "".join(blocks), len(blocks)
    if counter.at_most(text) > max_tokens:
        kept = _count_fitting(blocks, max_tokens, counter)
        text = "".join(blocks[:kept])
    return Discussion(text, kept, len(answers) - len(posts), len(posts) - kept)


def _count_fitting(blocks: Sequence[str], max_tokens: int, counter: TokenCounter) -> int:
    """How many blocks fit, from the first one on; tokens are counted until a cheap bound settles it for the rest."""
    bounds = [counter.at_most(block) for block in blocks]
    counted, unsettled = 0, sum(bounds)
    for first in range(0, len(blocks), _POSTS_AT_A_TIME):
        if counted + unsettled <= max_tokens:
            break
        batch = slice(first, first + _POSTS_AT_A_TIME)
        for position, tokens in enumerate(counter.count(blocks[batch]), first):
            counted += tokens
            if counted > max_tokens:
                return position
        unsettled -= sum(bounds[batch])
    return len(blocks)
