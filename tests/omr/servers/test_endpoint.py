"""Checks of an endpoint before it is used, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.replay.launch import running_server
from omr.servers import endpoint
from omr.servers.died import ServerDied
from omr.servers.endpoint import api_key, check_completions
from omr.servers.opened import open_server
from omr.servers.ports import Port

KEY = "sk-not-to-be-shown"


@dataclass
class Host:
    """What a hosted endpoint answers: the ids it lists (None: 404) and the status of a completion."""

    models: list[str] | None = field(default_factory=lambda: ["org/model"])
    completion: int = 200
    message: str = "unknown model"
    body: Any = None  # of a completion, whatever its status
    key: str | None = None
    not_ready: int = 0  # so many requests get 503 first
    resets: int = 0  # so many connections are dropped first
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, key: str | None) -> tuple[int, Any]:
        self.asked.append(path)
        if self.not_ready > 0:
            self.not_ready -= 1
            return 503, {"error": {"message": "loading"}}
        if self.key is not None and key != f"Bearer {self.key}":
            return 401, {"error": {"message": "invalid key"}}
        if path == "/v1/models":
            return (404, "no such page") if self.models is None else (200, {"data": [{"id": m} for m in self.models]})
        if self.body is not None:
            return self.completion, self.body
        if self.completion == 200:
            return 200, {"choices": [{"message": {"content": "1"}}]}
        return self.completion, {"error": {"message": self.message}}


@dataclass
class Busy(Host):
    """One behind a gateway that answers for it that it is not there."""

    status: int = 503

    def answer(self, path: str, key: str | None) -> tuple[int, Any]:
        return self.status, {"error": {"message": "no backend"}}


@contextmanager
def serving(host: Host, context: ssl.SSLContext | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if host.resets > 0:
                host.resets -= 1
                self.close_connection = True
                return
            status, body = host.answer(self.path, self.headers.get("Authorization"))
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_PAUSES_S", (0.01, 0.02))
    monkeypatch.setattr(endpoint, "_PAUSE_S", 0.01)
    monkeypatch.setattr(endpoint, "_OTHERS_WITHIN_S", 1.0)


def spec(url: str, **fields: Any) -> ModelSpec:
    return ModelSpec("m", "org/model", "endpoint", **{"base_url": url, **fields})


def check(model: ModelSpec) -> list[str]:
    """Open and close the endpoint; what it told."""
    events: list[str] = []

    async def whole() -> None:
        async with open_server(model, log_path=Path("x"), scratch=Path("x"), on_event=events.append) as server:
            assert (server.base_url, server.base_urls) == (model.base_urls[0], model.base_urls)
            assert server.served_name == "org/model"
            assert not server.is_local

    asyncio.run(whole())
    return events


def test_an_endpoint_that_lists_the_model_is_asked_for_nothing_else() -> None:
    host = Host()
    with serving(host) as url:
        assert check(spec(url + "/")) == []
    assert host.asked == ["/v1/models"]


def test_an_endpoint_that_cannot_be_reached_is_named_with_a_remedy() -> None:
    with Port() as port, pytest.raises(UserError, match=f"127.0.0.1:{port.number}/v1 cannot be reached") as caught:
        check(spec(f"http://127.0.0.1:{port.number}/v1", max_outage_s=0.0))
    assert "base_url" in str(caught.value)


def test_a_job_waits_for_an_endpoint_that_is_away_as_long_as_for_a_busy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_SAY_EVERY_S", 0.05)
    with serving(Host(resets=40)) as url:
        events = check(spec(url))
    assert all(event.startswith(f"{url} cannot be reached (") for event in events)
    assert sum(event.endswith(": waiting") for event in events) > 1


def test_an_endpoint_that_stays_away_ends_the_job_after_its_longest_outage() -> None:
    started = time.monotonic()
    with Port() as port, pytest.raises(UserError, match="cannot be reached"):
        check(spec(f"http://127.0.0.1:{port.number}/v1", max_outage_s=0.5))
    assert time.monotonic() - started >= 0.5


def test_a_connection_that_is_dropped_once_does_not_end_the_run() -> None:
    with serving(Host(resets=2)) as url:
        events = check(spec(url))
    assert [event.split("(")[0] for event in events] == [f"{url} cannot be reached "] * 2


@pytest.mark.parametrize("model", ["org/model", "org/other"])
def test_a_check_that_met_a_server_which_is_not_ready_is_done_again(model: str) -> None:
    host = Host(models=[model], not_ready=5, completion=404)
    with serving(host) as url:
        if model == "org/model":
            assert check(spec(url)) == [f"{url} is busy or not ready (status 503: loading): waiting"]
        else:
            with pytest.raises(UserError, match="does not answer for 'org/model'"):
                check(spec(url))


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_stays_busy_is_waited_for_as_long_as_for_one_that_is_away(status: int) -> None:
    with serving(Host(models=["org/a"], completion=status, message="busy")) as url:
        waiting, warning = check(spec(url, max_outage_s=2.0))
    assert waiting.endswith("waiting")
    assert f"does not list the model 'org/model' (it lists org/a); a request got status {status}" in warning


def test_an_account_with_nothing_left_is_an_error_before_rows_are_read() -> None:
    with serving(Host(models=[], completion=402, message="pay")) as url, pytest.raises(UserError, match="used up"):
        check(spec(url))


def test_a_missing_key_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_API_KEY", raising=False)
    with pytest.raises(UserError, match="SOME_API_KEY is not set"):
        check(spec("http://127.0.0.1:1/v1", api_key_env="SOME_API_KEY"))


def test_a_key_with_blanks_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", f"{KEY} {KEY}")
    with pytest.raises(UserError, match="SOME_API_KEY holds no key") as caught:
        api_key(spec("http://127.0.0.1:1/v1", api_key_env="SOME_API_KEY"))
    assert KEY not in str(caught.value)


def test_a_refused_key_is_named_by_its_variable_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    with serving(Host(key="another")) as url, pytest.raises(UserError, match="refuses the key") as caught:
        check(spec(url, api_key_env="SOME_API_KEY"))
    assert "SOME_API_KEY" in str(caught.value)
    assert KEY not in str(caught.value)


def test_the_right_key_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    with serving(Host(key=KEY)) as url:
        assert check(spec(url, api_key_env="SOME_API_KEY")) == []


@pytest.mark.parametrize("status", [400, 404])
def test_an_endpoint_without_the_model_is_an_error_that_lists_what_there_is(status: int) -> None:
    host = Host(models=["org/b", "org/a"], completion=status)
    with serving(host) as url, pytest.raises(UserError, match="unknown model; it lists org/a, org/b"):
        check(spec(url))


@pytest.mark.parametrize(
    ("models", "completion", "message"),
    [
        (["org/a"], 200, ""),
        (None, 200, ""),
        ([], 400, "'max_tokens' is not supported with this model"),
    ],
)
def test_an_endpoint_that_lists_another_model_but_may_answer_for_it_is_only_a_warning(
    models: list[str] | None, completion: int, message: str
) -> None:
    with serving(Host(models=models, completion=completion, message=message)) as url:
        (event,) = check(spec(url))
    assert "does not list the model 'org/model'" in event


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (301, "moved", "sends requests elsewhere, and a request for 'org/model' got no completion (status 301: moved)"),
        (200, {"error": {"message": "no backend"}}, "got no completion (status 200: no backend)"),
        (200, {"detail": "Not Found"}, "got no completion (status 200: Not Found)"),
        (200, [], "got no completion (status 200: [])"),
        (200, "null", "(status 200: null)"),
        (204, "", "got no completion (status 204"),
    ],
)
def test_what_is_neither_a_completion_nor_busy_is_an_error_in_its_words(status: int, body: Any, said: str) -> None:
    with serving(Host(models=None, completion=status, body=body)) as url:
        with pytest.raises(UserError) as caught:
            check(spec(url))
        with pytest.raises(UserError, match="got no completion"):
            check_texts(spec(url))
    assert said in str(caught.value)
    assert "base_url" in str(caught.value)


def test_an_error_that_came_as_200_and_says_busy_is_waited_for() -> None:
    body = {"error": {"message": "slow down", "code": 429}}
    with serving(Host(models=None, body=body)) as url:
        waiting, warning = check(spec(url, max_outage_s=0.2))
    assert "is busy or not ready (status 429: slow down): waiting" in waiting
    assert warning.endswith("a request got status 429")


def test_a_reply_in_pieces_is_a_completion() -> None:
    with serving(Host(models=None, body='data: {"choices": []}\n\n')) as url:
        (event,) = check(spec(url))
    assert "does not list the model" in event


def test_https_asked_of_a_plain_server_is_told_so_without_the_login() -> None:
    with serving(Host()) as url, pytest.raises(UserError, match="speaks plain http") as caught:
        check(spec(url.replace("http://", "https://user:secret@"), max_outage_s=0.0))
    assert "write http://" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_certificate_that_nobody_knows_is_told_with_what_makes_it_known(tmp_path: Path) -> None:
    pem = tmp_path / "own.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(pem), "-out", str(pem) + ".crt"]
    make += ["-days", "2", "-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    subprocess.run(make, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{pem}.crt", pem)
    with serving(Host(), context) as url, pytest.raises(UserError, match="invalid peer certificate") as caught:
        check(spec(url.replace("http://127.0.0.1", "https://localhost"), max_outage_s=0.0))
    assert "SSL_CERT_FILE" in str(caught.value)


def test_a_name_that_nobody_knows_and_a_port_without_a_listener_are_told_apart() -> None:
    with pytest.raises(UserError, match="the name of the host is not known"):
        check(spec("http://no-such-host.invalid/v1", max_outage_s=0.0))
    with Port() as port, pytest.raises(UserError, match="Connection refused"):
        check(spec(f"http://127.0.0.1:{port.number}/v1", max_outage_s=0.0))


def test_an_endpoint_is_not_ours_to_restart_and_never_reported_dead() -> None:
    async def whole() -> None:
        server = open_server(spec("http://127.0.0.1:1/v1"), log_path=Path("x"), scratch=Path("x"))
        watch = asyncio.ensure_future(server.wait_dead())
        with pytest.raises(ServerDied, match="not ours"):
            await server.restart()
        assert not watch.done()
        watch.cancel()

    asyncio.run(whole())


# ---- several base URLs, and batches --------------------------------------------------------------------------------


def check_all(model: ModelSpec, *, one_is_enough: bool) -> list[str]:
    events: list[str] = []
    asyncio.run(endpoint.check_endpoint(model, events.append, one_is_enough=one_is_enough))
    return events


def test_of_several_urls_all_are_asked_for_key_and_model() -> None:
    hosts = [Host(), Host(models=["org/other"], completion=404)]
    with serving(hosts[0]) as good, serving(hosts[1]) as bad:
        for urls in ((good, bad), (bad, good)):
            with pytest.raises(UserError, match=f"{bad} does not answer for 'org/model'"):
                check_all(spec("", base_url=urls), one_is_enough=False)
            (warning,) = check_all(spec("", base_url=urls), one_is_enough=True)
            assert warning.startswith(f"warning: {bad} does not answer for 'org/model'")
    assert hosts[0].asked == ["/v1/models"] * 4


def test_when_no_url_is_right_one_that_is_enough_is_missing_all_the_same() -> None:
    with Port() as port, serving(Host(key="another")) as refusing:
        urls = (f"http://127.0.0.1:{port.number}/v1", refusing)
        with pytest.raises(UserError, match=r"cannot be reached|refuses the key"):
            check_all(spec("", base_url=urls, max_outage_s=0.0), one_is_enough=True)


def test_a_job_starts_with_those_urls_that_are_there() -> None:
    with Port() as port, serving(Host()) as there:
        urls = (there, f"http://127.0.0.1:{port.number}/v1")
        events = check(spec("", base_url=urls))
        assert events[0].startswith(f"{urls[1]} cannot be reached (")
        assert events[-1] == f"warning: {urls[1]} has not been found good so far"


@pytest.mark.parametrize("status", [502, 503])
def test_a_job_does_not_wait_for_a_url_that_is_busy_while_another_is_good(status: int) -> None:
    with serving(Host()) as good, serving(Busy(status=status)) as busy:
        for urls in ((good, busy), (busy, good)):
            started = time.monotonic()
            events = check(spec("", base_url=urls, max_outage_s=60.0))
            assert time.monotonic() - started < 20
            assert events[0].startswith(f"{busy} is busy or not ready (status {status}")
            assert events[-1] == f"warning: {busy} has not been found good so far"


def test_a_url_that_is_a_little_slower_than_another_is_told_nothing_of() -> None:
    with serving(Host()) as one, serving(Host(not_ready=4)) as other:
        events = check(spec("", base_url=(one, other)))
        assert [event for event in events if event.startswith("warning")] == []


def test_checks_that_are_not_waited_for_end_and_tell_nothing_more() -> None:
    async def whole() -> None:
        events: list[str] = []
        model = spec("", base_url=(good, busy), max_outage_s=60.0)
        await endpoint.check_endpoint(model, events.append, one_is_enough=True)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        told = len(events)
        await asyncio.sleep(0.1)
        assert len(events) == told

    with serving(Host()) as good, serving(Busy()) as busy:
        asyncio.run(whole())


def check_texts(model: ModelSpec) -> list[str]:
    """What the check that a text can be gone on with told."""
    events: list[str] = []
    asyncio.run(check_completions(model, events.append))
    return events


@pytest.mark.parametrize("bad", [Host(completion=404), Host(completion=302, body="moved"), Host(key="another")])
def test_of_several_urls_one_must_take_a_text_and_what_is_wrong_with_others_is_told(bad: Host) -> None:
    with serving(Host()) as good, serving(bad) as wrong:
        for urls in ((good, wrong), (wrong, good)):
            (warning,) = check_texts(spec("", base_url=urls))
            assert warning.startswith("warning: ")
            assert wrong in warning
        with pytest.raises(UserError, match=wrong):
            check_texts(spec("", base_url=(wrong,)))


def test_where_no_url_takes_a_text_the_wrong_one_is_named_though_another_is_away() -> None:
    with Port() as port, serving(Host(completion=404)) as wrong:
        away = f"http://127.0.0.1:{port.number}/v1"
        for urls in ((away, wrong), (wrong, away)):
            with pytest.raises(UserError, match=f"continued at {wrong}/completions"):
                check_texts(spec("", base_url=urls))
        (warning,) = check_texts(spec(away))
        assert warning.startswith(f"warning: {away} cannot be reached")


def test_the_question_for_a_model_has_no_field_that_the_host_refuses() -> None:
    with running_server({"*": "x"}, model="org/other", refuse=["max_tokens"], dialect="sglang") as server:
        for rename, status in (({"max_tokens": "max_completion_tokens"}, 200), ({}, 400)):
            (event,) = check_all(spec(server.base_url, rename=rename), one_is_enough=False)
            assert event.endswith(f"a request got status {status}")


def test_a_host_without_a_batch_api_is_told() -> None:
    class NoBatches(Host):
        def answer(self, path: str, key: str | None) -> tuple[int, Any]:
            return (404, {"error": "no such route"}) if "batches" in path else super().answer(path, key)

    with serving(NoBatches()) as url, pytest.raises(UserError, match="has no batch API"):
        check_all(replace(spec(url), server="batch"), one_is_enough=False)
    with serving(Host()) as url:
        assert check_all(replace(spec(url), server="batch"), one_is_enough=False) == []
