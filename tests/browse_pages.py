"""The pages of a small run, and what of a page is markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from omr.browse.database import open_for_writing
from omr.browse.indexing import Index
from omr.browse.pages import Pages, State

VOID = frozenset({"meta", "link", "input", "br"})


def pages(run: Path) -> Pages:
    """The pages of a run that is indexed here."""
    db = open_for_writing(run / "browse.sqlite")
    Index(db, run).update()
    db.close()
    return Pages(run, run / "browse.sqlite", State(is_reading=False))


class Markup(HTMLParser):
    """The elements and attributes of a page, its text, and whether every element is closed in its order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.is_balanced = True
        self.feed(page)
        self.close()
        self.is_balanced &= not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "data-src")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        self.is_balanced &= bool(self._open) and self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
