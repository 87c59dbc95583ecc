from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.parsers.extraction import MAX_PROBLEM_CHARACTERS, fault_of_problem, parse_problems

LABELS = ["Problem {}: ", "problem {}:", "PROBLEM {}. ", "**Problem {}:** ", "**Problem {}**: ", "### Problem {}\n"]
LABELS += ["Problem {}：", "Problem #{}: ", "- Problem {}: ", "Problem {}) ", "Problem {} - ", "__Problem {}__\n\n"]
LABELS += [
    "> Problem {}: ",
    "Problem No. {}: ",
    "**Problem {}** ",
    "Problem ({}): ",
    "## **Problem {}**:\n",
    "`Problem {}:`\n",
]
PREAMBLES = ["", "\n\n", "Here are the problems:\n\n", "<think>Problem 9: draft</think>", "\r\n", "---\n", "```\n"]
ENDINGS = ["", "\n", "\r\n\r\n", "\n---\n", "\n```", "\n\n***\n"]
#: Texts of problems: none begins or ends with what a reply puts between problems.
PROBLEMS = st.from_regex(r"\A[A-Z][a-z ]{0,20}\$x\^\{?[0-9]\}? \\le [a-z]_1\$(\n\(a\) [a-z]{1,9}){0,2}[.?]\Z")


@given(st.data(), st.lists(PROBLEMS, min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_sloppy_blocks_are_read_as_their_problems(data: st.DataObject, problems: list[str]) -> None:
    numbers = sorted(data.draw(st.sets(st.integers(0, 99), min_size=len(problems), max_size=len(problems))))
    label = data.draw(st.sampled_from(LABELS))
    between = data.draw(st.sampled_from(["\n", "\n\n", "\n\n---\n\n", "\r\n\r\n"]))
    blocks = [label.format(number) + problem for number, problem in zip(numbers, problems, strict=True)]
    reply = data.draw(st.sampled_from(PREAMBLES)) + between.join(blocks) + data.draw(st.sampled_from(ENDINGS))
    assert parse_problems(reply) == problems


@pytest.mark.parametrize(
    "reply",
    [
        "No problems identified.",
        "**No problems identified**",
        "no problems identified",
        "NO PROBLEMS IDENTIFIED!",
        "The post only asks about a book.\n\nNo problems identified.\n",
        "<think>Problem 1: is it one?</think>\r\nNo problems identified.\r\n",
        '"No problems identified."',
        "No problems are posed in the post.",
        '{"problems": []}',
        "No problem was found.",
    ],
)
def test_a_reply_that_says_so_has_no_problems(reply: str) -> None:
    assert parse_problems(reply) == []


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Find $x$.",
        "Problems 1 and 2 are the same.",
        "<think>Problem 1: Find $x$.",
        "No problems identified.\n\nProblem 1: Find $x$.",
        "Problem 1: Find $x$.\n\nNo problems identified.",
        "Problem 1: Find $x$.\n\nProblem 1: Find $y$.",
        "Problem 2: Find $x$.\n\nProblem 1: Find $y$.",
        "Problem 1: Find $x$.\nProblem 2 is not stated in the post.",
        "Problem 1.5: Find $x$.",
        "Problem 12345: Find $x$.",
        "There are No problems identified. in this post",
        "Step 1: Add.\nStep 2: Halve.",
        "Let $f(x) = x^2$.\n1. Find $f(1)$.\n2. Find $f(2)$.",
        "Question 1: Find $x$.\nQuestion 3: Find $y$.",
        "2. Find $x$.",
        '{"reply": "Find $x$."}',
    ],
)
def test_what_contradicts_itself_or_has_no_label_is_unreadable(reply: str) -> None:
    assert parse_problems(reply) is None


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("**Problem 1: Find $x$.**", "Find $x$."),
        ("**Problem 1: Sums**\nFind $x$.", "Sums\nFind $x$."),
        ("Problem 1: **Find** $x^{**}$ and *y*", "**Find** $x^{**}$ and *y*"),
        ("_Problem 1: Find $a_1$._", "Find $a_1$."),
        ("Problem 1 (Algebra): Find $x$.", "Find $x$."),
        ("Problem 1:2 is a ratio?", "2 is a ratio?"),
        ("Problem 1: a\n\n---\n\nb", "a\n\n---\n\nb"),
        ("Problem 1: 已知 $x<y$。求 $x$。", "已知 $x<y$。求 $x$。"),
        ("Problem １： Find $x$.", "Find $x$."),
        ("Problem 1: Solve Problem 3 of the book.", "Solve Problem 3 of the book."),
        ("Problem 1: a\u2028Problem 2: b", "a\u2028Problem 2: b"),
    ],
)
def test_the_text_of_a_problem_stays_as_it_is(reply: str, problem: str) -> None:
    assert parse_problems(reply) == [problem]


