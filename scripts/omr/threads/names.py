r"""Takes the names of users, their mail addresses and their signatures out of a thread, and leaves its mathematics.

Which names a thread has is told by its columns (who wrote it and its posts), by heads of quotes (`[quote=name]`, `name
wrote:`) and by mentions (`@name`). A name there goes whatever it is. In the text itself the same letters may be a word,
a variable, a person of the problem or a mathematician, so a name goes only where it can be nothing else: outside
formulas, and not if the first post has it; and then either anywhere, if it is no word (it has a digit, a low line, or a
capital behind a small letter, and at least four letters), or where somebody is spoken to (`Nice, Bob!`, `Thanks Bob.`,
`Bob, that is wrong`).

Mail addresses go wherever they stand: `name@host.tld` with at least two letters in every part is no mathematics.

A signature is the end of a post: what stands below a line of `--` or of five low lines; a name alone on the last line;
the last paragraph of a post, if its user ends at least two posts with it, of whatever threads, and half of all. One
with a formula, a number or a sign of mathematics in it stays. Everything takes time in step with the length of texts.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter, deque
from collections.abc import Container, Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from omr.files.hash_table import HashTable
from omr.files.patterns import lazy
from omr.threads.formulas import pieces

USER, EMAIL = "[user]", "[email]"
#: What is taken out, as it is counted.
TAKEN = ("names", "mails", "signatures")
_MAIL = lazy(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{1,63}"
    r"(?:@|[ \t]?[\[({][ \t]?(?:at|@)[ \t]?[\])}][ \t]?)"
    r"(?:[A-Za-z0-9-]{2,63}(?:\.|[ \t]?[\[({][ \t]?(?:dot|\.)[ \t]?[\])}][ \t]?)){1,4}[A-Za-z]{2,24}(?![\w@])",
    re.IGNORECASE,
)
_NAME = r"[^\W_][\w.-]{1,38}\w"
# `@250`, `@Rs.250` and `@12.5%` are prices and rates.
_MENTION = lazy(rf"(?<![\w.@/])@(?!\w{{1,3}}\.\d)(?=[^\W\d_]|\d+[^\W\d_]{{3}})({_NAME})")
_QUOTE_HEAD = lazy(
    r"\[quote(?::\w{1,16})?(?:[ \t]*=|[ \t]+name=)[ \t]*[\"']?([^\]\[\"',;\n]{2,40})",
    re.IGNORECASE,
)
_QUOTE_TAG = lazy(r"(\[quote)(?:[ \t]*[:=]|[ \t]+name=)[^\]\n]{0,120}(?=\])", re.IGNORECASE)
_WROTE = lazy(rf"^(?:\[b\])?({_NAME})(?=[ \t]wrote:)", re.MULTILINE)
_POSTED = lazy(rf"(?:^|(?<=Originally ))[Pp]osted by[ \t]+({_NAME})", re.MULTILINE)
_DELIMITER = lazy(r"^(?:--[ \t]?|_{5,})[ \t]*$", re.MULTILINE)
#: What keeps a trailing block: formulas, numbers, signs, drawings.
_MATHEMATICS = lazy(r"[$\\=^<>{}|≤≥≠∑√±×]|(?<!\w)\d+(?!\w)|\[asy\]")
_SIGNATURE_LINES, _SIGNATURE_CHARACTERS = 5, 400
_MAX_NAMES = 200


class Stripped(NamedTuple):
    """The texts of a thread, and how much was taken out of them."""

    post: str
    answers: list[str]
    taken: Counter[str]


def strip_thread(
    post: str,
    answers: Sequence[str],
    author: str | None,
    authors: Sequence[str | None],
    raw: Sequence[str],
    repeated: Container[int] = frozenset(),
) -> Stripped:
    """A thread without names, mail addresses and signatures.

    `authors` are those of the answers, as far as known; `raw` are the answers with what they quote, which tells names;
    `repeated` are the endings that are signatures, see `Endings`. `taken` counts `names`, `mails` and `signatures`, and
    `names_left`: occurrences that may be words.
    """
    known = _known_names([post, *raw], [author, *authors])
    taken: Counter[str] = Counter()
    texts = [
        _without_signature(
            text, known, ending is not None and ending.ending is not None and ending.ending in repeated, taken
        )
        for text, ending in zip([post, *answers], endings(post, answers, author, authors), strict=True)
    ]
    finder = _Finder(known, texts[0])
    stripped = [finder.strip(text, taken, is_first=not number) for number, text in enumerate(texts)]
    return Stripped(stripped[0], stripped[1:], taken)


def _known_names(texts: Iterable[str], authors: Iterable[str | None]) -> set[str]:
    found = {name.strip() for name in authors if name}
    for number, text in enumerate(texts):
        for pattern in (_QUOTE_HEAD, _POSTED, _WROTE)[: 3 if number else 2]:
            found.update(match[1].strip() for match in pattern.finditer(text))
        for piece in pieces(text):
            if not piece.is_formula:
                found.update(match[1] for match in _MENTION.finditer(piece.text))
    # More of them are no thread's; the shortest are what a text can least be without.
    return set(sorted((name for name in found if len(name) > 2), key=lambda name: (-len(name), name))[:_MAX_NAMES])


class _Finder:
    """Finds the names of one thread in its texts."""

    def __init__(self, names: Iterable[str], post: str) -> None:
        listed = sorted(names, key=lambda name: (-len(name), name))
        prose = " ".join(
            piece.text for piece in pieces(_POSTED.sub("", _QUOTE_TAG.sub(r"\1", post))) if not piece.is_formula
        )
        inside = prose.lower()
        free = [name for name in listed if not re.search(rf"(?<![\w@]){re.escape(name.lower())}(?!\w)", inside)]
        self._sure = _any_of([name for name in free if _is_no_word(name)])
        words = [name for name in free if not _is_no_word(name)]
        self._addressed = _addressed([name for name in words if any(map(str.islower, name))])
        self._words = _any_of([name for name in listed if name not in free or not _is_no_word(name)])

    def strip(self, text: str, taken: Counter[str], *, is_first: bool) -> str:
        """A text without them; in the first post, `somebody wrote:` may be the problem."""
        text, mails = _MAIL.subn(EMAIL, text)
        taken["mails"] += mails
        heads = (_POSTED,) if is_first else (_POSTED, _WROTE)
        parts = (
            piece.text if piece.is_formula else self._strip_prose(piece.text, heads, taken) for piece in pieces(text)
        )
        return "".join(parts)

    def _strip_prose(self, text: str, heads: Sequence[re.Pattern[str]], taken: Counter[str]) -> str:
        text, names = _QUOTE_TAG.subn(r"\1", text)
        for pattern in heads:
            text, found = pattern.subn(lambda match: match[0].removesuffix(match[1]) + USER, text)
            names += found
        for pattern in filter(None, (_MENTION, self._sure, self._addressed)):
            text, found = pattern.subn(lambda match: (match.groupdict().get("short") or "") + USER, text)
            names += found
        taken["names"] += names
        if self._words is not None:
            taken["names_left"] += sum(1 for _ in self._words.finditer(text))
        return text


def _is_no_word(name: str) -> bool:
    """Whether a name cannot be a word or a variable: `mathlete_99`, `NumberFan`; not `Bob`, `x_1`, `New York`."""
    odd = re.search(r"\d|_|[a-z][A-Z]", name)
    return odd is not None and sum(map(str.isalpha, name)) >= 4 and " " not in name


def _any_of(names: Sequence[str]) -> re.Pattern[str] | None:
    if not names:
        return None
    return re.compile(rf"(?<![\w@\\])(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)


def _addressed(names: Sequence[str]) -> re.Pattern[str] | None:
    """Where somebody is spoken to: between a comma and the end of a sentence, or before a comma at its beginning."""
    if not names:
        return None
    name = f"(?:{'|'.join(map(re.escape, names))})"
    begins = r"(?:^|(?<=\n)|(?<=[.!?] ))"
    # A sentence of at most three words that ends with the name is said to its bearer.
    short = rf"{begins}[A-Z][a-z]+ (?:[a-z]+ )?"
    return re.compile(rf"(?:(?<=, )|(?P<short>{short})){name}(?=[.!?](?:\s|$))|{begins}{name}(?=, [a-z])")


class Ending(NamedTuple):
    """Hashes of a post, of who wrote it, and of both that and its last paragraph (None: it is no signature)."""

    text: int
    user: int
    ending: int | None


def endings(
    post: str, answers: Sequence[str], author: str | None, authors: Sequence[str | None]
) -> list[Ending | None]:
    """For each post how it ends; None where it is not known who wrote it. Answers are without what they quote."""
    writers = [author, *authors[: len(answers)], *[None] * (len(answers) - len(authors))]
    found: list[Ending | None] = []
    for text, writer in zip([post, *answers], writers, strict=True):
        last = _last_paragraph(text) if writer else None
        known = (
            Ending(_hash(text), _hash(writer), None if last is None else _hash(f"{writer}\0{last}")) if writer else None
        )
        found.append(known)
    return found


class Endings:
    """Counts how the users of all threads end their posts: some 60 bytes for each user and for each ending."""

    def __init__(self) -> None:
        self._users, self._posts = HashTable(), array("I")
        self._endings, self._times = HashTable(), array("I")
        self._user_of, self._first = array("I"), array("q")

    def add(self, post: Ending) -> None:
        """A post; one that is sent again counts once."""
        user = self._users.add(post.user)
        if user == len(self._posts):
            self._posts.append(0)
        if post.ending is None:
            self._posts[user] += 1
            return
        number = self._endings.add(post.ending)
        if number == len(self._times):
            self._times.append(0)
            self._user_of.append(user)
            self._first.append(post.text)
        elif self._first[number] == post.text:
            return
        self._posts[user] += 1
        self._times[number] += 1

    def repeated(self) -> frozenset[int]:
        """The endings that are signatures."""
        return frozenset(
            hashed
            for number, hashed in enumerate(self._endings)
            if self._times[number] > 1 and 2 * self._times[number] >= self._posts[self._user_of[number]]
        )


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest(), signed=True)


def _last_paragraph(text: str) -> str | None:
    """The end of a text behind a blank line, if it may be a signature; a text of one paragraph has none."""
    before, blank, last = text.rstrip().rpartition("\n\n")
    return last.strip() if blank and before.strip() and _may_be_signature(last) else None


def _may_be_signature(block: str) -> bool:
    lines = block.strip().count("\n") + 1
    fits = lines <= _SIGNATURE_LINES and len(block) <= _SIGNATURE_CHARACTERS
    return fits and _MATHEMATICS.search(block) is None


def _without_signature(text: str, names: set[str], is_repeated: bool, taken: Counter[str]) -> str:
    """The text without its signature; one that is nothing else stays."""
    whole = text
    line = deque(_DELIMITER.finditer(text), maxlen=1)
    if line and text[: line[0].start()].strip() and _may_be_signature(text[line[0].end() :]):
        text = text[: line[0].start()].rstrip()
    last = _last_paragraph(text)
    if last is not None and is_repeated:
        text = text.rstrip()[: -len(last)].rstrip()
    before, _, end = text.rstrip().rpartition("\n")
    if before.strip("-_ \t\n") and end.strip().lstrip("-~–— ").rstrip(".! ") in names:
        text = before.rstrip()
    taken["signatures"] += text != whole
    return text
