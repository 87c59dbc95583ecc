from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.parsers.verdicts import parse_class, parse_judgement, parse_label, parse_selection, parse_true_false

LABELS = ["proof", "mcq", "binary", "invalid"]

#: What models put around a word, and lines they put before it.
WRAPPINGS = [
    "{}",
    "**{}**",
    "*{}*",
    "`{}`",
    '"{}"',
    "“{}”",
    "'{}'",
    "### {}",
    "- {}",
    "> {}",
    "$\\text{{{}}}$",
    "\\boxed{{{}}}",
]
ENDINGS = ["", ".", "!", " ", "。", "\n", "\r\n\r\n", "\n```", "\n---\n"]
PREAMBLES = [
    "",
    "\n\n",
    "Let me see.\n",
    "<think>proof? mcq? True\nJudgement: No</think>\n",
    "```\n",
    "It asks for x.\r\n\r\n",
]
CASES = [str.lower, str.upper, str.capitalize, str.title]


@st.composite
def sloppy(draw: st.DrawFn, verdict: str, prefixes: tuple[str, ...] = ("",)) -> str:
    """The verdict as a model might write it."""
    word = draw(st.sampled_from(CASES))(draw(st.sampled_from(prefixes)) + verdict)
    return (
        draw(st.sampled_from(PREAMBLES))
        + draw(st.sampled_from(WRAPPINGS)).format(word)
        + draw(st.sampled_from(ENDINGS))
    )


