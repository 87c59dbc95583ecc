"""Products besides the training rows, made from a finished run: nothing is asked again."""

from __future__ import annotations

import orjson
import pyarrow.parquet as pq
import pytest
from workflow.projects import Project

pytestmark = pytest.mark.workflow

DEMO = ("--configfile", "config/demo.yaml")


def test_a_finished_run_gives_problems_for_reinforcement_learning_and_asks_nothing(demo: Project) -> None:
    assert not demo.path("results/demo/cot-qwq/rl").exists()
    planned = demo.planned("rl", *DEMO)
    assert not planned.keys() & {"generate_solutions", "judge_answers", "extract_problems"}
    demo.make("rl", *DEMO)
    folder = demo.path("results/demo/cot-qwq")
    counts = orjson.loads((folder / "counts/prepare_rl.json").read_bytes())
    rows = pq.read_table(folder / "rl/trl/train-00000-of-00001.parquet").to_pylist()
    assert counts["read"] == counts["written"] + sum(counts["dropped"].values()) > counts["written"] == len(rows) > 0
    assert all(0 < row["pass_rate"] < 1 and row["answer_source"] == "extracted" for row in rows)
    assert not demo.path("results/demo/genselect-qwq/rl").exists()


def test_a_finished_run_gives_pairs_of_right_and_wrong_solutions(demo: Project) -> None:
    demo.make("preferences", *DEMO)
    folder = demo.path("results/demo/cot-qwq")
    rows = pq.read_table(folder / "preferences/preference/train-00000-of-00001.parquet").to_pylist()
    counts = [orjson.loads(path.read_bytes()) for path in (folder / "counts/prepare_preferences").iterdir()]
    assert len(rows) == sum(shard["written"] for shard in counts) > 0
    for shard in counts:
        assert shard["solutions"] == 2 * shard["written"] + sum(shard["dropped_parts"].values())
    for row in rows:
        lengths = [len(row[side][0]["content"]) for side in ("chosen", "rejected")]
        assert max(lengths) <= 1.5 * min(lengths)
        assert row["chosen_answer"] != row["rejected_answer"]


def test_a_finished_run_gives_subsets_of_its_rows_that_load_as_the_dataset_does(demo: Project) -> None:
    overlay = demo.overlay("few.yaml", {"products": {"subsets": {"few": {"solutions_per_problem": 1}}}})
    demo.make("results/demo/cot-qwq/subsets/few/dataset", *DEMO, overlay)
    folder = demo.path("results/demo/cot-qwq")
    (part,) = (folder / "subsets/few/dataset/data").iterdir()
    whole = [orjson.loads(line) for line in (folder / "sft.jsonl").read_bytes().splitlines()]
    kept = pq.read_table(part).to_pylist()
    assert {row["problem_id"] for row in kept} == {row["problem_id"] for row in whole}
    assert len(kept) == len({row["problem_id"] for row in whole}) < len(whole)
    assert "`solutions_per_problem` 1" in (folder / "subsets/few/dataset/README.md").read_text()
