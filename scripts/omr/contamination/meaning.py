r"""What a problem says, without how it says it: equal for reposts of a problem, different for its neighbours.

Two texts say the same if they have the same mathematics and the same words that carry meaning, in the same order. The
question may stand before or behind what is given, and sentences in any order if the answers are the same. What else may
differ is a closed list: the spelling of LaTeX, white space and punctuation; articles, auxiliaries and words that
introduce (`let`, `suppose`, `such that`); words that speak of the task and not of its object (`please`, `the following
problem`); endings; and the few synonyms of `_PHRASES`. Every other word counts, so what this list does not know makes
two problems, not one: numbers, signs, letters (`$a$` is not `$A$`), primes, dots, marks (`0.3` with a bar), negations,
quantifiers, and all nouns and adjectives.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

from omr.contamination.benchmark_text import one_script, plain_tokens
from omr.files.patterns import lazy

_RAW = lazy(
    r"\\[A-Za-z]+|\\.|\$\$|\.{3,}|[^\W\d_]+|[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"
    r"|(?<![\w.])\.[0-9]+|[^\s\w]|_",
    re.DOTALL,
)
_OPENING, _CLOSING, _EITHER = frozenset({"\\(", "\\["}), frozenset({"\\)", "\\]"}), frozenset({"$", "$$"})
_DOTS = frozenset({"\\ldots", "\\cdots", "\\dots", "\\dotsc", "\\dotsb", "\\vdots", "\\ddots"})
_SENTENCE_END = frozenset(".?!")
#: Stands behind a word of prose until all is read: no letter of a formula is taken for one.
_PROSE = "\ue000"
_TEXTS = frozenset({"\\text", "\\textrm", "\\textbf", "\\textit", "\\textnormal", "\\mbox", "\\hbox", "\\mathrm"})
#: Signs that plain_tokens leaves out; here they may be operations (`a @ b`), or part the entries of a matrix.
_NAMED = {"@": "\\atsign", "#": "\\hashsign"}
_ENTRIES = {"&": "\\ampersand", "\\\\": "\\newrow"}
_ENVIRONMENT = lazy(r"\\begin\{([a-z]+)")
_PRIMES = {"'": 1, '"': 2}
_PRODUCTS = {"\\times": "\\product", "\\cdot": "\\dotproduct", "\\ast": "\\starproduct", "*": "\\starproduct"}
_VECTORS = lazy(r"\\(?:vec|overrightarrow|mathbf|boldsymbol)(?![A-Za-z])|\bvectors?\b", re.IGNORECASE)
#: Commands that look like others but for a capital that means a size.
_SIZES = lazy(r"\\B(?=ig{1,2}[lrm]?$)")

#: Words without a share in the meaning: articles, pronouns, auxiliaries, what introduces a condition, courtesies.
SILENT = frozenset({
    "a", "an", "the", "this", "that", "these", "those", "such", "which", "who", "whom", "whose", "is", "are", "was",
    "were", "be", "been", "being", "am", "it", "its", "there", "here", "of", "do", "does", "did", "has", "have", "had",
    "having", "we", "us", "our", "you", "your", "me", "my", "they", "them", "their", "let", "suppose", "assume",
    "denote", "denoted", "say", "said", "then", "so", "thus", "hence", "therefore", "where", "when", "please", "help",
    "thanks", "thank", "hi", "hello", "also", "respectively", "with", "for", "satisfy", "satisfies", "satisfying",
    "satisfied", "given", "following", "follows", "follow", "know", "known", "fact", "facts", "problem", "question",
    "exercise", "situation", "possible", "and", "as", "from", "what",
})  # fmt: skip
#: Words of these, and of the phrases below, that may relate what stands before them to what follows, and then ask for
#: something else (`$7$ as a percent of $5$`, `a sum of $7$ given a first roll of $3$`). At the head of a sentence, at
#: its end and behind the words of the second set (`is given`) they do not.
_RELATING = frozenset({"as", "given", "assuming"})
_MAKE_SILENT = frozenset({"a", "an", "the", "this", "is", "are", "was", "were", "be", "been", "such"})
_FIND, _PROVE, _CONDITION, _GIVEN = "find", "prove", "such-that", "given-that"
#: Other words for the same; the longest that fits is taken.
_PHRASES = {
    **dict.fromkeys(
        ("find", "determine", "compute", "calculate", "evaluate", "what is", "what are", "what was", "work out"), _FIND
    ),
    **dict.fromkeys(("prove", "show", "demonstrate"), _PROVE),
    **dict.fromkeys(("how many", "in how many", "what number of"), "find number"),
    **dict.fromkeys(("solve", "solve the equation"), "solve"),
    "the count of": "number",
    **dict.fromkeys(("if and only if", "exactly when", "iff"), "iff"),
    **dict.fromkeys(("if", "provided that"), "if"),
    **dict.fromkeys(("given that", "assuming that", "assuming"), _GIVEN),
    **dict.fromkeys(("all", "every", "each", "for any"), "all"),
    **dict.fromkeys(("no fewer than", "no less than", "not less than", "at least"), "at-least"),
    **dict.fromkeys(("no more than", "not more than", "at most"), "at-most"),
    **dict.fromkeys(("least", "smallest", "minimum", "minimal", "lowest"), "least"),
    **dict.fromkeys(("greatest", "largest", "maximum", "maximal", "biggest", "highest"), "greatest"),
    **dict.fromkeys(("exactly", "precisely"), "exactly"),
    **dict.fromkeys(("distinct", "different"), "distinct"),
    **dict.fromkeys(("probability", "chance"), "probability"),
    **dict.fromkeys(("random", "randomly", "at random"), "random"),
    **dict.fromkeys(("chosen", "selected", "picked"), "chosen"),
    **dict.fromkeys(("equals", "equal to", "equal"), "equal"),
    **{f"{kind} number": kind for kind in ("real", "rational", "irrational", "complex", "prime", "natural", "integer")},
    **{
        f"{kind} numbers": kind for kind in ("real", "rational", "irrational", "complex", "prime", "natural", "integer")
    },
    **{f"{kind}s": kind for kind in ("real", "rational", "prime", "integer")},
    "whole numbers": "integer",
    "whole number": "integer",
    **dict.fromkeys(("such that", "for which", "so that", "satisfying", "that satisfy"), _CONDITION),
    "value of": "",
    "values of": "",
}
_NUMBERS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
}  # fmt: skip
_LONGEST = max(len(phrase.split()) for phrase in _PHRASES)
_BY_FIRST = {phrase.split()[0] for phrase in _PHRASES}


class Meaning(NamedTuple):
    """Hashes of 64 bits; equal ones stand for equal things."""

    #: All that is said, what is to be found first.
    whole: int
    #: The sentences, in any order.
    sentences: int
    #: Numbers, signs, letters and formulas in their order (of the whole, of the sentences in any order).
    mathematics: tuple[int, int]
    #: The sentences that ask, in any order of their words.
    task: int
    #: Which words relate others without being told in `whole`: texts that differ in them may ask for something else.
    relating: int
    #: All that is said, in its order: a code for each sign, a negative one for each word of prose, 0 behind a sentence.
    said: Sequence[int]


def meaning_of(problem: str) -> Meaning | None:
    """What a problem says; None for a text without any words. Takes time linear in the length."""
    read = list(_sentences(problem))
    found = [(_task_first(_normal(tokens)), is_question) for tokens, is_question in read]
    found = [(tokens, is_question) for tokens, is_question in found if tokens]
    if not found:
        return None
    asking = (_word(_FIND), _word(_PROVE))
    tasks = [tokens for tokens, is_question in found if is_question or tokens[0] in asking] or [found[-1][0]]
    sentences = [tokens for tokens, _ in found]
    sentences.sort(key=lambda sentence: sentence[0] != _word(_FIND))  # stable: all others keep their order
    mathematics = [[token for token in sentence if not _is_prose(token)] for sentence in sentences]
    return Meaning(
        hash_of(chain.from_iterable(sentences)),
        hash_of(sorted(map(" ".join, sentences))),
        (hash_of(chain.from_iterable(mathematics)), hash_of(sorted(" ".join(part) for part in mathematics if part))),
        hash_of(sorted(chain.from_iterable(tasks))),
        hash_of(sorted(chain.from_iterable(_relating(tokens) for tokens, _ in read))),
        array("i", chain.from_iterable((*map(_code, sentence), 0) for sentence in sentences)),
    )


def in_one_spelling(text: str) -> str:
    """The signs of a short text, an answer say, as they are known here."""
    return "".join(plain_tokens(_RAW.findall(one_script(text))))


class _Place:
    """Whether a token stands in a formula; words in its `\\text{...}` do not."""

    def __init__(self) -> None:
        self._in_formula = False
        self._text_braces = 0
        self._before = ""

    @property
    def in_formula(self) -> bool:
        return self._in_formula and not self._text_braces

    def moves(self, token: str) -> bool:
        """Take notice of the next token; True for a delimiter of formulas, which is nothing more."""
        before, self._before = self._before, token
        if self._text_braces:
            self._text_braces += {"{": 1, "}": -1}.get(token, 0)
        elif token == "{" and before in _TEXTS:
            self._text_braces = 1
        if token in _EITHER:
            self._in_formula = not self._in_formula
        elif token in _OPENING or token in _CLOSING:
            self._in_formula = token in _OPENING
        else:
            return False
        self._text_braces = 0
        return True


def _sentences(problem: str) -> Iterator[tuple[list[str], bool]]:
    """(tokens, whether it is a question) of each sentence; words of prose are in small letters and marked."""
    spelled = one_script(problem.replace(_PROSE, "")).replace("{,}", ",")
    found: list[str] = []
    place, previous, names = _Place(), "", _names_of_signs(spelled)
    for match in _RAW.finditer(spelled):
        token = match.group()
        if place.moves(token):
            pass
        elif token[0].isalpha():
            found.extend(_letters(token, place.in_formula, previous))
        elif token in _SENTENCE_END and not place.in_formula and _ends_word(spelled, match.end()):
            if token == "!" and (previous == "!" or _is_factorial(previous)):
                found.extend(_sign(token, place.in_formula, previous))
            yield found, token == "?"
            found = []
        elif token != "-" or place.in_formula or not _joins_words(spelled, match.start()):
            found.extend(_sign(names.get(token, token), place.in_formula, previous))
        previous = token
    yield found, False


def _names_of_signs(text: str) -> dict[str, str]:
    """Signs that do not mean the same in every problem, and their names in this one.

    A dot and a cross are one product, unless a problem has both or speaks of vectors.
    """
    names = dict(_NAMED)
    environments = set(_ENVIRONMENT.findall(text))
    if all(name.endswith("matrix") for name in environments):
        names |= _ENTRIES if environments else {"&": _ENTRIES["&"]}
    products = {name for sign, name in _PRODUCTS.items() if sign in text}
    return names | _PRODUCTS if len(products) > 1 or _VECTORS.search(text) else names


def _sign(token: str, in_formula: bool, previous: str) -> list[str]:
    """A sign, number or command under the name by which it is known further on."""
    if token in _DOTS or token.startswith("..."):
        return ["\\dotted"]
    if token in _PRIMES and (in_formula or len(previous) == 1 or previous.isupper()):
        return ["\\prime"] * _PRIMES[token]
    if token == "!" and previous == "!":
        return ["\\again"]
    if token[0] == "." and token != ".":
        return [f"0{token}"]
    return [_SIZES.sub(r"\\b", token)]


def _letters(token: str, in_formula: bool, previous: str) -> Iterator[str]:
    """A run of letters: a word of prose, or a variable, a name of points, a product."""
    if len(token) == 1:
        # An article, and what is left of `Bob's`, say nothing; a letter of a formula does.
        if in_formula or not (token in "aA" or (token == "s" and previous == "'")):
            yield token
    else:
        yield _word(token.lower()) if not in_formula and token[1:].islower() else token


def _ends_word(text: str, end: int) -> bool:
    return not text[end : end + 1].strip()


def _joins_words(text: str, place: int) -> bool:
    before, after = text[max(0, place - 2) : place], text[place + 1 : place + 3]
    return len(before) == len(after) == 2 and before.isalpha() and after.isalpha() and (before + after)[1::2].islower()


def _is_factorial(previous: str) -> bool:
    return previous[-1:].isdigit() or previous == ")" or (len(previous) == 1 and previous.isalpha())


def _word(word: str) -> str:
    return word + _PROSE


def _is_prose(token: str) -> bool:
    return token[-1] == _PROSE


@lru_cache(1 << 16)
def _code(token: str) -> int:
    """A number of 31 bits for a token; a negative one for a word of prose."""
    code = 1 + (hash_of([token]) & 0x3FFFFFFF)
    return -code if _is_prose(token) else code


def _normal(sentence: Sequence[str]) -> list[str]:
    """The tokens that carry meaning, in their one spelling."""
    tokens, found, place = plain_tokens(list(sentence), keep_hyphens=True), list[str](), 0
    while place < len(tokens):
        token = tokens[place]
        if token == _word("non") and place + 1 < len(tokens) and _is_prose(tokens[place + 1]):
            place, token = place + 1, f"non{tokens[place + 1]}"
        word = token[:-1] if _is_prose(token) else ""
        length, others = _phrase_at(tokens, place) if word in _BY_FIRST else (0, "")
        if length:
            found.extend(map(_word, others.split()))
            place += length
            continue
        place += 1
        if word in _NUMBERS:
            found.append(_NUMBERS[word])
        elif word not in SILENT:
            found.append(_word(_stem(word)) if word else token)
    return [
        "=" if token == _word("equal") else token
        for place, token in enumerate(found)
        if token != _word(_FIND) or found[place - 1 : place] != [token]
    ]


def _relating(sentence: Sequence[str]) -> Iterator[str]:
    """The words of a sentence that may be silent and stand between what they relate."""
    for place, token in enumerate(sentence[1:-1], 1):
        before = sentence[place - 1]
        if token[:-1] in _RELATING and _is_prose(token) and not (_is_prose(before) and before[:-1] in _MAKE_SILENT):
            yield token


def _phrase_at(tokens: Sequence[str], place: int) -> tuple[int, str]:
    """(words, other words) of the longest phrase at a place; (0, "") if there is none."""
    words: list[str] = []
    for token in tokens[place : place + _LONGEST]:
        if not _is_prose(token):
            break
        words.append(token[:-1])
    for length in range(len(words), 0, -1):
        other = _PHRASES.get(" ".join(words[:length]))
        if other is not None:
            return length, other
    return 0, ""


def _stem(word: str) -> str:
    """A word without its ending: `divides`, `divided` and `dividing` are one."""
    if len(word) < 4:
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ing", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us", "is")):
            word = word[: -len(ending)]
            break
    return word.removesuffix("e") if len(word) > 4 else word


def _task_first(sentence: list[str]) -> list[str]:
    """`If A, find B` and `A; find B` as `find B, A`.

    An `if` of what is to be proved stays, for `B if A` is another claim than `A if B`; so does one in a condition on
    what is to be found (`n such that A if B`), and that of a sentence without a task (`If A, then B.`).
    """
    place = next((place for place, token in enumerate(sentence) if token in (_word(_FIND), _word(_PROVE))), 0)
    turned, kept, is_given = sentence[place:] + sentence[:place], list[str](), False
    for number, token in enumerate(turned):
        if number in (0, len(sentence) - place):
            is_given = turned[0] == _word(_FIND)
        if token == _word(_CONDITION):
            is_given = False
        elif token == _word("if") and not is_given:
            kept.append(token)
        elif token == _word(_GIVEN) and not is_given and number:
            kept.append(_word("if"))
        elif token not in (_word("if"), _word(_GIVEN)):
            kept.append(token)
    return kept


def hash_of(tokens: Iterable[str]) -> int:
    """64 bits that stand for a list of texts."""
    digest = blake2b("\0".join(tokens).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
