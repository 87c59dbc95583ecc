"""The life of a started server, with a stand-in that really listens and misbehaves as told."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from omr.errors import UserError
from omr.servers import started
from omr.servers.died import ServerDied
from omr.servers.server import ModelServer
from server_lab import PATIENCE_S, Lab


def run(server: ModelServer, act: Callable[[ModelServer], Awaitable[None]]) -> None:
    """Start a server, act, stop it."""

    async def whole() -> None:
        async with server:
            await asyncio.wait_for(act(server), PATIENCE_S)

    asyncio.run(whole())


async def nothing(server: ModelServer) -> None:
    pass


async def completes(server: ModelServer) -> bool:
    request = urllib.request.Request(f"{server.base_url}/completions", b"{}", {"Content-Type": "application/json"})
    try:
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=PATIENCE_S).read())
    except OSError:
        return False
    return True


def test_a_started_server_answers_at_its_base_url_under_its_name(lab: Lab) -> None:
    async def act(server: ModelServer) -> None:
        answer = urllib.request.urlopen(f"{server.base_url}/models", timeout=PATIENCE_S).read()
        assert [model["id"] for model in json.loads(answer)["data"]] == [server.served_name] == ["m"]
        assert server.failure() is None

    run(lab.server(), act)
    assert any("serves m after" in event for event in lab.events)


def test_a_server_listens_on_loopback_in_a_session_of_its_own_without_secrets(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NVIDIA_API_KEY", "secret")
    run(lab.server(), nothing)
    (process,) = lab.processes()
    assert process["argv"][process["argv"].index("--host") + 1] == "127.0.0.1"
    assert process["session"] == process["pid"]
    assert "NVIDIA_API_KEY" not in process["environment"]


def test_the_bundled_server_is_started_like_any_other(lab: Lab) -> None:
    (lab.folder / "any.yaml").write_text("about: written for this test\nreplies: {}\ndefault: seven\n")

    async def act(server: ModelServer) -> None:
        answer = urllib.request.urlopen(f"{server.base_url}/models", timeout=PATIENCE_S).read()
        assert [model["id"] for model in json.loads(answer)["data"]] == ["m"]

    run(lab.server(server="replay", replies=str(lab.folder), args=[]), act)


def test_ready_waits_for_health_although_models_are_listed_before(lab: Lab) -> None:
    run(lab.server("slow"), nothing)
    assert (lab.folder / "state" / "health-checks-before-completion").read_text() == "4"


def test_a_server_that_dies_while_loading_is_reported_with_the_end_of_its_log(lab: Lab) -> None:
    with pytest.raises(ServerDied, match="exit status 1") as caught:
        run(lab.server("die-while-loading"), nothing)
    assert "CUDA out of memory[0m" in str(caught.value)
    assert "more GPUs" in str(caught.value.remedy)
    assert len(lab.processes()) == 1


def test_a_command_that_does_not_exist_is_a_clear_error(lab: Lab) -> None:
    lab.python.unlink()
    with pytest.raises(ServerDied, match=r"cannot start .*No such file") as caught:
        run(lab.server(), nothing)
    assert "under `servers:`" in str(caught.value.remedy)


def test_a_local_model_that_is_not_there_is_noticed_before_anything_starts(lab: Lab) -> None:
    with pytest.raises(UserError, match="is not there"):
        run(lab.server(path=str(lab.folder / "weights")), nothing)
    assert lab.processes() == []


def test_a_server_that_never_gets_ready_is_given_up(lab: Lab) -> None:
    with pytest.raises(ServerDied, match="was not ready after 1 s: no answer"):
        run(lab.server("stuck-while-loading", ready_timeout_s=1), nothing)


def test_a_server_that_lists_another_model_is_not_ready(lab: Lab) -> None:
    with pytest.raises(ServerDied, match=r"does not list m \(but: another\)"):
        run(lab.server("unlisted", ready_timeout_s=1), nothing)


def test_a_server_that_refuses_a_completion_is_reported_at_once(lab: Lab) -> None:
    with pytest.raises(ServerDied, match=r"refuses a completion of one token \(status 400: no completions here\)"):
        run(lab.server("refuse"), nothing)


def test_a_port_that_was_taken_in_the_meantime_costs_another_start(lab: Lab) -> None:
    run(lab.server("port-taken-once"), nothing)
    first, second = (process["argv"][process["argv"].index("--port") + 1] for process in lab.processes())
    assert first != second


def test_ports_that_are_always_taken_end_in_an_error(lab: Lab) -> None:
    with pytest.raises(ServerDied, match="Address already in use"):
        run(lab.server("port-taken"), nothing)
    assert len(lab.processes()) == 4


def test_death_is_noticed_and_a_restarted_server_answers_again(lab: Lab) -> None:
    async def act(server: ModelServer) -> None:
        assert not await completes(server)
        died = await server.wait_dead()
        assert "exit status 7" in str(died)
        assert "engine died" in died.tail
        await server.restart()
        assert await completes(server)

    run(lab.server("die-later-once"), act)
    assert any("1 of 2 times" in event for event in lab.events)


def test_restarts_are_bounded(lab: Lab) -> None:
    async def act(server: ModelServer) -> None:
        await server.restart()
        with pytest.raises(ServerDied, match="all 1 restarts are used up"):
            await server.restart()

    run(lab.server(restarts=1), act)
    assert len(lab.processes()) == 2


def test_a_server_that_lives_but_answers_503_for_ever_is_dead(lab: Lab) -> None:
    async def act(server: ModelServer) -> None:
        assert "/health answers 503" in str(await server.wait_dead())

    run(lab.server("zombie"), act)


def test_a_server_that_keeps_requests_waiting_hangs(lab: Lab) -> None:
    async def act(server: ModelServer) -> None:
        assert "hangs: 3 requests wait" in str(await server.wait_dead(waiting=lambda: 3))

    run(lab.server("hang", stall_timeout_s=0.3), act)


def test_only_a_server_that_answers_nothing_while_requests_wait_hangs(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(started, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    async def act(server: ModelServer) -> None:
        idle = asyncio.ensure_future(server.wait_dead())
        await asyncio.sleep(0.2)
        clock[0] += 9000.0
        await asyncio.sleep(0.2)
        assert not idle.done()
        idle.cancel()
        asked = asyncio.ensure_future(server.wait_dead(waiting=lambda: 1))
        for _ in range(5):
            await asyncio.sleep(0.2)
            clock[0] += 600.0
            server.note_progress()
        assert not asked.done()
        clock[0] += 1200.0
        assert "hangs: 1 requests wait, but none was answered for 1200 s" in str(await asked)

    run(lab.server(stall_timeout_s=1000.0), act)


def test_why_a_restart_failed_is_told(lab: Lab) -> None:
    async def act(server: ModelServer) -> None:
        with pytest.raises(ServerDied, match="all 2 restarts are used up"):
            await server.restart()

    run(lab.server("refuse-again", restarts=2), act)
    told = [event for event in lab.events if event.startswith("that failed")]
    assert len(told) == 2
    assert "refuses a completion of one token (status 400: no completions here)" in told[0]


def test_what_a_server_forked_is_gone_when_it_is_stopped_even_if_it_ignores_sigterm(lab: Lab) -> None:
    async def act(server: ModelServer) -> None:
        assert len(lab.family()) == 4  # supervisor, server, worker, and the grandchild in a session of its own

    run(lab.server("family,ignore-term"), act)
    assert lab.family() == []


def test_workers_that_outlive_the_servers_first_process_are_gone_when_its_death_is_told(lab: Lab) -> None:
    async def act(server: ModelServer) -> None:
        assert not await completes(server)
        await server.wait_dead()
        assert lab.family() == []

    run(lab.server("family,die-later"), act)


def test_an_error_or_a_cancelled_job_stops_the_server(lab: Lab) -> None:
    async def act(server: ModelServer) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(lab.server("family"), act)
    assert lab.family() == []


def test_a_start_that_is_cancelled_leaves_nothing(lab: Lab) -> None:
    async def whole() -> None:
        task = asyncio.ensure_future(lab.server("family,stuck-while-loading").start())
        while len(lab.family()) < 4:
            await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(whole())
    assert lab.family() == []
