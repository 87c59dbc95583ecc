"""What a host of batches may answer that is no answer: it is asked again for a while, or ends the job in words."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from omr.batches import api as api_module
from omr.batches.api import BatchApi, GoneError
from omr.errors import UserError
from omr.models.model import ModelSpec

SPEC = ModelSpec("m", "replay", "batch", base_url="x", max_outage_s=0.3)
#: Status, headers, body of the answer to the request of this number.
Answers = Callable[[int], tuple[int, dict[str, str], Any]]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(api_module, "_LONGEST_PAUSE_S", 0.05)


@contextlib.contextmanager
def answering(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal asked
            asked += 1
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = answers(asked)
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *what: Any) -> None:
            return

    asked = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            thread.join()


def call(answers: Answers, ask: Callable[[BatchApi], Awaitable[Any]]) -> Any:
    async def run(base_url: str) -> Any:
        async with BatchApi(replace(SPEC, base_url=base_url), None, lambda line: None) as api:
            return await asyncio.wait_for(ask(api), 20)

    with answering(answers) as base_url:
        return asyncio.run(run(base_url))


def upload(path: Path) -> Callable[[BatchApi], Awaitable[Any]]:
    path.write_bytes(b"{}\n")
    return lambda api: api.upload(path)


@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": ""}, {"id": 7}, {"id": "a/b"}, [1]])
def test_an_answer_without_an_id_is_asked_for_again(body: Any, tmp_path: Path) -> None:
    assert call(lambda number: (200, {}, body if number < 3 else {"id": "file-1"}), upload(tmp_path / "x")) == "file-1"
    with pytest.raises(UserError, match="has not answered for 0 s"):
        call(lambda number: (200, {}, body), upload(tmp_path / "x"))


def test_a_host_that_takes_no_files_ends_the_job_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="takes no files of requests"):
        call(lambda number: (404, {}, {"error": "no such route"}), upload(tmp_path / "x"))


@pytest.mark.parametrize("file", [7, ["x"], "a/b"])
def test_a_batch_whose_files_have_no_names_is_looked_at_again(file: Any) -> None:
    good = {"id": "b", "status": "completed", "output_file_id": "file-2"}
    found = call(
        lambda number: (200, {}, good if number > 2 else good | {"output_file_id": file}), lambda a: a.look("b")
    )
    assert found.output_file == "file-2"


def test_a_list_of_batches_that_never_ends_is_not_followed_for_good() -> None:
    page = {"data": [{"id": "b1"}, {"id": "b2"}], "has_more": True}
    with pytest.raises(GoneError, match="lists the same batches"):
        call(lambda number: (200, {}, page), lambda api: api.find("file", "name"))


def test_batches_without_an_id_in_a_list_are_asked_for_again() -> None:
    good = {"data": [{"id": "b1", "input_file_id": "file"}]}
    odd = {"data": [{"input_file_id": "file"}]}
    assert call(lambda number: (200, {}, good if number > 2 else odd), lambda api: api.find("file", "name")) == "b1"


def test_a_host_that_asks_for_a_year_is_asked_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_LONGEST_RETRY_AFTER_S", 0.05)
    busy = (429, {"Retry-After": "31536000"}, {"error": {"message": "slow down"}})
    assert call(lambda number: busy if number < 3 else (200, {}, {"id": "b"}), lambda a: a.submit("f", "n")) == "b"


def test_a_busy_host_that_names_no_time_is_asked_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = list[float]()

    async def pause(api: BatchApi, kind: str, message: str, pause_s: float) -> None:
        pauses.append(pause_s)

    monkeypatch.setattr(BatchApi, "_pause", pause)
    busy = (429, {}, {"error": {"message": "slow down"}})
    assert call(lambda number: busy if number < 5 else (200, {}, {"id": "b"}), lambda a: a.submit("f", "n")) == "b"
    assert pauses == [0.01, 0.02, 0.04, 0.05]


def test_a_host_that_sends_requests_elsewhere_is_told_with_where(tmp_path: Path) -> None:
    moved = (303, {"Location": "https://user:secret@host/files?signature=secret"}, {})
    for ask in (upload(tmp_path / "x"), lambda api: api.submit("f", "n"), lambda api: api.fetch("f", tmp_path / "y")):
        with pytest.raises(UserError, match=r"sends requests elsewhere \(status 303, to https://host/files\)"):
            call(lambda number: moved, ask)


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ({"completed": 3, "total": 7}, "3 of 7"),
        ({"completed": 3}, ""),
        ({"completed": "\x1b[2J" * 1000, "total": 7}, ""),
        ({"completed": True, "total": -1}, ""),
        ({"completed": 10**30, "total": 10**30}, ""),
        ([3, 7], ""),
        (None, ""),
    ],
)
def test_progress_is_told_where_the_host_tells_numbers(counts: Any, shown: str) -> None:
    body = {"status": "in_progress", "request_counts": counts}
    assert call(lambda number: (200, {}, body), lambda api: api.look("b")).progress == shown
