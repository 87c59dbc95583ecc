"""The demo, end to end, and what its files say."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from workflow.projects import ROOT, Project

pytestmark = pytest.mark.workflow


def rows(project: Project, name: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in project.path(f"results/demo/{name}.jsonl").read_bytes().splitlines()]


def expected() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load((ROOT / "tests/data/demo/expected.yaml").read_text())
    return table


def test_every_stage_accounts_for_every_row(finished_demo: Project) -> None:
    stages = orjson.loads(finished_demo.path("results/demo/stages.json").read_bytes())
    assert len(stages) >= 14
    for stage in stages:
        if "passed" in stage:
            assert stage["read"] == stage["passed"] + sum(stage["dropped"].values()), stage["stage"]


def test_the_table_names_every_stage_and_reason(finished_demo: Project) -> None:
    text = finished_demo.path("results/demo/stages.txt").read_text()
    for word in ("prepare_raw_data", "extract_problems", "decontaminate", "duplicate_thread 1", "contaminated_llm 1"):
        assert word in text


def test_no_benchmark_problem_and_no_canary_is_left(finished_demo: Project) -> None:
    clean = rows(finished_demo, "decontaminated")
    dropped = rows(finished_demo, "dropped/decontaminate")
    reasons = {row["reason"] for row in dropped}
    assert reasons == {"contaminated_exact", "contaminated_llm", "contamination_unreadable"}
    assert not {row["id"] for row in clean} & {row["id"] for row in dropped}
    assert not [row for row in clean if row["id"].startswith("canary")]
    report = orjson.loads(finished_demo.path("results/demo/contamination/report.json").read_bytes())
    assert set(report["benchmarks"]) == {"sample_contest", "sample_school"}
    assert all(figures["rows"] == 12 for figures in report["benchmarks"].values())


def test_planted_instructions_are_measured_and_reach_no_data(finished_demo: Project) -> None:
    report = orjson.loads(finished_demo.path("results/demo/planted/report.json").read_bytes())
    for stage, copies in expected()["planted"].items():
        source = "threads" if stage == "extract_planted_problems" else "problems"
        assert [row["id"] for row in rows(finished_demo, f"planted/{source}")] == list(copies)
        ends = {copy.split("-")[1]: end for copy, end in copies.items()}
        found = report["prompts"][stage.replace("_planted", "")]
        assert {kind: next(end for end in list(of)[1:] if of[end]) for kind, of in found.items()} == ends
    assert report["obeyed"] == {"count": 2, "of": 9, "share": 0.2222}
    page = finished_demo.path("results/demo/cot-qwq/report.html").read_text()
    assert "It was obeyed in 2 of 9 (22%) replies." in page
    for name in ("problems", "classified", "answers", "merged", "deduplicated", "decontaminated", "cot-qwq/sft"):
        assert b"planted-" not in finished_demo.path(f"results/demo/{name}.jsonl").read_bytes()


def test_the_repost_of_a_thread_is_left_out_and_says_of_which(finished_demo: Project) -> None:
    problems = expected()["problems"]
    repost, original = problems["long-divisors-repost/1"], problems["long-divisors/1"]["id"]
    dropped = rows(finished_demo, "dropped/deduplicate")
    assert [(row["id"], row["reason"], row["kept"]) for row in dropped] == [(repost["id"], "near_duplicate", original)]
    kept = {row["id"]: row for row in rows(finished_demo, "deduplicated")}
    assert (kept[original]["cluster"], kept[original]["duplicate_of"]) == (original, None)
    assert "near_duplicate 1" in finished_demo.path("results/demo/stages.txt").read_text()


def test_forum_text_ends_at_the_answers(finished_demo: Project) -> None:
    for name in ("answers", "proofs", "merged", "deduplicated", "decontaminated"):
        assert all("forum_discussions" not in row and "forum_post" not in row for row in rows(finished_demo, name))
    assert all("forum_discussions" in row for row in rows(finished_demo, "classified"))


def test_rows_have_the_documented_fields(finished_demo: Project) -> None:
    merged = rows(finished_demo, "merged")
    kinds = {row["problem_type"] for row in merged}
    assert kinds == {"has_answer_extracted", "no_answer_extracted", "converted_proof"}
    assert all(row["expected_answer"] is None for row in merged if row["problem_type"] != "has_answer_extracted")
    assert all("original_problem" in row for row in merged if row["problem_type"] == "converted_proof")


def test_the_merged_config_lies_beside_the_results(finished_demo: Project) -> None:
    config = yaml.safe_load(finished_demo.path("results/demo/config.yaml").read_text())
    assert config["run"] == "demo"
    assert config["labelling_model"] == "authored-replies"


def test_no_process_outlives_the_demo(finished_demo: Project) -> None:
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile, or another user's
            if (process / "cwd").resolve(strict=True).is_relative_to(finished_demo.folder.resolve()):
                left.append((process / "cmdline").read_bytes())
    assert left == []


@pytest.mark.parametrize("recipe", ["cot-qwq", "cot-r1"])
def test_each_recipe_ends_in_rows_a_dataset_and_a_report(finished_demo: Project, recipe: str) -> None:
    folder = finished_demo.path(f"results/demo/{recipe}")
    rows = [orjson.loads(line) for line in (folder / "sft.jsonl").read_bytes().splitlines()]
    assert len(rows) > 20
    assert all(row["messages"][-1]["content"] == row["generated_solution"] for row in rows)
    report = (folder / "report.html").read_text()
    assert f"{len(rows)} training rows" in report
    assert "<math" in report
    assert "<script" not in report
    assert list((folder / "dataset/data").glob("*.parquet"))


def test_only_right_finished_answers_reach_the_training_rows(finished_demo: Project) -> None:
    wrong = {
        (row["id"], row["seed"])
        for path in finished_demo.path("results/demo/cot-qwq/judged").glob("*.jsonl")
        for row in map(orjson.loads, path.read_bytes().splitlines())
        if row["judgement"] != "yes" or not row["finished"]
    }
    rows = [
        orjson.loads(line) for line in finished_demo.path("results/demo/cot-qwq/sft.jsonl").read_bytes().splitlines()
    ]
    assert wrong
    assert not wrong & {(row["problem_id"], row["seed"]) for row in rows}
