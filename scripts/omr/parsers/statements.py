"""The grammar of verdicts: where a reply states one of a few labels, and where it takes it back.

A label is stated
* behind its key (`Judgement: Yes`, `The verdict is No`, `"judgement": "Yes"`); or before it (`Yes is my verdict`);
* behind what it describes: `The problem is not mcq`;
* alone: as a whole line, at the head of the first or last line, or at the end of the last (`..., so True`).
A reason may follow. What follows may also unsay it (`Yes and no`, `Yes, unless ...`, `No - wait`): then the statement
is there, and says nothing. All patterns are linear in the length of the reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from omr.files.patterns import lazy
from omr.parsers.reply_text import FULL_WIDTH, INVISIBLE, TEXT_COMMANDS

#: What a statement says; None: it is one, but says nothing, or more than one thing.
Statement = str | None

_TO_SIGNS = FULL_WIDTH | INVISIBLE | {ord(sign): " " for sign in '*_`"“”„‘«»「」$)]}>）］｝」＊＿＂＞＄｀{<｛＜'}
_TO_SIGNS |= {ord(sign): "(" for sign in "([（［"} | {ord("｜"): "|", 0x2019: "'"}
#: Where a clause ends and another may begin.
_BREAK = r"[.,;:!?(–—-](?:(?<!-)|(?<= -)(?= ))"
_LEAD_IN = r"(?:(?:so|thus|hence|therefore|then|and|now|overall|finally|(?:in )?(?:conclusion|summary|short))[,:]? )?"
_OWNER = r"(?:(?:the|my|our|its|this) )?(?:(?:final|overall|resulting|correct) )?"
_SURELY = r"(?: (?:clearly|definitely|certainly|indeed|simply|therefore|thus|hence))?"
_COPULA = rf"(?: (?:is|was|would be|will be|should be|remains){_SURELY})"
#: Between a key and its label.
_IS = lazy(rf"(?: for (?:this|the|that|both) \w+)?(?:{_COPULA}? ?(?P<colon>[:=])|{_COPULA}| ?[–—→]| -+)[ (:]*+")
#: Words that begin a clause about the verdict before them; other words may make one phrase with it (`no doubt`).
_CLAUSE = (
    r" (?:because|since|as|given|due|they|it|the|both|these|those|this|that|there|we|all|each|in|by|here|although"
    r"|though|even though|despite)\b"
)
_COORDINATED = lazy(r" ?(?:/|&|\?|=|\b(?:and|or|to|vs|versus|than)\b)")
_PUNCTUATION = lazy(r" ?(?:$|[.,;:!(–—]|-+(?= |$))")
#: At the head of what follows a verdict: it holds in part, or under a condition, or its author is not sure.
_HEDGED = lazy(
    r"[ .,;:!?(–—-]*(?:or|if|when|only|provided|assuming|depending|maybe|perhaps|possibly|probably|likely|mostly"
    r"|partly|partially|almost|nearly|i (?:think|guess|believe|suppose)|not (?:sure|certain|quite))\b"
)
#: At the head of a clause or a later line: the verdict before it is taken back.
_RETRACTION = r"(?:but|however|unless|otherwise|except|wait|no,? wait|hmm|actually|correction|sorry|on second)\b"
_RETRACTED = lazy(rf"(?:^|{_BREAK}) *{_RETRACTION}")
#: As the stems of a grammar: a line that begins with a retraction holds one of them.
_RETRACTION_STEMS = (
    "but", "however", "unless", "otherwise", "except", "wait", "hmm", "actually", "correction", "sorry", "second",
)  # fmt: skip
#: What parts a verdict from its reason; where the label may be a heading, fewer signs do.
_AFTER = lazy(rf"{_PUNCTUATION.pattern}|{_CLAUSE}")
_REASON = lazy(r" ?[,(;]| (?:because|since|as|given|due)\b")
_NEGATED = lazy(r"(?:\bnot|n't|\bnever|\bno longer|\bneither|\bnor)(?: (?:a|an|the|be))? $")
_BEFORE = 24
#: What `signs` takes out from within words or makes a letter: such a line shows its words only behind it.
_WITHIN_WORDS = re.compile("[" + "".join(map(chr, INVISIBLE)) + "\uff01-\uff5e]").search
_QUOTES = lazy(r"(?<!\w)'|'(?!\w)")


def signs(line: str) -> str:
    """A line in small letters and single spaces, without emphasis and quotes; brackets open a clause, bars part."""
    if "\\" in line:
        line = TEXT_COMMANDS.sub(" ", line)
    # Character by character first, which is fast for plain text; then what becomes several.
    line = line.translate(_TO_SIGNS).casefold().replace("(", " ( ").replace("|", " : ")
    if "'" in line:
        line = _QUOTES.sub(" ", line.replace("n't", " not"))
    line = " ".join(line.split()).lstrip("#").lstrip()
    return line[2:] if line.startswith(("- ", "+ ", "• ", "– ", ": ", "( ")) else line


def _may_hold(line: str, stems: Sequence[str]) -> bool:
    """Whether one of the stems may stand in a line once `signs` shows it; False is certain."""
    folded = line.casefold()
    for stem in stems:  # no `any` with a generator: this is done for every line
        if stem in folded:
            return True
    return not line.isascii() and _WITHIN_WORDS(line) is not None


def _retracting(lines: Sequence[str], start: int) -> Iterator[int]:
    """The places of lines from `start` on that may begin with a retraction."""
    return (place for place in range(start, len(lines)) if _may_hold(lines[place], _RETRACTION_STEMS))


class _Lines:
    """The lines of a reply as `signs` shows them, as far as they are asked for; only those that `may_state` something
    can be keys."""

    def __init__(self, lines: Sequence[str], may_state: Sequence[bool], bare_key: re.Pattern[str]) -> None:
        self._lines, self._may_state, self._bare_key = lines, may_state, bare_key
        self._plain: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def plain(self, place: int) -> str:
        if place not in self._plain:
            self._plain[place] = signs(self._lines[place])
        return self._plain[place]

    def follows_key(self, place: int) -> bool:
        """Whether the line before is a key alone."""
        if not place or not self._may_state[place - 1]:
            return False
        return self._bare_key.fullmatch(self.plain(place - 1)) is not None

    def whole(self, place: int) -> str:
        """A line, with the one before it if that is a key alone."""
        line = self.plain(place)
        if self.follows_key(place):
            return f"{self.plain(place - 1).rstrip(' :=–—→')} : {line}"
        return line


@dataclass(frozen=True)
class Grammar:
    """How the verdicts of one question are written.

    `labels` is a pattern of all labels, `verdict` says which one a label is. `keys` is a pattern of what a label line
    is called, `subjects` one of what a label describes, with its verb. With `alone`, a label without either counts.

    `stems` are such that each line which states something holds one of them, in small letters: each key does, and each
    label where it counts without a key. Long replies have few such lines, and the others are passed over.

    What the words of the labels are like: with `answers` they may be answers to the problem as well (`yes`), and alone
    they count at the edges of a reply only; `heading` is the verdict whose label may be a heading; `numbers` occur in
    reasons, where another one contradicts only as a clause of its own.
    """

    labels: str
    verdict: Callable[[str], str]
    keys: str
    stems: tuple[str, ...]
    subjects: str = "(?!)"
    alone: bool = False
    answers: bool = False
    heading: str | None = None
    numbers: bool = False

    @cached_property
    def _label(self) -> re.Pattern[str]:
        return re.compile(rf"(?:{self.labels})(?![\w'^])(?![.,-][0-9a-z])")

    @cached_property
    def _heads(self) -> re.Pattern[str]:
        """A key or a subject, where a clause may begin with it.

        Behind a break always, since a search for one of a few signs is fast: a line is given one to begin with.
        """
        return re.compile(
            rf"{_BREAK} ?{_LEAD_IN}"
            rf"(?:{_OWNER}(?P<key>{self.keys})(?=[ :=–—→])|(?P<subject>{self.subjects}){_SURELY} )"
        )

    @cached_property
    def _bare_key(self) -> re.Pattern[str]:
        return re.compile(rf"{_LEAD_IN}{_OWNER}(?:{self.keys})(?:{_COPULA}? ?[:=]?| ?[–—→])")

    @cached_property
    def _before_key(self) -> re.Pattern[str]:
        return re.compile(rf"(?P<label>{self._label.pattern})(?: is| ?[:=–—-])? {_OWNER}(?:{self.keys})[ .!]*+$")

    @cached_property
    def _at_end(self) -> re.Pattern[str]:
        so = r"(?:so|thus|hence|therefore)(?:,? (?:it|this|that) is|[,:])? "
        return re.compile(rf"(?:[.;!?] (?:{so})?|\b{so})(?P<label>{self._label.pattern})[ .!]*+$")

    def the_one(self, lines: list[str]) -> str | None:
        """The verdict that all statements of the lines agree on; None if they do not, or if there is none."""
        found = set(self.statements(lines))
        return found.pop() if len(found) == 1 else None

    def statements(self, lines: list[str]) -> Iterator[Statement]:
        """What the lines (those that show something) state, in their order."""
        may_state = [_may_hold(line, self.stems) for line in lines]
        told = _Lines(lines, may_state, self._bare_key)
        last = -1  # the last line that states something
        for place, may in enumerate(may_state):
            if not may and not told.follows_key(place):
                continue
            found = list(self._behind_heads(told.whole(place)))
            if not found and self.alone:
                found = list(self._alone(told, place))
            yield from found
            last = place if found else last
        if any(_RETRACTED.match(told.whole(place)) for place in _retracting(lines, last + 1)):
            yield None

    def _behind_heads(self, line: str) -> Iterator[Statement]:
        begun = f";{line}"
        heads = list(self._heads.finditer(begun))
        if not heads and (label := self._before_key.match(line)):
            yield self.verdict(label["label"])
        ends = [*(head.start() for head in heads[1:]), len(begun)][: len(heads)]
        for head, end in zip(heads, ends, strict=True):
            yield from self._behind(head, begun[head.end() : end])

    def _behind(self, head: re.Match[str], text: str) -> Iterator[Statement]:
        """What the text behind a key or a subject states, if anything."""
        sign = _IS.match(text) if head["key"] else None
        if head["key"] and sign is None:
            return
        start = sign.end() if sign else 0
        label = self._label.match(text, start)
        if label is not None:
            yield self._unless_unsaid(self.verdict(label[0]), text[label.end() :], bool(head["key"]))
        elif sign and text[start:].strip(" .") and (sign["colon"] or text.startswith("not ", start)):
            # A sentence stands where the label belongs: it may end in it.
            last = self._at_end.search(text)
            yield last and self.verdict(last["label"])

    def _alone(self, told: _Lines, place: int) -> Iterator[Statement]:
        line, before = told.whole(place), told.plain(place - 1) if place else ""
        is_first, is_last = place == 0, place == len(told) - 1
        label = self._label.match(line)
        if label is None:
            last = self._at_end.search(line) if is_last else None
            if last is not None:
                yield self.verdict(last["label"])
            return
        verdict, rest = self.verdict(label[0]), line[label.end() :]
        if not rest.strip(" .,;!"):
            if before.endswith("not") or (verdict == self.heading and not is_last):
                yield None
            elif not self.answers or is_first or (is_last and not before.endswith(":")):
                yield verdict
        elif (is_first or is_last) and not before.endswith(("not", ":")):
            begins = _REASON if verdict == self.heading else _AFTER
            if begins.match(rest):
                yield self._unless_unsaid(verdict, rest)

    def _unless_unsaid(self, verdict: str, rest: str, is_keyed: bool = False) -> Statement:
        """The verdict, unless what follows it in its line makes it another, or none."""
        if not rest.strip(" .!"):
            return verdict
        if _COORDINATED.match(rest) or _HEDGED.match(rest) or _RETRACTED.search(rest):
            return None
        is_phrase = is_keyed and not self.answers and not self.numbers
        if not is_phrase and not _AFTER.match(rest):
            return None
        return None if any(self._others(verdict, rest)) else verdict

    def _others(self, verdict: str, rest: str) -> Iterator[bool]:
        """Whether each further label of a line is another verdict that is stated there."""
        for label in self._label.finditer(rest):
            if self.verdict(label[0]) == verdict or _PUNCTUATION.match(rest, label.end()) is None:
                continue
            before = rest[max(label.start() - _BEFORE, 0) : label.start()]
            is_clause = not self.numbers or re.search(rf"(?:{_BREAK}|\b(?:or|and)) ?$", before) is not None
            yield is_clause and _NEGATED.search(before) is None
