"""Runs on people's own data: problems instead of threads, and the readme's threads on a laptop with an endpoint."""

from __future__ import annotations

import json
import re

import orjson
import pytest
from omr.replay.launch import RunningServer
from workflow.projects import ROOT, Project

pytestmark = pytest.mark.workflow
#: The demo's server replies to this id.
ID = "97eaa0dc74fd81f6-1"
ANT = "An ant walks on a lattice from $(0,0)$ to $(5,4)$, up or right, never through $(2,2)$. In how many ways?"
OVERLAY = {
    "run": "given",
    "problems_from": {
        "path": "problems.json",
        "columns": {"problem": "question", "expected_answer": "final", "source": "metadata.source", "id": "key"},
        "max_bad_fraction": 0.5,
    },
    "recipes_to_run": ["cot-qwq"],
    "recipes": {"cot-qwq": {"seeds": 2, "shards": 1, "summaries": {"enabled": False}}},
}


def test_problems_become_rows_without_any_stage_of_threads(project: Project) -> None:
    row = {"key": ID, "question": ANT, "final": 66, "metadata": {"source": "own"}}
    others = [row | {"key": "again", "question": ANT.lower().replace("an ant", "An  ant")}, row | {"final": {}}]
    project.path("problems.json").write_text(json.dumps([row, *others], indent=2))
    overlay = project.overlay("mine.yaml", OVERLAY)
    options = ("--configfile", "config/demo.yaml", overlay)
    run = project.path("results/given")

    run.mkdir(parents=True)
    (run / "merged.jsonl").write_text("{}\n")
    refused = project.snakemake(*options)
    assert refused.returncode != 0
    assert "not the workflow's own" in refused.stdout
    assert (run / "merged.jsonl").read_text() == "{}\n"
    (run / "merged.jsonl").unlink()

    project.make(*options)
    stages = {stage["stage"]: stage for stage in orjson.loads((run / "stages.json").read_bytes())}
    assert list(stages) == ["read_problems", "deduplicate", "check_contamination", "decontaminate"]
    assert stages["read_problems"]["dropped"] == {"duplicate": 1, "wrong_type": 1}
    rows = [orjson.loads(line) for line in (run / "cot-qwq/sft.jsonl").read_bytes().splitlines()]
    assert {(row["problem_id"], row["problem"], row["expected_answer"], row["problem_source"]) for row in rows} == {
        (ID, ANT, "66", "own")
    }
    card = (run / "cot-qwq/dataset/README.md").read_text()
    assert "From problems to rows" in card
    assert "read_problems" in card
    report = (run / "cot-qwq/report.html").read_text()
    assert "given mathematics problems" in report
    assert "forum threads" not in report
    assert not [path for path in run.rglob("*") if "extract_" in path.name or "raw_aops" in path.name]


def test_own_threads_on_a_laptop_need_what_the_readme_says(project: Project, hosted: RunningServer) -> None:
    text = (ROOT / "README.md").read_text()
    block, command = re.findall(
        r"```yaml\n(.*?)```\n```bash\n(.*?)\n```", text.partition("## Your own threads")[2], re.S
    )[0]
    block = block.replace("http://localhost:11434/v1", hosted.base_url)
    project.path("mine.yaml").write_text(block.replace("path: qwq", "path: some/hosted-model, api_key_env: KEY"))
    threads = [json.loads(line) for line in (ROOT / "tests/data/demo/threads.jsonl").read_text().splitlines()]
    own = (
        {"title": row["original_question"], "replies": [{"body": text} for text in row["original_answers"]]}
        for row in threads
    )
    project.path("threads.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
    options = command.removeprefix(".venv/bin/snakemake ").split(" --cores")[0].split()
    project.make("results/mine/problems.jsonl", *options, KEY="the-key")
    ids = {json.loads(line)["id"] for line in project.path("results/mine/problems.jsonl").read_text().splitlines()}
    assert ID in ids
    planned = project.planned(*options)
    assert planned["prepare_benchmark"] > 10
    assert {"generate_solutions", "write_dataset", "write_report"} <= planned.keys()
    assert not planned.keys() & {
        "search_embeddings",
        "download_tokenizer",
        "download_raw_data",
        "generate_wrong_summaries",
    }


def test_problems_of_a_hub_dataset_are_downloaded_first(project: Project) -> None:
    given = {"dataset": "someone/some-problems", "columns": {"expected_answer": "answer"}}
    overlay = project.overlay("mine.yaml", {"run": "hub", "problems_from": given})
    planned = project.planned("results/hub/merged.jsonl", "--configfile", "config/endpoint.yaml", overlay)
    assert planned == {"download_problems": 1, "read_problems": 1}
