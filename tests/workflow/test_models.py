"""Models in the real workflow: fetched from a hub before they are served, and served from what was fetched."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_hub import FakeHub, FakeRepo
from server_lab import write_script
from workflow.projects import ROOT, Project

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("models")]

CHECKPOINT = {"config.json": b"{}", "model.safetensors": b"weights" * 1000, "tokenizer.json": b"{}"}
PROBLEMS = "results/demo/problems.jsonl"
MANIFEST = "models/hub/org--tiny/main/manifest.json"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub({"models/org/tiny": FakeRepo({"main": CHECKPOINT})}) as server:
        yield server


def served_by_a_stand_in(project: Project, **model: Any) -> tuple[str, str, str]:
    """Arguments for the demo with a model that vLLM serves, whose stand-in goes on as the server of the demo."""
    python = write_script(
        project.path("site/python"),
        f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/omr/servers/stand_in_server.py "$@"\n',
    )
    demo = f"{sys.executable} {ROOT}/scripts/replay_server.py --replies {ROOT}/tests/data/demo/replies"
    entry = {"path": "org/tiny", "server": "vllm", "args": ["--state", "state", "--become", demo]}
    config = {
        "model_folder": "models",
        "models": {"authored-replies": entry | model},
        "servers": {"vllm": {"python": str(python), "cache_dir": "caches"}},
    }
    return "--configfile", "config/demo.yaml", project.overlay("served.yaml", config)


def starts(project: Project) -> list[dict[str, Any]]:
    """What each process of the stand-in told about itself."""
    return [json.loads(path.read_text()) for path in sorted(project.path("state").glob("process-*.json"))]


def test_a_model_is_fetched_once_and_served_from_the_disk_without_the_hub(
    project: Project, finished_demo: Project, hub: FakeHub
) -> None:
    config = served_by_a_stand_in(project)
    project.make("models", *config, HF_ENDPOINT=hub.endpoint)
    assert project.path(MANIFEST).exists()
    assert starts(project) == []
    fetched = len(hub.downloads())
    assert fetched == len(CHECKPOINT)

    hub.__exit__()  # nobody can be asked any more
    project.make(PROBLEMS, *config, HF_ENDPOINT=hub.endpoint)
    assert project.path(PROBLEMS).read_bytes() == finished_demo.path(PROBLEMS).read_bytes()
    for start in starts(project):
        assert start["argv"][start["argv"].index("--model") + 1] == str(project.path(MANIFEST).parent / "files")
        assert start["environment"]["HF_HUB_OFFLINE"] == "1"
    assert len(starts(project)) == 2


def test_a_model_that_moved_or_is_prepared_otherwise_asks_nothing_again_and_another_revision_does(
    project: Project, hub: FakeHub
) -> None:
    project.make(PROBLEMS, *served_by_a_stand_in(project), HF_ENDPOINT=hub.endpoint)
    project.path("models").rename(project.path("moved"))
    moved = served_by_a_stand_in(project)
    overlay = project.overlay("moved.yaml", {"model_folder": "moved"})
    os.utime(project.path(MANIFEST.replace("models", "moved", 1)))
    assert "Nothing to be done" in project.make("-n", PROBLEMS, *moved, overlay)
    # What is missing is made from there, and no more.
    shard = "results/demo/replies/extract_problems/shard-000-of-002.jsonl"
    for path in project.folder.glob(f"{shard}*"):
        path.unlink()
    assert project.planned(PROBLEMS, shard, *moved, overlay) == {"extract_problems": 1, "parse_problems": 1}
    project.make(PROBLEMS, shard, *moved, overlay)
    assert len(starts(project)) == 3

    found = served_by_a_stand_in(project, prepare="none")
    assert "Nothing to be done" in project.make("-n", PROBLEMS, *found, overlay)
    other = served_by_a_stand_in(project, revision="c0ffee")
    planned = project.planned(PROBLEMS, *other, overlay)
    assert planned == {"download_model": 1, "extract_problems": 2, "parse_problems": 1}


def test_generation_waits_for_the_download_and_the_plan_shows_both(project: Project) -> None:
    config = served_by_a_stand_in(project)
    assert project.planned(PROBLEMS, *config) == {
        "download_model": 1,
        "keep_prompt": 1,
        "prepare_raw_data": 1,
        "extract_problems": 2,
        "parse_problems": 1,
    }
    without = served_by_a_stand_in(project, prepare="none")
    assert "download_model" not in project.planned(PROBLEMS, *without)


def test_a_sharded_checkpoint_is_saved_by_a_job_of_the_models_own_size(project: Project) -> None:
    config = served_by_a_stand_in(project, prepare="sharded_state", gpus=8, nodes=2)
    said = project.make("models", *config, "-n")
    plan = said[said.index("rule save_sharded_state") :].split("\n\n")[0]
    assert f"input: {MANIFEST}" in plan
    assert "output: models/sharded/authored-replies/manifest.json" in plan
    for resource in ("nodes=2", "tasks=2", "mpi=srun", "mem_mb=488000"):
        assert resource in plan


def test_a_model_whose_files_are_damaged_fails_before_a_server_starts_and_says_which(
    project: Project, hub: FakeHub
) -> None:
    config = served_by_a_stand_in(project)
    project.make("models", *config, HF_ENDPOINT=hub.endpoint)
    weights = project.path(MANIFEST).parent / "files/model.safetensors"
    weights.write_bytes(b"cut off")
    done = project.snakemake(PROBLEMS, *config)
    assert done.returncode != 0
    assert "model.safetensors: has 7 bytes instead of 7000" in done.stdout
    assert "snakemake models" in done.stdout
    assert starts(project) == []


CONDA = """#!/bin/sh
# Knows just what Snakemake asks: it "makes" an environment by noting its file and linking the interpreter.
case "$1 $2" in
    "info --json") echo '{{"conda_prefix": "{folder}", "platform": "linux-64", "active_prefix_name": null}}';;
    "--version "*) echo "conda 26.5.0";;
    "clean -y") ;;
    "config --get") echo '{{"get": {{"channel_priority": "strict"}}}}';;
    "env create")
        for word in "$@"; do
            [ "$previous" = --file ] && file=$word
            [ "$previous" = --prefix ] && prefix=$word
            previous=$word
        done
        mkdir -p "$prefix/bin" "$prefix/conda-meta"
        grep -m1 -oE '(vllm|snakemake)==' "$file" >> "{folder}/made"
        printf '#!/bin/sh\\nexec {python} "$@"\\n' > "$prefix/bin/python"
        chmod +x "$prefix/bin/python";;
    *) echo "conda $*: not foreseen" >&2; exit 1;;
