"""Which groups of candidates are compared, and what becomes of the rest."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from omr.errors import UserError
from selection_files import form, pool, problem, problems_of, summary
from small_tokenizer import save_tokenizer

ROWS = {"cot": [row for number in range(12) for row in pool(f"p{number}-1", 1 + number % 4, 1 + number % 5)]}


def test_a_group_says_what_is_compared_without_any_text(tmp_path: Path) -> None:
    rows = [summary("a-1", 0), summary("a-1", 1, "7", right=False), summary("a-1", 2, "7.0", right=False)]
    made = form(tmp_path, {"cot": rows}, max_size=2)
    first = made.rows[0]
    assert first["id"] == "a-1-g0"
    assert (first["problem_id"], first["pool_right"], first["pool_wrong"]) == ("a-1", 1, 2)
    assert (first["expected_answer"], first["answer_source"]) == ("5", "extracted")
    assert (first["pass_rate"], first["pass_rate_of"]) == (0.333333, 3)
    assert first["votes"] == {"cot": {"majority_votes": 3, "total_votes": 4, "majority_agrees": True}}
    assert all(
        shown.keys() == {"recipe", "id", "seed", "summary_candidate", "answer", "answer_class", "right", "judged_by"}
        for shown in first["candidates"]
    )
    assert "Solution of" not in made.path.read_text()


def test_equal_wrong_answers_are_one_class_and_right_ones_another(tmp_path: Path) -> None:
    rows = [summary("a-1", 0), summary("a-1", 1, "5.0"), *(
        summary("a-1", 2 + n, answer, right=False) for n, answer in enumerate(("7", "7.0", "8"))
    )]  # fmt: skip
    made = form(tmp_path, {"cot": rows})
    classes = {shown["seed"]: shown["answer_class"] for group in made.rows for shown in group["candidates"]}
    assert (classes[0], classes[1]) == (0, 0)
    assert classes[2] == classes[3] != classes[4]
    assert 0 not in (classes[2], classes[4])


def test_candidates_of_several_recipes_meet_in_one_group(tmp_path: Path) -> None:
    rows = {"one": [summary("a-1", 0)], "two": [summary("a-1", 0, "6", right=False)]}
    [group] = form(tmp_path, rows).rows
    assert {shown["recipe"] for shown in group["candidates"]} == {"one", "two"}
    assert (group["pass_rate_of"], group["pass_rate_by"]) == (2, ["one", "two"])


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([summary("a-1", 0, right=False, answer="6")], "no_right"),
        ([summary("a-1", 0), summary("a-1", 1)], "no_wrong"),
        ([], "no_right"),
        (pool("a-1", 1, 1), "pool_too_small"),
        ([row | {"answer_source": "majority"} for row in pool("a-1", 2, 2)], "answer_source_left_out"),
    ],
)
def test_a_problem_without_a_group_says_why(tmp_path: Path, rows: list[dict[str, object]], reason: str) -> None:
    options = {"min_pool": 3, "answer_sources": ["extracted"]}
    made = form(tmp_path, {"cot": rows}, problems=[problem("a-1")], **options)
    assert made.rows == []
    assert made.counts["dropped"] == {reason: 1}


def test_recipes_that_hold_different_answers_for_right_are_not_mixed(tmp_path: Path) -> None:
    other = [row | {"expected_answer": "6"} for row in pool("a-1", 1, 1)]
    assert form(tmp_path, {"one": pool("a-1", 1, 1), "two": other}).counts["dropped"] == {"sources_disagree": 1}
    same = [row | {"expected_answer": "5.0"} for row in pool("a-1", 1, 1)]
    assert form(tmp_path, {"one": pool("a-1", 2, 2), "two": same}).counts["dropped"] == {}


def test_a_group_over_the_most_tokens_is_left_out_and_counted(tmp_path: Path) -> None:
    tokenizer = save_tokenizer(tmp_path / "tokenizer.json")
    made = form(tmp_path, {"cot": pool("a-1", 6, 6)}, max_tokens=300, tokenizer=tokenizer)
    assert made.rows
    assert made.counts["dropped_parts"]["over_tokens"] > 0
    small = max(len(group["candidates"]) for group in made.rows)
    assert small < max(len(group["candidates"]) for group in form(tmp_path / "all", {"cot": pool("a-1", 6, 6)}).rows)


def test_a_problem_whose_groups_are_all_too_long_is_dropped(tmp_path: Path) -> None:
    made = form(tmp_path, {"cot": pool("a-1", 2, 2)}, max_tokens=20)
    assert made.counts["dropped"] == {"over_tokens": 1}


def test_all_problems_and_all_candidates_are_accounted_for(tmp_path: Path) -> None:
    made = form(tmp_path, ROWS)
    counts = made.counts
    assert counts["read"] == 12 == counts["passed"] + sum(counts["dropped"].values())
    assert counts["written"] == len(made.rows) == sum(counts["sizes"].values())
    assert counts["candidates"]["read"] == len(ROWS["cot"])
    assert sum(counts["sources"]["cot"].values()) == len(ROWS["cot"])
    assert len(made.dropped) == sum(counts["dropped"].values()) + sum(counts.get("dropped_parts", {}).values())


def test_summaries_of_problems_that_are_gone_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not among the decontaminated ones"):
        form(tmp_path, {"cot": pool("a-1", 2, 2)}, problems=[])
    assert not (tmp_path / "groups-0.jsonl").exists()


def test_shuffled_files_give_the_same_bytes(tmp_path: Path) -> None:
    problems = problems_of(ROWS["cot"])
    first = form(tmp_path / "first", ROWS, problems=problems).path.read_bytes()
    for number in range(3):
        shuffled = {"cot": random.Random(number).sample(ROWS["cot"], len(ROWS["cot"]))}
        assert form(tmp_path / str(number), shuffled, problems=problems).path.read_bytes() == first


@pytest.mark.parametrize("shards", [2, 3, 7])
def test_other_shards_give_the_same_groups(tmp_path: Path, shards: int) -> None:
    first = {row["id"]: row for row in form(tmp_path, ROWS).rows}
    parts = [form(tmp_path / str(shards), ROWS, shard=shard, shards=shards) for shard in range(shards)]
    assert {row["id"]: row for part in parts for row in part.rows} == first
    assert sum(part.counts["candidates"]["read"] for part in parts) == len(ROWS["cot"])


def test_rules_that_no_group_can_keep_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot have a share"):
        form(tmp_path, {"cot": pool("a-1", 2, 2)}, max_right_share=0.1, max_size=4)


def test_empty_files_make_empty_files(tmp_path: Path) -> None:
    made = form(tmp_path, {"cot": []})
    assert (made.rows, made.counts["read"]) == ([], 0)
