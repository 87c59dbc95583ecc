from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from deduplicate import main
from omr.errors import UserError
from stage_runs import Row, StageRun, assert_conserved, read_rows, run_stage, write_rows

QUADRATIC = "Find all real $x$ such that $x^2+3x+2=0$."
AGAIN = r"Determine all real numbers \(x\) satisfying $x^{2}+3x+2 = 0$"
OTHER = "Find all real $x$ such that $x^2+3x+5=0$."


def problem(row_id: str, text: str, answer: str | None = None) -> Row:
    kind = "no_answer_extracted" if answer is None else "has_answer_extracted"
    return {"id": row_id, "thread_id": row_id[:1], "problem": text, "expected_answer": answer, "problem_type": kind}


def deduplicate(folder: Path, rows: list[Row], *flags: str, threads: list[Row] | None = None) -> StageRun:
    outputs = ["--groups", str(folder / "groups.jsonl"), "--report", str(folder / "report.json")]
    inputs = {"problems": rows} | ({} if threads is None else {"threads": threads})
    run = run_stage(lambda arguments: main([*(arguments or ()), *outputs, *flags]), folder, inputs)
    assert_conserved(run)
    return run


def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((folder / "report.json").read_bytes())
    return found


def test_of_reposts_the_best_stays_and_the_dropped_name_it_and_their_group(tmp_path: Path) -> None:
    rows = [problem("a-1", QUADRATIC), problem("b-1", OTHER), problem("c-1", AGAIN, "-1, -2")]
    run = deduplicate(tmp_path, rows)
    assert [row["id"] for row in run.rows] == ["b-1", "c-1"]
    assert run.rows[0] == rows[1]
    assert run.rows[1] == rows[2] | {"cluster": "a-1", "duplicate_of": None}
    (dropped,) = run.dropped
    assert (dropped["id"], dropped["reason"], dropped["kept"], dropped["cluster"]) == (
        "a-1",
        "near_duplicate",
        "c-1",
        "a-1",
    )
    assert read_rows(tmp_path / "groups.jsonl") == [
        {"cluster": "a-1", "kept": "c-1", "members": ["a-1", "c-1"], "answers": [None, "-1, -2"]}
    ]
    assert (run.counts["groups"], run.counts["marked"]) == (1, 1)


def test_with_keep_all_every_problem_stays_and_says_which_one_is_best(tmp_path: Path) -> None:
    rows = [problem("a-1", QUADRATIC), problem("b-1", OTHER), problem("c-1", AGAIN, "-1, -2")]
    run = deduplicate(tmp_path, rows, "--keep", "keep_all")
    assert [(row["id"], row.get("cluster"), row.get("duplicate_of")) for row in run.rows] == [
        ("a-1", "a-1", "c-1"), ("b-1", None, None), ("c-1", "a-1", None),
    ]  # fmt: skip
    assert run.dropped == []


def test_the_best_has_the_answer_of_most_then_the_longest_discussion_then_the_first_place(tmp_path: Path) -> None:
    texts = [QUADRATIC, AGAIN, f"  {QUADRATIC}", AGAIN.replace("Determine", "Compute")]
    answers = ["9", "-1, -2", "$-1,-2$", "-1, -2"]
    rows = [problem(f"{letter}-1", text, answer) for letter, text, answer in zip("abcd", texts, answers, strict=True)]
    assert {row["id"] for row in deduplicate(tmp_path, rows).rows} == {"b-1"}
    threads = [{"id": letter, "posts": posts} for letter, posts in zip("abcdx", (9, 2, 5, 5, 7), strict=True)]
    assert {row["id"] for row in deduplicate(tmp_path, rows, threads=threads).rows} == {"c-1"}
    assert report(tmp_path)["different_answers"] == 1


AS, NOT_AS = "What is $7$ as a percent of $5$?", "What is $7$ percent of $5$?"
DICE = "Two fair dice are rolled. Find the probability of a sum of $7$ {} a first roll of $3$."


