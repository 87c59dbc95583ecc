"""Rules that a profile names exist."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from omr.runs.rule_names import check_rule_names, rules_of

ROOT = Path(__file__).parents[3]


def test_rules_are_known_however_they_are_written() -> None:
    assert {"all", "ask_model", "generate_solutions", "merge_data", "judge_answers_of_round"} <= rules_of(ROOT)


def test_the_name_of_a_rule_stands_on_its_own_line(tmp_path: Path) -> None:
    lines = ("if x:", "", "    rule one:", "checkpoint two:", "\tuse rule a, b from m as three with:", "rule", "four:")
    (tmp_path / "Snakefile").write_text("\n".join(lines) + "\n" * 100_000)
    assert rules_of(tmp_path) == {"one", "two", "three"}


def test_every_misspelt_rule_is_named_with_its_option_and_the_nearest() -> None:
    check_rule_names(ROOT, set_resources=["generate_solutions"], set_threads=[])
    with pytest.raises(UserError) as caught:
        check_rule_names(ROOT, set_resources=["generate_solution", "judge_code"], set_threads=["zzz"])
    assert "set-resources: there is no rule 'generate_solution'; did you mean 'generate_solutions'?" in str(
        caught.value
    )
    assert "set-threads: there is no rule 'zzz'\n" in str(caught.value)
    assert "judge_code" not in str(caught.value)
