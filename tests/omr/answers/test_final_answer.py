"""Final answers: which part of a text counts, which box, what is in it, and how it is spelled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.answers.damage import repaired_text
from omr.answers.final_answer import answer_of_text, boxed_answers, final_answer, normalise_answer, shown_part
from omr.answers.reasoning import split_reasoning
from omr.answers.spelling import MAX_ANSWER_CHARS

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "extract_cases.jsonl"

#: Text with everything that answers and their surroundings are made of.
pieces = st.lists(
    st.sampled_from(
        [
            "\\boxed{",
            "\\boxed ",
            "\\fbox{",
            "{",
            "}",
            "\\{",
            "\\}",
            "\\",
            "\\\\",
            "5",
            "x",
            " ",
            "$",
            "<think>",
            "</think>",
        ]
        + [
            "\\frac",
            "12",
            ",",
            ".",
            "\\text{",
            "^",
            "_",
            "\\sqrt",
            "²",
            "½",
            "５",
            "\u202e",
            "\ud800",
            "\0",
            "\n",
            "-",
            "(",
        ]
    ),
    max_size=40,
).map("".join)

#: Whole answers of nested mathematics and words.
mathematics = st.recursive(
    st.sampled_from(
        ["5", "1,234", ".5", "12.50", "x", "xy", "\\pi", "\\alpha_1", "x^2", "\\text{cm}", "no solution", "90^\\circ"]
    )
    | st.integers(-(10**6), 10**6).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"\\dfrac{{{two[0]}}}{{{two[1]}}}"),
        st.tuples(inner, st.sampled_from([" + ", "-", " \\cdot ", ", ", " = ", "\\le ", " \\text{ and } "]), inner).map(
            "".join
        ),
        inner.map(lambda one: f"\\left({one}\\right)"),
        inner.map(lambda one: f"\\sqrt{{{one}}}"),
        inner.map(lambda one: f"\\{{{one}\\}}"),
        inner.map(lambda one: f"{{{one}}}^{{2}}"),
    ),
    max_leaves=8,
)


def test_the_last_box_counts() -> None:
    assert final_answer(r"First \boxed{1}, but then \boxed{2} and so on.") == "2"


def test_a_box_may_hold_groups_and_escaped_braces() -> None:
    assert final_answer(r"\boxed{\frac{1}{\sqrt{2}}}") == r"\frac{1}{\sqrt{2}}"
    assert final_answer(r"\boxed{\{1, 2\}}") == r"\{1, 2\}"
    assert final_answer(r"\boxed{\left\{ x : x > \frac{1}{2} \right.}") == r"\left\{ x : x > \frac{1}{2} \right."


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed {5}", "5"),
        (r"\boxed5", "5"),
        (r"\boxed 5", "5"),
        (r"$\boxed 12.5$.", "12.5"),
        (r"\boxed -3", "-3"),
        (r"\boxed\frac{1}{2}", r"\frac{1}{2}"),
        (r"\boxed x", "x"),
        (r"\fbox{7}", "7"),
        (r"\framebox{7}", "7"),
        (r"\framebox[2cm][c]{7}", "7"),
        (r"\bbox[5px,border:2px solid red]{7}", "7"),
        (r"\fcolorbox{red}{white}{$7$}", "$7$"),
        (r"\boxed{ 7 }", "7"),
        ("\\boxed{\n7\n}", "7"),
        (r"\\boxed{7}", "7"),
    ],
)
def test_boxes_are_found_however_they_are_typed(text: str, answer: str) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize("text", ["", "42", r"\boxed{", r"\boxed", r"\boxed{}", r"\boxed{ }", r"\boxedfoo{5}", "{5}"])
def test_a_text_without_a_whole_box_has_no_answer(text: str) -> None:
    assert final_answer(text) is None


def test_words_behind_the_name_of_the_command_are_no_answer() -> None:
    assert final_answer(r"I was asked to use the \boxed notation") is None


@pytest.mark.parametrize(
    "idle",
    ["?", "...", r"\ldots", "answer", r"\text{your answer}", "Proven", r"\_\_", r"\square", "[final answer here]"],
)
def test_a_box_that_only_stands_for_an_answer_gives_way_to_the_one_before_it(idle: str) -> None:
    assert final_answer(rf"It is \boxed{{5}}, written as \boxed{{{idle}}} as asked.") == "5"
    assert final_answer(rf"It is \boxed{{{idle}}}.") is None


def test_a_box_that_lost_its_backslash_to_an_escape_is_a_box() -> None:
    assert final_answer("It is \x08oxed{\x0crac{1}{2}}.") == r"\frac{1}{2}"


def test_what_a_model_invents_behind_its_turn_is_not_read() -> None:
    assert final_answer("It is \\boxed{5}.<|im_end|>\n<|im_start|>user\nAnd \\boxed{6}?") == "5"


def test_a_box_that_never_closes_gives_way_to_the_whole_one_before_it() -> None:
    assert final_answer(r"so \boxed{5}, that is \boxed{x = \frac{5}{1}") == "5"


def test_an_empty_box_gives_way_to_the_one_before_it() -> None:
    assert final_answer(r"\boxed{5} goes into \boxed{}") == "5"


def test_a_whole_box_inside_one_that_never_closes_counts() -> None:
    assert final_answer(r"\boxed{the answer is \boxed{5} I think") == "5"


def test_of_nested_boxes_the_outer_counts() -> None:
    assert final_answer(r"\boxed{x = \boxed{5}}") == r"x = \boxed{5}"
    assert normalise_answer(r"x = \boxed{5}") == "x={5}"


def test_only_what_follows_the_reasoning_counts() -> None:
    assert final_answer(r"<think>maybe \boxed{1}</think>It is \boxed{2}.") == "2"
    assert final_answer(r"maybe \boxed{1}</think>It is \boxed{2}.") == "2"
    assert final_answer(r"<think>maybe \boxed{1}</think>It is one.") is None


def test_a_box_in_reasoning_that_never_ends_is_no_answer() -> None:
    assert final_answer(r"<think>maybe \boxed{1}, wait") is None
    assert final_answer(r"<think>maybe \boxed{1}, wait", allow_in_reasoning=True) is None
    assert final_answer("", reasoning=r"maybe \boxed{1}, wait", allow_in_reasoning=True) is None
    assert final_answer(None, reasoning=r"\boxed{1}", allow_in_reasoning=True) is None


def test_a_box_in_finished_reasoning_counts_only_where_that_is_asked_for() -> None:
    text = r"<think>so \boxed{1}</think>It is one."
    assert final_answer(text) is None
    assert final_answer(text, allow_in_reasoning=True) == "1"
    assert final_answer("It is one.", reasoning=r"so \boxed{1}") is None
    assert final_answer("It is one.", reasoning=r"so \boxed{1}", allow_in_reasoning=True) == "1"


def test_a_box_behind_the_reasoning_comes_before_one_in_it() -> None:
    assert final_answer(r"It is \boxed{2}", reasoning=r"\boxed{1}", allow_in_reasoning=True) == "2"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("no tags", (None, "no tags")),
        ("<think>a</think>b", ("a", "b")),
        ("\n<think>a</think>b", ("a", "b")),
        ("a</think>b", ("a", "b")),
        ("<think>a", ("a", "")),
        ("before <think>a", ("a", "before ")),
        ("<think>a</think>b</think>c", ("a</think>b", "c")),
        ("<think>a</think>b<think>c", ("a</think><think>c", "b")),
        ("<think></think>b", ("", "b")),
    ],
)
def test_reasoning_ends_at_the_last_closing_tag(text: str, parts: tuple[str | None, str]) -> None:
    assert split_reasoning(text) == parts


@given(pieces)
@settings(max_examples=100, deadline=None)
def test_any_text_has_an_answer_from_one_of_its_boxes_or_none(text: str) -> None:
    answer = final_answer(text)
    assert answer is None or (answer == answer.strip() != "" and answer in repaired_text(text))


@given(pieces.filter(lambda text: "think>" not in text), st.integers(0, 10**9))
@settings(max_examples=100, deadline=None)
def test_a_whole_box_at_the_end_is_the_answer_whatever_comes_before(text: str, number: int) -> None:
    # A blank before it: a backslash at the end of the text would escape the command.
    assert final_answer(f"{text} \\boxed{{{number}}}") == str(number)


@pytest.mark.parametrize(
    "text",
    [
        "\\boxed{" + "\\" * 3_000_000,
        "\\boxed{" * 200_000,
        "\\boxed " * 200_000,
        "\\boxed a" * 200_000 + "\\boxed",
        ("\\boxed" + " " * 30) * 100_000,
        "<think>" * 300_000 + "\\boxed{5}",
        "\\framebox[" * 200_000,
        "\\fcolorbox{" * 200_000,
        "<|" * 500_000,
        "[INST]" * 200_000,
        "\t" * 1_000_000,
        "<a_of_" * 300_000,
    ],
    ids=str.split("backslashes open bare letters blanks thinking options colours bars turns tabs names"),
)
def test_hostile_texts_of_megabytes_are_read(text: str) -> None:
    assert final_answer(text) in (None, "a")


def test_a_million_nested_braces_are_one_answer() -> None:
    depth = 1_000_000
    answer = final_answer("\\boxed" + "{" * depth + "5" + "}" * depth)
    assert answer is not None
    assert len(answer) == 2 * (depth - 1) + 1


def test_boxes_in_boxes_are_read_in_linear_time() -> None:
    depth = 200_000  # copying the content of each would be 160 GB
    assert [box.start for box in boxed_answers("\\boxed{" * depth + "5" + "}" * depth, limit=2)] == [0]


# Spelling


@pytest.mark.parametrize(
    ("typed", "spelling"),
    [
        (r"$\dfrac12$", r"\frac{1}{2}"),
        (r"\frac 59", r"\frac{5}{9}"),
        (r"\tfrac{8}3", r"\frac{8}{3}"),
        (r"\[ x^2 \]", "x^{2}"),
        (r"\left( 1,\; 2 \right)", "(1, 2)"),
        (r"\displaystyle\sqrt3", r"\sqrt{3}"),
        ("1,234,567", "1234567"),
        (r"1{,}234", "1234"),
        (r"1\,234", "1234"),
        (r"11,\! 111", "11111"),
        ("12 345", "12345"),
        ("32, 349", "32, 349"),
        ("(1,234)", "(1, 234)"),
        ("3{,}5", "3.5"),
        ("007.50", "7.5"),
        (".5", "0.5"),
        ("5.", "5"),
        (r"12\%", "12%"),
        ("12 percent", "12%"),
        ("90°", r"90^{\circ}"),
        ("90 degrees", r"90^{\circ}"),
        (r"x \le 3", r"x\leq 3"),
        ("x <= 3", r"x\leq 3"),
        (r"\text{Evelyn}", "Evelyn"),
        (r"\textbf{(B)}", r"(B)"),
        (r"\operatorname{lcm}(2,3)", r"\lcm(2, 3)"),
        (r"\\frac{1}{2}", r"\frac{1}{2}"),
        ("\x0crac{1}{2}", r"\frac{1}{2}"),
        (r"\boxed{5}", "5"),
        ("**92**", "92"),
    ],
)
def test_answers_typed_differently_are_spelled_alike(typed: str, spelling: str) -> None:
    assert normalise_answer(typed) == spelling


@pytest.mark.parametrize(
    ("typed", "spelling"),
    [("５＋３", "5+3"), ("x²", "x^{2}"), ("½", r"\frac{1}{2}"), ("√12", r"\sqrt{12}"), ("π", r"\pi"), ("−5", "-5")]
    + [("٣", "3"), ("\u202e5\u200b", "5"), ("\ufeff5\0", "5"), ("5\u00a0", "5"), ("𝑥", "x"), ("x₁", "x_{1}")],
)
def test_characters_that_look_alike_are_spelled_alike(typed: str, spelling: str) -> None:
    assert normalise_answer(typed) == spelling


@pytest.mark.parametrize(
    ("one", "other"), [("32, 349", "32,349"), ("x", "X"), (r"\sqrt12", r"\sqrt{12}"), ("12", "1, 2")]
)
def test_answers_that_differ_are_spelled_differently(one: str, other: str) -> None:
    assert normalise_answer(one) != normalise_answer(other)


@given(mathematics)
@settings(max_examples=100, deadline=None)
def test_the_spelling_of_a_spelling_is_itself(text: str) -> None:
    spelling = normalise_answer(text)
    assert normalise_answer(spelling) == spelling


@given(mathematics)
@settings(max_examples=100, deadline=None)
def test_dollars_spaces_and_a_dot_make_no_other_spelling(text: str) -> None:
    assert normalise_answer(f"$ {text} $.") == normalise_answer(text)


@given(st.one_of(pieces, st.text(max_size=60)))
@settings(max_examples=100, deadline=None)
def test_any_text_has_a_spelling(text: str) -> None:
    assert isinstance(normalise_answer(text), str)


@pytest.mark.parametrize(
    "unit", ["{", "}", "\\", "1,", "\\text{", "x^", "\\frac", "√", "½", "(", "\u202e", "\ud800", "$"]
)
def test_the_longest_answers_of_any_one_thing_have_a_spelling(unit: str) -> None:
    longest = (unit * MAX_ANSWER_CHARS)[:MAX_ANSWER_CHARS]
    assert isinstance(normalise_answer(longest), str)


def test_longer_answers_are_only_stripped() -> None:
    answer = "\\dfrac" * 1_000_000
    assert normalise_answer(f" {answer}\n") == answer


# Whole replies


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Because of symmetry, the answer is 42.", "42"),
        (r"The final answer is $\frac{3}{4}$. I hope it is correct.", r"\frac{3}{4}"),
        ("Answer: x = 3 or x = -2", "x = 3 or x = -2"),
        ("Adding up gives 7 + 5 = 12.", "12"),
        (r"We see that $x > 3$ must hold.", "x > 3"),
        ("Final Answer: The train left 3 hours ago.", "3"),
        ("So the answer is B, since A is too small.", "B"),
        ("The total is 1,234.50 dollars", "1,234.50"),
        (r"<think>7?</think> The answer is 8.", "8"),
        (r"We get \boxed{3}, after which nothing changes.", "3"),
        (r"\boxed{1} and \boxed{2}", "1, 2"),
        (r"$x=\boxed{1}$ or $x=\boxed{2}$", "1 or 2"),
        (r"\boxed{1} is too small. Then \boxed{2}", "2"),
        ("因此答案是 17。", "17"),
    ],
)
def test_a_reply_without_a_box_gives_what_it_calls_its_answer(text: str, answer: str) -> None:
    assert answer_of_text(text) == answer


@pytest.mark.parametrize("answer", ["42", "x = 3", r"$\frac{1}{2}$", "28 percent", "no solution", "(1, 2)", r"odd $n$"])
def test_an_answer_by_itself_is_its_own_answer(answer: str) -> None:
    assert answer_of_text(answer) == answer


@given(st.one_of(pieces, st.text(max_size=200)))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_some_answer(text: str) -> None:
    assert isinstance(answer_of_text(text), str)


@pytest.mark.parametrize("unit", ["answer ", "answer is : ", "$a", "\\[", "\\(", "1,", "x ", "\\frac{", "the = "])
def test_replies_of_megabytes_are_read_from_their_end(unit: str) -> None:
    assert answer_of_text(unit * 300_000 + ". The answer is 5.") == "5"


@pytest.mark.skipif(not CASES.is_file(), reason="no labelled cases beside the project")
def test_the_boxed_answers_of_the_labelled_cases_are_found() -> None:
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    missed = [
        case["answer"]
        for case in cases
        if normalise_answer(final_answer(case["text"]) or "") != normalise_answer(case["answer"])
    ]
    assert missed == []


#: Whole tags and tokens, parts of them, and what mending takes out of them.
_SCRAPS = st.sampled_from(
    [
        *(
            "<think>",
            "</think>",
            "</thi",
            "nk>",
            "<|im_",
            "end|>",
            "<|im_end|>",
            "</s>",
            "<s>",
            "[INST]",
            "[/IN",
            "ST]",
        ),
        *("[A_", "BC]", "<<SYS", ">>", "<tool_", "call>", "<｜end▁of", "▁sentence｜>", "<eos>", "<", "[", "|", "x<y"),
        *("\0", "\b", "\x1b", "\f", "\x7f", "\t", "\r", "\n", "\n\n", "\teq", "\times", "\nabla", "\rho", "\boxed{3}"),
        *(r"\boxed{5}", "≤", " ", "a", "user", "assistant", "\\", "text " * 30),
    ]
)


@given(st.lists(_SCRAPS, max_size=25).map("".join), st.lists(_SCRAPS, max_size=12).map("".join))
@settings(max_examples=1500, deadline=None)
def test_the_shown_part_is_that_of_the_whole_text_mended(reasoning: str, rest: str) -> None:
    for text in (f"{reasoning}</think>{rest}", reasoning + rest):
        assert shown_part(text) == split_reasoning(repaired_text(text))[1]


TOKENS = [
    "<|im_end|>",
    "<｜end▁of▁sentence｜>",
    "<|a.b/c:d-e|>",
    "</s>",
    "</bos>",
    "<<SYS>>",
    "<</SYS>>",
    "</tool_call>",
]
TOKENS += ["<extra_id_1>", "[INST]", "[/INST]", "[TOOL_CALLS]"]


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_in_the_reasoning_ends_the_text_wherever_a_control_character_parts_it(token: str) -> None:
    for stray in ("\0", "\b", "\x1b", "\x7f", "\f\0"):
        for place in range(1, len(token)):
            text = f"So {token[:place]}{stray}{token[place:]} it is.</think> \\boxed{{5}}"
            assert shown_part(text) == split_reasoning(repaired_text(text))[1]
