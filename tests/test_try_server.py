"""One server of one model, asked one question: the page says what works, and of what does not how to mend it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import try_server
import yaml
from omr.asking.prompts import load_prompt
from omr.asking.requests import Sampling
from omr.models.model import ModelSpec
from omr.runs.trial import Page, Trial
from omr.servers.model_files import ModelFiles, StoredFile, write_manifest
from omr.servers.sites import ServerSite
from small_tokenizer import save_tokenizer

ROOT = Path(__file__).parents[1]
PROMPT = ROOT / "prompts/solve_cot.yaml"


class Tried:
    """One run of the command with a model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.page = folder / "logs/m.log"

    def command(self, model: dict[str, Any], *arguments: str, **config: Any) -> list[str]:
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump({"models": {"m": model}} | config))
        flags = ["--config", str(path), "--model", "m", "--prompt", str(PROMPT), "--page", str(self.page)]
        return [*flags, *arguments]

    def run(self, model: dict[str, Any], *arguments: str, **config: Any) -> tuple[int, str]:
        """The exit status and the page."""
        status = try_server.main(self.command(model, *arguments, **config))
        return status, self.page.read_text()

    def replies(self, **reply: Any) -> dict[str, Any]:
        """A model that replays this reply."""
        folder = self.folder / "replies"
        folder.mkdir()
        (folder / "try_server.yaml").write_text(yaml.safe_dump({"about": "test", "replies": {"sum": reply}}))
        return {"path": "m", "server": "replay", "replies": str(folder)}


@pytest.fixture
def tried(tmp_path: Path) -> Tried:
    return Tried(tmp_path)


def faults(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("error: ")]


def notes(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("note ")]


def test_a_model_that_answers_gets_a_page_with_its_start_speed_and_answer(tried: Tried) -> None:
    status, page = tried.run(tried.replies(text="<think>17 + 25</think>It is \\boxed{42}."))
    assert (status, faults(page), notes(page)) == (0, [], [])
    for line in ("ok     start: ready after ", "ok     reply: ", "ok     reasoning: 7 characters"):
        assert line in page
    assert "tokens/s for one request alone" in page
    assert page.endswith("ok     answer: \\boxed{42}, as it should be\nIt can be asked.\n")


def test_a_start_far_from_what_config_says_is_noted_since_jobs_are_planned_by_it(tried: Tried) -> None:
    status, page = tried.run(tried.replies(text="\\boxed{42}") | {"start_min": 45})
    assert status == 0
    assert any("`start_min: 45`" in note for note in notes(page))


@pytest.mark.parametrize(
    ("text", "said"), [("It is 42.", "there is no \\boxed{}"), ("\\boxed{43}", "'43' instead of 42")]
)
def test_an_answer_that_is_not_as_it_should_be_is_a_note(tried: Tried, text: str, said: str) -> None:
    status, page = tried.run(tried.replies(text=text))
    assert status == 0
    assert any(said in note for note in notes(page))


def test_a_reply_that_never_ends_is_a_fault_of_the_chat_template(tried: Tried) -> None:
    status, page = tried.run(tried.replies(text="and so on " * 50, finish_reason="length"))
    assert status == 2
    assert "did not end within 8192 tokens" in faults(page)[0]
    assert "chat template" in page


def test_a_server_that_dies_ends_the_page_with_the_end_of_its_log(tried: Tried) -> None:
    status, page = tried.run(tried.replies(text="x") | {"args": ["--no-such-option"]})
    assert status == 2
    assert "unrecognized arguments: --no-such-option" in page
    assert "check `args` of the model" in page
    assert str(tried.page.with_suffix(".server.log")) in page
    assert page.endswith("It cannot be asked like this.\n")


def test_a_server_without_a_reply_to_it_says_so(tried: Tried) -> None:
    model = tried.replies(text="x")
    (tried.folder / "replies/try_server.yaml").write_text("about: test\nreplies: {other: x}\n")
    status, page = tried.run(model)
    assert status == 2
    assert "the question failed" in faults(page)[0]


def test_an_endpoint_that_nobody_listens_at_is_told_with_its_address(tried: Tried) -> None:
    status, page = tried.run({"path": "x", "server": "endpoint", "base_url": "http://127.0.0.1:9/v1"})
    assert status == 2
    assert "http://127.0.0.1:9/v1 cannot be reached" in faults(page)[0]


def test_an_environment_without_the_server_is_told_before_anything_is_started(tried: Tried) -> None:
    model = {"path": "./", "server": "sglang", "gpus": 1, "prepare": "none"}
    status, page = tried.run(model, servers={"sglang": {"python": sys.executable}})
    assert status == 2
    assert f"there is no package sglang for {sys.executable}" in faults(page)[0]
    assert "--sdm conda" in page
    assert not tried.page.with_suffix(".server.log").exists()


