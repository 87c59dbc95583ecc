"""A run as one HTML file that reloads itself: for a browser beside the terminal, or a web server of the site.

A file needs no port, works over shared folders and behind any server of files. It holds no script, and everything that
files said is escaped.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from omr.live.run import RunProgress
from omr.live.words import clock, headline, stage_words, summary, worries


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("page.html.j2")


def page(run: RunProgress, every_s: float | None) -> str:
    """The page; it reloads itself every so many seconds, or never."""
    return _template().render(
        run=run,
        every_s=None if every_s is None else max(1, round(every_s)),
        headline=headline(run),
        taken_at=clock(run.taken_at),
        facts=list(summary(run)),
        worries=worries(run),
        stages=[stage_words(run, stage) for stage in run.stages],
    )
