from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelling_rows import classified
from merge_data import main
from omr.errors import UserError
from omr.stages.routing import branch_of
from stage_runs import Row, assert_conserved, run_stage


def answer(row: Row, expected: str | None = None) -> Row:
    kept = {field: row[field] for field in ("id", "thread_id", "problem")}
    kind = "no_answer_extracted" if expected is None else "has_answer_extracted"
    return kept | {"expected_answer": expected, "problem_type": kind}


def proof(row: Row, problem: str) -> Row:
    ids = {"id": row["id"], "thread_id": row["thread_id"], "problem": problem, "original_problem": row["problem"]}
    return ids | {"expected_answer": None, "problem_type": "converted_proof"}


def test_both_branches_come_out_in_the_order_of_the_classified_problems(tmp_path: Path) -> None:
    rows = [classified(number, is_proof=number % 2 == 0) for number in range(6)]
    answers, proofs = [answer(row, "5") for row in rows[1::2]], [proof(row, f"Find {row['id']}.") for row in rows[::2]]
    run = run_stage(main, tmp_path, {"classified": rows, "answers": answers, "proofs": proofs})
    assert run.rows == [(proofs if number % 2 == 0 else answers)[number // 2] for number in range(6)]
    assert run.counts["problem_types"] == {"converted_proof": 3, "has_answer_extracted": 3}
    assert run.dropped == []


def test_problems_that_no_branch_takes_are_dropped_with_their_class(tmp_path: Path) -> None:
    classes = [{"is_mcq": True}, {"is_binary": True}, {"is_invalid": True}, {"is_proof": None}]
    rows = [classified(number, **chosen) for number, chosen in enumerate(classes)]
    run = run_stage(main, tmp_path, {"classified": rows, "answers": [], "proofs": []})
    assert list(run.reasons.values()) == ["mcq", "binary", "invalid", "unreadable_class"]
    assert run.counts["read"] == 4
    assert all("forum_post" not in row for row in run.dropped)


def test_problems_that_a_branch_dropped_are_not_read_again(tmp_path: Path) -> None:
    rows = [classified(0), classified(1, is_proof=True), classified(2)]
    run = run_stage(main, tmp_path, {"classified": rows, "answers": [answer(rows[2])], "proofs": []})
    assert (run.counts["read"], run.counts["written"], run.dropped) == (1, 1, [])


def test_without_proofs_the_proof_problems_are_dropped(tmp_path: Path) -> None:
    rows = [classified(0), classified(1, is_proof=True)]
    run = run_stage(main, tmp_path, {"classified": rows, "answers": [answer(rows[0])]})
    assert run.reasons == {rows[1]["id"]: "proof"}
    assert (run.counts["read"], run.counts["written"]) == (2, 1)


def test_of_equal_problems_the_first_with_an_answer_stays(tmp_path: Path) -> None:
    spellings = ["Find $x + 1$.", "find  $x+1$.", "Find\n$x+1$", r"Find \(x+1\) ."]
    rows = [classified(number, text) for number, text in enumerate(spellings)]
    answers = [answer(row, expected) for row, expected in zip(rows, [None, "5", "6", None], strict=True)]
    run = run_stage(main, tmp_path, {"classified": rows, "answers": answers, "proofs": []})
    assert run.rows == [answers[1]]
    assert run.dropped == [
        {"id": row["id"], "reason": "duplicate"} | row | {"kept": rows[1]["id"]} for row in (answers[0], *answers[2:])
    ]


def test_of_equal_problems_without_an_answer_the_first_stays_whatever_its_branch(tmp_path: Path) -> None:
    rows = [classified(0, "Prove it.", is_proof=True), classified(1, "Find $x$.")]
    inputs = {"classified": rows, "answers": [answer(rows[1])], "proofs": [proof(rows[0], "find $x$.")]}
    run = run_stage(main, tmp_path, inputs)
    assert [row["id"] for row in run.rows] == [rows[0]["id"]]
    assert run.dropped[0]["kept"] == rows[0]["id"]


BRANCHES = st.sampled_from(["answers", "proofs", "mcq", "binary", "invalid", "unreadable"])
CLASSES = {"answers": {}, "proofs": {"is_proof": True}, "mcq": {"is_mcq": True}, "binary": {"is_binary": True}}
CLASSES |= {"invalid": {"is_invalid": True}, "unreadable": {"is_mcq": None}}


@given(
    st.lists(st.tuples(BRANCHES, st.integers(0, 4), st.sampled_from([None, "5"]), st.booleans()), max_size=20),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_every_row_of_the_inputs_is_written_or_dropped_once(
    tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[str, int, str | None, bool]], with_proofs: bool
) -> None:
    rows = [
        classified(number, f"Find ${text}$.", **CLASSES[branch]) for number, (branch, text, _, _) in enumerate(plan)
    ]
    passed = [(row, expected) for row, (_, _, expected, is_dropped) in zip(rows, plan, strict=True) if not is_dropped]
    answers = [answer(row, expected) for row, expected in passed if branch_of(row) == "answers"]
    proofs = [proof(row, row["problem"]) for row, _ in passed if branch_of(row) == "proofs"]
    inputs = {"classified": rows, "answers": answers} | ({"proofs": proofs} if with_proofs else {})
    run = run_stage(main, tmp_path_factory.mktemp("merge"), inputs)
    assert_conserved(run)
    taken = {"answers", "proofs"} if with_proofs else {"answers"}
    entered = [row["id"] for row in answers + (proofs if with_proofs else [])]
    entered += [row["id"] for row in rows if branch_of(row) not in taken]
    assert sorted([row["id"] for row in run.rows + run.dropped]) == sorted(entered)
    order = [row["id"] for row in rows]
    assert [row["id"] for row in run.rows] == sorted((row["id"] for row in run.rows), key=order.index)
    assert len({row["problem"] for row in run.rows}) == len(run.rows)


def test_empty_files_make_empty_files(tmp_path: Path) -> None:
    run = run_stage(main, tmp_path, {"classified": [], "answers": [], "proofs": []})
    assert (run.rows, run.dropped, run.counts["read"]) == ([], [], 0)


@pytest.mark.parametrize(
    ("order", "extra"),
    [([1, 0], []), ([0, 1], [classified(9)]), ([0, 0, 1], []), ([0, 1, 2], [])],
)
def test_answers_that_were_made_from_other_problems_are_an_error(
    tmp_path: Path, order: list[int], extra: list[Row]
) -> None:
    rows = [classified(0), classified(1), classified(2, is_mcq=True)]
    answers = [answer(row) for row in [*(rows[number] for number in order), *extra]]
    with pytest.raises(UserError, match="not among those of its branch"):
        run_stage(main, tmp_path, {"classified": rows, "answers": answers, "proofs": []})
    assert list((tmp_path / "results").iterdir()) == []


def test_an_id_that_occurs_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stands in line 1 already"):
        run_stage(main, tmp_path, {"classified": [classified(0)] * 2, "answers": [], "proofs": []})


def origin(row: Row, **told: str) -> Row:
    return {"id": row["thread_id"], "source": None, "url": None, "posts": 1} | told


def test_what_is_told_of_a_thread_reaches_its_problems(tmp_path: Path) -> None:
    rows = [classified(0), classified(1, is_proof=True), classified(2)]
    light = [
        origin(rows[0], source="forum", url="u", license="l", author="a", date="d"),
        origin(rows[1]),
        origin(rows[2]),
    ]
    inputs = {
        "classified": rows,
        "answers": [answer(rows[0], "5"), answer(rows[2])],
        "proofs": [proof(rows[1], "Find 7.")],
    }
    run = run_stage(main, tmp_path, inputs | {"origins": [{"id": "another", "posts": 0}, *light]})
    assert run.rows[0] == answer(rows[0], "5") | {
        "problem_source": "forum", "source_url": "u", "source_license": "l", "source_author": "a", "source_date": "d",
    }  # fmt: skip
    assert run.rows[1:] == run_stage(main, tmp_path / "plain", inputs).rows[1:]


def test_a_thread_of_which_nothing_is_there_stops_the_merge(tmp_path: Path) -> None:
    rows = [classified(0), classified(1)]
    inputs = {
        "classified": rows,
        "answers": [answer(row, "5") for row in rows],
        "origins": [origin(rows[1]), origin(rows[0])],
    }
    with pytest.raises(UserError, match="not at its place"):
        run_stage(main, tmp_path, inputs)


def given_row(number: int, text: str = "", answer: str | None = "5", **fields: Any) -> Row:
    """A problem that was given and classified, with its answer and where it comes from."""
    row = {name: value for name, value in classified(number, text).items() if name != "forum_post"}
    kind = "no_answer_extracted" if answer is None else "has_answer_extracted"
    return (
        row
        | {"expected_answer": answer, "problem_type": kind, "problem_source": "own", "source_license": "MIT"}
        | fields
    )


def test_given_problems_keep_their_answers_and_origin_and_go_out_by_their_class(tmp_path: Path) -> None:
    rows = [
        given_row(0), given_row(1, answer=None), given_row(2, is_mcq=True), given_row(3, is_proof=True),
        given_row(4, is_proof=True), given_row(5, is_binary=None),
    ]  # fmt: skip
    run = run_stage(main, tmp_path, {"classified": rows, "proofs": [proof(rows[3], "Find it.")]})
    origin = {"problem_source": "own", "source_license": "MIT"}
    assert run.rows == [
        answer(rows[0], "5") | origin,
        answer(rows[1]) | origin,
        proof(rows[3], "Find it.") | origin,
    ]
    assert run.reasons == {rows[2]["id"]: "mcq", rows[5]["id"]: "unreadable_class"}
    assert [row["expected_answer"] for row in run.dropped] == ["5", "5"]
    assert_conserved(run)


def test_a_proof_restated_as_a_given_problem_is_its_duplicate_whichever_comes_first(tmp_path: Path) -> None:
    for number, order in enumerate((slice(None), slice(None, None, -1))):
        rows = [given_row(0, "Prove it.", is_proof=True), given_row(1, "Find $x$.", "7")][order]
        proofs = [proof(next(row for row in rows if row["is_proof"]), "find $x$ .")]
        run = run_stage(main, tmp_path / str(number), {"classified": rows, "proofs": proofs})
        assert [(row["problem"], row["expected_answer"]) for row in run.rows] == [("Find $x$.", "7")]
        assert run.reasons == {proofs[0]["id"]: "duplicate"}


def test_a_given_problem_without_a_word_on_its_answer_is_refused(tmp_path: Path) -> None:
    row = given_row(0)
    del row["expected_answer"]
    with pytest.raises(UserError, match="expected_answer"):
        run_stage(main, tmp_path, {"classified": [row], "proofs": []})
