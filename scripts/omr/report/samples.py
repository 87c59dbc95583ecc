"""The report's section of solutions as they are: training rows, and beside them wrong and dropped ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from omr.files.counted import counted
from omr.files.jsonl import Row
from omr.report.blocks import Block, Cell, Fold, Heading, Paragraph, Sample, Section, Text
from omr.report.data import ReportData
from omr.report.markdown import markdown_html
from omr.report.tex_html import answer_html
from omr.report.words import VALUES, reason_in_words
from omr.training.figures import Samples

#: Of a text so many characters are shown, of an answer so many.
MAX_SHOWN_CHARS, _MAX_ANSWER_CHARS = 12_000, 1_000
_WRONG_SHOWN = 3
_VERDICTS = {"yes": "right", "no": "wrong", "unjudged": "nobody knows"}


def samples(data: ReportData) -> Section:
    """The section."""
    product = data.product
    if product is None or not (product.samples or product.dropped):
        return Section("Some solutions", [Paragraph("There are no training rows.", "soft")])
    about = "Picked by a hash of their ids, so the same ones every time. Nothing about them was corrected."
    blocks: list[Block] = [Paragraph(about)]
    if product.samples:
        blocks += [Heading("Training rows"), *map(_right, product.samples)]
    blocks += _wrong_picks(data)
    dropped = dict(product.dropped)
    if wrong := dropped.pop("wrong", []):
        blocks += [Heading("Wrong ones"), *(_dropped(row, "wrong") for row in wrong[:_WRONG_SHOWN])]
    if dropped:
        more = [_dropped(rows[0], reason) for reason, rows in dropped.items() if rows]
        blocks += [Heading("Others that were dropped, one for each reason"), *more]
    return Section("Some solutions", blocks)


def _wrong_picks(data: ReportData) -> list[Block]:
    """Comparisons that chose a wrong solution."""
    picks = Samples(_WRONG_SHOWN)
    for row_id, row in data.stages.get("parse_selections", {}).get("wrong_samples", {}).items():
        picks.offer(row_id, partial(dict, row))
    return [Heading("Wrong choices"), *map(_wrong_pick, picks.rows)] if picks.rows else []


def _wrong_pick(row: Row) -> Sample:
    facts: dict[str, Cell] = {
        "chosen": row["selected_id"],
        "of solutions": row["group_size"],
        "its answer": _answer(row["predicted_answer"]),
        "expected answer": _answer(row["expected_answer"]),
    }
    fate = reason_in_words("wrong_pick")
    titles = ("the solution that was chosen", "a right one")
    candidates = (
        Fold(f"{title}, number {index}", [Text(markdown_html(text), left_out)], is_open=True)
        for title, (index, text, left_out) in zip(titles, row["candidates"], strict=True)
    )
    folds = [*candidates, *_folds(row["said"], "what the model said")]
    return Sample(row["id"], "wrong", fate, shown(row["problem"]), _known(facts), folds)


def _dropped(row: Row, reason: str) -> Sample:
    votes, total = row.get("majority_votes"), row.get("total_votes")
    facts: dict[str, Cell] = {
        "its answer": _answer(row.get("predicted_answer")),
        "expected answer": _answer(row.get("expected_answer")),
        "vote": f"{votes} of {total}" if votes is not None else None,
        "judged": _VERDICTS.get(row["judgement"]),
        "judged by": _said(row.get("judged_by")),
    }
    fate = reason_in_words(reason, "prepare_sft")
    mark = "wrong" if reason == "wrong" else "dropped"
    row_id = f"{row['id']}-{row['seed']}"
    return Sample(row_id, mark, fate, shown(row["problem"]), _known(facts), list(_folds(row["said"])))


def _folds(said: Sequence[tuple[str, str, int]], name: str = "the solution") -> Iterator[Fold]:
    """What was said, for instance a solution: its end first, the reasoning to open; in order where code was run."""
    whole = {kind: (text, left_out) for kind, text, left_out in said}
    if not said:
        yield Fold("nothing was said", [])
    elif whole.keys() <= {"solution", "reasoning"}:
        for kind, title in (("solution", name), ("reasoning", "reasoning")):
            if kind in whole:
                text, left_out = whole[kind]
                title = f"{title}, {counted(len(text) + left_out, 'character')}"
                yield Fold(title, [Text(markdown_html(text), left_out)], is_open=kind == "solution")
    else:
        texts = [
            Text(markdown_html(text) if kind == "prose" else text, as_code="" if kind == "prose" else kind)
            for kind, text, _ in said
            if text
        ]
        rest = sum(left_out for _, _, left_out in said)
        yield Fold("the solution, with its code", [*texts, Text("", rest)] if rest else texts)


def _right(row: Row) -> Sample:
    votes, total = row.get("majority_votes"), row.get("total_votes")
    facts: dict[str, Cell] = {
        "expected answer": _answer(row.get("expected_answer")),
        "the given answer, which the vote replaced": _answer(row.get("original_expected_answer")),
        "kind": _said(row.get("problem_type")),
        "pass rate": _rate(row),
        "blocks of code": row.get("code_blocks"),
        "vote": f"{votes} of {total}" if votes is not None else None,
        "judged by": _said(row.get("judged_by")),
        "model": row.get("generation_model"),
    }
    folds = list(_chat(row["messages_with_tools"]) if row.get("messages_with_tools") else _plain(row))
    return Sample(row["id"], "right", "a training row", shown(row["problem"]), _known(facts), folds)


def _rate(row: Row) -> Cell:
    """A problem's pass rate with the number of solutions that it is of."""
    rate, of = row.get("pass_rate"), row.get("pass_rate_of")
    return None if rate is None else f"{rate:.2f}" if of is None else f"{rate:.2f} of {counted(of, 'solution')}"


def _said(value: Any) -> Cell:
    return None if value is None else VALUES.get(str(value), str(value))


def _known(facts: Mapping[str, Cell]) -> list[tuple[str, Cell]]:
    return [(name, value) for name, value in facts.items() if value is not None]


def _plain(row: Row) -> Iterator[Fold]:
    reasoning, solution = split_solution(row["generated_solution"])
    yield Fold(f"the solution, {counted(len(solution), 'character')}", [shown(solution)], is_open=True)
    if reasoning:
        yield Fold(f"reasoning, {counted(len(reasoning), 'character')}", [shown(reasoning)])


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
