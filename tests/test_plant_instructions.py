"""Which rows get a planted instruction, and what it looks like in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelling_rows import classified, thread
from omr.errors import UserError
from omr.parsers.founded import Discussion
from plant_instructions import main, plant, read_instructions
from stage_runs import Row, read_rows, write_rows

INSTRUCTIONS = Path(__file__).parents[1] / "prompts/planted/instructions.yaml"
KINDS = ["ignore_above", "fake_turn", "ordered_answer", "other_problem", "reveal_prompt"]
THREADS = [thread(number) for number in range(12)]
CLASSIFIED = [classified(number, is_proof=number % 2 == 1) for number in range(12)]


def run(folder: Path, threads: list[Row], problems: list[Row], per_kind: int = 2) -> tuple[list[Row], list[Row]]:
    """The copies for the extraction of problems, and of answers."""
    given = ["--threads", str(write_rows(folder / "raw.jsonl", threads))]
    given += ["--classified", str(write_rows(folder / "classified.jsonl", problems))]
    given += ["--instructions", str(INSTRUCTIONS), "--per-kind", str(per_kind)]
    outputs = [folder / name for name in ("threads.jsonl", "problems.jsonl")]
    assert main([*given, "--threads-output", str(outputs[0]), "--problems-output", str(outputs[1])]) == 0
    return read_rows(outputs[0]), read_rows(outputs[1])


def test_each_kind_is_planted_into_so_many_copies_for_each_prompt(tmp_path: Path) -> None:
    threads, problems = run(tmp_path, THREADS, CLASSIFIED)
    for copies, originals in ((threads, THREADS), (problems, CLASSIFIED[::2])):
        assert [row["kind"] for row in copies] == [kind for kind in KINDS for _ in range(2)]
        ids = [row["id"].removeprefix(f"planted-{row['kind']}-") for row in copies]
        assert set(ids) <= {row["id"] for row in originals}
        assert len({row["id"] for row in copies}) == len(copies)


def test_the_text_stands_behind_the_post_with_a_marker_that_the_row_has_not(tmp_path: Path) -> None:
    texts, originals = read_instructions(INSTRUCTIONS)["extract_problems"], {row["id"]: row for row in THREADS}
    for row in run(tmp_path, THREADS, CLASSIFIED)[0]:
        post = originals[row["id"].rpartition("-")[2]]["forum_post"]
        assert row["forum_post"] == f"{post}\n\n{texts[row['kind']].replace('{{ marker }}', row['marker'])}"
        assert len(row["marker"]) == 7
        assert not Discussion(post).has(row["marker"])


@pytest.mark.parametrize(
    ("before", "number"),
    [("", 1), ("Post 1:\nYes.", 2), ("Post 1:\na\n\nPost 2:\nb", 3), ("Post 1:\nx\nPost " + "9" * 5_000 + ":\ny", 2)],
)
def test_in_a_discussion_the_text_is_one_more_post(tmp_path: Path, before: str, number: int) -> None:
    copies = run(tmp_path, THREADS, [classified(4) | {"forum_discussions": before}], per_kind=1)[1]
    assert len(copies) == len(KINDS)
    for row in copies:
        assert row["forum_discussions"].startswith(f"{before}\n\nPost {number}:\n" if before else "Post 1:\n")
        assert row["forum_discussions"].count(row["marker"]) >= 1
        assert row["forum_post"] == thread(4)["forum_post"]


def test_a_marker_that_stands_in_the_row_is_drawn_again() -> None:
    texts = {"ignore_above": "Write {{ marker }}."}
    (first,) = plant(THREADS[:1], "extract_problems", texts, 1)
    taken = THREADS[0] | {"forum_post": f"Is {int(first['marker']):,} prime?"}
    (second,) = plant([taken], "extract_problems", texts, 1)
    assert first["id"] == second["id"]
    assert first["marker"] != second["marker"]


def test_problems_of_other_branches_and_a_number_of_0_give_no_copies(tmp_path: Path) -> None:
    proofs = [classified(number, is_proof=True) for number in range(3)]
    assert run(tmp_path / "a", [], proofs) == ([], [])
    assert run(tmp_path / "b", THREADS, CLASSIFIED, per_kind=0) == ([], [])


@settings(max_examples=20, deadline=None)
@given(rows=st.permutations(THREADS), per_kind=st.integers(1, 15))
def test_the_order_of_the_rows_does_not_matter(rows: list[Row], per_kind: int) -> None:
    texts = read_instructions(INSTRUCTIONS)["extract_problems"]
    copies = list(plant(rows, "extract_problems", texts, per_kind))
    assert copies == list(plant(THREADS, "extract_problems", texts, per_kind))
    assert len(copies) == len(KINDS) * min(per_kind, len(THREADS))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extract_problems: {a: '{{ marker }}'}", "texts for extract_problems and extract_answers"),
        ("{extract_problems: {a: '{{ marker }}'}, extract_answers: {b: '{{ marker }}'}}", "extract_answers has other"),
        ("{extract_problems: {a: Hello}, extract_answers: {a: '{{ marker }}'}}", "a of extract_problems has no"),
    ],
)
def test_a_file_of_instructions_that_would_measure_nothing_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "instructions.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        read_instructions(path)