def test_a_label_without_a_text_yields_an_empty_problem() -> None:
    assert parse_problems("Problem 1:\n\nProblem 2: Find $x$.\n\n**Problem 3:**") == ["", "Find $x$.", ""]


@pytest.mark.parametrize(
    ("problem", "fault"),
    [
        ("Find $x$.", None),
        ("求", None),
        ("", "empty_problem"),
        ("...", "empty_problem"),
        ("x" * MAX_PROBLEM_CHARACTERS, None),
        ("x" * (MAX_PROBLEM_CHARACTERS + 1), "too_long_problem"),
    ],
)
def test_empty_and_endless_problems_cannot_be_used(problem: str, fault: str | None) -> None:
    assert fault_of_problem(problem) == fault


FRAGMENTS = [
    "Problem 1:",
    "Problem 2",
    "problem",
    "\n",
    "\r",
    " ",
    "**",
    "#",
    "(",
    ")",
    ":",
    "No problems identified",
    ".",
    "x",
]
FRAGMENTS += ["<think>", "</think>", "９", "\u3000", "```", "---", "_", "Problem 3. "]


@given(st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS)).map("".join)))
@settings(max_examples=100, deadline=None)
def test_what_is_read_stands_in_the_reply(reply: str) -> None:
    problems = parse_problems(reply)
    plain_reply = reply.replace("\r\n", "\n").replace("\r", "\n")
    for problem in problems or []:
        assert problem == problem.strip()
        assert all(line in plain_reply for line in problem.split("\n"))


@given(
    st.sampled_from(["\n", "**", "\nProblem ", " ", "\n>", "(", "\u3000", "Problem 1", "_", "```\n"]),
    st.integers(0, 30_000),
)
@settings(max_examples=50, deadline=None)
def test_long_repetitive_preambles_do_no_harm(fragment: str, times: int) -> None:
    problems = parse_problems(f"{fragment * times}x\nProblem 7: Find $x$.")
    assert problems is None or problems[-1] == "Find $x$."


@pytest.mark.parametrize(
    "heading",
    [
        "{}. ",
        "{}) ",
        "({}) ",
        "**{}.** ",
        "Question {}: ",
        "### Question {}\n",
        "**Question {} [Easy]:** ",
        "Exercise {} - ",
    ]
    + ["Aufgabe {}: ", "Aufgabe Nr. {}: ", "Problème {} : ", "Задача {}. ", "题目{}：", "第{}题：", "Q{}: ", "#{}: "]
    + ["Problem {} [Easy]: ", "Problem {} (5 points): "],
)
def test_problems_stand_behind_any_numbered_heading(heading: str) -> None:
    problems = ["Find the least $n > 3$.", "Find the greatest $n < 9$.\n\nIt is odd.", "Let $a = 5$. Find $a^2$."]
    reply = "\n\n".join(heading.format(number) + problem for number, problem in enumerate(problems, 1))
    assert parse_problems(reply) == problems
    assert parse_problems("Here are the problems of the post:\n\n" + reply) == problems


@pytest.mark.parametrize("heading", ["Problem {}: ", "**Problem {}:** ", "{}. ", "Question {}: "])
def test_problems_in_one_line_are_several_problems(heading: str) -> None:
    reply = " ".join(heading.format(n) + text for n, text in ((1, "Find $a$."), (2, "Find $b$."), (3, "Find $c$.")))
    assert parse_problems(reply) == ["Find $a$.", "Find $b$.", "Find $c$."]


@pytest.mark.parametrize(
    "reply",
    [
        '["Find $a$.", "Find $b$."]',
        '```json\n{"problems": ["Find $a$.", "Find $b$."]}\n```',
        '{"Problem 1": "Find $a$.", "Problem 2": "Find $b$."}',
        '[{"number": 1, "problem": "Find $a$."}, {"number": 2, "problem": "Find $b$."}]',
        "Problem: Find $a$.\n\nProblem: Find $b$.",
    ],
)
def test_problems_are_read_without_numbers_and_in_json(reply: str) -> None:
    assert parse_problems(reply) == ["Find $a$.", "Find $b$."]


