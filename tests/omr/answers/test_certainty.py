"""Forms that are read with certainty are compared; any other is equal to its own spelling only."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from answer_grammar import APART, SAME, meaning, neighbour, permitted, spelled
from omr.answers.comparison import compare_answers
from omr.answers.final_answer import boxed_answers
from omr.answers.verdict import Verdict

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT.parent / "shared" / "cases"

EQUAL = r"""
(a) \frac12; (b) 7 | (a) 0.5 (b) 7
(a) 8 (b) 9 | \text{(a) }8,\ \text{(b) }9
p=4, q=7 | q=7, p=4
7\text{ cm} | 7
3\text{ square meters} | 3\text{ m}^2
2\text{ hours }15\text{ minutes} | 135\text{ minutes}
4\text{ ft }3\text{ in} | 51\text{ inches}
45\text{ mph} | 45\text{ miles per hour}
250\text{ cents} | \$2.50
2.5\text{ million} | 2500000
5\mathrm{e} | 5e
\mathrm{e}^{3} | e^3
7\text{i} | 7i
t\mathrm{e}^t | te^t
3\text{ dollars }25\text{ cents} | \$3.25
2\text{ kg }150\text{ g} | 2.15\text{ kg}
ab^2 | a \cdot b^2
0.375 | \frac38
\pi\approx3.142 | 3.142
\pi\approx 3.142 | \pi
x\approx 2.72 | 2.72
\approx 2.72 | 2.72
\left( {3,4} \right) | (3,4)
\left[ {2,5} \right) | [2,5)
\left\{ {3,4} \right\} | \{4,3\}
{(3,4)} | (3,4)
x \in \left( {2; + \infty } \right) | x>2
{x^3}+{y^3} | x^3+y^3
]3;4[ | (3,4)
]3,4] | (3,4]
[3;4[ | 3\le x<4
\mathbb{R}\setminus]2,3[ | x\le 2\text{ or }x\ge 3
7\text{ p.m.} | 7:00\text{ PM}
3\times 7 | 21
\frac69 | \frac23
(t-2)(t+2) | t^2-4
\mathbb Q | \mathbb{Q}
\frac pq+1 | 1+\frac{p}{q}
\text{no solutions} | \emptyset
7'654'321 | 7654321
35_6 | 23_{10}
y \equal{} 4 \plus{} 1 | 5
\minus{}6 | -6
\Bbb R | \mathbb{R}
9\text{ sq ft} | 9\text{ ft}^2
20^\circ\text{C} | 20\text{ degrees Celsius}
20^\circ C | 20
3\mathrm{ln}\,2 | 3\ln 2
\mathrm{arctan}\,1 | \frac\pi4
{\rm{e}}^3 | e^3
\left[ { - 3;4} \right] | [-3,4]
\left( { - \infty ;4} \right] | x\le4
\sin 150^\circ | \frac12
"""

DIFFERENT = r"""
a) 8 b) 9 | a) 9 b) 8
(i) 5 (ii) 6 | (i) 6 (ii) 5
1. 15 2. 17 | 1. 17 2. 15
\text{Part (a): } 3, \text{Part (b): } 4 | \text{Part (a): } 4, \text{Part (b): } 3
\textbf{(a)}\ 8,\ \textbf{(b)}\ 9 | \textbf{(a)}\ 8,\ \textbf{(b)}\ 10
A. 15 B. 17 | A. 17 B. 15
A: 15, B: 17 | A: 17, B: 15
\frac{22}{7}\approx3.14 | \pi\approx3.14
0:2:3 | 0:3:2
p=4, q=7 | p=7, q=4
E(Y)=4, V(Y)=7 | E(Y)=7, V(Y)=4
\max=9,\min=2 | \max=2,\min=9
\angle B=40^\circ,\angle C=50^\circ | \angle B=50^\circ,\angle C=40^\circ
4\text{ m}^2 | 4\text{ m}^3
9\text{ square units} | 9\text{ units}
4\text{ ft }3\text{ in} | 4\text{ ft }5\text{ in}
3+4\mathrm{i} | 3
7:30\text{ a.m.} | 7:30\text{ p.m.}
11:05 | 1:05
ab^2 | a^2b^2
1.9 | \sqrt3
60^\circ | 61^\circ
\infty | 12
x>4 | x\ge4
"""

OPEN = r"""
(a) 8 | 8a
(a) 8 (b) 9 | 72ab
(3) x = 6 | x = 2
q=4, p=7 | (4,7)
(q,p)=(4,7) | (4,7)
P(C)=\frac13 | P(D)=\frac13
\text{least}=4,\text{most}=9 | 4, 9
x=4,y=5,x=5,y=4 | x=4,y=4,x=5,y=5
23\text{ remainder }4 | 23
7\text{ of }9 | 7
9\text{ pears} | 9
12\text{ divided by }4 | 12
7\text{ mod }3 | 7
11\text{ base }2 | 11
4\text{ cubed} | 4
2\text{ to }6 | 2
7" | 7
2\text{ hours }15\text{ minutes} | 135
2\text{ hours and }15\text{ minutes} | 135\text{ minutes}
4\text{ pounds} | 4\text{ lb}
0^\circ\text{C} | 32^\circ\text{F}
0^\circ\text{C} | 0^\circ\text{F}
\max(7) | \min(7)
(q,p)=(4,7) | (7,4)
4! | 3\cdot 8
\$7 | €7
7 mg | 7mg
1.7321 | \sqrt3
0.6667 | \frac23
0.99999999 | 1
33\% | \frac13
x\approx 3 | x=\pi
{3,4} | (4,3)
{3,4} | {4,3}
3{7} | 21
19:00 | 7:00\text{ p.m.}
10:20 | 5:10
3\times 7 | 7\times 3
2^8 | 4^4
1+6 | 3+4
f(x)=kx | f(x)=cx
f(x)=px+q | f(x)=qx+p
y=Ae^x | y=Ce^x
\left\lfloor \frac{m+1}{2} \right\rfloor | \left\lceil \frac{m}{2} \right\rceil
n\ge 4 | n>3
2k+3 | 2k-1
k\pi,\frac{\pi}{2}+k\pi | \frac{k\pi}{2}
(4t,2t) | (2t,t)
a^2+b^2 | c^2
\sin 30 | \frac12
1,234,56 | 123456
0,125 | 125
1.234 | 1234
(\pm3,4) | (3,-3,4)
x=\pm3,y=\pm4 | x=\pm3,y=\mp4
3,4;5,6 | 3,4,5,6
1,1,3 | 1,3,3
x>2,y<5 | 2<x<5
\sigma(12) | 12\sigma
b(n) | bn
\sqrt{(x-7)^2} | 7-x
\max(x,-60) | x
\tanh(250) | 1
\sqrt{1+10^{-250}} | 1
(-1)^{n+m} | -1
2\infty | \infty
x: 7 | \frac{x}{7}
C_{9}^2 | 36
x = 4 = 5 | 5
A^* | A
101_2 | 5
AB^2 | A \cdot B \cdot B
0.444... | 0.444
2.997\times10^8 | 3\times10^8
1235.5 | 1240
\vec{u}\times\vec{v} | \vec{v}\times\vec{u}
\vec u\cdot\vec v | \vec u\times\vec v
40^\circ\text{ N} | 40^\circ
4\text{ by }7 | 4
4\text{ per hour} | 4
\text{Ann: }4, \text{Ben: }7 | \text{Ann: }7, \text{Ben: }4
4\text{ boys and }7\text{ girls} | 4, 7
\not= 7 | 7
7^+ | 7
7 \text{ or} | 7
\text{and }7 | 7
(3,,4) | (3,4)
12\%\% | 12\%
3\text{ cm}:4\text{ m} | 3:4
0\in 7 | 7
\text{(A) and (C)} | A
(A) 5 (C) 7 | A
12/5/2020 | \frac{12}{10100}
y=C | y=B
1.234,56 | 1234.56
\{y\mid x>2\} | x>2
n\text{ odd} | n
x\in\mathbb{Z}, x>4 | x>4
"""


def table(text: str) -> list[tuple[str, str]]:
    return [tuple(line.split(" | ")) for line in text.strip().splitlines()]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        (*pair, verdict)
        for verdict, text in ((Verdict.EQUAL, EQUAL), (Verdict.DIFFERENT, DIFFERENT), (Verdict.UNKNOWN, OPEN))
        for pair in table(text)
    ],
)
def test_a_verdict_is_what_can_be_known_of_a_form(one: str, other: str, verdict: Verdict) -> None:
    assert (compare_answers(one, other), compare_answers(other, one)) == (verdict, verdict)


@pytest.mark.parametrize(("one", "other"), [("|x-7|", "7-x"), ("|x-3|+|x-9|", "2|x-6|"), ("\\lfloor x\\rfloor", "x")])
def test_functions_in_pieces_are_not_equal_for_agreeing_at_some_points(one: str, other: str) -> None:
    assert compare_answers(one, other) is not Verdict.EQUAL


# Properties


def test_no_verdict_on_composed_answers_is_false() -> None:
    counts: Counter[tuple[str, Verdict]] = Counter()
    for seed in range(1200):
        rng = random.Random(seed)
        one = meaning(rng)
        for kind, other in (("again", one), ("near", neighbour(one, rng)), ("any", meaning(rng))):
            first, second = spelled(one, rng), spelled(other, rng)
            verdict, truth = compare_answers(first, second), permitted(one, other)
            assert verdict in truth, (first, second)
            assert compare_answers(second, first) is verdict, (first, second)
            if truth in (SAME, APART):
                counts[kind, verdict] += 1
    # Nor is it for saying nothing: most of what can be told is told.
    assert counts["again", Verdict.EQUAL] > 0.95 * 1200
    assert counts["near", Verdict.DIFFERENT] > 3 * counts["near", Verdict.UNKNOWN]


#: Words that are no units, and each of which would change what the answer says.
WORDS = str.split(
    "to of not least most more less about squared cubed half double twice remainder over under between minus plus times"
    " divided mod base factorial choose root cube negative positive odd real prime way ways people apples if when where"
    " except without each approximately nearly maximum sum first last red other than otherwise none integer possible"
)
ANSWERS = [
    *(
        r"5",
        r"\frac{1}{2}",
        r"2\sqrt{3}",
        r"x^2+1",
        r"(1,2)",
        r"\{1,2\}",
        r"x=5",
        r"3\text{ cm}",
        r"1, 2",
        r"[1,2)",
        r"x>3",
    ),
    *(
        r"12\%",
        r"0.25",
        r"\text{blue}",
        r"(a) 5 (b) 6",
        r"5:00\text{ p.m.}",
        r"3:4",
        r"\pi",
        r"90^\circ",
        r"x=1\text{ or }x=2",
    ),
    *(r"2\text{ hours }5\text{ minutes}", r"-7", r"n(n+1)", r"\$5", r"5 \approx 5.0", r"\mathbb{R}\setminus\{2\}"),
]
PIECES = re.compile(r"\\[A-Za-z]+|\\.|\d+|[A-Za-z]+|\s+|.")


def test_a_word_is_dropped_from_nowhere() -> None:
    rng = random.Random(3)
    for answer in ANSWERS:
        pieces = PIECES.findall(answer)
        for word in rng.sample(WORDS, 24):
            place = rng.randrange(len(pieces) + 1)
            shape = rng.choice(["\\text{{ {} }}", " {} ", "\\mathrm{{{}}}", "\\operatorname{{{}}}"])
            longer = "".join([*pieces[:place], shape.format(word), *pieces[place:]])
            assert compare_answers(answer, longer) is not Verdict.EQUAL, (answer, longer)


def _pool() -> list[str]:
    """Answers side by side that were not made for each other: those of all tables, of composed ones, of the demo."""
    answers = {answer for text in (EQUAL, DIFFERENT, OPEN) for pair in table(text) for answer in pair}
    answers |= {spelled(meaning(random.Random(seed)), random.Random(seed)) for seed in range(60)}
    for path in sorted((ROOT / "tests" / "data" / "demo").rglob("*.jsonl")):
        boxes = boxed_answers(path.read_text(encoding="utf-8").replace("\\\\", "\\"), limit=300)
        answers |= {box.content for box in boxes if len(box.content) < 100}
    if (CASES / "equiv_cases.jsonl").is_file():
        lines = (CASES / "equiv_cases.jsonl").read_text(encoding="utf-8").splitlines()
        answers |= {answer for line in lines for answer in (json.loads(line)["gold"],) if len(answer) < 60}
    return sorted(answers)


#: Signs by which one answer may be equal to two that differ: a number without a unit, percent or degree sign is
#: whatever the other says, a product is its value and no other product, a ratio its quotient or a time of day.
_CONVENTIONS = ("%", "percent", "circ", "text", "mathrm", "degrees", "times", "cdot", "^", "+", "=", "\\approx", ":")


def test_equality_is_symmetric_and_leads_to_no_contradiction() -> None:
    rng = random.Random(7)
    pool = [answer for answer in _pool() if not any(sign in answer for sign in _CONVENTIONS)]
    pool = rng.sample(pool, min(150, len(pool)))
    verdicts = {(one, other): compare_answers(one, other) for one, other in combinations(pool, 2)}
    for (one, other), verdict in rng.sample(sorted(verdicts.items()), 1000):
        assert compare_answers(other, one) is verdict, (one, other)
    both = verdicts | {(other, one): verdict for (one, other), verdict in verdicts.items()}
    equal = [pair for pair, verdict in both.items() if verdict is Verdict.EQUAL]
    assert len(equal) > 20
    for one, other in equal:
        if re.fullmatch(r"[-+]?[\d.,]+", other):  # may be so much of anything: `€7` and `7 mg`
            continue
        for third in pool:
            if third not in (one, other) and both[other, third] is Verdict.EQUAL:
                # Unknown is none: `{3,4}` is a set beside one, and may be a numeral beside `{4,3}`.
                assert both[one, third] is not Verdict.DIFFERENT, (one, other, third)


def test_every_answer_equals_itself() -> None:
    for answer in _pool():
        assert compare_answers(answer, f" ${answer}$ ") is not Verdict.DIFFERENT
        assert compare_answers(answer, answer) is Verdict.EQUAL


@pytest.mark.skipif(not (CASES / "wrong_accepts.jsonl").is_file(), reason="no labelled cases beside the project")
def test_what_was_once_accepted_wrongly_is_not() -> None:
    for line in (CASES / "wrong_accepts.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        verdict = compare_answers(case["one"], case["other"])
        if case["right"] in ("equal", "different"):
            assert verdict.value == case["right"], case
        elif case["right"].startswith("not equal"):
            assert verdict is not Verdict.EQUAL, case
        else:
            assert verdict is not Verdict.DIFFERENT, case
