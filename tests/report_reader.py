"""A report as a reader has it: sections with their paragraphs, tables and charts, numbers as they stand there."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "br", "hr", "rect", "path"})


@dataclass
class Table:
    """A table, or the numbers below a chart: `name` is the heading above it, or the chart's title."""

    section: str
    name: str
    rows: list[list[str]] = field(default_factory=list)  # the first is the head

    @property
    def cells(self) -> dict[str, list[str]]:
        """The cells of each row behind its first one."""
        return {row[0]: row[1:] for row in self.rows[1:]}


class Page(HTMLParser):
    """Everything outside the samples and the prompts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tiles: dict[str, str] = {}
        self.tables: list[Table] = []
        self.paragraphs: list[str] = []
        self._stack: list[tuple[str, str]] = []
        self._section = self._name = ""
        self._texts: list[list[str]] = []
        self._row: list[str] = []
        self._value = ""
        self.feed(text)

    def table(self, name: str) -> Table:
        """The one table or chart of this name."""
        (found,) = [table for table in self.tables if table.name == name]
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        css = dict(attrs).get("class") or ""
        self._stack.append((tag, css))
        self._texts.append([])
        if tag == "table" and not self._inside("article"):
            self.tables.append(Table(self._section, self._name))
        elif tag == "li":
            self._texts[-1].append("; ")

    def handle_data(self, data: str) -> None:
        if self._texts:
            self._texts[-1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        name, css = self._stack.pop()
        assert name == tag, f"<{name}> is closed by </{tag}>"
        raw = self._texts.pop()
        text = " ".join("".join(raw).split())
        # Small names stand apart from what they name.
        if self._texts and tag not in ("style", "script", "title"):
            self._texts[-1].append(f" {text} " if css in ("name", "note") else "".join(raw))
        if not self._inside("article"):
            self._end(tag, css, text)

    def _end(self, tag: str, css: str, text: str) -> None:
        if tag == "h2":
            self._section, self._name = text, text
        elif tag == "h3" or tag == "figcaption":
            self._name = text
        elif tag == "span" and css == "legend":
            self._texts[-1][-1] = ""
        elif tag == "p":
            self.paragraphs.append(text)
        elif tag in ("td", "th"):
            self._row.append(text)
        elif tag == "tr":
            self.tables[-1].rows.append(self._row)
            self._row = []
        elif tag == "b" and self._stack and self._stack[-1][1] == "tile":
            self._value = text
        elif tag == "span" and self._stack and self._stack[-1][1] == "tile":
            self.tiles[text] = self._value

    def _inside(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._stack)