@pytest.mark.parametrize(
    "leak",
    [
        "\n\nAnswer: 4",
        "\n\nAnswers: 4 and 5",
        "\n\n**Final Answer:** $4$",
        " Answer: 4",
        " (Answer: $4$)",
        "\n\nSolution: Add up.\n\nThen halve.",
        "\nProof: Trivial.",
        "\n\nHint: try small ones",
        "\n\nThe answer is $4$.",
        " The answer is 4.",
        "\n\nThe answer is no.",
        "\n\nLet me know if you need anything else!",
        "\n\nI hope this helps. Feel free to ask!",
        "\n\nThese are all the problems in the post.",
        "\n\nAnswer: 4\n\nLet me know if this helps.",
        "\n\n<forum_post>\nhello\n</forum_post>",
        "\n\nExample post:\nhello",
    ],
)
def test_what_is_no_part_of_a_problem_is_cut_off_behind_it(leak: str) -> None:
    assert parse_problems(f"Problem 1: Find the least $n > 3$.{leak}") == ["Find the least $n > 3$."]
    assert parse_problems(f"1. Find $n$.{leak}\n\n2. Find $m$.{leak}") == ["Find $n$.", "Find $m$."]


@pytest.mark.parametrize(
    "problem",
    [
        "The answer is $m/n$ in lowest terms. Find $m + n$.",
        "You may take one or two stones.\n\nHow many can you take?",
        "A saline solution: how much salt is in $5$ litres?",
        "Find $x$. Give the answer as a fraction.",
        "Compute: $2 + 3$",
        "Let $ABC$ be a triangle.\n\n(a) Find $A$.\n\n(b) Find $B$.",
    ],
)
def test_a_problem_that_speaks_of_answers_and_readers_stays_whole(problem: str) -> None:
    assert parse_problems(f"Problem 1: {problem}") == [problem]


TWO_PARTS = "\n\n1) Find the area.\n2) Prove that it is least."


@pytest.mark.parametrize(
    "preamble",
    [
        "In triangle ABC the incircle touches the sides at D, E and F.",
        "A convex quadrilateral has perpendicular diagonals.",
        "For a convex quadrilateral with perpendicular diagonals:",
        "A ladder leans on a wall. It slips down slowly. Then:",
        "Let ABC be a right triangle:",
        "The following problems are about a right triangle ABC.",
        "Ein Dreieck hat einen rechten Winkel.",
    ],
)
def test_problems_that_share_what_stands_before_them_are_unreadable(preamble: str) -> None:
    assert parse_problems(preamble + TWO_PARTS) is None
    assert parse_problems(f"**{preamble}**" + TWO_PARTS) is None


@pytest.mark.parametrize(
    "preamble",
    [
        "Here are the problems.",
        "## Problems",
        "Hier sind die Aufgaben:",
        "**Voici les énoncés :**",
        "以下是题目：",
        "Sure! The post poses two questions.",
    ],
)
def test_a_preamble_that_announces_problems_goes(preamble: str) -> None:
    assert parse_problems(preamble + TWO_PARTS) == ["Find the area.", "Prove that it is least."]


NOTHING = ["No problems identified.", "no problem was found", "None", "None.", "**N/A**", "None identified."]


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize(
    "form", ["Problem 1: {}", "Problem 1:\n{}", "1. {}", '["{}"]', '{{"problems": "{}"}}', '{{"problems": ["{}"]}}']
)
def test_a_sentence_in_place_of_the_problem_says_that_there_is_none(form: str, nothing: str) -> None:
    assert parse_problems(form.format(nothing)) == []


@pytest.mark.parametrize("nothing", NOTHING)
def test_a_problem_beside_one_that_says_that_there_is_none_is_unreadable(nothing: str) -> None:
    assert parse_problems(f"Problem 1: Find $x$.\n\nProblem 2: {nothing}") is None
    assert parse_problems(f'["{nothing}", "Find $x$."]') is None


def test_a_problem_that_begins_with_such_a_word_is_one() -> None:
    assert parse_problems("Problem 1: None of $n$ chairs is red. Find $n$.") == ["None of $n$ chairs is red. Find $n$."]


