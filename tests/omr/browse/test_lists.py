"""What lists show for filters, and how they go on page after page."""

from __future__ import annotations

from pathlib import Path

import pytest
import run_files
from browse_pages import Markup, pages
from omr.browse import lists as module
from omr.browse.database import open_for_writing
from omr.browse.indexing import Index
from omr.browse.lists import Filters, Lists
from run_files import CONTAMINATED, OTHER, PROBLEM, RECIPE, SILENT, THREAD, write_rows

SHARD = "shard-000-of-001.jsonl"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = run_files.write_run(tmp_path)
    merged = [
        {
            "id": PROBLEM,
            "thread_id": THREAD,
            "problem": "What is $1+1$?",
            "expected_answer": "2",
            "problem_type": "given",
        },
        {"id": CONTAMINATED, "thread_id": OTHER, "problem": "Known problem", "expected_answer": None},
    ]
    write_rows(run / "merged.jsonl", *merged)
    return run


def lists(run: Path) -> Lists:
    db = open_for_writing(run / "browse.sqlite")
    Index(db, run).update()
    return Lists(db, run)


BOTH = [PROBLEM, CONTAMINATED]


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, BOTH),
        ({"q": "1+1"}, [PROBLEM]),
        ({"q": "problem known"}, [CONTAMINATED]),
        ({"q": "2"}, [PROBLEM]),  # its answer
        ({"q": OTHER}, [CONTAMINATED]),
        ({"q": '"'}, []),
        ({"state": "solved"}, [PROBLEM]),
        ({"state": "left"}, [CONTAMINATED]),
        ({"state": "training"}, [PROBLEM]),
        ({"recipe": RECIPE}, [PROBLEM]),
        ({"recipe": "no-such"}, []),
        ({"type": "given"}, [PROBLEM]),
        ({"verdict": "no"}, [PROBLEM]),
        ({"verdict": "unjudged"}, []),
        ({"low": "50", "high": "50"}, [PROBLEM]),
        ({"low": "51"}, []),
        ({"high": "nan"}, BOTH),
        ({"low": "1e999"}, BOTH),
        ({"low": "'; DROP TABLE problem"}, BOTH),
        ({"reason": "contaminated_exact"}, [CONTAMINATED]),
        ({"reason": "wrong", "recipe": RECIPE}, [PROBLEM]),
        ({"stage": "decontaminate", "reason": "wrong"}, []),
        ({"after": "junk"}, BOTH),
        ({"after": "9" * 300}, []),
    ],
)
def test_problems_by_filters(run: Path, filters: dict[str, str], wanted: list[str]) -> None:
    page = lists(run).problems(Filters.of(filters))
    assert [entry.id for entry in page.entries] == wanted
    assert page.total == len(wanted) or "after" in filters


def test_a_problem_says_how_its_solutions_fared_and_where_it_ended(run: Path) -> None:
    right, dropped = lists(run).problems(Filters()).entries
    assert [chip[1:] for chip in right.chips] == [(2, 1, 1, 0, 1)]
    assert right.dropped is None
    assert dropped.dropped == ("decontaminate", "contaminated_exact")


@pytest.mark.parametrize(
    ("reason", "told"), [("invalid", "restated: not a complete problem"), ("still_a_proof", "restated: still a proof")]
)
def test_what_is_wrong_with_a_restatement_is_not_said_of_the_problem(run: Path, reason: str, told: str) -> None:
    proof = {"id": f"{THREAD}-2", "thread_id": THREAD, "problem": "Prove that there are infinitely many primes."}
    restated = proof | {"problem": "Find a larger prime.", "original_problem": proof["problem"]}
    write_rows(run / "problems.jsonl", proof)
    write_rows(run / "converted.jsonl", restated)
    write_rows(run / "dropped/parse_proofs.jsonl", restated | {"reason": reason})
    html = pages(run).problems({}).html
    listed = Markup(html[html.index(f"/problem?id={THREAD}-2") :]).text
    places = [listed.index(part) for part in (told, "infinitely many primes", "restated Find a larger prime")]
    assert places == sorted(places)
    assert f'drop">{told}' in pages(run).problem({"id": f"{THREAD}-2"}).html


def test_a_restatement_that_is_solved_is_shown_once(run: Path) -> None:
    write_rows(run / "converted.jsonl", {"id": PROBLEM, "thread_id": THREAD, "problem": "What is $1+1$?"})
    assert lists(run).problems(Filters()).entries[0].restated is None


