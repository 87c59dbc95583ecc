"""Each fault as a client sees it."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest
from omr.replay.faults import HARMLESS, KINDS, Fault
from omr.replay.launch import RunningServer, running_server
from replay_http import CHAT, TEXT, ask, read_to_end, send_raw

TEXT_OF_REPLY = "one two three four"
FAULTS = [
    *(Fault(kind, match=f"{kind}/*") for kind in KINDS),
    *(Fault("wrong_shape", match=f"shape/{shape}/*", shape=shape) for shape in ("missing", "empty", "null", "list")),
    Fault("status", match="seconds/*", status=429, retry_after=7),
    Fault("status", match="date/*", status=503, retry_after_date_s=60),
    Fault("status", match="junk/*", status=503, retry_after="soon"),
    Fault("answer", match="page/*", body="<html>sign in</html>", retry_after=3),
    Fault("merge", match="merged/*", body='{"model": "m", "choices": [{"finish_reason": "eos_token"}], "error": null}'),
    Fault("drip", match="dripping/*", interval_s=60),
    Fault("reset", match="once/*", times=1),
]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server({"*": TEXT_OF_REPLY}, faults=FAULTS) as running:
        yield running


def test_a_status_is_sent_with_the_seconds_to_wait(server: RunningServer) -> None:
    response = ask(server.root_url, "seconds/row/p/0")
    assert (response.status, response.headers["retry-after"]) == (429, "7")


def test_a_status_is_sent_with_the_date_to_wait_for(server: RunningServer) -> None:
    headers = ask(server.root_url, "date/row/p/0").headers
    ahead = parsedate_to_datetime(headers["retry-after"]) - parsedate_to_datetime(headers["date"])
    assert 55 <= ahead.total_seconds() <= 65


def test_a_status_is_sent_with_any_text_as_time_to_wait(server: RunningServer) -> None:
    assert ask(server.root_url, "junk/row/p/0").headers["retry-after"] == "soon"


def test_a_status_on_purpose_is_500_without_time_to_wait_by_default(server: RunningServer) -> None:
    response = ask(server.root_url, "status/row/p/0")
    assert response.status == 500
    assert "retry-after" not in response.headers


@pytest.mark.parametrize("path", [CHAT, TEXT])
def test_abort_is_half_a_text_with_status_200(server: RunningServer, path: str) -> None:
    response = ask(server.root_url, "abort/row/p/0", path)
    text = response.choice["message"]["content"] if path == CHAT else response.choice["text"]
    assert (response.status, response.choice["finish_reason"], text) == (200, "abort", "one two t")


def test_null_finish_leaves_the_text(server: RunningServer) -> None:
    choice = ask(server.root_url, "null_finish/row/p/0").choice
    assert (choice["finish_reason"], choice["message"]["content"]) == (None, TEXT_OF_REPLY)


def test_a_refusal_has_no_content(server: RunningServer) -> None:
    message = ask(server.root_url, "refusal/row/p/0").choice["message"]
    assert message["content"] is None
    assert message["refusal"]


def test_a_content_filter_is_a_finish_reason(server: RunningServer) -> None:
    choice = ask(server.root_url, "content_filter/row/p/0").choice
    assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", "")


def test_an_answer_is_sent_as_it_is(server: RunningServer) -> None:
    response = ask(server.root_url, "page/row/p/0")
    assert (response.status, response.content) == (500, b"<html>sign in</html>")
    assert response.headers["retry-after"] == "3"


def test_a_merged_body_is_the_right_one_but_for_what_is_merged(server: RunningServer) -> None:
    response = ask(server.root_url, "merged/row/p/0")
    assert response.choice["message"]["content"] == TEXT_OF_REPLY
    assert (response.choice["finish_reason"], response.json["model"], response.json["error"]) == (
        "eos_token",
        "m",
        None,
    )


def test_a_truncated_body_is_shorter_than_declared(server: RunningServer) -> None:
    head, _, body = read_to_end(send_raw(server.port, "truncate_body/row/p/0")).partition(b"\r\n\r\n")
    declared = int(head.lower().partition(b"content-length:")[2].split()[0])
    assert head.startswith(b"HTTP/1.1 200")
    assert 0 < len(body) == declared // 2


def test_invalid_json_comes_with_status_200(server: RunningServer) -> None:
    response = ask(server.root_url, "invalid_json/row/p/0")
    assert response.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.content)


def test_an_empty_body_comes_with_status_200(server: RunningServer) -> None:
    response = ask(server.root_url, "empty_body/row/p/0")
    assert (response.status, response.content) == (200, b"")


def test_a_reset_is_no_orderly_end(server: RunningServer) -> None:
    with pytest.raises(ConnectionResetError):
        read_to_end(send_raw(server.port, "reset/row/p/0"))


def test_close_is_an_orderly_end_without_a_byte(server: RunningServer) -> None:
    assert read_to_end(send_raw(server.port, "close/row/p/0")) == b""


def test_hang_neither_answers_nor_closes(server: RunningServer) -> None:
    with send_raw(server.port, "hang/row/p/0") as connection:
        # Answered on the same loop afterwards, so by now the other would have been answered as well.
        assert ask(server.root_url, "solve/row/p/0").status == 200
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        assert server.requests()["in_flight"] == 1


def test_a_client_that_leaves_is_not_in_flight_any_more() -> None:
    with running_server(5, latency_s=3600) as server:
        connection = send_raw(server.port, "s/row/p/0")
        while server.requests()["in_flight"] == 0:
            time.sleep(0.005)
        connection.close()
        while server.requests()["in_flight"] == 1:
            time.sleep(0.005)
        assert (server.counts, server.answered) == ({"s/row/p/0": 1}, {})


def test_slow_gives_the_whole_reply(server: RunningServer) -> None:
    assert ask(server.root_url, "slow/row/p/0").choice["message"]["content"] == TEXT_OF_REPLY


def test_drip_gives_the_whole_reply(server: RunningServer) -> None:
    assert ask(server.root_url, "drip/row/p/0").choice["message"]["content"] == TEXT_OF_REPLY


def test_drip_sends_one_byte_and_pauses(server: RunningServer) -> None:
    with send_raw(server.port, "dripping/row/p/0") as connection:
        received = b""
        while not received.partition(b"\r\n\r\n")[2]:
            received += connection.recv(1 << 16)
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
    assert received.endswith(b"\r\n\r\n{")


def test_non_utf8_cannot_be_decoded(server: RunningServer) -> None:
    response = ask(server.root_url, "non_utf8/row/p/0")
    assert response.status == 200
    with pytest.raises(UnicodeDecodeError):
        response.content.decode()
    assert json.loads(response.content.decode(errors="replace"))["choices"]


def test_huge_is_as_large_as_asked() -> None:
    with running_server(5, faults=[Fault("huge", megabytes=3.5)]) as server:
        assert len(ask(server.root_url, "s/row/p/0").choice["message"]["content"]) == 3_500_000


def test_wrong_shapes_hold_no_message(server: RunningServer) -> None:
    bodies = {shape: ask(server.root_url, f"shape/{shape}/p/0").json for shape in ("missing", "empty", "null", "list")}
    assert "choices" not in bodies["missing"]
    assert bodies["empty"]["choices"] == []
    assert bodies["null"]["choices"][0]["message"] is None
    assert isinstance(bodies["list"], list)


def test_after_its_times_a_fault_gives_way_to_the_reply(server: RunningServer) -> None:
    with pytest.raises(ConnectionResetError):
        ask(server.root_url, "once/row/p/0")
    assert ask(server.root_url, "once/row/p/0").choice["message"]["content"] == TEXT_OF_REPLY


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"hang"}))
def test_only_whole_right_replies_count_as_answered(server: RunningServer, kind: str) -> None:
    request_id = f"{kind}/counted/p/0"
    try:
        read_to_end_of_response(send_raw(server.port, request_id))
    except (http.client.HTTPException, ConnectionResetError):
        assert kind in {"truncate_body", "reset", "close"}
    assert server.counts[request_id] == 1
    assert server.answered.get(request_id, 0) == (1 if kind in HARMLESS else 0)


def read_to_end_of_response(connection: socket.socket) -> bytes:
    with connection:
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.read()
