"""The report's section of solutions as they are: training rows, and beside them wrong and dropped ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from omr.files.jsonl import Row
from omr.report.blocks import Cell, Fold, Heading, Paragraph, Sample, Section, Text
from omr.report.data import ReportData
from omr.report.markdown import markdown_html
from omr.report.tex_html import answer_html
from omr.report.words import VALUES

#: Of a text so many characters are shown, of an answer so many.
MAX_SHOWN_CHARS, _MAX_ANSWER_CHARS = 12_000, 1_000


def samples(data: ReportData) -> Section:
    """The section."""
    rows = data.product.samples if data.product else []
    if not rows:
        return Section("Some solutions", [Paragraph("There are no training rows.", "soft")])
    about = "Picked by a hash of their ids, so the same ones every time. Nothing about them was corrected."
    return Section("Some solutions", [Paragraph(about), Heading("Training rows"), *map(_right, rows)])


def _right(row: Row) -> Sample:
    votes, total = row.get("majority_votes"), row.get("total_votes")
    facts: dict[str, Cell] = {
        "expected answer": _answer(row.get("expected_answer")),
        "the forum's answer, which the vote replaced": _answer(row.get("original_expected_answer")),
        "kind": _said(row.get("problem_type")),
        "pass rate": row.get("pass_rate"),
        "blocks of code": row.get("code_blocks"),
        "vote": f"{votes} of {total}" if votes is not None else None,
        "judged by": _said(row.get("judged_by")),
        "model": row.get("generation_model"),
    }
    folds = list(_chat(row["messages_with_tools"]) if row.get("messages_with_tools") else _plain(row))
    return Sample(row["id"], "right", "a training row", shown(row["problem"]), _known(facts), folds)


def _said(value: Any) -> Cell:
    return None if value is None else VALUES.get(str(value), str(value))


def _known(facts: Mapping[str, Cell]) -> list[tuple[str, Cell]]:
    return [(name, value) for name, value in facts.items() if value is not None]


def _plain(row: Row) -> Iterator[Fold]:
    reasoning, solution = split_solution(row["generated_solution"])
    yield Fold(f"the solution, {len(solution):,} characters", [shown(solution)], is_open=True)
    if reasoning:
        yield Fold(f"reasoning, {len(reasoning):,} characters", [shown(reasoning)])


def _chat(messages: list[Row]) -> Iterator[Fold]:
    """A solution that ran code: what is said, what is run, what comes of it."""
    first = next((n for n, message in enumerate(messages) if message["role"] == "assistant"), 0)
    texts: list[Text] = []
    left = MAX_SHOWN_CHARS
    for kind, text in _parts(messages[first:]):
        part = text[: max(left, 0)]
        left -= len(text)
        if part:
            texts.append(Text(part, as_code=kind) if kind else Text(markdown_html(part)))
    if left < 0:
        texts.append(Text("", left_out=-left))
    yield Fold("the solution, with its code", texts, is_open=True)


def _parts(messages: list[Row]) -> Iterator[tuple[str, str]]:
    """(`code`, `output` or nothing; text) of what a model said, ran and saw."""
    for message in messages:
        if message["role"] == "tool":
            yield "output", message["content"]
        else:
            yield "", message["content"]
            for call in message.get("tool_calls") or []:
                yield "code", call["function"]["arguments"]["code"]


def _answer(answer: Any) -> Cell:
    return answer_html(answer[:_MAX_ANSWER_CHARS]) if isinstance(answer, str) else None


def split_solution(text: str) -> tuple[str, str]:
    """(reasoning, what follows it) of a training row's solution; the reasoning is empty where there is none."""
    before, mark, after = text.partition("</think>")
    return (before.removeprefix("<think>").strip(), after.strip()) if mark else ("", text.strip())


def shown(text: Any) -> Text:
    """A text of a model or a person, its beginning where it is enormous."""
    if not isinstance(text, str):
        return Text("unknown")
    return Text(markdown_html(text[:MAX_SHOWN_CHARS]), left_out=max(len(text) - MAX_SHOWN_CHARS, 0))
