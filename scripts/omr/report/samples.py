"""The report's section of sampled training rows, with their formulas drawn."""

from __future__ import annotations

import html
from typing import Any

from omr.files.jsonl import Row
from omr.report.data import ReportData
from omr.report.html import Cell, Html, escaped, paragraph, section
from omr.report.tex_html import answer_html, text_html

#: Of a sampled solution so many characters are shown.
MAX_SHOWN_CHARS = 12_000


def samples(data: ReportData) -> str:
    product = data.product
    if product is None or not product.samples:
        return section("Some training rows", "<p class=empty>There are no training rows.</p>")
    intro = paragraph("Picked by a hash of their ids, so the same ones every time. Nothing about them was corrected.")
    return section("Some training rows", intro, *(_sample(row) for row in product.samples))


def _sample(row: Row) -> str:
    reasoning, solution = split_solution(row["generated_solution"])
    votes, total = row.get("majority_votes"), row.get("total_votes")
    facts: list[tuple[str, Cell]] = [
        ("expected answer", _answer(row.get("expected_answer"))),
        ("the forum's answer, which the vote replaced", _answer(row.get("original_expected_answer"))),
        ("kind", row.get("problem_type")),
        ("pass rate", row.get("pass_rate")),
        ("blocks of code", row.get("code_blocks")),
        ("vote", f"{votes} of {total}" if votes is not None else None),
        ("judged by", row.get("judged_by")),
        ("model", row.get("generation_model")),
    ]
    known = "".join(f"<dt>{name}</dt><dd>{escaped(value)}</dd>" for name, value in facts if value is not None)
    if row.get("messages_with_tools"):
        shown = _chat(row["messages_with_tools"])
    else:
        thought = f"<details><summary>reasoning, {len(reasoning):,} characters</summary>{_text(reasoning)}</details>"
        shown = (
            f"<details open><summary>the solution, {len(solution):,} characters</summary>{_text(solution)}</details>"
        )
        shown += thought if reasoning else ""
    head = f"<h3><code>{html.escape(row['id'])}</code></h3>{_text(row['problem'])}<dl>{known}</dl>"
    return f"<article>{head}{shown}</article>"


def _chat(messages: list[Row]) -> str:
    """A solution that ran code: what is said, what is run, what comes of it."""
    pieces, left = [], MAX_SHOWN_CHARS
    for message in messages[next((n for n, one in enumerate(messages) if one["role"] == "assistant"), 0) :]:
        if message["role"] == "tool":
            parts = [("output", message["content"])]
        else:
            calls = message.get("tool_calls") or []
            parts = [("", message["content"]), *(("code", call["function"]["arguments"]["code"]) for call in calls)]
        for kind, text in parts:
            shown = text[: max(left, 0)]
            left -= len(text)
            if shown and kind:
                pieces.append(f"<pre class={kind}>{html.escape(shown)}</pre>")
            elif shown:
                pieces.append(_text(shown))
    more = f"<p class=soft>… and {-left:,} more characters</p>" if left < 0 else ""
    return f"<details open><summary>the solution, with its code</summary>{''.join(pieces)}{more}</details>"


def _answer(answer: Any) -> Cell:
    return Html(answer_html(answer[:MAX_SHOWN_CHARS])) if isinstance(answer, str) else None


def split_solution(text: str) -> tuple[str, str]:
    """(reasoning, what follows it) of a training row's solution; the reasoning is empty where there is none."""
    before, mark, after = text.partition("</think>")
    return (before.removeprefix("<think>").strip(), after.strip()) if mark else ("", text.strip())


def _text(text: Any) -> Html:
    if not isinstance(text, str):
        return Html("–")
    rest = len(text) - MAX_SHOWN_CHARS
    more = f"\n<span class=soft>… and {rest:,} more characters</span>" if rest > 0 else ""
    return Html(f"<div class=text>{text_html(text[:MAX_SHOWN_CHARS])}{more}</div>")
