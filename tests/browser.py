"""A headless Chromium that a test drives over its own protocol; its network is this machine only."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_START_S = 90.0


class Tab:
    """A page: what was asked of it, what it loaded (`requests`) and what it complained of (`faults`)."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.faults: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=60)
            self._note(message)
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, message: dict[str, Any]) -> None:
        kind, told = message.get("method"), message.get("params", {})
        if kind == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif kind == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.faults.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif kind in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
            self.faults.append(str(told))

    async def run(self, code: str) -> Any:
        """The value of a piece of JavaScript."""
        found = await self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    async def until(self, code: str, seconds: float = 60.0) -> None:
        """Wait until a piece of JavaScript is true."""
        deadline = time.monotonic() + seconds
        while not await self.run(code):
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {code}")
            await asyncio.sleep(0.05)

    async def open(self, url: str) -> None:
        await self.run("window.isOld = true")
        await self.call("Page.navigate", url=url)
        await self.loaded()

    async def loaded(self) -> None:
        """Wait for the page after the one that was marked as old."""
        await self.until("!window.isOld && document.readyState === 'complete'")

    async def size(self, width: int, height: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    async def key(self, key: str) -> None:
        """Press a key, as a person does."""
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        codes = {"Enter": 13, "Tab": 9}
        code = {"windowsVirtualKeyCode": codes[key]} if key in codes else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **code)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **code)


def with_tab(profile: Path, work: Callable[[Tab], Awaitable[None]]) -> None:
    """Do some work in a tab of a Chromium that lives as long as that."""
    assert CHROMIUM is not None
    profile.mkdir(parents=True)
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={profile}", "--remote-debugging-port=0", "--disable-background-networking"]
    # A name that leads nowhere: a page that asks for anything outside fails, and is seen in `requests`.
    command += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        asyncio.run(_drive(profile, work))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def _drive(profile: Path, work: Callable[[Tab], Awaitable[None]]) -> None:
    port_file, deadline = profile / "DevToolsActivePort", time.monotonic() + _START_S
    while not port_file.exists() or not port_file.read_text().strip():
        if time.monotonic() > deadline:
            raise AssertionError("Chromium did not start")
        await asyncio.sleep(0.05)
    port = port_file.read_text().split()[0]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/json") as answer:
            pages = [one for one in await answer.json() if one["type"] == "page"]
        async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            tab = Tab(socket)
            for domain in ("Page", "Runtime", "Network", "Log"):
                await tab.call(f"{domain}.enable")
            await work(tab)