@pytest.mark.parametrize(
    "problem",
    [
        "Find the mean of the three scores.\nAnna: 80\nBob: 90\nCarl: 100",
        "Compute the area.\nLength: 5\nWidth: 3",
        "What number am I thinking of? I double it and add 3. The result is 17.",
        "A student wrote the following proof that $1=2$.\nProof: Let $a=b$. Then $a^2=ab$.\nFind the first incorrect step.",
        "Two clues tell a number.\nHints: 1) the sum is 7. 2) it is prime.\nWhat is the number?",
        "Fill in the table.\n<table>\n<tr><td>1</td></tr>\n</table>\nWhat is x?",
        "Find the incenter.\n\nHere I is the incenter of triangle ABC.",
        "What is my age?\n\nI am twice as old as Bob was when I was his age.",
        "What is the probability?\n\nNote that the dice are fair.",
        "How many coins are left?\n\nThis is done until nobody wants more.",
    ],
)
def test_no_part_of_a_problem_is_cut_off(problem: str) -> None:
    assert parse_problems(f"Problem 1: {problem}") == [problem]
    assert parse_problems(f"1. Find $m$.\n\n2. {problem}") == ["Find $m$.", problem]


@pytest.mark.parametrize(
    "problem",
    [
        "What number am I thinking of? I double it and add 3. The answer is 17.",
        "Use the clues to find the number.\nHints: 1) the sum is 7. 2) it is prime.\nWhat is the number?",
        "Find the mistake in this solution.\nSolution: Let $a=b$. Then $a^2=ab$.",
        "Find $n$.\n\nSolution: Put $n=2$. Find $m$ first. So it is 4.",
        "Compute the perimeter of the square.\nSide: 5",
        "How long is the fence?\n\nThe post stands in its middle.",
        "$n$ primes\n\nAnswer: 4",
    ],
)
def test_what_may_be_a_part_of_a_problem_or_its_answer_is_unreadable(problem: str) -> None:
    assert parse_problems(f"Problem 1: {problem}") is None
    assert parse_problems(f"Problem 1: Find $m$.\n\nProblem 2: {problem}") is None


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("Welche Primzahl folgt auf $83$?\n\nAnswer: $89$", "Welche Primzahl folgt auf $83$?"),
        ("Bestimme das kleinste $n > 3$.\n\n**Answer:** 4", "Bestimme das kleinste $n > 3$."),
        ("Найдите сумму корней уравнения $x^2 = 3x$. (Answer: $3$)", "Найдите сумму корней уравнения $x^2 = 3x$."),
        ("求最小的素数。\n\nFinal answer: 2", "求最小的素数。"),
    ],
)
def test_an_answer_behind_its_english_label_goes_from_problems_in_all_languages(reply: str, problem: str) -> None:
    assert parse_problems(f"Problem 1: {reply}") == [problem]


@pytest.mark.parametrize(
    "reply",
    [
        "Finde den Fehler.\n\nSolution: Sei $a=b$. Dann ist $a^2=ab$.",
        "$n$ ist prim\n\nAnswer: 5",
        "Ich verdopple eine Zahl. The answer is 17.",
    ],
)
def test_what_only_may_be_an_answer_in_another_language_is_unreadable(reply: str) -> None:
    assert parse_problems(f"Problem 1: {reply}") is None


@pytest.mark.parametrize(
    "problem",
    ["Choose.\n\nAnswers: (A) 3 (B) 4 (C) 5", "Which number is prime?\nAnswers:\nA) 13\nB) 14"],
)
def test_options_under_a_label_for_answers_stay(problem: str) -> None:
    assert parse_problems(f"Problem 1: {problem}") == [problem]


def test_answers_of_parts_are_no_options() -> None:
    problem = "Find (A) the sum and (B) the product of $3$ and $4$."
    assert parse_problems(f"Problem 1: {problem}\n\nAnswers: (A) 7 (B) 12") == [problem]


def test_a_stated_answer_that_the_post_has_not_goes_in_all_languages() -> None:
    problem = "Ich verdopple die Zahl $8$ und addiere $1$."
    reply = f"Problem 1: {problem} The answer is 17."
    assert parse_problems(reply, problem) == [problem]
    assert parse_problems(reply, f"{problem} 17, oder?") is None


def test_sentences_that_state_answers_take_time_in_step_with_their_number() -> None:
    assert parse_problems("Problem 1: " + ".The answer is 1" * 20_000 + "?") is not None  # a minute, if squared
