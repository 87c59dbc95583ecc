from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.parsers.answer_lines import MAX_ANSWER_CHARACTERS, TOO_LONG, UNREADABLE, parse_answer

NOT_FOUND = (None, None)
LABELS = ["Answer: {}", "answer: {}", "ANSWER: {}", "**Answer:** {}", "**Answer**: {}", "**Answer: {}**", "Answer：{}"]
LABELS += ["Final answer: {}", "The answer is: {}", "### Answer: {}", "- Answer: {}", "Answer:\n\n{}"]
WRAPPINGS = [
    "{}",
    "${}$",
    "$${}$$",
    "\\boxed{{{}}}",
    "$\\boxed{{{}}}$",
    "**{}**",
    "`{}`",
    "\\({}\\)",
    "\\[{}\\]",
    "\\[\n{}\n\\]",
    "{}.",
]
VALUES = [
    "5",
    "-3",
    "\\frac{3}{4}",
    "\\{-13, -3\\}",
    "(-2, 3)",
    "Friday",
    "72\\text{ km/h}",
    "x = 3",
    "\\emptyset",
    "∞",
    "1, 2, \\ldots, n",
]
PREAMBLES = ["", "\n", "Post 2 corrects Post 1.\r\n\r\n", "<think>Answer: 9\nAnswer not found.</think>", "```\n"]
ENDINGS = ["", "\n", " \r\n\r\n", "\n```", "\n---"]


@given(*map(st.sampled_from, [LABELS, WRAPPINGS, VALUES, PREAMBLES, ENDINGS]))
@settings(max_examples=100, deadline=None)
def test_a_sloppy_answer_line_is_read_as_its_answer(
    label: str, wrapping: str, value: str, before: str, after: str
) -> None:
    assert parse_answer(before + label.format(wrapping.format(value)) + after) == (value, None)


@pytest.mark.parametrize("before", PREAMBLES)
@pytest.mark.parametrize(
    "line",
    ["Answer not found.", "**Answer not found.**", "answer not found", "The answer was not found.", "Answer: not found"]
    + ["Answer: Answer not found.", "The posts give hints only. Answer not found.", "- No answer found"],
)
def test_a_reply_may_say_that_there_is_no_answer(before: str, line: str) -> None:
    assert parse_answer(before + line) == NOT_FOUND


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "The area is 48.",
        "\\boxed{48}",
        "Answers: 5",
        "Answer 5",
        "Answer:",
        "Answer: **",
        "Answer: None",
        "Answer: N/A.",
        "Answer: ?",
        "Answer: ...",
        "Answer: <the final answer>",
        "Answer: \\boxed{}",
        "Answer: \\frac{1}{2",
        "Answer: $x^2",
        "Answer: 5\nAnswer: 6",
        "Answer: 5\n\nAnswer not found.",
        "Answer not found.\nAnswer: 5",
        "Answer not found.\n\nPost 3 gives 5, though.",
        "Answer not found.\n\n5",
        "Answer: 5\n\nBut this is not sure.",
        "Answer: 5\n\nPost 3 gives 6.",
        "Answer: 5\nor 6",
        "Answer: \\ldots",
        "The answer is in post 3.",
        "The answer is a prime.",
        "The answer is 5.\nThe answer is 6.",
        '{"answers": ["5", "6"]}',
        '{"answer": NaN}',
        '{"answer": -Infinity}',
        '{"answer": 1e999}',
        '{"answer": ["5", "6"]}',
        "Answer: 5\n\nPost 3 gives 6, though.",
        "It is right. Answer: 5. Answer: 6",
        "Answer: $$\n5\n$$\nas post 2 or 3 says.",
        "Answer: 5\nThe answer is: 6",
        "<think>Answer: 5",
        "Answer not found in Post 1, but Post 2 has it.",
    ],
)
def test_unreadable_is_neither_an_answer_nor_not_found(reply: str) -> None:
    assert parse_answer(reply) == (None, UNREADABLE)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Answer: $\\begin{cases}\nx = 1 \\\\\ny = 2\n\\end{cases}$", "\\begin{cases} x = 1 \\\\ y = 2 \\end{cases}"),
        ("Answer: $x = 1$ and $y = 2$", "$x = 1$ and $y = 2$"),
        ("Answer: $\\boxed{1}$ or $\\boxed{2}$", "$1$ or $2$"),
        ("Answer: \\boxed 5", "5"),
        ("Answer: \\$20", "\\$20"),
        ("Answer: $20", "$20"),
        ("Answer: 1, 2, 3, ...", "1, 2, 3, ..."),
        ("Answer: \\left\\{ 1 \\right.", "\\left\\{ 1 \\right."),
        ("Answer: no solution", "no solution"),
        ("Post 2 is right. **Answer: $5$.**", "5"),
        ("Answer: 5\nSo, once more:\nAnswer: 5", "5"),
        ("The answer of Post 1 is wrong.\nAnswer: 5", "5"),
        ("Answer: a*b*c", "a*b*c"),
    ],
)
def test_an_answer_keeps_what_belongs_to_it(reply: str, answer: str) -> None:
    assert parse_answer(reply) == (answer, None)


