"""The command over real HTTP: who gets in, and what a browser is told; and in a real browser, on a laptop and a phone."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import browse
import pytest
import run_files
from browser import CHROMIUM, Tab, with_tab
from omr.errors import UserError
from run_files import HOSTILE, PROBLEM, RECIPE, THREAD

ROOT = Path(__file__).parents[1]


class Served:
    """The command, serving a run at a free port."""

    def __init__(self, run: Path, *options: str) -> None:
        command = [sys.executable, str(ROOT / "scripts/browse.py"), "--run", str(run), "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]
        parts = urlsplit(self.url)
        self.port, self.key = parts.port or 0, parts.query.removeprefix("key=")
        self.cookie = f"browse-{self.port}={self.key}"

    def ask(self, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True)
        for name, value in ({"Host": f"localhost:{self.port}", "Cookie": self.cookie} | headers).items():
            if value:
                connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse()

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    run = run_files.write_run(tmp_path_factory.mktemp("results"), HOSTILE)
    assert browse.main(["--run", str(run), "--only-index"]) == 0
    with Served(run) as one:
        yield one


@pytest.mark.parametrize("path", ["/", "/problems?q=1%2B1", f"/problem?id={PROBLEM}", "/drops", "/static/style.css"])
def test_pages_come_with_headers_that_let_nothing_else_in(served: Served, path: str) -> None:
    answer = served.ask(path)
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "host", ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1", "[::2]", "a]b[", ""]
)
def test_other_names_for_this_machine_are_refused(served: Served, host: str) -> None:
    for path in ("/", f"/?key={served.key}", "/static/keys.js"):
        answer = served.ask(path, Host=host)
        assert answer.status in (400, 421)
        assert b"problem" not in answer.read()
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9999", "[::1]:80", "LOCALHOST:1"])
def test_a_tunnel_may_have_another_port(served: Served, host: str) -> None:
    assert served.ask("/", Host=host).status == 200


def test_who_does_not_have_the_key_sees_nothing(served: Served) -> None:
    for path, cookie in [("/", ""), (f"/problem?id={PROBLEM}", "browse=x"), ("/?key=", ""), ("/?key=%FF", ""), ("/static/keys.js", "")]:  # fmt: skip
        answer = served.ask(path, Cookie=cookie)
        assert answer.status == 403
        assert THREAD.encode() not in answer.read()


def test_the_key_of_the_address_becomes_a_cookie_and_leaves_the_address(served: Served) -> None:
    answer = served.ask(f"/problem?id={PROBLEM}&key={served.key}", Cookie="")
    assert answer.status == 303
    assert answer.headers["Location"] == f"/problem?id={PROBLEM}"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(served.cookie)
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    "path", ["/nothing", "/problem?id=nothing", "/static/../server.py", "/static/", "/static/%2e%2e/pages.py"]
)
def test_what_is_not_there_is_a_404(served: Served, path: str) -> None:
    assert served.ask(path).status in (403, 404)


def test_a_row_that_no_stage_writes_is_told_on_its_page_and_ends_nothing(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    run_files.write_rows(run / RECIPE / "judged/shard-000-of-001.jsonl", {"id": PROBLEM, "judgement": "yes"})
    assert browse.main(["--run", str(run), "--only-index"]) == 0
    with Served(run) as one:
        answer = one.ask(f"/problem?id={PROBLEM}")
        assert answer.status == 500
        assert b"not as its stage writes it" in answer.read()
        assert one.ask("/problems").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(served: Served, method: str) -> None:
    assert served.ask("/", method=method).status == 405


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_only_loopback_is_served(tmp_path: Path, host: str) -> None:
    with pytest.raises(UserError, match="this machine only"):
        browse.main(["--run", str(tmp_path), "--host", host])


def test_a_port_that_is_taken_and_a_run_that_is_not_there_are_told(served: Served, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no run"):
        browse.main(["--run", str(tmp_path / "nothing")])
    (tmp_path / "config.yaml").touch()
    with pytest.raises(UserError, match="cannot be had"):
        browse.main(["--run", str(tmp_path), "--port", str(served.port)])


def test_a_folder_that_is_no_run_gets_no_index(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no run"):
        browse.main(["--run", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


def test_an_index_elsewhere_leaves_the_folder_of_the_run_alone_and_ctrl_c_is_no_fault(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    index = tmp_path / "elsewhere.sqlite"
    with Served(run, "--index", str(index)) as one:
        assert one.ask("/files").status == 200
        assert one.end() == 0
    assert index.exists()
    assert not (run / browse.NAME).exists()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_person_looks_around_by_keyboard(served: Served, tmp_path: Path, width: int) -> None:
    async def work(tab: Tab) -> None:
        await tab.size(width, 800)
        await tab.open(served.url)
        assert "key=" not in await tab.run("location.href")
        for page in ("/", "/problems", "/solutions", "/drops", "/threads", "/files", f"/problem?id={PROBLEM}", f"/solution?recipe={RECIPE}&id={PROBLEM}&seed=1"):  # fmt: skip
            await tab.open(f"http://127.0.0.1:{served.port}{page}")
            # Nothing is wider than the window, and the type is of a size that can be read.
            assert await tab.run("document.documentElement.scrollWidth") <= width, page
            # Links beside each other may stand below each other where there is no room.
            assert await tab.run(
                "[...document.querySelectorAll('a + a')].every(a => a.previousSibling.nodeType == 3)"
            ), page
            assert await tab.run("parseFloat(getComputedStyle(document.body).fontSize)") >= 15
            assert await tab.run("getComputedStyle(document.querySelector('header')).borderBottomStyle") == "solid"
        # Find a problem by words of a formula, open it with j and Enter, and unfold its first solution.
        await tab.key("/")
        assert await tab.run("document.activeElement.name") == "q"
        await tab.call("Input.insertText", text="1+1")
        await tab.run("window.isOld = true")
        await tab.key("Enter")
        await tab.loaded()
        assert await tab.run("document.querySelectorAll('main .list .item').length") == 1
        assert await tab.run("document.querySelectorAll('math').length") >= 1
        await tab.key("j")
        await tab.run("window.isOld = true")
        await tab.key("Enter")
        await tab.loaded()
        assert await tab.run("document.querySelector('h1 code').textContent") == PROBLEM
        await tab.run("document.querySelector('details.seat summary').click()")
        await tab.until("document.querySelector('details.seat .slot .card') !== null")
        assert await tab.run("document.documentElement.scrollWidth") <= width
        assert "alert(1)" in await tab.run("document.querySelector('details.seat .slot').textContent")
        # Colours follow what the system asks for.
        colours = []
        for scheme in ("light", "dark"):
            await tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            colours.append(await tab.run("getComputedStyle(document.body).backgroundColor"))
        assert len(set(colours)) == 2
        # Hostile texts ran nothing, and nothing was asked of anyone else.
        assert tab.faults == []
        assert {urlsplit(one).hostname for one in tab.requests} == {"127.0.0.1"}

    with_tab(tmp_path / "profile", work)


#: A formula that no line of a phone holds, and that cannot be broken.
LONG = "We find $" + "+".join(f"\\sqrt{{x_{{{n}}}}}" for n in range(40)) + "$ there.\n"
UNFOLDED = """(() => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  return [...document.querySelectorAll("details .slot")].every((one) => one.children.length);
})()"""
LINKS = "[...document.links].map((one) => one.href.split('#')[0])"


def _run_of_many_recipes(results: Path) -> Path:
    """A run whose every text holds a long formula, with more recipes than their names have room for."""
    run = run_files.write_run(results, LONG)
    problem = {"id": PROBLEM, "thread_id": THREAD, "problem": LONG, "expected_answer": LONG}
    for name in ("problems", "merged", "decontaminated"):
        run_files.write_rows(run / f"{name}.jsonl", problem)
    names = [f"{RECIPE}-{n}" for n in range(8)]
    for name in names:
        shutil.copytree(run / RECIPE, run / name)
    recipe = run_files.config()["recipes"][RECIPE]
    run_files.write_config(run, recipes=dict.fromkeys([RECIPE, *names], recipe), recipes_to_run=[RECIPE])
    return run


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_every_page_fits_a_phone_with_all_its_folds_open(tmp_path: Path) -> None:
    run = _run_of_many_recipes(tmp_path)
    assert browse.main(["--run", str(run), "--only-index"]) == 0

    async def work(tab: Tab) -> None:
        await tab.size(390, 800)
        await tab.open(one.url)
        due = [f"http://127.0.0.1:{one.port}{path}" for path in ("/", "/text?file=merged.jsonl&at=0&field=problem")]
        kinds = Counter[str]()
        seen = set(due)
        while due:
            address = due.pop(0)
            kind = urlsplit(address).path
            # Of a kind a few are enough: pages of rows are as many as rows.
            if kinds[kind] == 3:
                continue
            kinds[kind] += 1
            await tab.open(address)
            await tab.until(UNFOLDED)
            assert await tab.run("document.documentElement.scrollWidth") <= 390, address
            new = dict.fromkeys(link for link in await tab.run(LINKS) if link not in seen)
            seen.update(new)
            due += new
        assert {"/problem", "/solution", "/thread", "/drops", "/row", "/text", "/file"} <= set(kinds)

    with Served(run) as one:
        with_tab(tmp_path / "profile", work)


def test_the_index_can_be_made_beforehand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_files.write_run(tmp_path)
    assert browse.main(["--run", str(run), "--only-index"]) == 0
    assert "files read" in capsys.readouterr().out
    assert browse.main(["--run", str(run), "--only-index"]) == 0
    assert "0 files read" in capsys.readouterr().out
    assert os.path.getsize(run / browse.NAME) > 0
