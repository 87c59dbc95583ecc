"""A prompt inserts what its rows have: nothing that only looks like a field goes out as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo_tables import PROMPT_FIELDS, PROMPTS
from omr.asking.prompt_fields import ROW_FIELDS, check_prompt, fields_of_rows, leftover_braces
from omr.asking.prompts import Prompt, load_prompt
from omr.errors import UserError

FIELDS = {"problem", "expected_answer"}


def prompt(user: str, **others: str) -> Prompt:
    return Prompt("p", Path("p.yaml"), user, **others)


@pytest.mark.parametrize(
    "leftover",
    [
        "{problem}",
        "{ problem }",
        "{Problem}",
        "{problem!r}",
        "{problem:>10}",
        "{row.problem}",
        "{row[problem]}",
        "{row['problem']}",
        "{{ problem }",
        "{{ problem",
        "{{ problem | upper }}",
        "{{problem|safe}}",
        "{{ row.problem }}",
        "{{ row['problem'] }}",
        "{{ the problem }}",
        "{% if problem %}",
        "{# problem #}",
        "${problem}",
        "{{}}",
        "\\boxed{{problem}",
    ],
)
def test_braces_of_other_tools_round_a_field_are_refused_beside_a_good_one_and_alone(leftover: str) -> None:
    for user in (f"Solve {leftover}.", f"Solve {{{{ problem }}}} {leftover}"):
        with pytest.raises(UserError, match="inserts nothing"):
            check_prompt(prompt(user), FIELDS)
    with pytest.raises(UserError, match="inserts nothing"):
        check_prompt(prompt("{{ problem }}", system=f"Solve {leftover}"), FIELDS)


def test_braces_round_an_inserted_field_are_another_tools_and_are_shown_as_written() -> None:
    assert leftover_braces("{{ problem }} then {{{ expected_answer }}}", FIELDS) == "{{{ expected_answer }}}"


@pytest.mark.parametrize(
    "text",
    [
        r"Put it into \boxed{}.",
        r"\boxed{{{ expected_answer }}}",
        r"\text{problem} and x_{problem} and \frac{1}{expected_answer}",
        r"the set \{problem\}, \{ 1, 2 \}, {1, 2}, {n}",
        'Reply as {"problem": "...", "answer": 1}',
        "def f(x): return {x: 1}",
        "{problems} and {my_problem_text}",
        "{see the problem above}",
    ],
)
def test_braces_of_latex_json_and_code_are_text(text: str) -> None:
    check_prompt(prompt(f"{{{{ problem }}}}\n{text}"), FIELDS)


def test_a_prompt_without_a_field_of_its_rows_is_refused() -> None:
    for user in ("Solve the problem.", "Use {{ code_budget }} blocks."):
        with pytest.raises(UserError, match="no field of its rows") as caught:
            check_prompt(prompt(user), FIELDS, runs_code=True)
        assert "expected_answer, problem" in str(caught.value)


def test_only_solutions_with_code_are_told_a_budget() -> None:
    check_prompt(prompt("{{ problem }} {{ code_budget }}"), FIELDS, runs_code=True)
    with pytest.raises(UserError, match="uses 'code_budget', which its rows lack"):
        check_prompt(prompt("{{ problem }} {{ code_budget }}"), FIELDS)


def test_what_a_tool_does_is_the_same_for_all_rows() -> None:
    with pytest.raises(UserError, match="inserts nothing"):
        check_prompt(prompt("{{ problem }}", tool="Runs code for {{ problem }}."), FIELDS)


def test_rows_may_have_more_fields_than_the_workflow_makes_but_ids_are_no_text(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    assert fields_of_rows(rows) == fields_of_rows(None) == frozenset()
    rows.write_text("")
    assert fields_of_rows(rows) == frozenset()
    rows.write_text('{"id": "a", "thread_id": "b", "problem": "x", "hint": "y"}\n')
    assert fields_of_rows(rows) == {"problem", "hint"}


def test_the_prompts_of_the_project_pass() -> None:
    stages = {"classify": "classify_problems", "solve": "generate_solutions", "select": "select_solutions"}
    stages |= {"summarize_selection": "generate_selection_summaries", "summarize": "generate_summaries"}
    stages |= {"judge_novelty": "judge_code", "judge_significance": "judge_code"}
    for path in sorted(PROMPTS.glob("*.yaml")):
        names = path.stem, path.stem.partition("_")[0]
        stage = next((stages[name] for name in names if name in stages), path.stem)
        check_prompt(load_prompt(path), ROW_FIELDS[stage], path.stem.startswith("solve_tir"))
    assert set().union(*PROMPT_FIELDS.values()) <= set().union(*ROW_FIELDS.values())


def test_the_table_for_people_names_the_same_fields() -> None:
    text = (PROMPTS.parent / "config/README.md").read_text()
    table = text.partition("### Fields that prompts may use\n")[2].partition("\n## ")[0].splitlines()
    assert len(table) > 15
    for stage, fields in ROW_FIELDS.items():
        row = next((line for line in table if f"`{stage}`" in line.partition(" | ")[0]), None)
        if row is not None and "the same" not in row:
            assert {name for name in fields if f"`{name}`" not in row} == set(), stage