def test_an_endless_answer_is_refused() -> None:
    assert parse_answer("Answer: " + "1" * MAX_ANSWER_CHARACTERS) == ("1" * MAX_ANSWER_CHARACTERS, None)
    assert parse_answer("Answer: " + "1" * (MAX_ANSWER_CHARACTERS + 1)) == (None, TOO_LONG)


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_a_text_without_the_word_is_unreadable(reply: str) -> None:
    if "answer" not in reply.casefold():
        assert parse_answer(reply) == (None, UNREADABLE)


FRAGMENTS = [
    "Answer:",
    "Answer",
    "not found",
    "\n",
    "\r",
    " ",
    ". ",
    "$",
    "$$",
    "**",
    "{",
    "}",
    "\\boxed{",
    "\\[",
    "5",
    "x",
    "no ",
]
FRAGMENTS += ["<think>", "</think>", "\\begin{a}", "\\end{a}", "is", "：", "`", "\\", '"', "None", "???"]


@given(st.lists(st.sampled_from(FRAGMENTS)).map("".join))
@settings(max_examples=100, deadline=None)
def test_an_answer_is_one_line_that_shows_something(reply: str) -> None:
    answer, fault = parse_answer(reply)
    if answer is not None:
        assert fault is None
        assert answer == answer.strip() != ""
        assert "\n" not in answer
        assert len(answer) <= MAX_ANSWER_CHARACTERS
    assert fault in (None, UNREADABLE, TOO_LONG)


@given(
    st.sampled_from(["Answer", "\n", ". ", "Answer:", "*", "\\boxed{", "$", "no ", "\nAnswer: 5", "{\n"]),
    st.integers(0, 20_000),
)
@settings(max_examples=50, deadline=None)
def test_long_repetitive_reasoning_does_no_harm(fragment: str, times: int) -> None:
    assert parse_answer(f"{fragment * times}x\nAnswer: 5") in [("5", None), (None, UNREADABLE)]
    assert parse_answer(f"Answer: {fragment * times}{'x' * MAX_ANSWER_CHARACTERS}.")[0] is None


@pytest.mark.parametrize(
    "reply",
    [
        "Post 2 settles it.\nThe final answer is {}.",
        "Post 2 settles it. So the answer is {}, according to post 2.",
        "**The final answer is** {}.",
        "Answer: The answer is {}.",
        "Answer: {}\n\nThis follows from post 3.",
        "Answer: {}\nExplanation: Post 2 confirms it.",
        "Answer: {}. This follows from post 3.",
        "Answer: {}, as shown in post 3.",
        "Answer: {} because post 3 proves it.",
        "Answer: {} (see post 3)",
        "Answer: {}\n\nNote: Post 2 first had another value, which it corrected later.",
        '```json\n{{"reasoning": "Post 2 says so.", "answer": "{}"}}\n```',
    ],
)
@pytest.mark.parametrize("answer", ["5", "$\\frac{1}{2}$", "$x = -3$", "\\boxed{5}", "$\\{-3, 3\\}$"])
def test_an_answer_is_read_in_a_sentence_in_json_and_before_prose(reply: str, answer: str) -> None:
    bare = answer.strip("$").removeprefix("\\boxed{").removesuffix("}" if "boxed" in answer else "")
    assert parse_answer(reply.format(answer)) == (bare, None)


@pytest.mark.parametrize(
    "reply",
    [
        "Answer: No final answer is given.",
        "Answer: The discussion does not give a final answer.",
        "Answer: None of the posts reach an answer.",
        "Answer: It cannot be determined from the posts.",
        "Answer: Not found in post 3",
        "Answer not found.\n\nThe posts only give hints.",
        "The answer is not found in the discussion.",
        '{"answer": null}',
    ],
)
def test_a_sentence_that_says_so_is_no_answer(reply: str) -> None:
    assert parse_answer(reply) == NOT_FOUND