@pytest.mark.parametrize(("verdict", "seeds"), [("", [0, 1]), ("yes", [0]), ("no", [1]), ("unjudged", [])])
def test_solutions_by_verdict(run: Path, verdict: str, seeds: list[int]) -> None:
    found = lists(run).solutions(Filters(verdict=verdict)).entries
    assert [one.row["seed"] for one in found] == seeds
    assert {one.problem["problem"] for one in found} <= {"What is $1+1$?"}


def test_solutions_that_only_voted_are_there_until_they_are_judged(run: Path) -> None:
    (run / RECIPE / "judged" / SHARD).unlink()
    made = lists(run)
    assert [one.row["seed"] for one in made.solutions(Filters()).entries] == [0, 1]
    assert [chip[1:5] for chip in made.problems(Filters()).entries[0].chips] == [(2, 0, 0, 0)]


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, {(SILENT, 1), (CONTAMINATED, 1), (PROBLEM, 1)}),
        ({"recipe": "-"}, {(SILENT, 1), (CONTAMINATED, 1)}),
        ({"recipe": RECIPE}, {(PROBLEM, 1)}),
        ({"reason": "wrong"}, {(PROBLEM, 1)}),
        ({"stage": "parse_problems"}, {(SILENT, 1)}),
        ({"q": "known"}, {(CONTAMINATED, 1)}),
        ({"reason": "no such reason"}, set()),
    ],
)
def test_drops_by_filters(run: Path, filters: dict[str, str], wanted: set[tuple[str, int]]) -> None:
    page = lists(run).drops(Filters.of(filters))
    assert {(drop.row["id"], drop.n) for drop in page.entries} == wanted
    assert page.total == len(wanted)


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, [THREAD, OTHER, SILENT]),
        ({"problems": "some"}, [THREAD, OTHER]),
        ({"problems": "none"}, [SILENT]),
        ({"reason": "no_problem"}, [SILENT]),
        ({"q": OTHER[:14]}, [THREAD, OTHER]),
    ],
)
def test_threads_by_filters(run: Path, filters: dict[str, str], wanted: list[str]) -> None:
    assert [one.id for one in lists(run).threads(Filters.of(filters)).entries] == wanted


def test_a_thread_whose_copy_was_dropped_is_not_said_to_be_left_out(run: Path) -> None:
    write_rows(run / "dropped/prepare_raw_data.jsonl", {"id": THREAD, "reason": "duplicate_thread"})
    found = {one.id: (one.problems, one.dropped) for one in lists(run).threads(Filters()).entries}
    assert found == {THREAD: (1, None), OTHER: (1, None), SILENT: (0, ("parse_problems", "no_problem"))}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_pages_hold_every_entry_once_in_one_order(run: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    ids = [f"{n:016x}-1" for n in range(7)]
    write_rows(run / "problems.jsonl", *({"id": one, "thread_id": one[:16], "problem": "x"} for one in ids))
    write_rows(run / "raw_aops_data.jsonl", *({"id": one[:16], "forum_post": "x"} for one in ids))
    rows = [{"id": one, "seed": seed, "judgement": "no"} for one in ids for seed in range(2)]
    write_rows(run / RECIPE / "judged" / SHARD, *rows)
    reasons = ("wrong", "duplicate")
    write_rows(run / RECIPE / "dropped/prepare_sft" / SHARD, *(row | {"reason": reasons[row["seed"]]} for row in rows))
    made = lists(run)
    monkeypatch.setattr(module, "PAGE", size)

    def walk(make: object, name: object) -> list[object]:
        found, after = [], ""
        for _ in range(30):
            page = make(Filters(recipe=RECIPE if make != made.threads else "", after=after))  # type: ignore[operator]
            found += [name(entry) for entry in page.entries]  # type: ignore[operator]
            after = page.after
            if not after:
                return found
        raise AssertionError("the pages do not end")

    assert walk(made.problems, lambda one: one.id) == ids
    assert walk(made.threads, lambda one: one.id) == [one[:16] for one in ids]
    solutions = walk(made.solutions, lambda one: (one.row["id"], one.row["seed"]))
    assert sorted(solutions) == [(row["id"], row["seed"]) for row in rows]  # type: ignore[type-var]
    assert len(walk(made.drops, lambda one: (one.row["id"], one.reason))) == 14
