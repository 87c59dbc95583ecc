"""The sample against a hosted endpoint: one overlay, no key in any file, no finished request sent twice."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
import yaml
from omr.replay.launch import RunningServer
from workflow.projects import ROOT, Project, clean_environment

pytestmark = pytest.mark.workflow
MODEL = {"path": "some/hosted-model", "api_key_env": "SOME_KEY"}


def overlay(project: Project, server: RunningServer) -> str:
    """config/nim.yaml with nothing but URL, model name and the key's variable changed."""
    text = (ROOT / "config/nim.yaml").read_text()
    text = re.sub(r"base_url: \S+", f"base_url: {server.base_url}", text)
    text = re.sub(r"path: meta/\S+", f"path: {MODEL['path']}", text)
    text = re.sub(r"api_key_env: \S+", f"api_key_env: {MODEL['api_key_env']}", text)
    # Solutions are not what this is about, and the server has none for this recipe.
    text = text.replace("recipes_to_run: [cot-hosted]", "recipes_to_run: []")
    project.path("mine.yaml").write_text(text)
    return "mine.yaml"


def test_the_overlay_changes_only_url_name_and_key_variable(project: Project, hosted: RunningServer) -> None:
    mine = yaml.safe_load(project.path(overlay(project, hosted)).read_text())
    models = mine["models"].values()
    assert all(model["base_url"] == hosted.base_url for model in models)


def stored_requests(run: Path) -> set[str]:
    """Request ids of all replies that the run's journals hold."""
    names = set()
    for journal in run.rglob("*.journal"):
        stage = next(part for part in journal.relative_to(run).parts if part not in ("replies",))
        for line in journal.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                reply = orjson.loads(line)
                names.add(f"{stage}/{reply['id']}/{reply['prompt']}/{reply['seed']}")
    return names


def test_killed_at_random_moments_the_run_ends_in_the_same_files_and_asks_nothing_twice(
    project: Project, hosted: RunningServer, finished_demo: Project
) -> None:
    config, run, draw = overlay(project, hosted), project.path("results/nim"), random.Random(11)
    target = "results/nim/decontaminated.jsonl"
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", config, "--rerun-incomplete", target]
    environment = clean_environment() | {"SOME_KEY": "the-key"}
    for _ in range(5):
        stored, asked = stored_requests(run), dict(hosted.counts)
        process = subprocess.Popen(
            command,
            cwd=project.folder,
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(draw.uniform(3.0, 9.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        again = {name for name, times in hosted.counts.items() if times > asked.get(name, 0)}
        assert not again & stored
        project.snakemake("--configfile", config, "--unlock")
    stored, asked = stored_requests(run), dict(hosted.counts)
    project.make("--configfile", config, "--rerun-incomplete", target, SOME_KEY="the-key")
    again = {name for name, times in hosted.counts.items() if times > asked.get(name, 0)}
    assert not again & stored
    assert project.nouns("nim") == finished_demo.nouns("demo")

    files = [path for path in project.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if b"the-key" in path.read_bytes()]

    # A shard whose replies are gone, journal included, is asked again, and no other.
    for path in (run / "replies/classify_problems").glob("shard-000-of-001.jsonl*"):
        path.unlink()
    asked = dict(hosted.counts)
    project.make("--configfile", config, SOME_KEY="the-key")
    again = {name.split("/")[0] for name, times in hosted.counts.items() if times > asked.get(name, 0)}
    assert again == {"classify_problems"}
    assert project.nouns("nim") == finished_demo.nouns("demo")


def test_a_missing_key_is_named_and_nothing_is_asked(project: Project, hosted: RunningServer) -> None:
    done = project.snakemake("results/nim/problems.jsonl", "--configfile", overlay(project, hosted))
    assert done.returncode != 0
    assert "the variable SOME_KEY is not set" in done.stdout
    assert "remedy: export SOME_KEY" in done.stdout
    assert hosted.counts == {}


def test_an_endpoint_that_is_not_there_is_named(project: Project) -> None:
    model = {"hosted-labelling": {"base_url": "http://127.0.0.1:9/v1", "path": "x"}}
    mine = project.overlay("mine.yaml", {"models": model})
    target = "results/nim/problems.jsonl"
    done = project.snakemake(target, "--configfile", "config/nim.yaml", mine, NVIDIA_API_KEY="k")
    assert done.returncode != 0
    assert "http://127.0.0.1:9/v1 cannot be reached" in done.stdout