@pytest.mark.parametrize(
    "answer",
    [
        "no solution",
        "There are no such integers",
        "5 (mod 7)",
        "12 cm",
        "$f(x)=x$ for all real $x$",
        "all primes",
        "(B) 5",
    ],
)
def test_words_that_belong_to_an_answer_stay(answer: str) -> None:
    assert parse_answer(f"Answer: {answer}") == (answer, None)


@pytest.mark.parametrize(
    "reply",
    [
        "Answer: $2n$ (as $n$ even), $2n+1$ (as $n$ odd)",
        "Answer: $n/2$ since n is even, 0 since n is odd",
        "Answer: $x=1$. Also $x=2$ works.",
        "Answer: $1$. If $n$ is odd, $2$.",
        "Answer: $1$. If it is odd, \\frac{1}{2}.",
        "Answer: $-5$. Also $5$ works.",
        "Answer: $5$. Also $-5$ works.",
        "Answer: 2. The other one is three.",
        "Answer: 5 (see post 3). Post 4 gives 6.",
        "Answer: 5 (see posts 3 and 4), 7 (see post 5)",
        "Answer: 5, since $n$ is odd",
        "Answer: $5$\n\nFor even numbers it is $7$.",
        "The answer is $5$. The other solution is $x = 7$.",
        '{"answer": "3. If n is odd, 4."}',
    ],
)
def test_prose_behind_an_answer_that_states_another_value_is_unreadable(reply: str) -> None:
    assert parse_answer(reply) == (None, UNREADABLE)


@pytest.mark.parametrize(
    "answer",
    [
        "$5$ (given $x>0$) or $-5$ (given $x<0$)",
        "3 (in case $n$ is even) and 4 (in case $n$ is odd)",
        "5 (in base $7$)",
        "$a + 1$, given $a > 0$",
    ],
)
def test_conditions_belong_to_an_answer(answer: str) -> None:
    assert parse_answer(f"Answer: {answer}") == (answer, None)


@pytest.mark.parametrize(
    "prose",
    [
        ", since $2+3=5$.",
        ", because 2 + 3 = 5",
        " (posts 2, 3 and #4)",
        " (in the 2nd post)",
        ". Both posters agree on $5$, says mathman12.",
        " (given in post 12)",
        ". It was confirmed in two posts.",
        "\n\nPost 4 says 5 as well.",
    ],
)
def test_prose_that_repeats_an_answer_or_derives_it_goes(prose: str) -> None:
    assert parse_answer(f"Answer: $5${prose}") == ("5", None)


@pytest.mark.parametrize(
    ("answer", "prose"),
    [
        ("\\frac{17}{60}", ", since $34/120 = 17/60$."),
        ("\\frac{1}{2}", ". Post 3 says 1/2 as well, post 4 says 0.5."),
        ("0.5", ", because $\\frac{1}{4} + \\frac14 = \\frac{1}{2}$"),
        ("-0.5", ". Both get $-\\frac{1}{2}$."),
        ("1,000", ". Both posts say 1000."),
        ("1000", ", since $10^3 = 1{,}000$"),
        ("5", ", because $25 < 26$"),
        ("10", ", since $10^2 = 100 > 99$ by post 2"),
        ("7", ", because $7 \\mid 91$"),
    ],
)
def test_an_answer_in_another_spelling_and_a_comparison_of_constants_are_no_other_value(
    answer: str, prose: str
) -> None:
    assert parse_answer(f"Answer: ${answer}${prose}") == (answer, None)


@pytest.mark.parametrize(
    ("answer", "prose"),
    [
        ("\\frac{17}{60}", ", since $34/120 = 16/60$."),
        ("\\frac{1}{2}", ". Post 3 has 1/3."),
        ("-0.5", ". Both get $\\frac{1}{2}$."),
        ("5", ", since $3 + 4 = 7$"),
        ("5", ", since $x > 0$"),
        ("5", ", since $n = 2k$"),
        ("5", ". If $3 < 4$, 7."),
        ("5", ", as \\ge a"),
        ("3", ", since $2^{10} \\equiv 4 \\pmod{7}$"),
        ("1", ". Post 3 says 1,000."),
    ],
)
def test_a_reason_that_may_be_a_condition_or_another_value_is_unreadable(answer: str, prose: str) -> None:
    assert parse_answer(f"Answer: ${answer}${prose}") == (None, UNREADABLE)
