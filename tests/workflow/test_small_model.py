"""A real model, far too small for the task: whatever it says, a run accounts for every row or stops and says where."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from workflow.projects import ROOT, Project

PYTHON = ROOT / ".venv-smoke" / "bin" / "python"
pytestmark = [
    pytest.mark.smoke,
    pytest.mark.skipif(not (ROOT / ".venv-smoke" / "installed").exists(), reason="needs `make .venv-smoke/installed`"),
]
THREADS = [
    ("Find the sum of the first ten positive integers.", "It is $55$."),
    ("Prove that $n^2 + n$ is even for every integer $n$.", "One of two consecutive integers is even."),
    ("Which book on geometry do you like best?", "Any old one."),
]
STAGES = ("extract_problems", "classify_problems", "extract_answers", "convert_proofs", "classify_converted")


@pytest.fixture
def small_model(tmp_path: Path) -> Iterator[str]:
    """The URL of a server of the model."""
    server = Path(__file__).with_name("small_model_server.py")
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen([str(PYTHON), str(server)], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            url = next((line.strip() for line in process.stdout if line.startswith("http://")), None)
            assert url is not None, (tmp_path / "server.log").read_text(errors="replace")[-2000:]
            yield url
        finally:
            process.kill()
            process.wait()


def write_overlay(project: Project, url: str) -> str:
    """Three threads, short replies, one request at a time."""
    rows = [orjson.dumps({"original_question": post, "original_answers": [reply]}) for post, reply in THREADS]
    project.path("threads.jsonl").write_bytes(b"\n".join(rows) + b"\n")
    small = {"path": "small", "server": "endpoint", "base_url": f"{url}/v1", "concurrency": 1, "max_model_len": 8192}
    return project.overlay(
        "small.yaml",
        {
            "run": "small",
            "raw_data": {"path": "threads.jsonl", "tokenizer": None, "max_discussion_tokens": 500},
            "labelling_model": "small",
            "models": {"small": small},
            "problems": {stage: {"shards": 1, "max_tokens": 60} for stage in STAGES},
            "unreadable": {"retries": 1},
        },
    )


def test_a_run_with_a_small_model_accounts_for_every_row_or_names_the_stage_that_stopped_it(
    project: Project, small_model: str
) -> None:
    overlay = write_overlay(project, small_model)
    done = project.snakemake("results/small/merged.jsonl", "--configfile", overlay, "--quiet", "rules")
    merged = project.path("results/small/merged.jsonl")
    counts = [orjson.loads(path.read_bytes()) for path in project.path("results/small/counts").glob("parse_*.json")]
    assert all(stage["read"] == stage["passed"] + sum(stage["dropped"].values()) for stage in counts)
    if done.returncode == 0:
        assert merged.exists()
        assert {"parse_problems", "parse_classes", "parse_answers"} <= {stage["stage"] for stage in counts}
    else:
        assert not merged.exists()
        assert any(f"--stage {stage} " in done.stdout for stage in STAGES), done.stdout[-3000:]
        assert "unreadable.max_fraction" in done.stdout
