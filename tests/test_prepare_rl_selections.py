from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from omr.errors import UserError
from prepare_rl_selections import main
from stage_runs import Row, StageRun, assert_conserved, read_rows, write_rows

ROOT = Path(__file__).parents[1]
PROBLEM = {
    "id": "a-1",
    "problem": "Find $x$.",
    "problem_source": "forum",
    "source_license": "MIT",
    "expected_answer": "7",
}


ONE_RECIPE = [{"recipe": "cot-0", "right": False}, {"recipe": "cot-0", "right": True}]


def group(number: int, *right: bool, **changes: Any) -> Row:
    candidates = [{"recipe": f"cot-{index % 2}", "right": is_right} for index, is_right in enumerate(right)]
    about = {"expected_answer": "7", "answer_source": "extracted", "pass_rate": 0.5}
    about["pass_rate_by"] = ["cot-0", "cot-1"]  # of all solutions of the problem, whichever are in this group
    return {"id": f"a-1-g{number}", "problem_id": "a-1", "candidates": candidates, **about, **changes}


def comparison(of: Row) -> Row:
    shown = "\n\n".join(f"Solution {index}:\ntext" for index in range(len(of["candidates"])))
    size = len(of["candidates"])
    return {"id": of["id"], "problem": "Find $x$.", "solutions": shown, "num_solutions": size, "max_index": size - 1}


def prepare(
    folder: Path,
    *shards: list[Row],
    comparisons: list[list[Row]] | None = None,
    sources: tuple[str, ...] = ("extracted",),
) -> StageRun:
    shown = comparisons or [[comparison(row) for row in shard] for shard in shards]
    names = ("groups", "comparisons")
    files = {
        name: [str(write_rows(folder / name / f"{n}.jsonl", rows)) for n, rows in enumerate(content)]
        for name, content in zip(names, (shards, shown), strict=True)
    }
    outputs = {name: folder / "results" / name for name in ("output", "dropped", "counts")}
    flags = [part for name in names for part in (f"--{name}", *files[name])]
    flags += [part for name, path in outputs.items() for part in (f"--{name}", str(path))]
    problems = str(write_rows(folder / "problems.jsonl", [PROBLEM]))
    prompt = str(ROOT / "prompts/select_solution.yaml")
    assert main(["--problems", problems, "--prompt", prompt, "--answer-sources", *sources, *flags]) == 0
    found = {name: path.read_bytes() for name, path in outputs.items()}
    run = StageRun(found, read_rows(outputs["output"]), read_rows(outputs["dropped"]), orjson.loads(found["counts"]))
    assert_conserved(run)
    return run


def test_a_row_has_the_prompt_with_the_candidates_and_all_right_indexes(tmp_path: Path) -> None:
    run = prepare(tmp_path, [group(0, True, False, True)], [group(1, True, False, candidates=ONE_RECIPE)])
    first, second = run.rows
    assert (first["id"], first["problem_id"], first["right"], first["num_solutions"]) == ("a-1-g0", "a-1", [0, 2], 3)
    assert (second["right"], second["num_solutions"]) == ([1], 2)
    assert (first["problem"], first["problem_source"], first["pass_rate"]) == ("Find $x$.", "forum", 0.5)
    assert (first["source_license"], first["source_url"]) == ("MIT", None)
    assert first["pass_rate_by"] == second["pass_rate_by"] == "cot-0 + cot-1"
    assert first["prompt"][-1]["role"] == "user"
    assert "Solution 2:\ntext" in first["prompt"][-1]["content"]


def test_groups_that_teach_nothing_are_dropped_with_their_reason(tmp_path: Path) -> None:
    rows = [
        group(0, True, True),
        group(1, False, False),
        group(2, True, False, answer_source="majority"),
        group(3, True, False, problem_id="gone-1"),
        group(4, True, False),
    ]
    run = prepare(tmp_path, rows)
    assert [row["id"] for row in run.rows] == ["a-1-g4"]
    assert list(run.reasons.values()) == ["all_right", "none_right", "majority_answer", "contaminated"]
    assert len(prepare(tmp_path, rows, sources=("extracted", "majority")).rows) == 2


@pytest.mark.parametrize("shown", [[], [group(1, True, False)]])
def test_comparisons_of_other_groups_are_refused(tmp_path: Path, shown: list[Row]) -> None:
    with pytest.raises(UserError, match="not at its place"):
        prepare(tmp_path, [group(0, True, False)], comparisons=[[comparison(row) for row in shown]])


def test_no_groups_make_no_rows(tmp_path: Path) -> None:
    assert prepare(tmp_path, []).counts["read"] == 0
