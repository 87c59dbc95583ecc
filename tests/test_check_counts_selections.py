"""The table of a recipe that compares solutions notices every row, and every candidate, that is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from check_counts import main
from omr.errors import UserError
from row_shards import whole_row, write_shard
from test_check_counts import write_run

HOME, SHARD = "genselect-a", "shard-000-of-001.json"
STAGES: dict[str, dict[str, Any]] = {
    "form_groups": {
        "read": 1,
        "passed": 1,
        "written": 6,
        "dropped": {},
        "sources": {"cot-a": {"right": 4, "wrong": 3}},
    },
    "write_comparisons": {"read": 6, "passed": 6, "written": 6, "dropped": {}},
    "parse_selections": {"read": 6, "passed": 4, "written": 4, "dropped": {"wrong_pick": 2}},
    "select_comparisons": {"read": 4, "passed": 3, "written": 3, "dropped": {"too_long_to_summarize": 1}},
    "merge_selection_summaries": {"read": 3, "passed": 2, "written": 2, "dropped": {"no_right_summary": 1}},
    "prepare_selections": {"read": 2, "passed": 2, "written": 2, "dropped": {}},
}
SOURCES = {
    "merge_summaries": {"read": 5, "passed": 4, "written": 4, "dropped": {"no_right_summary": 1}},
    "merge_wrong_summaries": {"read": 4, "passed": 3, "written": 3, "dropped": {"answer_repaired": 1}},
}


def flags(folder: Path, **changes: dict[str, Any]) -> list[str]:
    write_run(folder)
    for home, stages in ((HOME, STAGES), ("cot-a", SOURCES)):
        for stage, counts in stages.items():
            path = folder / home / "counts" / stage / SHARD
            path.parent.mkdir(parents=True)
            path.write_bytes(orjson.dumps({"stage": stage} | counts | changes.get(stage, {})))
    write_shard(folder / HOME, [whole_row(id=f"a-{n}") for n in range(2)])
    return ["--run", str(folder), "--recipe", HOME, "--output", str(folder / "t.txt"), "--json", str(folder / "t.json")]


def test_a_recipe_in_which_everything_fits_gives_the_table(tmp_path: Path) -> None:
    assert main(flags(tmp_path)) == 0
    assert [stage["stage"] for stage in orjson.loads((tmp_path / "t.json").read_bytes())] == list(STAGES)
    assert "wrong_pick 2" in (tmp_path / "t.txt").read_text()


@pytest.mark.parametrize(
    ("stage", "change", "told"),
    [
        ("form_groups", {"read": 2}, "there are 1 problems, form_groups read 2"),
        ("write_comparisons", {"read": 5}, "form_groups wrote 6 rows, write_comparisons read 5"),
        ("parse_selections", {"read": 5}, "write_comparisons wrote 6 rows"),
        ("select_comparisons", {"read": 3}, "parse_selections wrote 4 rows"),
        ("merge_selection_summaries", {"read": 2}, "select_comparisons wrote 3 rows"),
        ("prepare_selections", {"read": 1}, "merge_selection_summaries wrote 2 rows"),
        ("prepare_selections", {"written": 1}, "their figures count 2"),
        ("merge_summaries", {"written": 5}, "merge_summaries of cot-a wrote 5 summaries, form_groups read 4"),
        ("merge_wrong_summaries", {"written": 2}, "merge_wrong_summaries of cot-a wrote 2 summaries"),
    ],
)
def test_a_lost_row_or_candidate_stops_the_run(tmp_path: Path, stage: str, change: dict[str, Any], told: str) -> None:
    given = flags(tmp_path, **{stage: change})
    with pytest.raises(UserError, match=told):
        main(given)
    assert not (tmp_path / "t.txt").exists()


def test_the_table_of_a_recipe_has_all_that_its_rows_come_from_with_what_stages_noted(tmp_path: Path) -> None:
    given = flags(tmp_path, merge_summaries={"written": 4, "noted": {"a": 1}}, parse_selections={"picks": {"x": 2}})
    above = tmp_path / "stages.json"
    above.write_bytes(orjson.dumps([{"stage": "decontaminate", "read": 2, "written": 1}]))
    sources = ["--sources", "cot-a=merge_judgements"]
    assert main([*given, "--above", str(above), *sources]) == 0
    stages = orjson.loads((tmp_path / "t.json").read_bytes())
    own = [(stage.get("recipe"), stage["stage"]) for stage in stages]
    assert own == [
        (None, "decontaminate"),
        ("cot-a", "merge_summaries"),
        ("cot-a", "merge_wrong_summaries"),
        *((HOME, name) for name in STAGES),
    ]
    by_name = {stage["stage"]: stage for stage in stages}
    assert by_name["merge_summaries"]["noted"] == {"a": 1}
    assert by_name["parse_selections"]["picks"] == {"x": 2}
    assert "merge_summaries" not in (tmp_path / "t.txt").read_text()


def test_summaries_of_older_verdicts_stop_the_run_that_compares_them(tmp_path: Path) -> None:
    given = flags(tmp_path)
    for stage, read in (("merge_judgements", 9), ("select_wrong_traces", 8)):
        path = tmp_path / "cot-a" / "counts" / stage / SHARD
        path.parent.mkdir(parents=True)
        path.write_bytes(orjson.dumps({"stage": stage, "read": read, "passed": read, "written": read, "dropped": {}}))
    with pytest.raises(UserError, match="merge_judgements wrote 9 rows, select_wrong_traces read 8"):
        main([*given, "--sources", "cot-a=merge_judgements"])
