"""Which of many answers are the same answer, by the verdicts on pairs of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from omr.answers.spelling import normalise_answer
from omr.answers.verdict import Verdict

Pair = tuple[str, str]
#: Pairs -> the verdict on each, in their order.
Comparing = Callable[[Iterable[Pair]], Iterable[Verdict]]


def classes_of(answers: Sequence[str], compare: Comparing) -> list[int]:
    """The class of each answer: answers of one class are the same answer.

    Classes and their numbers depend on the set of answers alone, not on their order or number. Equality is not
    transitive at the edges (`10` is `10\\%`, which is `0.1`), so the classes are built like this: spellings are taken
    from the shortest to the longest, equally long ones in alphabetical order; each joins the first class whose first
    member it equals and none of whose members it differs from, or starts a class of its own. Unknown joins nothing and
    parts nothing.
    """
    spellings = {answer: normalise_answer(answer) for answer in set(answers)}
    classes: list[list[str]] = []
    number: dict[str, int] = {}
    for spelling in sorted(set(spellings.values()), key=lambda each: (len(each), each)):
        place = _class_of(spelling, classes, compare)
        if place == len(classes):
            classes.append([])
        classes[place].append(spelling)
        number[spelling] = place
    return [number[spellings[answer]] for answer in answers]


def _class_of(spelling: str, classes: Sequence[Sequence[str]], compare: Comparing) -> int:
    for place, verdict in enumerate(compare([(spelling, members[0]) for members in classes])):
        rest = [(spelling, member) for member in classes[place][1:]]
        if verdict is Verdict.EQUAL and Verdict.DIFFERENT not in compare(rest):
            return place
    return len(classes)
