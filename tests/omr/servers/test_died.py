from __future__ import annotations

from pathlib import Path

import pytest
from omr.servers.died import ServerDied, log_tail


def test_the_end_of_a_log_begins_with_the_errors_that_later_noise_would_hide(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("INFO loading\nERROR engine died\n" + "".join(f"leaked object {n}\n" for n in range(100)))
    lines = log_tail(log, 0).splitlines()
    assert lines[:2] == ["ERROR engine died", "[...]"]
    assert lines[-1] == "leaked object 99"
    assert len(lines) == 17


def test_the_cause_is_told_once_although_every_worker_prints_it_and_a_traceback_follows(tmp_path: Path) -> None:
    traceback = "".join(f'(Core) ERROR [core.py:1510]   File "x.py", line {n}\n' for n in range(40))
    cause = "ERROR [worker.py:953] safetensors.SafetensorError: incomplete metadata\n"
    log = tmp_path / "log"
    log.write_text(f"(Worker 0) {cause}(Worker 1) {cause}{traceback}RuntimeError: initialization failed, see above\n")
    lines = log_tail(log, 0).splitlines()
    assert lines[:2] == [f"(Worker 0) {cause.strip()}", "[...]"]
    assert lines[-1].startswith("RuntimeError")


def test_only_the_last_start_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\nsecond\n")
    assert log_tail(log, len("first\n")) == "second"


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\xff\x1b[31mred\x00\n" + b"x" * 2_000_000)
    assert log_tail(log, 0) == "x" * (1 << 20)
    log.write_bytes(b"\xff\x1b[31mred\x00\n")
    assert log_tail(log, 0) == "\ufffd[31mred"


def test_a_log_that_is_not_there_is_told_as_empty(tmp_path: Path) -> None:
    assert "its log is empty" in str(ServerDied("it died", tmp_path / "log", log_tail(tmp_path / "log", 0)))


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory.", "more GPUs"),
        ("ModuleNotFoundError: No module named 'vllm'", "under `servers:`"),
        ("api_server.py: error: unrecognized arguments: --max-modl-len", "`args` of the model"),
        ("OSError: We couldn't connect, but offline mode is enabled", "download the model first"),
        ("something new", "see its log"),
    ],
)
def test_what_a_log_says_leads_to_a_remedy(line: str, remedy: str) -> None:
    assert remedy in str(ServerDied("it died", Path("log"), line).remedy)