def test_an_interpreter_that_is_not_there_is_told(tried: Tried) -> None:
    status, page = tried.run({"path": "./", "server": "vllm"}, servers={"vllm": {"python": "/no/such/python"}})
    assert status == 2
    assert "/no/such/python" in faults(page)[0]


def with_vllm(folder: Path) -> ServerSite:
    """An interpreter that has a package of vLLM's name."""
    package = folder / "packages/vllm"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    return ServerSite(python=sys.executable, environment={"PYTHONPATH": str(package.parent)}, check_gpus=False)


def model_folder(folder: Path, template: str = "{{ messages[0].content }}") -> Path:
    files = folder / "files"
    files.mkdir()
    (files / "chat_template.jinja").write_text(template)
    (files / "weights").write_bytes(b"1234")
    stored = tuple(StoredFile(path.name, path.stat().st_size) for path in sorted(files.iterdir()))
    manifest = folder / "manifest.json"
    write_manifest(manifest, ModelFiles("a/b", None, None, files, stored))
    return manifest


def look(tmp_path: Path, manifest: Path | None, **fields: Any) -> tuple[Trial, list[str]]:
    """A trial of a model on vLLM, and the lines that a look at it says."""
    spec = ModelSpec(name="m", **{"path": "a/b", "server": "vllm"} | fields)
    said: list[str] = []
    trial = Trial(spec, with_vllm(tmp_path), manifest, load_prompt(PROMPT), Sampling(0, 1, 9), tmp_path / "s.log")
    trial._look(Page(said.append))
    return trial, said


def test_environment_files_and_template_are_looked_at_before_the_server_starts(tmp_path: Path) -> None:
    _, said = look(tmp_path, model_folder(tmp_path), gpus=8, nodes=2)
    assert [line.split(":")[0] for line in said] == [
        "ok     environment",
        "ok     files",
        "ok     chat template",
        "note   GPUs",
    ]
    assert f"vllm of unknown version for {sys.executable}" in said[0]
    assert "2 files, all whole" in said[1]


def test_files_that_are_cut_off_and_models_without_a_template_are_faults(tried: Tried) -> None:
    manifest = model_folder(tried.folder)
    site = {"servers": {"vllm": {"python": sys.executable, "environment": with_vllm(tried.folder).environment}}}
    (tried.folder / "files/weights").write_bytes(b"12")
    status, page = tried.run({"path": "a/b", "server": "vllm"}, "--model-manifest", str(manifest), **site)
    assert status == 2
    assert "has 2 bytes instead of 4" in faults(page)[0]
    (tried.folder / "files/weights").write_bytes(b"1234")
    (tried.folder / "files/chat_template.jinja").write_text("{% if")
    write_manifest(manifest, ModelFiles("a/b", None, None, tried.folder / "files", ()))
    status, page = tried.run({"path": "a/b", "server": "vllm"}, "--model-manifest", str(manifest), **site)
    assert status == 2
    assert "chat template" in faults(page)[0]


def reply(**fields: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 1, "completion_tokens": 4}
    found = {"text": "\\boxed{42}", "reasoning": None, "finish_reason": "stop", "usage": usage, "error": None}
    return found | {"latency_s": 2.0} | fields


def test_a_prompt_of_other_tokens_than_the_models_template_makes_is_noted(tmp_path: Path) -> None:
    tokenizer = save_tokenizer(tmp_path / "tokenizer.json")
    trial, _ = look(tmp_path, model_folder(tmp_path), tokenizer=str(tokenizer))
    served = ModelSpec(name="m", path=str(tmp_path / "files"), server="vllm")
    tokens = trial._prompt_tokens(served)
    assert tokens
    for told, noted in ((tokens, False), (tokens + 3, False), (tokens + 20, True)):
        said: list[str] = []
        usage = {"prompt_tokens": told, "completion_tokens": 4}
        trial._tell_reply(Page(said.append), served, reply(usage=usage))
        assert any("the server read" in line for line in said) is noted


def test_tokens_that_the_server_does_not_count_are_unknown_and_no_speed(tmp_path: Path) -> None:
    trial, said = look(tmp_path, None)
    trial._tell_reply(Page(said.append), trial.spec, reply(usage=None))
    assert "counts no tokens" in "\n".join(said)
    assert "tokens/s" not in "\n".join(said)


def test_told_to_stop_it_stops_its_server_and_says_so(tried: Tried) -> None:
    model = tried.replies(text="x") | {"args": ["--latency-s", "600", "--count-file", str(tried.folder / "asked")]}
    command = [sys.executable, str(ROOT / "scripts/try_server.py"), *tried.command(model)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 300
        while not (tried.folder / "asked").exists() or not (tried.folder / "asked").read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 2
    finally:
        process.kill()
    assert "told to stop" in faults(tried.page.read_text())[0]
    server = orjson.loads((tried.folder / "asked").read_bytes().splitlines()[0])
    assert server["event"] == "received"
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tried.folder).encode() in _content(path)]
    assert [path for path in left if path.parent.name != str(os.getpid())] == []


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
