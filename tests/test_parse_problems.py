from __future__ import annotations

from pathlib import Path

import pytest
from labelling_rows import thread
from omr.asking.prompts import load_prompt
from omr.errors import UserError
from parse_problems import main
from stage_runs import assert_conserved, hostile_replies, reply, run_stage, same_for_any_order, write_rows

THREADS = [thread(number) for number in range(6)]
IDS = [row["id"] for row in THREADS]
LONG = "Find $x$." * 5_000


def extraction(number: int, text: str | None, **fields: object) -> dict[str, object]:
    return reply(IDS[number], "extract_problems", text, **fields)


def test_each_problem_of_a_reply_becomes_a_row_with_the_texts_of_its_thread(tmp_path: Path) -> None:
    run = run_stage(
        main, tmp_path, {"threads": THREADS[:1]}, [extraction(0, "Problem 1: Find $x$.\n\nProblem 2: Find $y$.")]
    )
    texts = {field: THREADS[0][field] for field in ("forum_post", "forum_discussions")}
    assert run.rows == [
        {"id": f"{IDS[0]}-{number}", "thread_id": IDS[0], "problem": problem} | texts
        for number, problem in [(1, "Find $x$."), (2, "Find $y$.")]
    ]
    read = run.counts.pop("bytes_read")
    assert run.counts == {"stage": "parse_problems", "read": 1, "passed": 1, "written": 2, "dropped": {}}
    assert all(number > 0 for number in read.values())
    assert "replies" in read


def test_every_thread_without_a_usable_problem_is_dropped_with_its_reason(tmp_path: Path) -> None:
    replies = [
        extraction(0, "No problems identified."),
        extraction(1, "The author wants to know the number of zeros."),
        extraction(2, None),
        extraction(3, "Problem 1: Find", finish_reason="length"),
        extraction(4, "\n"),
    ]
    run = run_stage(main, tmp_path, {"threads": THREADS}, replies)
    assert run.reasons == dict(
        zip(
            IDS,
            [
                "no_problem",
                "unreadable_extraction",
                "request_failed_context_overflow",
                "unfinished_reply",
                "empty_reply",
            ]
            + ["no_reply"],
            strict=True,
        )
    )
    assert run.rows == []
    assert run.dropped[1]["reply"] == "The author wants to know the number of zeros."
    assert run.counts["read"] == run.counts["dropped"]["no_reply"] + 5 == 6


def test_a_problem_that_cannot_be_used_is_a_dropped_part_and_moves_no_id(tmp_path: Path) -> None:
    text = f"Problem 1:\n\nProblem 2: {LONG}\n\nProblem 3: Find $z$."
    run = run_stage(main, tmp_path, {"threads": THREADS[:1]}, [extraction(0, text)])
    assert [row["id"] for row in run.rows] == [f"{IDS[0]}-3"]
    assert run.reasons == {f"{IDS[0]}-1": "empty_problem", f"{IDS[0]}-2": "too_long_problem"}
    assert run.counts["dropped_parts"] == {"empty_problem": 1, "too_long_problem": 1}
    assert (run.counts["read"], run.counts["passed"], run.counts["dropped"]) == (1, 1, {})


def test_a_thread_none_of_whose_problems_can_be_used_is_dropped_once(tmp_path: Path) -> None:
    run = run_stage(main, tmp_path, {"threads": THREADS[:1]}, [extraction(0, f"Problem 1: {LONG}\n\nProblem 2:")])
    assert run.reasons == {IDS[0]: "too_long_problem"}
    assert_conserved(run)


def test_no_thread_is_lost_under_hostile_replies_in_any_order(tmp_path: Path) -> None:
    threads = [thread(number) for number in range(70)]
    replies = hostile_replies([row["id"] for row in threads], ["extract_problems"])
    run = same_for_any_order(main, tmp_path, {"threads": threads}, replies)
    assert_conserved(run)
    assert run.counts["read"] == 70
    passed = {row["thread_id"] for row in run.rows}
    dropped = {row["id"] for row in run.dropped if "-" not in row["id"]}
    assert passed | dropped == {row["id"] for row in threads}
    assert not passed & dropped


