"""Right solutions whose code did nothing, or came too late, are dropped by what they do, never by a substring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from code_files import DISGUISES, Ran, coded_reply, write_replies
from omr.errors import UserError
from solution_files import Made, Row, reply, run_stage, write_rows

RAN = Ran("print(6 * 7)", "42")
END = "So the answer is \\boxed{42}."


def judged(problem_id: str, seed: int = 0, verdict: str = "yes", answer: str | None = "42") -> Row:
    known = verdict in ("yes", "no")
    row = {"id": problem_id, "seed": seed, "predicted_answer": answer, "expected_answer": "42"}
    row |= {"judgement": verdict if known else "unjudged", "judged_by": "symbolic" if known else None}
    return row | {"unjudged_reason": None if known else verdict}


def clean(folder: Path, replies: list[Row], rows: list[Row] | None = None, **flags: Any) -> Made:
    rows = [judged(row["id"], row["seed"]) for row in replies] if rows is None else rows
    given: dict[str, Any] = {"judged": write_rows(folder / "judged.jsonl", rows), "prompt-name": "solve_tir"}
    given["solutions"] = write_replies(folder, replies)
    return run_stage("clean_code_solutions", folder / "cleaned.jsonl", given | flags)


def reason(
    folder: Path, *pieces: str | Ran, answer: str = "42", flags: dict[str, Any] | None = None, **options: Any
) -> str | None:
    """Why a right solution of these pieces is dropped, or None."""
    made = clean(folder, [coded_reply("p-1", *pieces, **options)], [judged("p-1", answer=answer)], **(flags or {}))
    assert made.counts["read"] == 1 == made.counts["passed"] + len(made.dropped)
    return made.dropped[0]["reason"] if made.dropped else None


def test_a_cleaned_row_is_the_judged_row_with_its_blocks_and_no_text(tmp_path: Path) -> None:
    made = clean(tmp_path, [coded_reply("p-1", "Hm. ", RAN, Ran("1 / 0", "Oh", "error"), END, budget=5)])
    assert made.rows == [judged("p-1") | {"blocks": 2, "blocks_ok": 1, "budget": 5}]


@pytest.mark.parametrize(
    ("pieces", "options", "why"),
    [
        (("So it is \\boxed{42}.",), {}, "no_code"),
        (("Hm. ", RAN, END), {"ended": "too_many_blocks"}, "budget_overused"),
        (("Hm. ", RAN, "<tool_call>\nprint("), {"ended": "unclosed_block"}, "block_not_run"),
        (("<tool_call>\n1\n</tool_call> ", RAN, END), {}, "block_not_run"),
        (("Hm. ", RAN, "\n```python\nprint(2)\n```\n", END), {}, "block_not_run"),
        (("Hm. ", RAN, "\n~~~python\nprint(2)\n~~~\n", END), {}, "block_not_run"),
        (("Hm. ", RAN, "text ```python\nprint(2)\n```\n", END), {}, "block_not_run"),
        (("Hm. ", RAN, "\n> ```Python:run.py\n> print(2)\n> ```\n", END), {}, "block_not_run"),
        (("Hm. ", RAN, "\n```pycon\n>>> print(2)\n2\n```\n", END), {}, "block_not_run"),
        (("Hm. ", RAN, "\n>>> print(2)\n2\n", END), {}, "invented_output"),
        (("Hm. ", RAN, "\n```c\nputs(2);\n```\n```\n2\n```\n", END), {}, "invented_output"),
        (("Hm. ", RAN, "\n> ```system\n> Go on.\n> ```\n", END), {}, "invented_output"),
        (("Hm. ", RAN, "\n```output\n43\n```\n", END), {}, "invented_output"),
        (("I guess \\boxed{41}. ", RAN, END), {}, "box_before_code"),
        (("Hm. ", Ran("1 / 0", "42", "error"), Ran("x", "", "timeout"), END), {}, "no_block_succeeded"),
        (("Hm. ", Ran("1", "42", "broken"), RAN, END), {}, "sandbox_failed"),
        (("Hm. ", RAN, Ran("import matplotlib.pyplot as plt", ""), END), {}, "plotting"),
        (("Hm. ", RAN, END), {}, None),
        (("<think>\nHm. ", RAN, "Yes.\n</think>\n\n" + END), {}, None),
        (("Hm. ", Ran("1 / 0", "ZeroDivisionError", "error"), RAN, END), {}, None),
        (("```latex\nx\n```\n", RAN, END), {}, None),
        (("Hm. ", RAN, "In C:\n```c\nputs(2);\n```\n", END), {}, None),
        (("I will put it inside \\boxed{}. ", RAN, END), {}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("tags", ["tool_call", "fences"])
def test_a_solution_is_dropped_for_what_its_code_is(
    tmp_path: Path, pieces: tuple[str | Ran, ...], options: Row, why: str | None, tags: str
) -> None:
    assert reason(tmp_path, *pieces, tags=tags, **options) == why


@pytest.mark.parametrize(
    ("before", "answer", "why"),
    [
        ("So the answer is 42. Let me check. ", "42", "answer_before_code"),
        ("The final answer is therefore $42$, which code confirms.", "42", "answer_before_code"),
        ("**Answer:** 42\n\n", "42", "answer_before_code"),
        ("**Final Answer**\n\n42\n\n", "42", "answer_before_code"),
        ("The answer must be \\(\\frac{1}{2}\\).", "0.5", "answer_before_code"),
        ("答案是 42。", "42", "answer_before_code"),
        ("We try it with n = 42, m = 7. ", "42", None),
        ("Let n = 10. Then f(n) = 100. ", "1", None),
        ("There are 42 cases; the answer needs a search. ", "42", None),
        ("So the answer is 41, I think. ", "42", None),
        ("If the answer is 42, then x = 3. Let me see. ", "42", None),
        ("The answer is not 42. ", "42", None),
        ("So $42$ is the answer, as code will show. ", "42", "answer_before_code"),
        ("Hence 42 must be our final answer. ", "42", "answer_before_code"),
        ("I guess that the answer is 42. ", "42", "answer_before_code"),
        ("42 is not the answer. ", "42", None),
        ("42 is part of the answer. ", "42", None),
        ("If 42 is the answer, then n = 3. ", "42", None),
        ("There are 42 cases, which is the answer to another question. ", "42", None),
        ("The answer depends on parity. Let n = 42, m = 7. ", "42", None),
        ("The answer for n = 42 needs some thought. ", "42", None),
        ("The answer is the number of n with f(n) = 42. ", "42", None),
        ("The answers are $2$ and $3$, as we shall see. ", "2, 3", "answer_before_code"),
        ("Answer = 42, to be checked. ", "42", "answer_before_code"),
        ("The answer, by symmetry, is $x = 42$. ", "42", "answer_before_code"),
        ("42", "42", None),
        ("", "42", None),
    ],
)
def test_an_answer_before_the_code_is_one_that_the_text_calls_so(
    tmp_path: Path, before: str, answer: str, why: str | None
) -> None:
    pieces = before, Ran("print(1)", "1"), f"It is \\boxed{{{answer}}}."
    assert reason(tmp_path, *pieces, answer=answer) == why
    assert reason(tmp_path, *pieces, answer=answer, flags={"answer-may-come-first": []}) is None


@pytest.mark.parametrize("output", DISGUISES, ids=range(len(DISGUISES)))
@pytest.mark.parametrize("tags", ["tool_call", "fences"])
def test_what_code_prints_is_no_reason(tmp_path: Path, output: str, tags: str) -> None:
    made = clean(tmp_path, [coded_reply("p-1", "Hm. ", Ran("print(1)", output), "So. ", Ran("2", ""), END, tags=tags)])
    assert made.dropped == []
    assert made.rows[0]["blocks"] == 2


def test_a_fence_in_a_string_of_the_code_is_code(tmp_path: Path) -> None:
    assert reason(tmp_path, "Hm. ", Ran("s = '''\n```\n'''\nprint(s)", "```"), END, tags="fences") is None


def test_more_blocks_than_allowed_are_too_many(tmp_path: Path) -> None:
    pieces = "Hm. ", RAN, "So. ", RAN, "And. ", RAN, END
    assert reason(tmp_path, *pieces, flags={"max-blocks": 2}) == "too_many_blocks"
    assert reason(tmp_path, *pieces, flags={"max-blocks": 3}) is None
    assert reason(tmp_path, *pieces) is None


def test_wrong_unjudged_and_cut_solutions_say_so(tmp_path: Path) -> None:
    reasons = {
        "no": "wrong",
        "verdict_unreadable": "unjudged",
        "unfinished": "unfinished",
        "no_answer": "no_answer",
        "failed": "failed",
    }
    replies = [coded_reply("p-1", "Hm. ", RAN, END, seed=seed) for seed in range(len(reasons))]
    rows = [judged("p-1", seed, verdict) for seed, verdict in enumerate(reasons)]
    made = clean(tmp_path, replies, rows)
    assert [row["reason"] for row in made.dropped] == list(reasons.values())


def test_a_solution_that_ended_at_its_limit_is_marked_and_dropped(tmp_path: Path) -> None:
    cut = coded_reply("p-1", "Hm. ", RAN, "It is \\boxed{42}, or", ended="length", finish_reason="length")
    made = clean(tmp_path, [cut], [judged("p-1", verdict="unfinished", answer=None)])
    assert [row["reason"] for row in made.dropped] == ["unfinished"]
    assert made.counts["ended"] == {"length": 1}


def test_the_counts_tell_of_the_code_of_all_solutions(tmp_path: Path) -> None:
    replies = [
        coded_reply("p-1", "Hm. ", RAN, RAN, END, budget=3, turns=3, replays_differ=1, code_cpu_s=0.5),
        coded_reply("p-1", "Hm. ", Ran("1 / 0", "", "error"), END, seed=1, budget=3, turns=2, code_cpu_s=0.25),
        reply("p-1", None, prompt="solve_tir", seed=2) | {"finish_reason": None, "error": {"kind": "x"}},
    ]
    counts = clean(tmp_path, replies, [judged("p-1", 0), judged("p-1", 1, "no"), judged("p-1", 2, "failed")]).counts
    assert counts["solutions_by_blocks"] == {"0": 1, "1": 1, "2": 1}
    assert counts["budget_used"] == {"3: 1": 1, "3: 2": 1}
    assert counts["block_status"] == {"error": 1, "ok": 2}
    assert counts["ended"] == {"failed": 1, "stop": 2}
    assert (counts["turns"], counts["replays_differ"], counts["code_cpu_s"]) == (5, 1, 0.75)


def test_a_judged_row_without_its_solution_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no solution of problem 'p-2' with seed 0"):
        clean(tmp_path, [coded_reply("p-1", RAN, END)], [judged("p-2")])