@pytest.mark.parametrize(("one", "other"), [(AS, NOT_AS), (DICE.format("given"), DICE.format("and"))])
@pytest.mark.parametrize(
    ("answers", "left"), [(("7/5", "7/20"), 2), ((None, None), 2), (("1/6", "1/36"), 2), (("7/5", "7/5"), 1)]
)
def test_words_that_relate_others_may_ask_for_something_else_unless_the_answer_is_the_same(
    tmp_path: Path, one: str, other: str, answers: tuple[str | None, str | None], left: int
) -> None:
    rows = [problem(f"{n}-1", text, answer) for n, text, answer in zip("ab", (one, other), answers, strict=True)]
    assert len(deduplicate(tmp_path, rows).rows) == left


def test_the_report_counts_groups_and_measures_both_sides(tmp_path: Path) -> None:
    rows = [
        problem(f"{letter}-{n}", f"{text} Take $n={n}$.")
        for n in range(8)
        for letter, text in zip("ab", (QUADRATIC, AGAIN), strict=True)
    ]
    run = deduplicate(tmp_path, rows, "--planted", "5")
    found = report(tmp_path)
    assert (found["problems"], found["groups"], found["in_groups"], found["sizes"]) == (16, 8, 16, {"2": 8})
    assert found["joined_by"] == {"text": 8}
    assert found["copies"]["respelled"] == {"planted": 5, "found": 5}
    assert found["near_misses"]["renumbered"] == {"planted": 5, "taken_for_copies": 0}
    assert {name: run.counts[name] for name in ("copies", "near_misses")} == {
        name: found[name] for name in ("copies", "near_misses")
    }


def test_problems_of_one_answer_and_task_are_compared_in_blocks(tmp_path: Path) -> None:
    text = "A {} sells pens in full boxes of $12$ and pencils in full boxes of $15$ to {} nearby. Find the least number of pens."
    words = [("farmer", "schools"), ("merchant", "pupils"), ("clerk", "teachers")]
    rows = [problem(f"{n}-1", text.format(*pair), "60") for n, pair in enumerate(words)]
    run = deduplicate(tmp_path, [*rows, problem("x-1", text.format("baker", "friends"), "61")])
    assert [row["id"] for row in run.rows] == ["0-1", "x-1"]
    assert report(tmp_path)["joined_by"] == {"answer": 2}


def test_groups_do_not_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    rows = [problem("a-1", QUADRATIC), problem("b-1", OTHER), problem("c-1", AGAIN), problem("d-1", OTHER + " ")]
    found = []
    for order in (rows, rows[::-1], rows[2:] + rows[:2]):
        deduplicate(tmp_path, order)
        found.append({frozenset(group["members"]) for group in read_rows(tmp_path / "groups.jsonl")})
    assert found == [{frozenset({"a-1", "c-1"}), frozenset({"b-1", "d-1"})}] * 3


def test_an_empty_file_of_problems_has_no_reposts(tmp_path: Path) -> None:
    run = deduplicate(tmp_path, [])
    assert (run.rows, run.counts["read"], report(tmp_path)["groups"]) == ([], 0, 0)


def test_two_rows_of_one_id_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stands in line 1 already"):
        deduplicate(tmp_path, [problem("a-1", QUADRATIC), problem("a-1", OTHER)])
    assert not (tmp_path / "report.json").exists()


def test_a_row_without_a_problem_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "merged.jsonl", [problem("a-1", QUADRATIC), {"id": "b-1"}])
    flags = [f"--{name}={tmp_path / name}" for name in ("output", "dropped", "counts", "groups", "report")]
    with pytest.raises(UserError, match="thread_id") as caught:
        main(["--problems", str(rows), *flags])
    assert caught.value.line == 2


def test_sentences_in_another_order_are_a_repost_only_with_the_same_answer(tmp_path: Path) -> None:
    first, other = (f"Take 10. {steps} What is the result?" for steps in ("Double it. Add 5.", "Add 5. Double it."))
    assert deduplicate(tmp_path, [problem("a-1", first, "25"), problem("b-1", other, "30")]).dropped == []
    assert deduplicate(tmp_path, [problem("a-1", first), problem("b-1", other)]).dropped == []
    given, turned = "A has $12$. B has $x$. Find their sum.", "B has $x$. A has $12$. Find their sum."
    run = deduplicate(tmp_path, [problem("a-1", given, "12+x"), problem("b-1", turned, "$12 + x$")])
    assert [row["id"] for row in run.dropped] == ["b-1"]