@given(st.data(), st.sampled_from(LABELS), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_sloppy_label_is_read_as_that_label(data: st.DataObject, label: str, is_so: bool) -> None:
    text = data.draw(sloppy(label if is_so else f"not {label}", ("", "label: ", "Answer: ", "The final verdict is: ")))
    assert parse_class(text, label) is is_so


@given(st.data(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_sloppy_true_or_false_is_read(data: st.DataObject, verdict: bool) -> None:
    assert parse_true_false(data.draw(sloppy(str(verdict)))) is verdict


@given(st.data(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_sloppy_judgement_is_read(data: st.DataObject, verdict: bool) -> None:
    spellings = ("Judgement: ", "Judgment: ", "Final judgement: ", "Judgement：", "judgement :")
    assert parse_judgement(data.draw(sloppy("Yes" if verdict else "No", spellings))) is verdict


@given(st.data(), st.integers(0, 15))
@settings(max_examples=100, deadline=None)
def test_a_sloppy_selection_is_read(data: st.DataObject, index: int) -> None:
    spellings = ("Judgment: ", "Judgement: ", "Judgment: Solution ", "Judgment: #")
    assert parse_selection(data.draw(sloppy(str(index), spellings)), range(16)) == index


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
@settings(max_examples=100, deadline=None)
def test_a_text_without_the_word_is_no_verdict(text: str) -> None:
    words = text.casefold()
    for label in LABELS:
        if label.removeprefix("in") not in words:
            assert parse_class(text, label) is None
    if "true" not in words and "false" not in words:
        assert parse_true_false(text) is None
    if "judg" not in words:
        assert parse_selection(text, range(16)) is None


FRAGMENTS = [
    "proof",
    "not proof",
    "not",
    "Proof.",
    "a",
    "\n",
    "\r\n",
    " ",
    ".",
    ":",
    "**",
    "~~",
    "?",
    "label: ",
    "non-",
]
FRAGMENTS += ["True", "False", "Judgement:", "Yes", "No", "1", "99", "```", "\\boxed{", "}", "x" * 200]


@given(st.lists(st.sampled_from(FRAGMENTS)).map("".join), st.lists(st.sampled_from(FRAGMENTS)).map("".join))
@settings(max_examples=100, deadline=None)
def test_two_different_verdict_lines_are_never_a_verdict(before: str, between: str) -> None:
    assert parse_class(f"{before}\nnot proof\n{between}\nproof", "proof") is None
    assert parse_true_false(f"{before}\nTrue\n{between}\nFalse\n") is None
    assert parse_judgement(f"{before}\nJudgement: Yes\n{between}\nJudgement: No\n") is None
    assert parse_selection(f"{before}\nJudgment: 1\n{between}\nJudgment: 2\n", range(16)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not",
        "proof or not proof",
        "proof / not proof",
        "proof?",
        "¬proof",
        "~~proof~~",
        "no proof",
        "disproof",
        "proofs",
        "not not proof",
        "This is a proof problem, I think",
        "I would say that this is not\nproof",
        "<think>it is a proof\nproof",
        "Proof.\nLet $n = 2k$. Then the claim follows.",
        "### Proof\n\nAssume the contrary.",
        "invalid",
        "mcq",
        "not mcq",
        "True",
        "x" * 200 + "\u3000" * 200 + "proof",
    ],
)
def test_what_is_no_verdict_on_proof_is_null(text: str) -> None:
    assert parse_class(text, "proof") is None


@pytest.mark.parametrize("text", ["not proof\n\nThe task asks for a value.", "Label: proof\nbecause it says so"])
def test_an_explanation_may_follow_a_verdict(text: str) -> None:
    assert parse_class(text, "proof") is ("not" not in text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Judgement: Yes or No",
        "Judgement: [Yes/No]",
        "Judgement: maybe",
        "Judgement: Yes\nJudgement: maybe",
        "The last line must be Judgement: Yes",
        "Judgement:",
        "Judgement:\n\nYesterday",
        "Judgement: Yes, No",
        "Misjudgement: Yes",
        "Judgement: not Yes",
    ],
)
def test_what_is_no_judgement_is_unjudged(text: str) -> None:
    assert parse_judgement(text) is None


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Both are 3/2. Judgement: Yes", True),
        ("**Judgement:** **No**", False),
        ("Judgement:\n\n**Yes**", True),
        ("No", False),
        ("Judgement: No\n\nSo once more: Judgement: No", False),
        ("x" * 5_000 + ". Judgement: Yes", True),
    ],
)
def test_a_judgement_may_end_a_line_or_stand_below_its_heading(text: str, verdict: bool) -> None:
    assert parse_judgement(text) is verdict


@pytest.mark.parametrize(
    "text", ["Judgment: 3", "Judgment: -1", "Judgment: 1.5", "Judgment: 1, 2", "Judgment: 1²", "Judgment: ١"]
)
def test_an_index_that_is_not_allowed_is_no_selection(text: str) -> None:
    assert parse_selection(text, range(3)) is None


@given(
    st.sampled_from(["Judgement: ", "proof", "\n", " ", "*", "not ", "[", "\\boxed{", "<think>", "Judgement:\n"]),
    st.integers(0, 30_000),
)
@settings(max_examples=50, deadline=None)
def test_long_repetitive_replies_turn_no_verdict_around(fragment: str, times: int) -> None:
    text = fragment * times
    assert parse_judgement(f"{text}\nJudgement: Yes") in (True, None)
    assert parse_selection(f"{text}\nJudgment: 1", range(2)) in (1, None)
    assert parse_class(f"{text}\nnot proof", "proof") in (False, None)


#: What may stand behind a verdict; and what takes it back, wholly or in part.
REASONS = [
    ", because both say the same.",
    " because nothing else is asked.",
    " (see the first line)",
    " - the sign is what decides.",
    " — see above",
    ". The rest follows from the text.",
    "; nothing more is to be said.",
    "\n\nThe reason is that both have no other value.",
    ", although it looks otherwise.",
    ", since there is no difference in kind.",
]
RETRACTIONS = [
    ", but the sign differs.",
    ", unless x is negative.",
    " - wait, that is wrong.",
    ". However, the sign differs.",
    " if x is positive.",
    ", I think.",
    ", mostly.",
    "?",
    "\nWait, that is wrong.",
    "\n\nHowever, I am not sure.",
]
#: A verdict of each question: how it is read, how it is written, what was meant, and its opposite.
QUESTIONS = [
    (
        parse_judgement,
        ["{}", "Judgement: {}", "The judgement is {}", '{{"judgement": "{}"}}'],
        {"Yes": True, "No": False},
    ),
    (parse_true_false, ["{}", "The answer is {}", "Answer: {}", '{{"answer": "{}"}}'], {"True": True, "False": False}),
    (
        lambda text: parse_class(text, "mcq"),
        ["{}", "Label: {}", "The problem is {}", "It is {}", '{{"label": "{}"}}'],
        {"mcq": True, "not mcq": False, "a multiple-choice problem": True, "not a multiple choice question": False},
    ),
    (lambda text: parse_selection(text, range(9)), ["Judgment: {}", "The judgment is {}"], {"3": 3, "Solution 2": 2}),
    (
        lambda text: parse_label(text, "novelty", ["new", "check"]),
        ["Novelty: {}", "**Novelty:** `{}`", "The novelty is {}"],
        {"new": "new", "check": "check"},
    ),
]
STATED = [
    (read, pattern.format(word), meant)
    for read, patterns, words in QUESTIONS
    for pattern in patterns
    for word, meant in words.items()
]


@pytest.mark.parametrize(("read", "stated", "meant"), STATED)
def test_a_reason_behind_a_verdict_leaves_it_as_it_is(
    read: Callable[[str], object], stated: str, meant: object
) -> None:
    assert read(stated) == meant
    assert {reason: read(stated + reason) for reason in REASONS} == dict.fromkeys(REASONS, meant)


@pytest.mark.parametrize(("read", "stated", "meant"), STATED)
def test_what_takes_a_verdict_back_leaves_none(read: Callable[[str], object], stated: str, meant: object) -> None:
    assert {what: read(stated + what) for what in RETRACTIONS} == dict.fromkeys(RETRACTIONS)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Yes\nThey are equal.", True),
        ("The two are the same.\n\nSo my final judgement would be: **Yes**.", True),
        ("Yes is my judgement.", True),
        ("| Judgement | No |", False),
        ('```json\n{\n  "judgement": "No",\n  "reason": "the sign"\n}\n```', False),
        ("Judgement: The two answers are the same, so Yes.", True),
        ("The expected answer is 5 and the predicted one 5.0, so yes", True),
        ("Judgement: Yes and no, mostly no.", None),
        ("Judgement: No doubt they are the same", None),
        ("The predicted answer is no.\nThe expected answer is: no", None),
        ("Predicted answer:\nYes", None),
        ("The judgement cannot be Yes.", None),
        ("Judgement: Yes. Actually, no.", None),
        ('{"judgement": "No", "verdict": "Yes"}', None),
    ],
)
def test_a_judgement_is_read_in_a_sentence_a_table_and_json(text: str, verdict: bool | None) -> None:
    assert parse_judgement(text) is verdict


