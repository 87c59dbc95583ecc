"""The page as HTML: templates that escape whatever is not markup already, with the style sheet in the page itself."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from omr.report.charts import by_bars, drawn
from omr.report.page import Page

TEMPLATES = Path(__file__).parent / "templates"
#: The style of what omr/report/mathml.py makes of formulas, and omr/report/tex_html.py of what is beside them.
FORMULAS = "formulas.css"


def page_html(page: Page) -> str:
    """The whole page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"drawn": drawn, "by_bars": by_bars}
    css = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", FORMULAS))
    return environment.get_template("page.html.jinja").render(page=page, css=css)
