"""The local server: loopback only, reading only, for whoever has the address that it printed.

Other pages in the same browser must not reach it: a request whose Host is no name of this machine (DNS rebinding) is
refused, no page may frame another, and nothing but its own style sheet and script is loaded. Other people on the same
machine must not either: the first address holds a key, which the browser keeps as a cookie.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import ipaddress
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from omr.browse.database import open_for_writing
from omr.browse.indexing import Index
from omr.browse.pages import Answer, NotThereError, Pages, State
from omr.errors import UserError, as_user_error
from omr.files.locks import FileLock
from omr.report.render import FORMULAS, TEMPLATES

DEFAULT_PORT = 8765
_AT_A_TIME = 4
_STATIC = Path(__file__).parent / "static"
_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
#: Between two looks for new files: so many seconds, and so many times what a look takes.
_PAUSE_S, _PAUSE_TIMES = 20.0, 20.0


def loopback(host: str) -> str:
    """An address of this machine only. Raises UserError for any other."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        remedy = "leave --host out; from another machine: ssh -L 8765:localhost:8765 THIS_MACHINE"
        raise UserError(f"the pages are served to this machine only, not at {host!r}", remedy=remedy)
    return str(address)


def bind(host: str, port: int | None) -> socket.socket:
    """A socket at a port; where none is named, at the usual one or, if that is taken, at a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for wanted in [DEFAULT_PORT, 0] if port is None else [port]:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, wanted))
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE and port is None and wanted:
                continue
            remedy = "name another port with --port, or none"
            raise UserError(f"port {wanted} cannot be had: {error.strerror}", remedy=remedy) from None
        sock.listen(128)  # from the moment that the address is printed
        return sock
    raise AssertionError("a free port was asked for")


class Server:
    """Serves the pages of a run on `sock`; its first address is `url`."""

    def __init__(self, pages: Pages, sock: socket.socket) -> None:
        self._pages = pages
        self._sock = sock
        self._key = secrets.token_urlsafe(18)
        host, port = sock.getsockname()[:2]
        # More at a time would only wait for each other, each with its own connection to the index.
        self._makers = ThreadPoolExecutor(_AT_A_TIME)
        self._cookie = f"browse-{port}"
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}/?key={self._key}"

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/static/formulas.css", _formulas)
        app.router.add_static("/static", _STATIC)
        for path in self._pages.all:
            app.router.add_get(path, self._page)
        app.on_response_prepare.append(_secure)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            name = urlsplit(f"//{request.headers.get('Host', '')}").hostname
        except ValueError:
            name = None
        if name not in _NAMES:
            return self._refused(421, "This server answers to localhost only.")
        offered = request.query.get("key")
        if offered is not None and self._is_key(offered):
            query = request.rel_url.query.copy()
            query.pop("key")
            response = web.Response(status=303, headers={"Location": str(request.rel_url.with_query(query))})
            response.set_cookie(self._cookie, self._key, httponly=True, samesite="Strict", path="/")
            return response
        if not self._is_key(request.cookies.get(self._cookie, "")):
            return self._refused(403, "Open the address that the command printed: it holds the key to these pages.")
        try:
            return await handler(request)
        except web.HTTPException as error:
            return self._refused(error.status, "There is no such page.")

    def _is_key(self, offered: str) -> bool:
        return hmac.compare_digest(offered.encode(errors="replace"), self._key.encode())

    def _refused(self, status: int, text: str) -> web.Response:
        return web.Response(status=status, text=text)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        answer, status = await asyncio.get_running_loop().run_in_executor(
            self._makers, self._made, request.path, dict(request.query)
        )
        if answer.location:
            return web.Response(status=303, headers={"Location": answer.location})
        body = answer.html.encode("utf-8", errors="replace")
        return web.Response(status=status, body=body, content_type="text/html", charset="utf-8")

    def _made(self, path: str, query: dict[str, str]) -> tuple[Answer, int]:
        try:
            return self._pages.all[path](query), 200
        except NotThereError as error:
            return self._pages.render("error.html", what=str(error)), 404
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            what = f"Something here is not as its stage writes it, so that it cannot be told: {error!r}"
            return self._pages.render("error.html", what=what), 500
        except sqlite3.OperationalError as error:
            return self._pages.render("error.html", what=f"The index cannot be read at the moment: {error}"), 503

    async def serve(self) -> None:
        """Answer until it is cancelled."""
        runner = web.AppRunner(self.app(), access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.SockSite(runner, self._sock).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


async def _formulas(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(TEMPLATES / FORMULAS)


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def keep_indexed(run: Path, index: Path, state: State, say: Callable[[str], None]) -> threading.Thread:
    """Bring the index up to date again and again, in a thread that ends with the process."""

    def told(line: str) -> None:
        state.reading = line
        say(line)

    def work() -> None:
        try:
            with FileLock(index.with_name(f".{index.name}.lock"), told):
                db = open_for_writing(index)
                while True:
                    begun = time.monotonic()
                    state.is_reading = True
                    Index(db, run, told).update()
                    state.is_reading, state.reading = False, ""
                    state.read_at = time.strftime("%H:%M:%S")
                    time.sleep(max(_PAUSE_S, _PAUSE_TIMES * (time.monotonic() - begun)))
        except (OSError, sqlite3.Error, UserError) as error:
            # The pages go on with what is there, and say why it does not become more.
            fault = as_user_error(error) if isinstance(error, OSError) else error
            state.is_reading, state.fault = False, str(fault or error)
            say(f"the index is not kept up to date: {state.fault}")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