@pytest.mark.parametrize(
    ("text", "label", "verdict"),
    [
        ("The problem does not have a binary answer.", "binary", False),
        ("The problem is valid.", "invalid", False),
        ("The problem is not valid: the figure is missing", "invalid", True),
        ('{"mcq": false}', "mcq", False),
        ("Is it mcq? No, it is not mcq.", "mcq", False),
        ("The task asks for a value, so the label is not proof.", "proof", False),
        ("I would classify this as not proof.", "proof", False),
        ("The problem between the tags is not invalid.", "invalid", False),
        ("Proof: suppose that n is even.", "proof", None),
        ("Proof. We show the claim.", "proof", None),
        ("If it is a proof problem, then something is to be shown.", "proof", None),
        ("The problem is mcq or not mcq", "mcq", None),
        ("This is invalid for n = 3", "invalid", None),
    ],
)
def test_a_class_is_read_in_a_sentence(text: str, label: str, verdict: bool | None) -> None:
    assert parse_class(text, label) is verdict


@pytest.mark.parametrize(
    "text",
    [
        "The answer to both problems is no.",
        "It is true that both ask for a sum.",
        "The answer is not True.",
        "True, but with other numbers",
        "The answer is: 18",
    ],
)
def test_what_speaks_of_the_problems_is_no_true_or_false(text: str) -> None:
    assert parse_true_false(text) is None


def test_each_of_several_keys_has_a_label_of_its_own() -> None:
    text = "Novelty: new computation (not a check of step 3)\nSignificance: moderate"
    significances = ["trivial", "moderate", "significant"]
    assert parse_label(text, "novelty", ["new", "check"]) == "new"
    assert parse_label(text, "significance", significances) == "moderate"
    assert parse_label(text.replace("\n", ", "), "significance", significances) == "moderate"
    assert parse_label("Novelty: new | check", "novelty", ["new", "check"]) is None
    assert parse_label("Significance: trivial to moderate", "significance", significances) is None
    assert parse_label("moderate", "significance", significances) is None
