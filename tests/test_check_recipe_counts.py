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


def shard(path: Path, **counts: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(counts))


def asked(folder: Path, number: int) -> None:
    """Counts of solutions that a model was asked for."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "failed": {}}
    shard(folder / "shard-000-of-001.json", requests=number, answered=number, **usage)


def made(**changes: object) -> list[str]:
    by_now = {"shards": 1, "folders": ["generate_solutions/seed-00"], "off": [], "rounds": 0}
    return ["--made", orjson.dumps({"tir": by_now | changes}).decode(), "--kept-by", "select_by_code"]


def test_seeds_that_are_not_asked_for_any_more_are_not_counted(tmp_path: Path) -> None:
    flags, counts = write(tmp_path), tmp_path / "tir" / "counts"
    votes = counts / "fill_majority_answer" / "shard-000-of-001.json"
    votes.write_bytes(orjson.dumps(orjson.loads(votes.read_bytes()) | {"solutions": {"answered": 6}}))
    for seed in ("seed-00", "seed-01"):
        asked(counts / "generate_solutions" / seed, 6)
    with pytest.raises(UserError, match="12 solutions were asked for, the vote knows 6"):
        main([*flags, *made(folders=["generate_solutions/seed-00", "generate_solutions/seed-01"])])
    assert main([*flags, *made()]) == 0
    table = {stage["stage"]: stage for stage in orjson.loads((tmp_path / "t.json").read_bytes())}
    assert table["generate_solutions"]["read"] == 6


def test_rounds_that_config_has_no_more_are_not_looked_at(tmp_path: Path) -> None:
    flags = write(tmp_path)
    votes = tmp_path / "tir/counts/fill_majority_answer/shard-000-of-001.json"
    votes.write_bytes(orjson.dumps(orjson.loads(votes.read_bytes()) | {"solutions": {"answered": 6}}))
    asked(tmp_path / "tir/counts/generate_solutions/seed-00", 6)
    for name, planned in (("01", 6), ("02", 9)):
        shard(tmp_path / f"tir/rounds/{name}/counts/plan_solutions/shard-000-of-001.json", solutions=planned)
    with pytest.raises(UserError, match="9 solutions were planned, 6 were asked for"):
        main([*flags, *made(rounds=2)])
    assert main([*flags, *made(rounds=1)]) == 0
    assert main([*flags, *made(rounds=0)]) == 0


def test_summaries_that_are_off_by_now_are_no_stages(tmp_path: Path) -> None:
    flags = write(tmp_path, select_traces=(1, 1, 1), merge_summaries=(1, 1, 1))
    assert main([*flags, *made(off=["select_traces", "merge_summaries"])]) == 0
    stages = [stage["stage"] for stage in orjson.loads((tmp_path / "t.json").read_bytes())]
    assert stages == [stage for stage in WAY if stage not in ("select_traces", "merge_summaries")]


def test_of_two_numbers_of_shards_config_says_which_is_meant_and_not_the_clock(tmp_path: Path) -> None:
    flags, counts = write(tmp_path), tmp_path / "tir" / "counts"
    for stage, (read, passed, written) in WAY.items():
        for number in range(2):
            name = counts / stage / f"shard-{number:03d}-of-002.json"
            shard(name, stage=stage, read=read, passed=passed, written=written, dropped={"x": read - passed})
    assert main([*flags, *made()]) == 0
    table = {stage["stage"]: stage["read"] for stage in orjson.loads((tmp_path / "t.json").read_bytes())}
    assert table == {stage: numbers[0] for stage, numbers in WAY.items()}


@pytest.mark.parametrize("text", ["[]", "{", '{"tir": {"shards": 1}}', '{"tir": 3}'])
def test_what_is_made_must_be_readable(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="--made"):
        main([*write(tmp_path), "--made", text])


def test_summaries_for_comparisons_may_be_of_older_verdicts_and_are_not_in_a_recipes_own_table(tmp_path: Path) -> None:
    flags = write(tmp_path, select_wrong_traces=(9, 4, 4), merge_wrong_summaries=(4, 4, 4))
    assert main([*flags, "--kept-by", "select_by_code"]) == 0
    assert [stage["stage"] for stage in orjson.loads((tmp_path / "t.json").read_bytes())] == list(WAY)
