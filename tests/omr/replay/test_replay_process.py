"""The command line, and what signals do to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import replay_server
from omr.errors import UserError, run_command
from omr.replay.launch import ServerProcess, running_server, server_process
from replay_http import ask, call, read_to_end, send_raw


def wait_in_flight(server: ServerProcess, number: int) -> None:
    while server.requests()["in_flight"] != number:
        time.sleep(0.005)


def body_in(received: bytes) -> Any:
    return json.loads(received.partition(b"\r\n\r\n")[2])


def test_vllm_answers_requests_in_flight_with_abort_and_ends() -> None:
    with server_process("--echo", "--latency-s", "60") as server:
        connection = send_raw(server.port, "s/row/p/0")
        wait_in_flight(server, 1)
        server.process.terminate()
        received = read_to_end(connection)
        assert server.process.wait(20) == 0
    (choice,) = body_in(received)["choices"]
    assert received.startswith(b"HTTP/1.1 200")
    assert choice["finish_reason"] == "abort"
    assert len(choice["message"]["content"]) == 39  # half of 16 words of 4 signs


def test_sglang_finishes_what_is_in_flight(tmp_path: Path) -> None:
    with running_server(5, dialect="sglang", latency_s=0.1, count_file=tmp_path / "counts.jsonl") as server:
        connection = send_raw(server.port, "s/row/p/0")
        while not server.counts:
            time.sleep(0.005)
        server.shut_down()
        received = read_to_end(connection)
        assert not connects(server.port)
    assert body_in(received)["choices"][0]["finish_reason"] == "stop"
    assert (tmp_path / "counts.jsonl").read_text().count('"answered"') == 1


def test_sglang_drains_without_bound_and_takes_requests_meanwhile(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("- {kind: hang, match: 's/hang/*'}\n")
    command = ("--echo", "--dialect", "sglang", "--faults", str(faults))
    with server_process(*command) as server, send_raw(server.port, "s/hang/p/0"):
        wait_in_flight(server, 1)
        server.process.send_signal(signal.SIGINT)
        while call(server.root_url, "GET", "/health").status == 200:
            time.sleep(0.005)
        assert ask(server.root_url, "s/row/p/0").status == 200
        assert server.process.poll() is None
        # Patience ends with a second signal.
        server.process.terminate()
        assert server.process.wait(20) == 128 + signal.SIGTERM


def test_trtllm_closes_at_once() -> None:
    with running_server(5, dialect="trtllm", latency_s=60) as server:
        connection = send_raw(server.port, "s/row/p/0")
        while not server.counts:
            time.sleep(0.005)
        server.shut_down()
        assert read_to_end(connection) == b""
        assert not connects(server.port)


def test_counts_survive_a_kill_of_the_server(tmp_path: Path) -> None:
    command = ("--echo", "--count-file", str(tmp_path / "counts.jsonl"))
    with server_process(*command) as server:
        ask(server.root_url, "s/row/p/0")
        server.process.kill()
        server.process.wait(20)
    with server_process(*command) as server:
        ask(server.root_url, "s/row/p/0")
        assert server.requests()["received"] == {"s/row/p/0": 2}
        server.reset()
        assert server.requests()["total_received"] == 0


def test_while_starting_health_and_api_answer_503() -> None:
    with running_server(5, start_delay_s=60) as server:
        assert call(server.root_url, "GET", "/health").status == 503
        assert call(server.root_url, "GET", "/v1/models").status == 503
        assert ask(server.root_url, "s/row/p/0").status == 503


def test_sglang_lists_its_model_before_it_is_ready() -> None:
    with running_server(5, start_delay_s=60, dialect="sglang") as server:
        assert call(server.root_url, "GET", "/v1/models").status == 200
        assert call(server.root_url, "GET", "/health").status == 503


def test_after_the_start_delay_it_is_ready() -> None:
    with running_server(5, start_delay_s=0.05) as server:
        while call(server.root_url, "GET", "/health").status == 503:
            time.sleep(0.005)
        assert ask(server.root_url, "s/row/p/0").status == 200


def test_until_ready_connections_can_be_refused() -> None:
    with running_server(5, start_delay_s=60, refuse_until_ready=True) as server:
        assert not connects(server.port)


def test_connections_that_were_refused_are_taken_when_ready() -> None:
    with running_server(5, start_delay_s=0.05, refuse_until_ready=True) as server:
        while not connects(server.port):
            time.sleep(0.005)
        assert call(server.root_url, "GET", "/health").status == 200


def connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_address_is_printed_and_a_folder_and_a_key_are_served(tmp_path: Path) -> None:
    (tmp_path / "solve.yaml").write_text("about: for this test\ndefault: hello\n")
    script = Path(replay_server.__file__)
    command = [sys.executable, str(script), "--replies", str(tmp_path), "--model", "m", "--require-key-env", "A_KEY"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "A_KEY": "k"}) as process:
        try:
            assert process.stdout is not None
            said, _, root_url = process.stdout.readline().strip().rpartition(" ")
            assert said == "listening on"
            response = ask(root_url, "solve/row/p/0", model="m", headers={"Authorization": "Bearer k"})
            assert response.choice["message"]["content"] == "hello"
        finally:
            process.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's signal to orphans is Linux's")
def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = [sys.executable, replay_server.__file__, "--echo", "--port-file", str(port_file), "--exit-with-parent"]
    starter = f"import subprocess, time; subprocess.Popen({command!r}); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", starter]) as parent:
        while not port_file.exists():
            time.sleep(0.01)
        port = int(port_file.read_text())
        assert connects(port)
        parent.kill()
    deadline = time.monotonic() + 20
    while connects(port) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not connects(port)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's signal to orphans is Linux's")
def test_it_outlives_the_thread_that_started_it() -> None:
    command = [sys.executable, replay_server.__file__, "--echo", "--exit-with-parent"]
    with ThreadPoolExecutor(1) as pool:
        process = pool.submit(subprocess.Popen, command, stdout=subprocess.PIPE, text=True).result()
        root_url = process.stdout.readline().split()[-1]
        thread = pool.submit(threading.get_native_id).result()
    while Path(f"/proc/self/task/{thread}").exists():
        time.sleep(0.005)
    with process:
        try:
            assert call(root_url, "GET", "/health").status == 200
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--replies", "nowhere"], "no such folder"),
        (["--echo", "--faults", "nowhere.yaml"], "no such file"),
        (["--echo", "--reply-tokens", "0"], "cannot be made"),
        (["--echo", "--require-key-env", "A_VARIABLE_THAT_IS_NOT_SET"], "is not set"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda: replay_server.main(arguments)) == 2
    said = capsys.readouterr().err
    assert what in said
    assert "remedy:" in said


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(UserError, match="no such folder"), server_process("--replies", "nowhere"):
        pytest.fail("the server started")