esac
"""


def with_conda(folder: Path) -> dict[str, str]:
    """The environment with a stand-in for conda on its path; `made` in its folder tells what it made."""
    write_script(folder / "bin/conda", CONDA.format(folder=folder, python=sys.executable))
    write_script(folder / "bin/activate", 'export PATH="$1/bin:$PATH"\n')
    path = f"{folder / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin"
    return {"PATH": path, "CONDA_PREFIX": str(folder)}


def test_under_sdm_conda_a_server_is_made_only_if_the_site_has_none(project: Project, tmp_path: Path) -> None:
    config = {"models": {"authored-replies": {"path": "org/tiny", "server": "vllm", "prepare": "none"}}}
    arguments = [PROBLEMS, "--configfile", "config/demo.yaml", project.overlay("server.yaml", config)]
    conda = with_conda(tmp_path / "conda")
    project.make(*arguments, "--sdm", "conda", "--conda-create-envs-only", **conda)
    made = tmp_path / "conda/made"
    assert set(made.read_text().split()) == {"vllm==", "snakemake=="}

    made.unlink()
    shutil.rmtree(project.path(".snakemake/conda"))
    site = project.overlay("site.yaml", {"servers": {"vllm": {"python": "/opt/server/bin/python"}}})
    project.make(*arguments, site, "--sdm", "conda", "--conda-create-envs-only", **conda)
    assert set(made.read_text().split()) == {"snakemake=="}


def test_the_chain_runs_under_sdm_conda(project: Project, finished_demo: Project, tmp_path: Path) -> None:
    conda = with_conda(tmp_path / "conda")
    project.make(PROBLEMS, "--configfile", "config/demo.yaml", "--sdm", "conda", **conda)
    assert project.path(PROBLEMS).read_bytes() == finished_demo.path(PROBLEMS).read_bytes()
