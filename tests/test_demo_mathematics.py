"""What the demo's replies say is what they are meant to say, and the answers meant to be right are right."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise, permutations, product
from math import cos, gcd, hypot, isclose, isqrt, pi, prod, sin, sqrt

import pytest
from demo_tables import (
    BENCHMARKS,
    CLASSES,
    RECIPES,
    WITH_CODE,
    benchmark,
    code_solutions,
    expected,
    last_box,
    problem_id,
    problem_texts,
    problems,
    replies,
    solutions,
    traces,
)
from omr.contamination.reposts import are_reposts
from omr.files.notation import notation
from omr.replay.replies import Reply
from omr.replies.reply import SEEDS_PER_TRY

THIRD_CIRCLE = pi / 3


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else ""


def bare_label(text: str) -> str:
    """The last line of a reply without its decoration."""
    return re.sub(r"[^a-z ]", "", last_line(text).lower()).strip()


def bare_answer(text: str) -> str:
    """The answer on the last line of a reply, without bold marks, dollars, a box or a final dot."""
    answer = last_line(text).replace("**", "").removeprefix("Answer:").strip().removesuffix(".").strip("$ ")
    return last_box(answer) or answer


def last_try(stage: str, request: str) -> Reply | None:
    """The reply to a request, or to its second try where that has another one."""
    return replies(stage).exact.get(f"{request}/{SEEDS_PER_TRY}") or replies(stage).get(f"{request}/0")


# ---- replies say what the table says


@pytest.mark.parametrize(("stage", "label_of"), [("classify_problems", "ends"), ("classify_converted", "converted")])
def test_classifications_are_positive_exactly_where_the_table_says(stage: str, label_of: str) -> None:
    rows = problems() if label_of == "ends" else problems(branch="proof")
    for name, row in rows.items():
        found = {
            label: bare_label(reply.text)
            for label in CLASSES
            if (reply := last_try(stage, f"{row['id']}/classify_{label}")) is not None
        }
        positive = {row["ends"].removeprefix("converted_") if label_of == "converted" else row["ends"]}
        if label_of == "ends" and row.get("branch") == "proof":
            positive = {"proof"}
        wanted = {label: label if label in positive else f"not {label}" for label in CLASSES}
        if row["ends"] == "class_unreadable":
            assert set(found) == set(CLASSES)
            assert [label for label in CLASSES if found[label] != wanted[label]] == ["invalid"]
        else:
            assert found == wanted, name


def test_the_extracted_answers_are_those_of_the_table() -> None:
    found = {}
    for name, row in problems(branch="answer").items():
        reply = replies("extract_answers").exact[row["id"]]
        if reply.finish_reason == "length" or row["ends"] == "answer_unreadable":
            assert "extracted" not in row
            assert "answer:" not in reply.text.lower()
            continue
        answer = bare_answer(reply.text)
        found[name] = None if answer == "Answer not found" else answer
    assert found == {name: row["extracted"] for name, row in problems(branch="answer").items() if "extracted" in row}
    assert list(found.values()).count(None) == 3


def test_the_duplicate_problem_differs_in_case_and_spaces_only() -> None:
    first, again = problem_texts()["quadratic-interval/1"], problem_texts()["quadratic-interval-again/1"]
    assert first.strip() != again.strip()
    assert "".join(first.split()).casefold() == "".join(again.split()).casefold()


def test_the_repost_is_told_by_its_meaning_and_by_no_spelling() -> None:
    (again,) = problems("repost")
    first, other = (problem_texts()[name].strip() for name in ("long-divisors/1", again))
    assert notation(first) != notation(other)
    assert are_reposts(first, other, None)


def test_the_conversions_that_solve_nothing_are_empty_a_proof_or_without_an_answer() -> None:
    texts = {name: replies("convert_proofs").exact[row["id"]].text for name, row in problems(branch="proof").items()}
    assert {name for name, text in texts.items() if not text.strip()} == set(problems("conversion_empty"))
    assert {name for name, text in texts.items() if text.startswith("Prove")} == set(problems("converted_proof"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_final_answers_of_solutions_are_right_wrong_or_missing_as_the_table_says(recipe: str) -> None:
    for name, seed, kind, wrong in solutions(recipe):
        reply = replies(f"{recipe}/generate_solutions").exact[f"{problem_id(name)}/solve_cot/{seed}"]
        box = last_box(reply.text.rpartition("</think>")[2])
        assert (reply.finish_reason == "length") == (kind == "cut"), (name, seed)
        if kind == "right":
            assert box in problems()[name]["right"], (name, seed)
        else:
            assert box == {"wrong": wrong, "empty_box": "", "several_boxes": "(8,2)"}.get(kind), (name, seed)


def test_solutions_with_code_end_with_a_right_answer_unless_the_table_calls_them_wrong() -> None:
    for name, seed, ends in code_solutions():
        if ends in ("no_answer", "block_not_run"):
            continue
        reply = replies(f"{WITH_CODE}/generate_solutions").exact[f"{problem_id(name)}/solve_tir_budget/{seed}"]
        box = last_box(reply.turns[-1].text.rpartition("</think>")[2])
        assert box is not None
        assert (box in problems()[name]["right"]) == (ends != "wrong"), (name, seed)


def test_summaries_of_solutions_with_code_are_right_unless_the_table_says_otherwise() -> None:
    for name, seed, ends in code_solutions():
        if ends in ("row", "think_tag_in_text", "no_right_summary"):
            keys = (f"{problem_id(name)}-{seed}/summarize_solution/{candidate}" for candidate in range(4))
            found = [replies(f"{WITH_CODE}/generate_summaries").get(key) for key in keys]
            whole = [reply.text for reply in found if reply is not None and reply.finish_reason == "stop"]
            is_right = any(last_box(text) in problems()[name]["right"] for text in whole)
            assert is_right == (ends != "no_right_summary"), name


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_box_in_the_reasoning_of_a_solution_holds_the_answer_that_it_ends_with(recipe: str) -> None:
    boxes = 0
    for name, seed, kind, wrong in solutions(recipe):
        reply = replies(f"{recipe}/generate_solutions").exact[f"{problem_id(name)}/solve_cot/{seed}"]
        box = last_box(reply.reasoning or reply.text.partition("</think>")[0])
        boxes += box is not None
        assert box is None or box in (problems()[name]["right"] if kind == "right" else [wrong]), (name, seed)
    assert boxes > 10


def test_every_listed_spelling_of_a_right_answer_occurs_in_a_reply() -> None:
    answered = {name for recipe in RECIPES for name, _ in traces(recipe)}
    for name in answered:
        row = problems()[name]
        boxes = {row.get("extracted")} | {
            last_box(replies(f"{recipe}/generate_solutions").exact[f"{row['id']}/solve_cot/{seed}"].text)
            for recipe in RECIPES
            for seed in range(expected()["solutions"][recipe]["seeds"])
        }
        assert set(row["right"]) <= boxes, name


def test_right_solutions_are_most_where_the_answer_has_to_be_voted_for() -> None:
    for recipe in RECIPES:
        kinds: dict[str, list[str]] = {}
        for name, _, kind, _ in solutions(recipe):
            kinds.setdefault(name, []).append(kind)
        voted = {name: found for name, found in kinds.items() if problems()[name].get("extracted") is None}
        assert len(voted) == 5
        for name, vote in expected()["open_votes"][recipe].items():
            assert len(voted[name]) == 2, "a vote of two is tied"
            assert set(voted.pop(name)) == ({"right"} if vote == "settled" else {"right", "wrong"})
        silent = {name for name, found in voted.items() if "right" not in found}
        assert silent == {"no-triple-rise/1"}
        assert all(2 * found.count("right") > len(found) for name, found in voted.items() if name not in silent)


def test_solutions_show_every_form_that_reasoning_takes() -> None:
    qwq = list(replies("cot-qwq/generate_solutions").exact.values())
    opened = [reply for reply in qwq if reply.text.startswith("<think>")]
    assert len(qwq) - len(opened) == 1
    assert sum("</think>" not in reply.text for reply in opened) == 3
    assert sum("<think>\n\n</think>" in reply.text for reply in opened) == 1
    assert len({reply.text for reply in qwq}) == len(qwq) - 1
    r1 = list(replies("cot-r1/generate_solutions").exact.values())
    assert sum(reply.reasoning == "" for reply in r1) == 1
    assert not any("think>" in reply.text for reply in r1)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_right_solution_has_a_valid_summary_unless_the_table_says_otherwise(recipe: str) -> None:
    without = []
    for name, seed in traces(recipe):
        key = f"{problem_id(name)}-{seed}/summarize_solution"
        found = [replies(f"{recipe}/generate_summaries").get(f"{key}/{candidate}") for candidate in range(4)]
        whole = [reply.text for reply in found if reply is not None and reply.finish_reason == "stop"]
        if not any(last_box(text) in problems()[name]["right"] for text in whole):
            without.append((name, seed))
    table = expected()["without_summary"][recipe]
    assert without == [(name, seed) for name, seeds in table.items() for seed in seeds]


# ---- what is meant to be right is right


def walks(width: int, height: int, glue: tuple[int, int]) -> int:
    ways = {(0, 0): 1}
    for x, y in product(range(width + 1), range(height + 1)):
        if (x, y) != (0, 0):
            ways[x, y] = 0 if (x, y) == glue else ways.get((x - 1, y), 0) + ways.get((x, y - 1), 0)
    return ways[width, height]


def median() -> float:
    return hypot((7 + 5 * cos(THIRD_CIRCLE)) / 2, 5 * sin(THIRD_CIRCLE) / 2)


def pairs_of_the_system() -> list[tuple[int, int]]:
    """Pairs x < y of integers that solve it; the real solution is unique, as its sum and product are determined."""
    pairs = ((x, y) for y in range(1, 20) for x in range(1, y) if x * x + y * y + x * y == 84)
    return [(x, y) for x, y in pairs if isqrt(x * y) ** 2 == x * y and x + y + isqrt(x * y) == 14]


def all_divided() -> set[int]:
    return {n for n in range(-99, 99) if n + 2 and (n * n + 7) % (n + 2) == 0}


def always_positive(k: Fraction) -> bool:
    """Whether x^2 - 2kx + k + 6 is positive everywhere: its least value is the one at x = k."""
    return -k * k + k + 6 > 0


def rises_thrice(order: tuple[int, ...]) -> bool:
    return any(a < b < c for a, b, c in zip(order, order[1:], order[2:], strict=False))


def greatest_common_divisor() -> int:
    return gcd(*(n**3 + 5 * n for n in range(1, 60)))


def least_of_product() -> float:
    return min((1 + 1 / x) * (1 + 1 / (1 - x)) for x in (i / 1000 for i in range(1, 1000)))


def share_of_close_pairs(cells: int = 400) -> float:
    """Share of the unit square in which the coordinates differ by less than a half, from cell midpoints."""
    close = sum(2 * abs(i - j) < cells for i, j in product(range(cells), repeat=2))
    return close / cells**2


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: Problem name -> whether its right answer (as a Python value) is what a computation finds.
COMPUTED: dict[str, Callable[[], bool]] = {
    "lattice-quotes/1": lambda: walks(5, 4, (2, 2)) == 66,
    "polish-median/1": lambda: isclose(median(), sqrt(109) / 2) and isclose(sqrt(109 / 4), sqrt(109) / 2),
    "three-problems/1": lambda: pow(7, 100, 13) == 9,
    "three-problems/2": lambda: greatest_common_divisor() == 6 == 2 * 3,
    "chinese-tuple/1": lambda: pairs_of_the_system() == [(2, 8)],
    "series-sector/1": lambda: isclose(sum(1 / (k * (k + 2)) for k in range(1, 200_000)), 0.75, rel_tol=1e-4),
    "series-sector/2": lambda: isclose((1 + 1 / sin(pi / 6)) ** 2 * THIRD_CIRCLE / 2, 1.5 * pi),
    "long-divisors/1": lambda: all_divided() == {-13, -3, -1, 9},
    "long-divisors-repost/1": lambda: all_divided() == {-13, -3, -1, 9},
    "quadratic-interval/1": lambda: all(always_positive(Fraction(k, 10)) == (-20 < k < 30) for k in range(-100, 100)),
    "weighted-minimum/1": lambda: isclose(least_of_product(), 9) and 3**2 == 9,
    "day-of-week/1": lambda: DAYS[pow(2, 2024, 7)] == "Friday",
    "vietnamese-train/1": lambda: Fraction(150 + 350, 25) * Fraction(3600, 1000) == 72,
    "empty-discussion/1": lambda: isclose(share_of_close_pairs(), 0.75, abs_tol=0.01) and 6 / 8 == 3 / 4,
    "no-triple-rise/1": lambda: sum(not rises_thrice(order) for order in permutations(range(8))) == 13358,
    "verbatim-copy/1": lambda: sum((n * n + n + 1) % 7 == 0 for n in range(1, 501)) == 143,
    "paraphrased-copy/1": lambda: [x for x in range(99) if x + 3 * x + 3 * x - 20 == 190] == [30],
    "dice-race/1": lambda: two_dice(8) / (two_dice(7) + two_dice(8)) == Fraction(5, 11),
}


def two_dice(total: int) -> Fraction:
    return Fraction(sum(a + b == total for a, b in product(range(1, 7), repeat=2)), 36)


COMPUTED["quadratic-interval-again/1"] = COMPUTED["quadratic-interval/1"]


def test_every_right_answer_of_the_table_has_a_computation() -> None:
    assert set(COMPUTED) == {name for name, row in problems().items() if "right" in row}


@pytest.mark.parametrize("name", COMPUTED)
def test_a_computation_finds_the_answer_that_the_table_calls_right(name: str) -> None:
    assert COMPUTED[name]()


def simple_value(answer: str) -> tuple[Fraction, bool] | None:
    """(rational factor, whether pi is the other factor) of a product, power or fraction of numbers; None for others."""
    text = answer.replace("\\pi", "").replace(" ", "")
    if fraction := re.fullmatch(r"\\d?frac\{([^{}]+)\}\{([^{}]+)\}", text):
        text = "/".join(fraction.groups())
    if power := re.fullmatch(r"(\d+)\^(\d+)", text):
        text = str(int(power[1]) ** int(power[2]))
    try:
        return prod(map(Fraction, text.split("\\cdot")), start=Fraction(1)), "\\pi" in answer
    except ValueError:
        return None


def test_all_numeric_spellings_of_a_right_answer_have_one_value() -> None:
    compared = 0
    for row in problems().values():
        values = [value for spelling in row.get("right", ()) if (value := simple_value(spelling)) is not None]
        compared += len(values)
        assert len(set(values)) <= 1, row
    assert compared > 15


def test_the_wrong_answers_of_the_table_are_not_among_the_right_ones() -> None:
    for recipe in RECIPES:
        for name, _, kind, wrong in solutions(recipe):
            if kind == "wrong":
                right = problems()[name]["right"]
                assert wrong not in right
                assert simple_value(wrong) is None or simple_value(wrong) != simple_value(right[0])


def bisector() -> float:
    """Length of the bisector of angle P: QR is divided in the ratio 8 : 3."""
    return hypot(8 * 3 / 11 + 3 * 8 / 11 * cos(THIRD_CIRCLE), 3 * 8 / 11 * sin(THIRD_CIRCLE))


def rises_but_once(order: tuple[int, ...]) -> bool:
    return sum(a > b for a, b in pairwise(order)) == 1


#: The answers of the benchmarks' rows, computed; the rows that are left out are checked below.
ROW_VALUES: dict[str, dict[int, Fraction | float]] = {
    "sample_contest": {
        0: sum((n * n + n + 1) % 7 == 0 for n in range(1, 501)),
        1: walks(3, 1, (-1, -1)) * walks(3, 2, (-1, -1)),
        2: bisector(),
        3: sum(m for m in range(-50, 50) if m != 3 and (m * m + 1) % (m - 3) == 0),
        4: ((133 / 7 - 7) / 2) ** 2,
        5: pow(5, 80, 17),
        6: sum(map(rises_but_once, permutations(range(6)))),
        8: sum(Fraction(1, 3 * k) for k in (1, 2, 3)),
        9: min(a + 16 / a for a in (i / 100 for i in range(1, 2000))),
        10: gcd(*(n**5 - n for n in range(2, 60))),
        11: two_dice(5) / (two_dice(5) + two_dice(7)),
    },
    "sample_school": {
        0: Fraction(190 + 20, 7),
        1: 120 / 6,
        3: next(w * (w + 5) for w in range(1, 17) if 2 * (w + w + 5) == 34),
        4: pi * 6**2 * 40 / 360,
        5: Fraction(6 * 5, 10 * 9),
        6: next(x for x in range(100) if 3 * (x - 4) == 2 * x + 7),
        7: 2**3,
        8: 5 * 14 - (10 + 12 + 15 + 18),
        9: 54 / 0.9 / 0.8,
        10: 1 - Fraction(2, 3) ** 2,
        11: Fraction(40, 60) + Fraction(24 * 40, 60 * 6),
    },
}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_answers_of_the_benchmarks_are_right(name: str) -> None:
    spelled = {row: benchmark(name)[row]["answer"] for row in ROW_VALUES[name]}
    irrational = {r"\frac{24\sqrt{3}}{11}": 24 * sqrt(3) / 11, r"4\pi": 4 * pi}
    for row, value in ROW_VALUES[name].items():
        number = simple_value(spelled[row])
        assert isclose(irrational.get(spelled[row]) or (number and number[0]) or 0, value), row
    left_out = [row["answer"] for i, row in enumerate(benchmark(name)) if i not in ROW_VALUES[name]]
    assert left_out == {"sample_contest": [r"(6, \infty)"], "sample_school": [DAYS[(2 + 100) % 7]]}[name]


def test_the_interval_of_the_benchmark_holds_exactly_the_values_with_two_negative_roots() -> None:
    for c in (Fraction(i, 8) for i in range(-100, 101)):
        # Two different roots need a positive discriminant; their product is 9, so both are negative if their sum is.
        assert (c * c > 36 and -c < 0) == (c > 6)
