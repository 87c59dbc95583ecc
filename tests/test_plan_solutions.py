"""How many solutions each problem gets: by a table of pass rates, and round after round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from omr.errors import UserError
from omr.stages.seeds import SeedTable
from solution_files import Made, Row, problem, run_stage, write_rows

TABLE = {
    "table": [
        {"to": 0.0, "extracted": 16, "majority": 4},
        {"to": 0.5, "extracted": 8, "majority": 6},
        {"to": 1.0, "extracted": 2, "majority": 1},
    ],
    "no_rate": {"extracted": 5, "majority": 3},
}
ENOUGH = {"right": 2, "votes": 3, "share": 0.75, "give_up_after": 2}


def plan(folder: Path, problems: list[Row], table: dict[str, Any] = TABLE, **flags: object) -> Made:
    folder.mkdir(exist_ok=True)
    given: dict[str, object] = {"problems": write_rows(folder / "problems.jsonl", problems), "shard": 0, "shards": 1}
    given |= {"table": json.dumps(table), "up-to": 16} | flags
    return run_stage("plan_solutions", folder / "plan.jsonl", given)


def numbers(made: Made) -> dict[str, int]:
    return {row["id"]: row["seeds"] for row in made.rows}


def judged(problem_id: str, verdicts: str, votes: int = 0, share: float | None = None) -> list[Row]:
    """Judged rows of a problem: `y` right, `n` wrong, `u` not known, `c` cut off."""
    said = {
        "y": ("yes", None),
        "n": ("no", None),
        "u": ("unjudged", "verdict_unreadable"),
        "c": ("unjudged", "unfinished"),
    }
    return [
        {"id": problem_id, "seed": seed, "majority_votes": votes, "vote_share": share}
        | {"judgement": said[verdict][0], "unjudged_reason": said[verdict][1]}
        for seed, verdict in enumerate(verdicts)
    ]


def next_plan(
    folder: Path, problems: list[Row], rows: list[Row], before_each: int, rounds: int, **flags: object
) -> Made:
    """The plan after `rounds` rounds in which every problem got `before_each` solutions, with these verdicts."""
    folder.mkdir(exist_ok=True)
    earlier = [{"id": row["id"], "seeds": before_each} for row in problems]
    given: dict[str, object] = {"before": write_rows(folder / "before.jsonl", earlier)}
    given |= {"judged": write_rows(folder / "judged.jsonl", rows), "rounds-before": rounds}
    table = {"table": [], "no_rate": {"extracted": 16, "majority": 16}}
    return plan(folder, problems, table, **(given | {"enough": json.dumps(ENOUGH)} | flags))


def test_the_first_row_of_the_table_that_reaches_a_pass_rate_decides(tmp_path: Path) -> None:
    shares = {"a-1": 0.0, "b-1": 0.01, "c-1": 0.5, "d-1": 0.51, "e-1": 1.0, "f-1": None}
    rates = write_rows(tmp_path / "rates.jsonl", [{"id": name, "share": share} for name, share in shares.items()])
    known = [problem(name, "7") for name in [*shares, "g-1"]]
    made = plan(tmp_path / "known", known, **{"pass-rates": rates})
    assert numbers(made) == {"a-1": 16, "b-1": 8, "c-1": 8, "d-1": 2, "e-1": 2, "f-1": 5, "g-1": 5}
    made = plan(tmp_path / "unknown", [problem(name) for name in [*shares, "g-1"]], **{"pass-rates": rates})
    assert numbers(made) == {"a-1": 4, "b-1": 6, "c-1": 6, "d-1": 1, "e-1": 1, "f-1": 3, "g-1": 3}


def test_a_round_ends_at_its_number(tmp_path: Path) -> None:
    made = plan(tmp_path, [problem("a-1", "7")], **{"up-to": 4})
    assert numbers(made) == {"a-1": 4}
    assert made.counts["solutions"] == 4


def test_only_the_shard_s_own_problems_are_planned_and_all_of_them_once(tmp_path: Path) -> None:
    problems = [problem(f"{number:02x}-1", "7") for number in range(50)]
    shards = [plan(tmp_path / str(k), problems, shard=k, shards=3) for k in range(3)]
    assert sorted(name for made in shards for name in numbers(made)) == [row["id"] for row in problems]
    assert all(made.counts["read"] == made.counts["written"] == len(made.rows) for made in shards)


def test_problems_with_enough_right_solutions_are_asked_no_more(tmp_path: Path) -> None:
    problems = [problem(name, "7") for name in ("a-1", "b-1", "c-1", "d-1")]
    rows = [*judged("a-1", "yyn"), *judged("b-1", "ynu"), *judged("c-1", "nnn"), *judged("d-1", "ucu")]
    made = next_plan(tmp_path, problems, rows, before_each=3, rounds=1)
    assert numbers(made) == {"a-1": 3, "b-1": 16, "c-1": 16, "d-1": 16}
    assert made.counts["problems"] == {"enough": 1, "table": 3}


def test_without_a_known_answer_a_settled_vote_is_enough(tmp_path: Path) -> None:
    problems = [problem(name) for name in ("a-1", "b-1", "c-1")]
    rows = [*judged("a-1", "yyyn", 3, 0.75), *judged("b-1", "yyyn", 3, 0.6), *judged("c-1", "yynn", 2, 1.0)]
    assert numbers(next_plan(tmp_path, problems, rows, before_each=4, rounds=1)) == {"a-1": 4, "b-1": 16, "c-1": 16}


def test_what_no_round_solved_is_given_up_when_config_says_so(tmp_path: Path) -> None:
    problems = [problem("a-1", "7"), problem("b-1", "7"), problem("c-1"), problem("d-1")]
    # d-1 has no rows: none of its solutions had an answer.
    rows = [*judged("a-1", "nnc"), *judged("b-1", "nny"), *judged("c-1", "ynn", 1, 0.33)]
    first = next_plan(tmp_path / "first", problems, rows, before_each=3, rounds=1)
    assert set(numbers(first).values()) == {16}
    second = next_plan(tmp_path / "second", problems, rows, before_each=3, rounds=2)
    assert numbers(second) == {"a-1": 3, "b-1": 16, "c-1": 3, "d-1": 3}
    assert second.counts["problems"] == {"given_up": 3, "table": 1}
    patient = json.dumps(ENOUGH | {"give_up_after": None})
    assert set(numbers(next_plan(tmp_path / "third", problems, rows, 3, 2, enough=patient)).values()) == {16}


def test_a_smaller_table_takes_back_nothing_that_an_earlier_round_asked(tmp_path: Path) -> None:
    made = next_plan(tmp_path, [problem("a-1", "7")], judged("a-1", "nnn"), before_each=3, rounds=1, **{"up-to": 2})
    assert numbers(made) == {"a-1": 3}


def test_files_of_other_problems_are_refused(tmp_path: Path) -> None:
    problems = [problem("a-1", "7")]
    with pytest.raises(UserError, match="not among those of this shard"):
        next_plan(tmp_path / "judged", problems, judged("z-1", "n"), before_each=3, rounds=1)
    empty = write_rows(tmp_path / "empty.jsonl", [])
    with pytest.raises(UserError, match="no row in the plan"):
        next_plan(tmp_path / "plan", problems, [], before_each=3, rounds=1, before=empty)


def test_a_changed_table_changes_only_the_seeds_that_it_is_about() -> None:
    table = SeedTable.from_config(TABLE)
    more = SeedTable.from_config(TABLE | {"no_rate": {"extracted": 7, "majority": 3}})
    for size in (1, 2, 3, 20):
        blocks = [range(first, first + size) for first in range(0, 20, size)]
        changed = [seeds for seeds in blocks if table.within(seeds) != more.within(seeds)]
        assert changed == [seeds for seeds in blocks if 5 in seeds or 6 in seeds]


@pytest.mark.parametrize("size", [1, 2, 3, 20])
def test_a_seed_is_wanted_where_the_number_exceeds_it(size: int) -> None:
    table = SeedTable.from_config(TABLE)
    for share in (None, 0.0, 0.3, 1.0):
        for known in (True, False):
            blocks = [range(first, first + size) for first in range(0, 20, size)]
            wanted = [SeedTable.from_config(table.within(seeds)).number(share, known) for seeds in blocks]
            assert [seed for seeds, number in zip(blocks, wanted, strict=True) for seed in seeds[:number]] == list(
                range(table.number(share, known))
            )
