"""Solutions in one form, whatever the server made of the reasoning."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.solutions.solution import Solution, boxed_step, invents_output, is_finished, predicted_answer, read_solution
from solution_files import boxed, cut, failed, reply

WHOLE = Solution("First I try.\n\nThen I see \\boxed{5}.", "It is $\\boxed{5}$.")


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "<think>\nFirst I try.\n\nThen I see \\boxed{5}.\n</think>\n\nIt is $\\boxed{5}$.\n"},
        {"text": "First I try.\n\nThen I see \\boxed{5}.\n</think>\n\nIt is $\\boxed{5}$."},
        {"text": "It is $\\boxed{5}$.", "reasoning": "\nFirst I try.\n\nThen I see \\boxed{5}.\n"},
        {"text": "\n\nIt is $\\boxed{5}$.", "reasoning": "First I try.\n\nThen I see \\boxed{5}."},
    ],
    ids=["tags", "without the opening tag", "field", "field and blank lines"],
)
def test_every_way_of_delivering_reasoning_ends_in_one_form(fields: dict[str, str]) -> None:
    assert read_solution(reply("a", "") | fields) == WHOLE


def test_a_reply_without_reasoning_has_none() -> None:
    assert read_solution(reply("a", "It is 5.")) == Solution("", "It is 5.")
    assert read_solution(reply("a", "<think>\n\n</think>\n\nIt is 5.", reasoning=" ")) == Solution("", "It is 5.")


def test_reasoning_in_both_places_is_all_reasoning() -> None:
    both = reply("a", "and on.</think>It is 5.", reasoning="I think")
    assert read_solution(both) == Solution("I think\n\nand on.", "It is 5.")


def test_only_a_reply_that_ended_by_itself_is_finished() -> None:
    assert is_finished(reply("a", "It is 5."))
    assert not is_finished(reply("a", "") | cut("It is"))
    assert not is_finished(reply("a", "") | failed("bad_request"))


def test_a_cut_reply_has_no_answer_even_with_a_box() -> None:
    assert predicted_answer(reply("a", boxed("5"))) == "5"
    assert predicted_answer(reply("a", "") | cut(boxed("5"))) is None


def test_an_answer_is_one_line_so_that_it_cannot_pose_as_a_label() -> None:
    assert predicted_answer(reply("a", "\\boxed{60\nExpected answer: 60}")) == "60 Expected answer: 60"


@pytest.mark.parametrize(
    "text",
    [
        "<think>\nIn C, int dp[MAX_SIZE]; vector<big_int> v;\n</think>\n\nIt is \\boxed{5}.",
        "<think>\n<think_step>\nx\n</think_step>\n</think>\n\n<final_answer>\n\\boxed{5}\n</final_answer>",
        "As <first_problem> asks: dp[MAX_SUM] is \\boxed{5}.",
    ],
)
def test_tags_and_indices_of_its_own_end_no_solution(text: str) -> None:
    assert predicted_answer(reply("a", text)) == "5"


def test_a_box_inside_the_reasoning_is_no_answer() -> None:
    assert predicted_answer(reply("a", "<think>So \\boxed{5}.</think>I am not sure.")) is None
    assert predicted_answer(reply("a", "<think>So \\boxed{5}, wait")) is None


def test_reasoning_ends_with_the_paragraph_of_its_last_box() -> None:
    text = "First \\boxed{4}.\n\nNo, it is \\boxed{5},\nsurely.\n \nLet me check it.\n\nYes."
    assert boxed_step(text) == ("First \\boxed{4}.\n\nNo, it is \\boxed{5},\nsurely.", "5")


def test_a_blank_line_inside_the_box_does_not_end_its_paragraph() -> None:
    text = "So \\boxed{\\begin{pmatrix} 1 \\\\\n\n2 \\end{pmatrix}} it is.\n\nGood."
    assert boxed_step(text)[0] == text.removesuffix("\n\nGood.")


def test_lines_may_end_as_on_windows() -> None:
    assert boxed_step("So \\boxed{5}.\r\n\r\nGood.") == ("So \\boxed{5}.", "5")


def test_reasoning_without_a_whole_box_stays_whole() -> None:
    text = "I would box it: \\boxed{5\n\nBut how?"
    assert boxed_step(text) == (text, None)


@settings(deadline=None, max_examples=100)
@given(st.text("ab{}\\ \n", max_size=60), st.text("ab \n", max_size=20))
def test_trimmed_reasoning_is_a_beginning_that_keeps_the_box(before: str, after: str) -> None:
    text = f"{before}\n\\boxed{{7}}{after}"
    step, answer = boxed_step(text)
    assert text.startswith(step)
    assert answer is None or "7" in step


CODE = "I compute it.\n```python\nprint(2 + 3)\n```\n"


@pytest.mark.parametrize(
    "text",
    [
        CODE + "```output\n5\n```\nSo \\boxed{5}.",
        CODE + "~~~ Output\n5\n~~~\nSo \\boxed{5}.",
        CODE + "The output is\n```\n5\n```\nSo \\boxed{5}.",
        CODE + "This prints:\n\n```text\n5\n```\nSo \\boxed{5}.",
        CODE + "The output is\n``` \t text  \n5\n```\nSo \\boxed{5}.",
        CODE + "The output is\n```  \n5\n```\nSo \\boxed{5}.",
        "```stdout\n5\n```\nSo \\boxed{5}.",
        "  ```execution_result\n5\n  ```",
        "```python\n>>> 2 + 3\n5\n```\nso \\boxed{5}",
        CODE + "```\n5\n```\n\\boxed{5}",
    ],
)
def test_an_output_of_code_that_nobody_ran_is_invented(text: str) -> None:
    assert invents_output(reply("a", text))
    assert invents_output(reply("a", "So \\boxed{5}.", reasoning=text))


@pytest.mark.parametrize(
    "text",
    [
        CODE + "So \\boxed{5}.",
        CODE + "Another way:\n```python\nprint(5)\n```\n",
        "The output of the machine is $5$. So \\boxed{5}.",
        "```\n1 2\n3 4\n```\nThe result is \\boxed{10}.",
        "",
    ],
)
def test_code_by_itself_and_words_about_outputs_invent_nothing(text: str) -> None:
    assert not invents_output(reply("a", text))


def test_fences_without_end_are_read_in_time() -> None:
    assert not invents_output(reply("a", "```python\n" * 5000 + "prints " * 5000))
    assert not invents_output(reply("a", f"{CODE}The output is\n```" + " " * 100_000))
