"""Lines that are passed over when a reply is searched for verdicts say nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.parsers import statements, verdicts
from omr.parsers.statements import Grammar, signs

GRAMMARS = {
    **{f"class {name}": verdicts._class_grammar(name) for name in verdicts._NAMES},
    **{f"vote {key}": verdicts._label_grammar(key, labels) for key, labels in verdicts.CODE_VOTES.values()},
    "true or false": verdicts._TRUE_FALSE,
    "yes or no": verdicts._YES_NO,
    "index": verdicts._INDEX,
}
#: Words of verdicts whole and torn, what decorates, joins and parts them, and words that take them back.
SCRAPS = st.sampled_from(
    [
        *("Judgement", "JUDGMENT", "Judge", "ment", "verdict", "Decision", "conclusion", "answer", "result", "label"),
        *(
            "classification",
            "class",
            "category",
            "claim",
            "best solution",
            "selected candidate",
            "Chosen index",
            "reply",
        ),
        *("yes", "No", "true", "FALSE", "not", "proof", "mcq", "multiple-choice", "multiple choice", "binary", "valid"),
        *("invalid", "novelty", "new", "check", "significance", "trivial", "moderate", "2", "solution 3", "#4"),
        *(
            "The problem is",
            "it is",
            "this has",
            "I would say it is",
            "my final",
            "so",
            "thus",
            "is",
            "isn't",
            "a",
            "the",
        ),
        *(
            "but",
            "however",
            "wait",
            "unless",
            "actually",
            "or",
            "because",
            "if",
            "hmm",
            "otherwise",
            "on  second thought",
            "x = 2",
            "$\\frac{1}{2}$",
            "ﬁ",
        ),
        *(":", "**", "*", "_", ".", ",", ";", "?", " - ", "(", ")", "[", "{", "|", "=", "`", "'", "> ", "# ", " – "),
        *(
            "\u200b",
            "\ufeff",
            "\u3000",
            "\u00a0",
            "ſ",
            "ß",
            "İ",
            "Ｖ",
            "ｅ",
            "：",
            "\\text{",
            "\\boxed{",
            "}",
            "≤",
            "…",
        ),
    ]
)
LINES = st.lists(
    st.lists(st.tuples(SCRAPS, st.sampled_from(["", " "])), max_size=7).map(
        lambda pieces: "".join(scrap + blank for scrap, blank in pieces)
    ),
    max_size=6,
)


@pytest.mark.parametrize("name", GRAMMARS)
def test_passing_lines_over_changes_no_statement(name: str) -> None:
    grammar = GRAMMARS[name]
    of_all_lines = replace(grammar, stems=("",))

    @given(LINES)
    @settings(max_examples=400, deadline=None)
    def check(lines: list[str]) -> None:
        with patch.object(statements, "_RETRACTION_STEMS", ("",)):
            expected = list(of_all_lines.statements(lines))
        assert list(grammar.statements(lines)) == expected

    check()


@pytest.mark.parametrize("name", GRAMMARS)
def test_every_key_and_every_label_that_counts_alone_holds_a_stem(name: str) -> None:
    grammar = GRAMMARS[name]
    patterns = [grammar.keys, *([grammar.labels] if grammar.alone else [])]

    @given(st.sampled_from(patterns).flatmap(lambda pattern: st.from_regex(re.compile(pattern), fullmatch=True)))
    @settings(max_examples=200, deadline=None)
    def check(word: str) -> None:
        assert any(stem in word.casefold() for stem in grammar.stems)

    check()


@pytest.mark.parametrize("name", GRAMMARS)
def test_a_line_that_shows_its_words_only_without_its_signs_is_not_passed_over(name: str) -> None:
    grammar = GRAMMARS[name]
    word = {"index": "Judgment: 2", "true or false": "True", "yes or no": "Judgement: Yes"}.get(name)
    kind, _, key = name.partition(" ")
    word = (
        word or {"class": f"not {key}", "vote": f"{key}: {dict(verdicts.CODE_VOTES.values()).get(key, ['x'])[0]}"}[kind]
    )
    stated = list(grammar.statements([word]))
    assert len(stated) == 1
    wide = "".join(chr(ord(sign) + 0xFEE0) if sign.isalpha() else sign for sign in word)
    for other in (*("\u200b\u200c\u200d\u2060\ufeff"[n].join(word) for n in range(5)), wide, wide.upper()):
        assert list(grammar.statements(["So x = 2.", other])) == stated


def test_a_long_reply_is_looked_at_where_it_may_state_something(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    monkeypatch.setattr("omr.parsers.statements.signs", lambda line: looked_at.append(line) or signs(line))
    lines = [f"Step {number}: if $x_{number} > 0$, then y follows." for number in range(500)]
    grammar: Grammar = GRAMMARS["index"]
    assert list(grammar.statements([*lines, "Judgment: 3", "as shown."])) == ["3"]
    assert len(looked_at) <= 4
