"""Faults that the reference has with solutions that run code, and that this project must not have.

Budgets that a restart draws anew, and fences that end a solution, are in test_generate_turns.py and asking/test_turns.py.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from code_files import Ran, coded_reply
from omr.asking.code_settings import CodeSettings
from omr.config.code_recipes import CodeRecipes
from omr.config.files import read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.solutions.solution import predicted_answer
from omr.solutions.transcripts import published, transcript_of
from omr.turns.tags import tags_named
from sft_files import ROOT
from test_clean_code_solutions import clean, judged, reason
from test_select_by_code import cut, select

FULL = read_config(ROOT / f"config/{name}.yaml" for name in ("config", "models", "benchmarks"))
OK, END = Ran("print(6 * 7)", "42"), "So the answer is \\boxed{42}."


@pytest.mark.parametrize("name", ["tir-limo", "tir-openmath"])
def test_a_shipped_recipe_with_code_says_how_code_is_written(name: str) -> None:
    code = CodeSettings.read(FULL["recipes"][name]["code"])
    assert tags_named(code.tags).stop


@pytest.mark.parametrize("tags", ["fences", "tool_call"])
def test_tags_are_written_as_tags(tags: str) -> None:
    text = published(transcript_of(coded_reply("p-1", "Hm.\n", OK, END, tags=tags))).text
    assert (text.count("<tool_call>\n"), text.count("\n</tool_call>"), text.count("```python")) == (1, 1, 0)
    assert "None" not in text


def test_the_last_solution_of_a_file_is_judged(tmp_path: Path) -> None:
    made = select(tmp_path, cut(tmp_path, {"p-1-0": [OK], "p-1-1": [OK]}), {})
    assert [row["seed"] for row in made.rows] == [0, 1]


def test_new_summaries_are_made_of_cleaned_solutions() -> None:
    code = CodeRecipes(Recipes(Settings(FULL)))
    wildcards: Any = SimpleNamespace(recipe="tir-openmath", shard="000", shards="010")
    assert "/cleaned/" in code.kept_or_judged(wildcards)


@pytest.mark.parametrize("verdict", ["verdict_unreadable", "verdict_no_reply", "verdict_unfinished_reply"])
def test_a_verdict_that_cannot_be_read_is_no_yes(tmp_path: Path, verdict: str) -> None:
    made = clean(tmp_path, [coded_reply("p-1", "Hm. ", OK, END)], [judged("p-1", verdict=verdict)])
    assert made.counts["dropped"] == {"unjudged": 1}


@pytest.mark.parametrize(
    ("before", "answer"), [("Let n = 42, m = 7. ", "42"), ("So n = 10 and k = 21. ", "1"), ("42 ", "42")]
)
def test_a_number_before_the_code_is_no_answer(tmp_path: Path, before: str, answer: str) -> None:
    assert reason(tmp_path, before, OK, f"It is \\boxed{{{answer}}}.", answer=answer) is None


@pytest.mark.parametrize("end", [END, "\\boxed{42}", "Therefore $x = \\boxed{42}$, as was to be shown."])
def test_no_heading_is_needed_before_the_final_answer(tmp_path: Path, end: str) -> None:
    assert reason(tmp_path, "Hm. ", OK, end) is None


def test_an_open_box_is_no_answer_and_none_at_all_is_no_crash(tmp_path: Path) -> None:
    open_box = coded_reply("p-1", "Hm. ", OK, "**Final Answer**\n\\boxed{42")
    assert predicted_answer(open_box) is None
    made = clean(tmp_path, [open_box], [judged("p-1", verdict="no_answer", answer=None)])
    assert made.counts["dropped"] == {"no_answer": 1}


@pytest.mark.parametrize(
    "output", ["x" * 400 + "<output cut>", "```", "```output\n```\n```system\n```", "a\n```\nb", ""]
)
@pytest.mark.parametrize("tags", ["fences", "tool_call"])
def test_an_output_is_where_it_was_put_whatever_it_looks_like(tmp_path: Path, output: str, tags: str) -> None:
    made = clean(tmp_path, [coded_reply("p-1", "Hm. ", Ran("print(s)", output), OK, END, tags=tags)])
    assert (made.rows[0]["blocks"], made.dropped) == (2, [])


def test_code_with_a_fence_in_a_string_is_one_block(tmp_path: Path) -> None:
    transcript = published(
        transcript_of(coded_reply("p-1", Ran("s = '''\n```\n'''\nprint(s)", "```"), END, tags="fences"))
    )
    assert transcript.codes == ["s = '''\n```\n'''\nprint(s)"]


def test_an_empty_output_merges_no_blocks_and_tracebacks_alone_are_counted(tmp_path: Path) -> None:
    bad = Ran("1 / 0", "Traceback", "error")
    made = cut(tmp_path, {"p-1-0": [Ran("x = 1", ""), OK], "p-2-0": [bad, bad]})
    assert [row["id"] for row in made.rows] == ["p-1-0-0", "p-1-0-1"]
    assert (made.counts["dropped"], made.counts["dropped_parts"]) == ({"no_fragments": 1}, {"traceback": 2})


@pytest.mark.parametrize(
    "novelty", ["**Novelty:** new", "novelty: New.", "Novelty: new", "A new one, not a check.\nNovelty: new\n"]
)
@pytest.mark.parametrize("significance", ["**Significance: significant**", "Significance: Significant."])
def test_a_verdict_on_code_is_read_in_any_spelling(tmp_path: Path, novelty: str, significance: str) -> None:
    verdicts = {"p-1-0-0": {"judge_novelty": novelty, "judge_significance": significance}}
    assert len(select(tmp_path, cut(tmp_path, {"p-1-0": [OK]}), verdicts).rows) == 1


def test_votes_that_cannot_be_read_beside_a_moderate_one_make_no_moderate_block(tmp_path: Path) -> None:
    votes = ["Significance: moderate"] + ["Significant, I would say?"] * 7
    made = select(tmp_path, cut(tmp_path, {"p-1-0": [OK]}), {"p-1-0-0": {"judge_significance": votes}})
    assert made.counts["fragments"] == {"unjudged": 1}


def test_fragments_and_votes_are_joined_by_ids_and_carry_no_other_text(tmp_path: Path) -> None:
    fragments = cut(tmp_path, {"p-1-0": [OK], "p-2-0": [OK]})
    assert set(fragments.rows[0]) == {"id", "problem_id", "seed", "block", "fragment"}
    made = select(tmp_path, fragments, {"p-1-0-0": {"judge_novelty": "Novelty: check"}}, shuffled=True)
    assert [row["id"] for row in made.rows] == ["p-2"]


@pytest.mark.parametrize(
    ("ended", "finish_reason", "verdict", "why"),
    [
        ("length", "length", "unfinished", "unfinished"),
        ("unclosed_block", "stop", "unfinished", "block_not_run"),
        ("too_many_blocks", "stop", "unfinished", "budget_overused"),
    ],
)
def test_a_solution_that_did_not_end_by_itself_is_marked_and_has_no_answer(
    tmp_path: Path, ended: str, finish_reason: str, verdict: str, why: str
) -> None:
    cut_off = coded_reply("p-1", "Hm. ", OK, END, ended=ended, finish_reason=finish_reason)
    assert predicted_answer(cut_off) is None
    made = clean(tmp_path, [cut_off], [judged("p-1", verdict=verdict, answer=None)])
    assert (made.counts["dropped"], made.counts["ended"]) == ({why: 1}, {ended: 1})
