"""The final answers of all solutions, and the vote where no answer is known."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import fill_majority_answer
import pytest
from omr.errors import UserError
from solution_files import (
    Made,
    Row,
    boxed,
    cut,
    failed,
    fill,
    problem,
    read_lines,
    reply,
    run_stage,
    write_rows,
    write_seeds,
)
from stage_runs import without_reads

HALVES = ["1/2", "0.5", r"\frac{2}{4}"]


def test_equivalent_answers_vote_together(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1")], {"a-1": [*HALVES, "3", "3"]})
    assert {row["expected_answer"] for row in made.rows} == {"0.5"}
    assert [made.rows[0][field] for field in ("majority_votes", "total_votes", "vote_share")] == [3, 5, 0.6]
    assert {row["answer_source"] for row in made.rows} == {"majority"}


def test_the_vote_does_not_depend_on_the_order_of_the_seeds(tmp_path: Path) -> None:
    answers = ["1/2", "0.5", "1/2", "3"]
    voted = [
        fill(tmp_path / str(place), [problem("a-1")], {"a-1": list(order)}).rows[0]
        for place, order in enumerate(sorted(set(permutations(answers))))
    ]
    fields = ("expected_answer", "majority_votes", "total_votes")
    assert {tuple(row[field] for field in fields) for row in voted} == {("1/2", 3, 4)}


def test_the_order_within_a_seed_file_changes_nothing(tmp_path: Path) -> None:
    problems = [problem("a-1"), problem("b-1", "7"), problem("c-1")]
    given = {"a-1": ["1", "2", "1"], "b-1": ["7", "8", "7"], "c-1": ["x", "y", "x"]}
    straight = fill(tmp_path / "one", problems, given)
    backwards = fill(tmp_path / "two", problems, dict(reversed(given.items())))
    assert straight.path.read_bytes() == backwards.path.read_bytes()


def test_a_known_answer_stays_and_the_vote_is_a_signal(tmp_path: Path) -> None:
    problems = [problem("a-1", "1/2"), problem("b-1", "9")]
    made = fill(tmp_path, problems, {"a-1": ["0.5", "0.5", "3"], "b-1": ["4", "4", "9"]})
    by_id = {row["id"]: row for row in made.rows}
    assert {row["answer_source"] for row in made.rows} == {"extracted"}
    assert (by_id["a-1"]["expected_answer"], by_id["a-1"]["majority_agrees"]) == ("1/2", True)
    assert (by_id["b-1"]["expected_answer"], by_id["b-1"]["majority_agrees"]) == ("9", False)
    assert by_id["b-1"]["majority_answer"] == "4"
    assert made.counts["extracted_answers"] == {"agrees": 1, "differs": 1}


def test_agreement_that_cannot_be_decided_is_null(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1", "a square")], {"a-1": ["a regular quadrilateral"]})
    assert made.rows[0]["majority_agrees"] is None
    assert made.counts["extracted_answers"] == {"undecided": 1}


def test_a_problem_without_a_readable_answer_is_dropped_with_its_reason(tmp_path: Path) -> None:
    unreadable = [{"text": "I give up."}, cut(boxed("5")), {"text": "It is \\boxed{ }."}]
    made = fill(tmp_path, [problem("a-1"), problem("b-1")], {"a-1": unreadable, "b-1": ["1", "1", "1"]})
    assert [(row["id"], row["reason"]) for row in made.dropped] == [("a-1", "no_readable_answer")]
    assert {row["id"] for row in made.rows} == {"b-1"}
    assert "no_valid_answer_found" not in made.path.read_text()


def test_a_known_answer_survives_without_any_readable_solution(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1", "7")], {"a-1": [{"text": "I give up."}]})
    [row] = made.rows
    assert (row["expected_answer"], row["majority_answer"], row["total_votes"]) == ("7", None, 0)


def test_a_majority_below_the_least_share_is_no_answer(tmp_path: Path) -> None:
    problems = [problem("a-1"), problem("b-1"), problem("c-1", "1")]
    given = {"a-1": ["1", "1", "2", "3"], "b-1": ["1", "1", "2", "1"], "c-1": ["1", "2", "3", "4"]}
    made = fill(tmp_path, problems, given, **{"min-share": 0.6})
    assert [(row["id"], row["reason"], row["vote_share"]) for row in made.dropped] == [("a-1", "low_vote_share", 0.5)]
    assert {row["id"] for row in made.rows} == {"b-1", "c-1"}


def test_a_share_of_exactly_the_least_is_enough(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1")], {"a-1": ["1", "1", "2", "3"]}, **{"min-share": 0.5})
    assert made.rows[0]["expected_answer"] == "1"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["5"], "too_few_votes"),
        (["5", {"text": "?"}, {"text": "?"}], "too_few_votes"),
        (["5", "6", "7"], "tied_vote"),
        (["5", "6", "5", "6"], "tied_vote"),
        (["?", "?", r"\ldots"], "no_readable_answer"),
    ],
)
def test_a_vote_of_one_and_a_tie_are_no_majority(tmp_path: Path, answers: list[str], reason: str) -> None:
    made = fill(tmp_path, [problem("a-1")], {"a-1": answers})
    assert [(row["id"], row["reason"]) for row in made.dropped] == [("a-1", reason)]


def test_a_placeholder_does_not_vote(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1")], {"a-1": ["?", "?", "?", "5", "5"]})
    assert (made.rows[0]["expected_answer"], made.rows[0]["total_votes"]) == ("5", 2)
    assert {row["answer_fault"] for row in made.rows} == {"no_answer", None}


def test_a_solution_with_several_answers_does_not_vote_and_is_counted(tmp_path: Path) -> None:
    hedge = {"text": r"It is \boxed{4} or \boxed{5}."}
    made = fill(tmp_path, [problem("a-1")], {"a-1": [hedge, hedge, hedge, "6", "6"]})
    assert made.rows[0]["expected_answer"] == "6"
    assert made.rows[0]["answer_fault"] == "several_answers"
    assert made.counts["solutions"] == {"answered": 2, "with_several_answers": 3}


def test_boxes_of_one_solution_that_are_equal_in_value_are_one_answer(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1", "1/2")], {"a-1": [{"text": r"\boxed{\frac{1}{2}}, that is \boxed{0.5}"}]})
    assert made.rows[0]["predicted_answer"] == "0.5"


def test_a_tie_over_a_problem_with_a_known_answer_agrees_with_nothing(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1", "5")], {"a-1": ["5", "6"]})
    assert [made.rows[0][field] for field in ("majority_answer", "majority_votes", "majority_agrees")] == [
        None,
        1,
        None,
    ]


def test_a_cut_solution_is_kept_and_marked_and_has_no_vote(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1")], {"a-1": [cut(boxed("5")), cut("<think> so \\boxed{5}"), "3", "3"]})
    assert [(row["finished"], row["predicted_answer"]) for row in made.rows] == [
        (False, None),
        (False, None),
        (True, "3"),
        (True, "3"),
    ]
    assert (made.rows[0]["expected_answer"], made.rows[0]["total_votes"]) == ("3", 2)
    assert made.counts["solutions"] == {"answered": 2, "unfinished": 2}


def test_reasoning_in_the_text_or_in_its_field_gives_the_same_rows(tmp_path: Path) -> None:
    inside = {"text": "<think>\nMaybe \\boxed{1}.\n</think>\n\nIt is \\boxed{2}."}
    apart = {"text": "It is \\boxed{2}.", "reasoning": "Maybe \\boxed{1}."}
    only_reasoned = {"text": "", "reasoning": "Maybe \\boxed{1}."}
    made = fill(tmp_path, [problem("a-1")], {"a-1": [inside, apart, only_reasoned]})
    assert [row["predicted_answer"] for row in made.rows] == ["2", "2", None]
    assert {row["finished"] for row in made.rows} == {True}


def test_a_failed_request_is_a_row_with_its_kind_of_error(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1")], {"a-1": [failed("context_overflow"), "3", "3"]})
    assert [row["error"] for row in made.rows] == ["context_overflow", None, None]
    assert made.rows[0]["finished"] is False
    assert made.counts["solutions"] == {"answered": 2, "failed": 1}


def test_rows_are_light(tmp_path: Path) -> None:
    text = "Long. " * 5000 + "\\boxed{3}"
    made = fill(tmp_path, [problem("a-1", "3")], {"a-1": [{"text": text, "reasoning": "More. " * 5000}]})
    assert len(made.path.read_bytes()) < 500
    assert made.rows[0]["completion_tokens"] == 7


def test_a_missing_seed_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    files = write_seeds(tmp_path, {"a-1": ["1", "1"]})
    files[1].unlink()
    with pytest.raises(UserError, match=r"1 of 2 files of solutions are missing: .*seed-01\.jsonl"):
        run_fill(tmp_path, files, seeds=2)


def test_fewer_solutions_than_configured_seeds_are_an_error(tmp_path: Path) -> None:
    files = write_seeds(tmp_path, {"a-1": ["1", "1"]})
    with pytest.raises(UserError, match="no solution of problem 'a-1' for seed 2"):
        run_fill(tmp_path, files, seeds=3)


def test_a_seed_file_that_lacks_a_problem_is_an_error(tmp_path: Path) -> None:
    files = write_seeds(tmp_path, {"a-1": ["1", "1"]})
    write_rows(files[1], [])
    with pytest.raises(UserError, match=r"no solution of problem 'a-1' for seed 1"):
        run_fill(tmp_path, files, seeds=2)


def test_the_same_seed_named_twice_is_an_error(tmp_path: Path) -> None:
    files = write_seeds(tmp_path, {"a-1": ["1", "1"]})
    with pytest.raises(UserError, match=r"no solution of problem 'a-1' for seed 1"):
        run_fill(tmp_path, [files[0], files[0]], seeds=2)


def test_a_seed_beyond_the_configured_ones_is_an_error(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "seed-05.jsonl", [reply("a-1", boxed("1"), seed=5)])
    with pytest.raises(UserError, match="it holds seed 5, but seeds go from 0 to 0"):
        run_fill(tmp_path, [path], seeds=1)


def test_nothing_is_written_when_a_seed_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        run_fill(tmp_path, [tmp_path / "seed-00.jsonl"], seeds=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["problems.jsonl"]


def run_fill(folder: Path, files: list[Path], seeds: int) -> None:
    problems = write_rows(folder / "problems.jsonl", [problem("a-1")])
    given = {"problems": problems, "shard": 0, "shards": 1, "solutions": files, "seeds": seeds}
    run_stage("fill_majority_answer", folder / "majority.jsonl", given)


def test_every_problem_of_the_shard_is_written_or_dropped(tmp_path: Path) -> None:
    problems = [problem(f"{number}-1", None if number % 3 else "5") for number in range(12)]
    given = {row["id"]: ["1" if int(row["id"][:-2]) % 2 else {"text": "?"}] * 3 for row in problems}
    made = fill(tmp_path, problems, given)
    assert len({row["id"] for row in made.rows}) + len(made.dropped) == made.counts["read"] == 12
    assert made.counts["written"] == 3 * made.counts["passed"] == len(made.rows)


def test_only_problems_of_the_shard_are_read(tmp_path: Path) -> None:
    problems = [problem(f"{number}-1", "1") for number in range(20)]
    given = {row["id"]: ["1"] for row in problems}
    parts = [fill(tmp_path / str(shard), problems, given, shard=shard, shards=3) for shard in range(3)]
    ids = [row["id"] for made in parts for row in made.rows]
    assert sorted(ids) == sorted(given)
    assert [made.counts["replies_to_other_problems"] for made in parts] == [20 - len(made.rows) for made in parts]


def test_hostile_answers_neither_crash_nor_vote_as_something_else(tmp_path: Path) -> None:
    hostile = [
        r"\boxed{9^{9^{9^{9^9}}}}",
        r"\boxed{" + "(" * 3000 + ")" * 3000 + "}",
        r"\boxed{" + "9" * 100_000 + "}",
        r"\boxed{__import__('os').system('exit 1')}",
        "\\boxed{\0\ud7ff}",
        r"\boxed{\frac{1}{0}}",
    ]
    made = fill(tmp_path, [problem("a-1")], {"a-1": [*({"text": text} for text in hostile), "7", "7"]})
    assert made.rows[0]["expected_answer"] == "7"
    assert made.rows[0]["majority_votes"] == 2


def test_an_answer_longer_than_any_answer_is_none(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1", "7")], {"a-1": ["9" * 100_000, "7"]})
    assert [row["predicted_answer"] for row in made.rows] == [None, "7"]


def test_an_empty_shard_gives_empty_files(tmp_path: Path) -> None:
    solutions = write_rows(tmp_path / "seed-00.jsonl", [])
    problems = write_rows(tmp_path / "problems.jsonl", [])
    given = {"problems": problems, "shard": 0, "shards": 1, "solutions": [solutions], "seeds": 1}
    made = run_stage("fill_majority_answer", tmp_path / "majority.jsonl", given)
    assert (made.rows, made.counts["read"]) == ([], 0)


def test_an_unknown_shard_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no shard 2 of 2"):
        fill(tmp_path, [problem("a-1")], {"a-1": ["1"]}, shard=2, shards=2)


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    problems = [problem("a-1"), problem("b-1")]
    given = {"a-1": ["1/2", "0.5", "x", "y"], "b-1": ["(1,2)", "(2,1)", "1", "1"]}
    made = [fill(tmp_path / str(run), problems, given) for run in range(2)]
    assert made[0].path.read_bytes() == made[1].path.read_bytes()
    assert read_lines(made[0].path) == made[0].rows


def plan(folder: Path, **numbers: int) -> Path:
    rows = [{"id": name.replace("_", "-"), "seeds": number} for name, number in numbers.items()]
    return write_rows(folder / "plan.jsonl", rows)


def fill_from(folder: Path, problems: list[Row], solutions: list[Path], numbers: Path) -> Made:
    """Run the script on files of solutions, one per seed, and a plan."""
    given = {"problems": write_rows(folder / "problems.jsonl", problems), "shard": 0, "shards": 1}
    given |= {"solutions": solutions, "seeds": len(solutions), "plan": numbers}
    return run_stage("fill_majority_answer", folder / "majority.jsonl", given)


def test_problems_may_have_different_numbers_of_solutions(tmp_path: Path) -> None:
    problems = [problem("a-1"), problem("b-1", "7"), problem("c-1", "7")]
    files = [
        write_rows(tmp_path / "0.jsonl", [reply("a-1", boxed("1")), reply("b-1", boxed("7"))]),
        write_rows(tmp_path / "1.jsonl", [reply("a-1", boxed("1"), seed=1)]),
    ]
    numbers = plan(tmp_path, a_1=2, b_1=1, c_1=0)
    made = fill_from(tmp_path, problems, files, numbers)
    assert [(row["id"], row["seed"], row["total_votes"]) for row in made.rows] == [
        ("a-1", 0, 2),
        ("a-1", 1, 2),
        ("b-1", 0, 1),
    ]
    assert [(row["id"], row["reason"]) for row in made.dropped] == [("c-1", "not_asked")]


def test_a_solution_that_the_plan_wants_must_be_there_and_others_do_not_vote(tmp_path: Path) -> None:
    given = {"a-1": ["1", "2", "2"]}
    made = fill(tmp_path / "less", [problem("a-1", "1")], given, plan=plan(tmp_path, a_1=1))
    assert (len(made.rows), made.rows[0]["expected_answer"], made.counts["replies_not_planned"]) == (1, "1", 2)
    short = [write_rows(tmp_path / "0.jsonl", [reply("a-1", boxed("1"))]), write_rows(tmp_path / "1.jsonl", [])]
    with pytest.raises(UserError, match="no solution of problem 'a-1' for seed 1"):
        fill_from(tmp_path, [problem("a-1")], short, plan(tmp_path, a_1=2))


def test_a_plan_of_other_problems_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not plan the problems"):
        fill(tmp_path, [problem("a-1")], {"a-1": ["1"]}, plan=plan(tmp_path, b_1=1))


REPAIR = {"repair-votes": 3, "repair-share": 0.7}


def test_an_answer_that_none_supports_gives_way_to_a_vote_that_is_large_enough(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1", "9")], {"a-1": ["4", "4", "4", "5"]}, **REPAIR)
    row = made.rows[0]
    assert (row["expected_answer"], row["answer_source"], row["original_expected_answer"]) == ("4", "majority", "9")
    assert {row["changed_answer_to_majority"] for row in made.rows} == {True}
    assert made.counts["answers_repaired"] == 1


@pytest.mark.parametrize(
    "answers",
    [
        ["4", "4", "4", "9"],  # one supports it
        ["4", "4", "4", "a square number below ten"],  # which may be it
        ["4", "4", "5", "5"],
        ["4", "4"],
    ],
)
def test_an_answer_stays_where_it_may_be_right_or_too_few_agree(tmp_path: Path, answers: list[str]) -> None:
    made = fill(tmp_path, [problem("a-1", "9")], {"a-1": answers}, **REPAIR)
    assert {(row["expected_answer"], row["changed_answer_to_majority"]) for row in made.rows} == {("9", False)}


def test_nothing_is_replaced_unless_asked_for(tmp_path: Path) -> None:
    made = fill(tmp_path, [problem("a-1", "9")], {"a-1": ["4"] * 6})
    assert {row["expected_answer"] for row in made.rows} == {"9"}
    assert "answers_repaired" not in made.counts


def test_any_number_of_workers_and_any_parts_of_files_make_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = [problem(f"p-{number}", "5" if number % 3 == 0 else None) for number in range(20)]
    given = {row["id"]: [f"{n % 3 + 1}/2", *HALVES[: n % 4], "7"][:4] for n, row in enumerate(problems)}
    given = {row_id: [*answers, *["7"] * (4 - len(answers))] for row_id, answers in given.items()}
    alone = fill(tmp_path / "one", problems, given, workers=1)
    monkeypatch.setattr(fill_majority_answer, "_POOL_BYTES", 0)
    for place, size in enumerate((1, 90, 1 << 20)):
        monkeypatch.setattr(fill_majority_answer, "_PART_BYTES", size)
        together = fill(tmp_path / str(place), problems, given, workers=3)
        assert together.path.read_bytes() == alone.path.read_bytes()
        assert without_reads(together.counts) == without_reads(alone.counts)
        # A worker reads on to the end of its last line, and the byte before its first.
        read = [made.counts["bytes_read"]["solutions"] for made in (alone, together)]
        assert read[0] == sum(path.stat().st_size for path in (tmp_path / "one").glob("seed-*"))
        assert read[1] >= read[0]


def test_a_small_shard_is_read_without_further_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def count(function: Any, items: Any, workers: int) -> Any:
        asked.append(workers)
        return map(function, items)

    monkeypatch.setattr(fill_majority_answer, "ordered_map", count)
    for size in (1 << 20, 0):
        monkeypatch.setattr(fill_majority_answer, "_POOL_BYTES", size)
        fill(tmp_path / str(size), [problem("a-1")], {"a-1": ["1/2"] * 4}, workers=3)
    assert asked == [1, 3]


def test_a_round_reads_what_earlier_rounds_kept_and_no_text_of_theirs(tmp_path: Path) -> None:
    problems = [problem("a-1"), problem("b-1", "7"), problem("c-1")]
    given = {
        "a-1": ["1/2", cut("no end"), "0.5", "3"],
        "b-1": ["7", failed("timeout"), "I do not know.", "7"],
        "c-1": ["≤ x", {"text": r"\boxed{1} or \boxed{2}"}, "x", "x"],
    }
    whole = fill(tmp_path / "all", problems, given)
    files = write_seeds(tmp_path, given)
    earlier: list[Path] = []
    for number, seeds in enumerate((range(1), range(1, 3), range(3, 4))):
        flags = {"solutions": [files[seed] for seed in seeds], "seeds": seeds.stop}
        if earlier:
            flags |= {"earlier": earlier, "earlier-seeds": seeds.start}
        kept = tmp_path / f"outcomes-{number}.jsonl"
        made = fill(tmp_path / str(number), problems, {}, **flags, outcomes=kept)
        assert [row["seed"] for row in read_lines(kept)] == [*seeds] * 3
        assert made.counts["bytes_read"]["solutions"] == sum(files[seed].stat().st_size for seed in seeds)
        earlier.append(kept)
    assert made.path.read_bytes() == whole.path.read_bytes()
    assert made.dropped == whole.dropped
    assert without_reads(made.counts) == without_reads(whole.counts)
    assert made.counts["bytes_read"]["earlier"] == sum(path.stat().st_size for path in earlier[:2])


def test_outcomes_of_solutions_that_no_plan_wants_are_not_kept(tmp_path: Path) -> None:
    plan = write_rows(tmp_path / "plan.jsonl", [{"id": "a-1", "seeds": 2}, {"id": "b-1", "seeds": 0}])
    given = {"a-1": ["1", "2"], "b-1": ["3", "4"], "stranger": ["5", "6"]}
    kept = tmp_path / "kept.jsonl"
    made = fill(tmp_path, [problem("a-1", "1"), problem("b-1")], given, plan=plan, outcomes=kept)
    assert [(row["id"], row["seed"]) for row in read_lines(kept)] == [("a-1", 0), ("a-1", 1)]
    assert (made.counts["replies_not_planned"], made.counts["replies_to_other_problems"]) == (2, 2)


@pytest.mark.parametrize("seeds", [[0], [1, 2]])
def test_a_seed_in_the_file_of_another_round_is_refused(tmp_path: Path, seeds: list[int]) -> None:
    files = write_seeds(tmp_path, {"a-1": ["1", "1", "1"]})
    earlier = tmp_path / "earlier.jsonl"
    fill(tmp_path / "one", [problem("a-1", "1")], {"a-1": ["1"] * len(seeds)}, outcomes=earlier)
    flags = {"solutions": [files[0]] if seeds == [0] else [files[2]], "seeds": 2}
    with pytest.raises(UserError, match="it holds seed"):
        fill(tmp_path / "two", [problem("a-1", "1")], {}, **flags, **{"earlier": [earlier], "earlier-seeds": 1})
