"""The table of a recipe's stages: filters of solutions with code are part of the way of the rows."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from check_counts import main
from omr.errors import UserError
from row_shards import whole_row, write_shard

WAY = {
    "fill_majority_answer": (3, 3, 6),
    "settle_votes": (6, 6, 6),
    "merge_judgements": (6, 6, 6),
    "clean_code_solutions": (6, 4, 4),
    "cut_fragments": (4, 3, 5),
    "select_by_code": (4, 2, 2),
    "select_traces": (2, 2, 2),
    "merge_summaries": (2, 2, 2),
    "prepare_sft": (6, 2, 2),
}


def write(run: Path, **changes: tuple[int, int, int]) -> list[str]:
    """A recipe's counts (read, passed, written) and rows; returns the flags for check_counts.py."""
    (run / "decontaminated.jsonl").write_bytes(b"{}\n" * 3)
    for stage, (read, passed, written) in (WAY | changes).items():
        counts = {"stage": stage, "read": read, "passed": passed, "written": written, "dropped": {"x": read - passed}}
        path = run / "tir" / "counts" / stage / "shard-000-of-001.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(orjson.dumps(counts))
    write_shard(run / "tir", [whole_row(id=f"a-{n}") for n in range(2)])
    return ["--run", str(run), "--recipe", "tir", "--output", str(run / "t.txt"), "--json", str(run / "t.json")]


def test_filtered_solutions_go_on_from_the_filter(tmp_path: Path) -> None:
    assert main([*write(tmp_path), "--kept-by", "select_by_code"]) == 0
    assert [stage["stage"] for stage in orjson.loads((tmp_path / "t.json").read_bytes())] == list(WAY)


def test_filters_that_are_off_by_now_are_not_looked_at(tmp_path: Path) -> None:
    flags = write(tmp_path, select_traces=(4, 2, 2))
    assert main([*flags, "--kept-by", "clean_code_solutions"]) == 0
    stages = [stage["stage"] for stage in orjson.loads((tmp_path / "t.json").read_bytes())]
    assert stages == [stage for stage in WAY if stage not in ("cut_fragments", "select_by_code")]


@pytest.mark.parametrize("stage", ["clean_code_solutions", "cut_fragments", "select_by_code", "select_traces"])
def test_a_solution_that_is_lost_before_a_filter_stops_the_run(tmp_path: Path, stage: str) -> None:
    read, passed, written = WAY[stage]
    flags = write(tmp_path, **{stage: (read - 1, passed - 1, written)})
    with pytest.raises(UserError, match="rows were lost"):
        main([*flags, "--kept-by", "select_by_code"])
