"""Whether two problems are one, by what they say and what their answers are."""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import chain

from omr.contamination.meaning import Meaning, hash_of, in_one_spelling
from omr.files.notation import notation

#: Least share of the words that two problems with one answer and the same mathematics have in common.
_LEAST_SHARED = 0.7
#: Words that one of them has and the other has not: as many, or none.
_LEAST_CHANGED = 2
#: An answer of one character, such as `2`, is that of too many problems to be evidence.
_LEAST_ANSWER = 2


def evidence_of(meaning: Meaning, answer: str | None) -> int | None:
    """A hash that problems must share to be the same by their answers; None where an answer proves nothing."""
    spelled = "" if answer is None else in_one_spelling(answer)
    if len(spelled) < _LEAST_ANSWER or min(meaning.said) == 0:
        return None
    return hash_of([spelled, str(meaning.task)])


def same_texts(meaning: Meaning, answer: str | None) -> tuple[int, int | None, int | None]:
    """Hashes of which problems need to share one to be the same by their texts; None where there is no answer.

    The same is said, with the same words that relate; or the same, with the same answer; or the same sentences in
    another order, with the same answer. For the order of steps may be what a problem is about (`Double it. Add 5.`),
    and `$7$ as a percent of $5$` is not `$7$ percent of $5$`: then the answer is another one.
    """
    as_it_stands = hash_of([str(meaning.whole), str(meaning.relating)])
    if answer is None:
        return as_it_stands, None, None
    known = notation(answer)
    return as_it_stands, hash_of([str(meaning.whole), "answer", known]), hash_of([str(meaning.sentences), known])


def is_same(first: Meaning, second: Meaning) -> bool:
    """Whether two problems with one `evidence_of` are the same: the same mathematics, and nearly the same words.

    Texts that differ in a single word are not: whoever words a problem anew changes more than that, and whoever makes
    another problem of it changes just that word, or has two of them change places. So what both say must stand in the
    same order, among the same numbers: in all of the text, or in each sentence.
    """
    if first.mathematics[0] != second.mathematics[0] and first.mathematics[1] != second.mathematics[1]:
        return False
    words, others = ({code for code in meaning.said if code < 0} for meaning in (first, second))
    shared = words & others
    here, there = len(words) - len(shared), len(others) - len(shared)
    if 0 < max(here, there) < _LEAST_CHANGED or len(shared) < _LEAST_SHARED * (len(shared) + here + there):
        return False
    one, other = (_shared_sentences(meaning.said, shared) for meaning in (first, second))
    return list(chain.from_iterable(one)) == list(chain.from_iterable(other)) or sorted(one) == sorted(other)


def _shared_sentences(said: Iterable[int], shared: Container[int]) -> list[list[int]]:
    """The sentences of a text without the words that are not shared; none that is empty then."""
    sentences: list[list[int]] = [[]]
    for code in said:
        if code > 0 or code in shared:
            sentences[-1].append(code)
        elif code == 0:
            sentences.append([])
    return list(filter(None, sentences))
