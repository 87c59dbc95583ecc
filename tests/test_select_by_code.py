"""From cleaned solutions over fragments and votes to those that needed their code, joined by ids alone."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from code_files import Ran, coded_reply, write_replies
from omr.errors import UserError
from omr.solutions.code_votes import PROMPTS
from solution_files import Made, read_lines, reply, run_stage, write_rows
from stage_runs import without_reads

OK, BAD = Ran("print(1)", "1"), Ran("1 / 0", "Traceback", "error")
VOTES = 8
WORTH_IT = {"judge_novelty": "Novelty: new", "judge_significance": "Significance: significant"}
Verdicts = dict[str, dict[str, list[str] | str]]


def cut(folder: Path, solutions: dict[str, list[Ran]], window: int = 1500) -> Made:
    """Run cut_fragments; solutions by `<problem>-<seed>`, in their order."""
    replies, rows = [], []
    for name, blocks in solutions.items():
        problem, _, seed = name.rpartition("-")
        replies.append(coded_reply(problem, "Hm. ", *blocks, "\\boxed{1}", seed=int(seed)))
        rows.append({"id": problem, "seed": int(seed), "blocks": len(blocks), "judgement": "yes"})
    given: dict[str, Any] = {"cleaned": write_rows(folder / "cleaned.jsonl", rows), "window": window}
    given |= {"solutions": write_replies(folder, replies), "prompt-name": "solve_tir"}
    return run_stage("cut_fragments", folder / "fragments.jsonl", given)


def select(folder: Path, fragments: Made, verdicts: Verdicts, shuffled: bool = False, **flags: Any) -> Made:
    """Run select_by_code; verdicts by fragment and prompt (one text for all votes, or one each), else WORTH_IT."""
    rows = []
    for fragment, prompt, vote in product(read_lines(fragments.path), PROMPTS, range(VOTES)):
        given = verdicts.get(fragment["id"], {}).get(prompt, WORTH_IT[prompt])
        text = given if isinstance(given, str) else given[vote]
        rows.append(reply(fragment["id"], text, prompt=prompt, seed=vote))
    if shuffled:
        rows = rows[1::2] + rows[::2][::-1]
    given = {"cleaned": folder / "cleaned.jsonl", "fragments": fragments.path, "votes": VOTES, "votes-needed": VOTES}
    given["replies"] = [write_rows(folder / f"votes-{n}.jsonl", rows[n::2]) for n in range(2)]
    return run_stage("select_by_code", folder / "selected.jsonl", given | flags)


# ---- fragments


def test_fragments_have_ids_of_problem_seed_and_block(tmp_path: Path) -> None:
    made = cut(tmp_path, {"p-1-0": [OK, BAD, OK], "p-1-3": [OK]})
    assert [row["id"] for row in made.rows] == ["p-1-0-0", "p-1-0-2", "p-1-3-0"]
    assert [(row["problem_id"], row["seed"], row["block"]) for row in made.rows] == [
        ("p-1", 0, 0),
        ("p-1", 0, 2),
        ("p-1", 3, 0),
    ]
    assert set(made.rows[0]) == {"id", "problem_id", "seed", "block", "fragment"}
    assert made.counts["dropped_parts"] == {"traceback": 1}
    assert made.counts["passed"] == 2


def test_a_solution_without_any_result_is_dropped_and_counted(tmp_path: Path) -> None:
    made = cut(tmp_path, {"p-1-0": [BAD, BAD], "p-2-0": [OK]})
    assert made.counts["dropped"] == {"no_fragments": 1}
    assert made.counts["dropped_parts"] == {"traceback": 2}
    assert len(made.dropped) == 3
    selected = select(tmp_path, made, {})
    assert [row["id"] for row in selected.rows] == ["p-2"]
    assert selected.counts["dropped"] == {"no_fragments": 1}


def test_an_empty_output_keeps_its_block_a_fragment_of_its_own(tmp_path: Path) -> None:
    made = cut(tmp_path, {"p-1-0": [Ran("x = 1", ""), OK]})
    assert [row["block"] for row in made.rows] == [0, 1]


# ---- votes


def test_a_solution_that_needed_its_code_stays_with_its_figures(tmp_path: Path) -> None:
    made = select(tmp_path, cut(tmp_path, {"p-1-0": [OK, OK]}), {"p-1-0-1": {"judge_novelty": "Novelty: check"}})
    assert made.rows == [
        {
            "id": "p-1",
            "seed": 0,
            "blocks": 2,
            "judgement": "yes",
            "fragments": 2,
            "novel_significant": 1,
            "novel_moderate": 0,
        }
    ]
    assert made.counts["fragments"] == {"check": 1, "significant": 1}
    assert made.counts["votes"]["judge_novelty"] == {"check": 8, "new": 8}
    assert made.counts["votes_for_new"] == {"0 of 8": 1, "8 of 8": 1}


@pytest.mark.parametrize(
    "text",
    [
        "**Novelty: new**",
        "It is set up before.\n\nNovelty: New.",
        "Novelty: new",
        "<think>A check? No.</think>Novelty: new",
        "NOVELTY: `new`\n",
    ],
)
def test_a_verdict_is_read_in_any_decoration(tmp_path: Path, text: str) -> None:
    made = select(tmp_path, cut(tmp_path, {"p-1-0": [OK]}), {"p-1-0-0": {"judge_novelty": text}})
    assert len(made.rows) == 1


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("judge_novelty", "I cannot tell."),
        ("judge_novelty", ""),
        ("judge_novelty", "Novelty: new\nNovelty: check"),
        ("judge_novelty", "This is a new calculation and not a check."),
        ("judge_significance", "Significance: highly"),
        ("judge_significance", "significant"),
        ("judge_significance", "Significance: moderate\nSignificance: significant"),
    ],
)
def test_one_unreadable_vote_leaves_a_fragment_unjudged_and_counted(tmp_path: Path, prompt: str, text: str) -> None:
    votes = [WORTH_IT[prompt]] * 7 + [text]
    made = select(tmp_path, cut(tmp_path, {"p-1-0": [OK]}), {"p-1-0-0": {prompt: votes}})
    assert made.rows == []
    assert made.counts["dropped"] == {"code_unjudged": 1}
    assert made.counts["fragments"] == {"unjudged": 1}
    assert sum(made.counts["votes"][prompt].values()) == 8


def test_unreadable_votes_beside_a_moderate_one_are_not_moderate(tmp_path: Path) -> None:
    votes: list[str] = ["Significance: moderate"] + ["?"] * 7
    made = select(tmp_path, cut(tmp_path, {"p-1-0": [OK]}), {"p-1-0-0": {"judge_significance": votes}})
    assert made.counts["dropped"] == {"code_unjudged": 1}


def test_the_rule_for_moderate_fragments_is_config(tmp_path: Path) -> None:
    fragments = cut(tmp_path, {"p-1-0": [OK, OK]})
    verdicts: Verdicts = {
        "p-1-0-0": {"judge_significance": "Significance: moderate"},
        "p-1-0-1": {"judge_novelty": "Novelty: check"},
    }
    assert select(tmp_path, fragments, verdicts).counts["dropped"] == {"code_not_needed": 1}
    assert len(select(tmp_path, fragments, verdicts, **{"moderate-share": "half"}).rows) == 1


def test_the_last_solution_is_judged_as_the_others(tmp_path: Path) -> None:
    names = [f"p-{n}-0" for n in range(5)]
    made = select(
        tmp_path, cut(tmp_path, {name: [OK] for name in names}), {"p-0-0-0": {"judge_novelty": "Novelty: check"}}
    )
    assert [row["id"] for row in made.rows] == ["p-1", "p-2", "p-3", "p-4"]
    assert made.counts["read"] == 5 == made.counts["passed"] + sum(made.counts["dropped"].values())


def test_votes_are_found_by_id_in_any_order_and_missing_ones_are_unreadable(tmp_path: Path) -> None:
    fragments = cut(tmp_path, {"p-1-0": [OK], "p-1-1": [OK, OK], "p-2-0": [OK]})
    verdicts: Verdicts = {
        "p-1-1-0": {"judge_novelty": "Novelty: check"},
        "p-2-0-0": {"judge_significance": "Significance: trivial"},
    }
    first = select(tmp_path, fragments, verdicts)
    again = select(tmp_path, fragments, verdicts, shuffled=True)
    assert (again.rows, again.dropped) == (first.rows, first.dropped)
    assert without_reads(again.counts) == without_reads(first.counts)
    assert [(row["id"], row["seed"]) for row in first.rows] == [("p-1", 0), ("p-1", 1)]
    none = select(tmp_path, fragments, {}, replies=[write_rows(tmp_path / "none.jsonl", [])])
    assert none.counts["dropped"] == {"code_unjudged": 3}
    assert none.counts["votes"]["judge_novelty"] == {"no_reply": 32}


def test_fragments_of_other_rows_are_an_error(tmp_path: Path) -> None:
    fragments = cut(tmp_path, {"p-1-0": [OK], "p-2-0": [OK]})
    write_rows(tmp_path / "cleaned.jsonl", read_lines(tmp_path / "cleaned.jsonl")[:1])
    with pytest.raises(UserError, match="of no cleaned row"):
        select(tmp_path, fragments, {})


def test_empty_files_make_empty_files(tmp_path: Path) -> None:
    made = select(tmp_path, cut(tmp_path, {}), {})
    assert (made.rows, made.dropped, made.counts["read"]) == ([], [], 0)
