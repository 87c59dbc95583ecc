"""Products besides the training rows, made from a finished run: nothing is asked again."""

from __future__ import annotations

from pathlib import Path

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
    folder = demo.path("results/demo/genselect-qwq")
    groups = pq.read_table(folder / "rl/trl/train-00000-of-00001.parquet").to_pylist()
    assert len(groups) == orjson.loads((folder / "counts/prepare_rl_selections.json").read_bytes())["written"] > 0
    assert all(0 < len(row["right"]) < row["num_solutions"] for row in groups)


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
    every = {"verdicts": ["yes", "no", "unjudged"], "length_buckets": [150, 250]}
    overlay = demo.overlay("few.yaml", {"products": {"subsets": {"few": {"solutions_per_problem": 1}, "every": every}}})
    targets = [f"results/demo/cot-qwq/subsets/{name}/dataset" for name in ("few", "every")]
    demo.make(*targets, *DEMO, overlay)
    folder = demo.path("results/demo/cot-qwq")
    check_every(folder)
    whole = pq.read_table(folder / "dataset/data").to_pylist()
    kept = pq.read_table(folder / "subsets/few/dataset/data").to_pylist()
    assert {row["problem_id"] for row in kept} == {row["problem_id"] for row in whole}
    assert len(kept) == len({row["problem_id"] for row in whole}) < len(whole)
    assert "`solutions_per_problem` 1" in (folder / "subsets/few/dataset/README.md").read_text()


def check_every(folder: Path) -> None:
    """A subset of all verdicts has the right solutions that the recipe has, and the others that end with an answer."""
    dataset = folder / "subsets/every/dataset"
    rows = [row for path in sorted(dataset.rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    right = pq.read_table(folder / "dataset/data").to_pylist()
    assert {row["id"] for row in rows if row["judgement"] == "yes"} == {row["id"] for row in right}
    judged = [orjson.loads(line) for path in (folder / "judged").iterdir() for line in path.read_bytes().splitlines()]
    wrong = {f"{row['id']}-{row['seed']}" for row in judged if row["judgement"] == "no"}
    assert {row["id"] for row in rows if row["judgement"] == "no"} == wrong
    for path in dataset.rglob("*.parquet"):
        tokens = pq.read_table(path, columns=["completion_tokens"]).column(0).to_pylist()
        low, high = {"up_to_150_tokens": (0, 150), "up_to_250_tokens": (151, 250), "above_250_tokens": (251, 1 << 30)}[
            path.parent.name
        ]
        assert tokens
        assert all(low <= one <= high for one in tokens)
    card = (dataset / "README.md").read_text()
    assert "`verdicts` yes, no, unjudged" in card
    assert "| `prepare_verdicts` | 52 |" in card


def test_what_would_be_published_is_printed_once_for_each_recipe(demo: Project) -> None:
    said = demo.make("publish_plan", *DEMO)
    plans = list(demo.path("results/demo").glob("*/publish_plan.txt"))
    assert plans
    assert said.count("the card begins") == len(plans)
    assert all(said.count(plan.read_text()) == 1 for plan in plans)
