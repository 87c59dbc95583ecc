"""The status command shows a run on a terminal, as JSON and as a page, and changes nothing of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest
import status
from browser import CHROMIUM, Tab, with_tab
from live_runs import ELSEWHERE, GONE, STAGE, at_work, begin_run, finish, shard, write_raw
from omr.errors import run_command
from omr.live.page import page
from omr.live.run import Watched
from run_files import HOSTILE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = begin_run(tmp_path / "small")
    finish(folder, 0)
    at_work(folder, 1)
    at_work(folder, 2, **GONE)
    return folder


def run(folder: Path, *more: str) -> int:
    return run_command(lambda: status.main(["--run", str(folder), "--no-queue", *more]))


def test_every_stage_and_what_is_wrong_is_on_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder) == 0
    shown = capsys.readouterr().out
    line = next(line for line in shown.splitlines() if line.startswith(STAGE))
    assert re.search(r"1/4 +20/~40 .*50% +0\.03 +0\.5 +5\.0 +11 min 1 running, 1 stopped, 1 waiting", line)
    assert "cot-small: judge_answers" in shown
    assert f"{shard(2)}: its job is gone" in shown
    assert "\x1b" not in shown  # no terminal here


def test_json_is_one_object_for_each_run(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = begin_run(tmp_path / "other", run="other")
    assert status.main(["--run", str(folder), str(other), "--no-queue", "--json"]) == 0
    first, second = map(orjson.loads, capsys.readouterr().out.splitlines())
    assert (first["run"], second["run"]) == ("small", "other")
    stage = first["stages"][0]
    assert stage["stage"] == STAGE
    assert stage["shards"] == {"done": 1, "running": 1, "silent": 0, "stopped": 1, "waiting": 1}
    assert stage["requests"] == {"done": 20, "total": 40, "total_is_a_guess": True}
    assert first["spent"] == {"gpu_hours": 5.0, "usd": 15.0}


class Tags(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_has_the_same_and_needs_nothing_from_elsewhere(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page" / "status.html"
    assert run(folder, "--json", "--page", str(page)) == 0
    found = Tags(page.read_text())
    assert "1/4" in found.text
    assert "20/~40" in found.text
    assert "its job is gone" in found.text
    assert {name for name, _ in found.attributes}.isdisjoint({"src", "href", "onclick"})
    assert ("http-equiv", "refresh") not in found.attributes  # nobody writes it again


def test_text_of_files_never_becomes_markup_or_controls_a_terminal(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_work(folder, 2, phase="failed", note=HOSTILE, failed={HOSTILE: 3, "[bold red]x[/]": 1}, host=HOSTILE)
    at_work(folder, 3, age_s=9999, **(ELSEWHERE | {"host": "<b>" + HOSTILE}))
    write_raw(folder, 1, HOSTILE.encode())
    (folder / "jobs.json").write_bytes(orjson.dumps({"rules": {HOSTILE: {"total": 1}}, "host": HOSTILE, "at": 1}))
    page = tmp_path / "status.html"
    assert run(folder, "--page", str(page)) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "[bold red]x[/]" in shown  # as it stands
    tags = Tags(page.read_text()).tags
    assert not {"script", "img", "b", "a"}.intersection(tags)
    assert "<script>alert(1)</script>" in Tags(page.read_text()).text.replace("[2J", "")


def snapshot(folder: Path) -> dict[Path, tuple[int, int, bytes]]:
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()) if path.is_file() else (0, 0, b"")
        for path in folder.rglob("*")
    }


def test_nothing_of_the_run_is_changed(folder: Path, tmp_path: Path) -> None:
    before = snapshot(folder)
    assert run(folder, "--json") == run(folder) == run(folder, "--page", str(tmp_path / "p.html")) == 0
    assert snapshot(folder) == before


def test_a_watch_ends_with_its_run_and_the_page_stops_reloading(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "status.html"
    pages: list[bool] = []

    def sleep(seconds: float) -> None:
        """The job that was at work ends while we wait."""
        pages.append(("http-equiv", "refresh") in Tags(page.read_text()).attributes)
        at_work(folder, 1, phase="stopped")

    monkeypatch.setattr(status.time, "sleep", sleep)
    assert run(folder, "--watch", "--page", str(page)) == 0
    assert pages == [True]
    assert ("http-equiv", "refresh") not in Tags(page.read_text()).attributes
    assert capsys.readouterr().out.count("cot-small: judge_answers") == 2


def test_a_watch_that_somebody_ends_leaves_a_page_that_does_not_reload(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "status.html"

    def sleep(seconds: float) -> None:
        assert ("http-equiv", "refresh") in Tags(path.read_text()).attributes
        raise KeyboardInterrupt

    monkeypatch.setattr(status.time, "sleep", sleep)
    assert run(folder, "--watch", "--json", "--page", str(path)) == 130
    assert ("http-equiv", "refresh") not in Tags(path.read_text()).attributes


def test_a_missing_run_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none") == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'none'}: there is no run")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_in_a_browser_the_page_fits_laptop_and_phone_and_reads_itself_again(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "status.html"
    at_work(folder, 3, phase="failed", note=HOSTILE + " a_long_name_without_a_space" * 9)

    def write(every_s: float | None) -> None:
        path.write_text(page(Watched(folder).look(asks_queue=False), every_s))

    async def look(tab: Tab) -> None:
        write(None)
        for scheme in ("light", "dark"):
            await tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            for width in (1280, 390):
                await tab.size(width, 800)
                await tab.open(f"file://{path}")
                assert await tab.run("document.documentElement.scrollWidth") <= width
                assert await tab.run("document.body.innerText.includes('1/4')")
                paper, ink = [
                    await tab.run(f"getComputedStyle(document.body).{name}") for name in ("background", "color")
                ]
                assert paper.startswith("rgb(255" if scheme == "light" else "rgb(20"), paper
                assert ink.startswith("rgb(27" if scheme == "light" else "rgb(228"), ink
        write(1.0)
        await tab.open(f"file://{path}")
        finish(folder, 3)
        write(None)
        await tab.until("document.body?.innerText.includes('2/4') === true")
        assert {url.partition(":")[0] for url in tab.requests} == {"file"}
        assert tab.faults == []

    with_tab(tmp_path / "profile", look)