def test_replies_to_other_prompts_and_rows_change_nothing(tmp_path: Path) -> None:
    wanted = [extraction(0, "Problem 1: Find $x$.")]
    others = [reply(IDS[0], "classify_proof", "Problem 1: no"), reply("other", "extract_problems", "Problem 1: no")]
    others += [reply(IDS[0], "extract_problems", "Problem 1: no", seed=1)]
    alone = run_stage(main, tmp_path / "alone", {"threads": THREADS[:1]}, wanted)
    assert run_stage(main, tmp_path / "with", {"threads": THREADS[:1]}, wanted + others).said == alone.said


def test_no_threads_make_empty_files(tmp_path: Path) -> None:
    run = run_stage(main, tmp_path, {"threads": []}, [])
    assert (run.rows, run.dropped, run.counts["read"]) == ([], [], 0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([THREADS[0], THREADS[1], THREADS[0]], f"threads.jsonl:3: the id '{IDS[0]}' stands in line 1 already"),
        ([THREADS[0], {"id": "x"}], "threads.jsonl:2: the field 'forum_post' is missing"),
        ([THREADS[0] | {"forum_post": None}], "threads.jsonl:1: the field 'forum_post' must be a string"),
    ],
)
def test_a_faulty_thread_is_an_error_that_leaves_nothing_behind(
    tmp_path: Path, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(UserError) as error:
        run_stage(main, tmp_path, {"threads": rows}, [])
    assert message in str(error.value)
    assert list((tmp_path / "results").iterdir()) == []


def test_a_missing_file_of_replies_is_an_error(tmp_path: Path) -> None:
    threads = write_rows(tmp_path / "threads.jsonl", THREADS)
    outputs = [f"--{name}={tmp_path / name}" for name in ("output", "dropped", "counts")]
    with pytest.raises(UserError, match="no such file"):
        main(["--threads", str(threads), "--replies", str(tmp_path / "none.jsonl"), *outputs])


def test_a_problem_that_a_reply_repeats_goes_on_once(tmp_path: Path) -> None:
    text = "Problem 1: Find $x$.\n\nProblem 2: Find  $x$\n\nProblem 3: Find $X$.\n\nProblem 4: Find $x$."
    run = run_stage(main, tmp_path, {"threads": THREADS[:1]}, [extraction(0, text)])
    assert [(row["id"], row["problem"]) for row in run.rows] == [
        (f"{IDS[0]}-1", "Find $x$."),
        (f"{IDS[0]}-3", "Find $X$."),
    ]
    assert run.counts["dropped_parts"] == {"repeated_problem": 2}


def test_an_example_of_the_prompt_never_comes_out_as_a_problem(tmp_path: Path) -> None:
    examples = load_prompt(Path(__file__).parents[1] / "prompts/extract_problems.yaml").examples
    rows = [thread(number) for number in range(len(examples) + 1)]
    replies = [
        reply(row["id"], "extract_problems", f"Problem 1: {text}") for row, text in zip(rows, examples, strict=False)
    ]
    replies.append(reply(rows[-1]["id"], "extract_problems", f"Problem 1: Find $x$.\n\nProblem 2: {examples[1]}"))
    run = run_stage(main, tmp_path, {"threads": rows}, replies)
    assert [row["problem"] for row in run.rows] == ["Find $x$."]
    assert run.counts["dropped"] == {"example_of_prompt": len(examples)}
    assert run.counts["dropped_parts"] == {"example_of_prompt": 1}


def test_an_answer_in_another_language_that_the_post_has_not_is_cut_off(tmp_path: Path) -> None:
    rows = [dict(row, forum_post=f"Bestimme die Summe von $7$ und $8$ ({n}).") for n, row in enumerate(THREADS[:2])]
    texts = [f"Problem 1: Bestimme die Summe.\n\n{line}" for line in ("Antwort: 15", "Summe: 8")]
    replies = [extraction(number, text) for number, text in enumerate(texts)]
    run = run_stage(main, tmp_path, {"threads": rows}, replies)
    assert [row["problem"] for row in run.rows] == ["Bestimme die Summe."]
    assert run.counts["dropped"] == {"unreadable_extraction": 1}
