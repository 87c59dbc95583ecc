"""The demo looked around in: by the rule, and on every page that can be reached from the first one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from browse_pages import Markup, pages
from omr.browse.database import open_for_writing
from omr.browse.pages import Pages, State
from workflow.projects import Project, clean_environment

pytestmark = pytest.mark.workflow


def test_the_rule_prints_an_address_and_ends_with_ctrl_c(demo: Project) -> None:
    command = [sys.executable, "-m", "snakemake", "browse", "--configfile", "config/demo.yaml", "--cores", "1"]
    log = demo.path("browse.txt").open("w+")
    run = subprocess.Popen(
        command,
        cwd=demo.folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    assert run.stdout is not None
    try:
        address = next(found[0] for line in run.stdout if (found := re.search(r"http://127\S+", line)))
        browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )
        with browser.open(address, timeout=60) as answer:
            assert "From threads to clean problems" in answer.read().decode()
    finally:
        os.killpg(run.pid, signal.SIGINT)
        said = run.communicate(timeout=60)[0]
    assert "ended" in said
    key = address.partition("key=")[2]
    assert key not in demo.path("results/demo/logs/browse.log").read_text()


def test_the_first_page_says_where_a_run_began_before_anything_is_indexed(
    finished_demo: Project, tmp_path: Path
) -> None:
    index = tmp_path / "index.sqlite"
    open_for_writing(index).close()
    page = Pages(finished_demo.path("results/demo"), index, State()).all["/"]({}).html
    assert "From threads to clean problems" in page


def test_every_page_of_the_demo_is_whole(demo: Project) -> None:
    made = pages(demo.path("results/demo"))
    seen, todo, kinds = {"/"}, ["/"], set[str]()
    while todo:
        address = todo.pop()
        parts = urlsplit(address)
        kinds.add(parts.path)
        answer = made.all[parts.path](dict(parse_qsl(parts.query)))
        page = Markup(answer.html)
        assert page.is_balanced, address
        for link in [answer.location] if answer.location else page.addresses:
            known = link.partition("#")[0]
            if known and not known.startswith("/static/") and known not in seen:
                seen.add(known)
                # Rows, texts and searches are many and alike: some of each.
                if sum(one.startswith(urlsplit(known).path) for one in seen) < 60:
                    todo.append(known)
    assert kinds == set(made.all)
