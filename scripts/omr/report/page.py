"""The report of a recipe as one HTML page that needs nothing from anywhere."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from omr.report.charts import share_bar, short_number
from omr.report.code import code
from omr.report.data import ReportData
from omr.report.figures import contamination, costs, distributions, tokens_of
from omr.report.html import Cell, Html, paragraph, percent, reasons_list, section, table, tiles
from omr.report.samples import samples
from omr.report.selections import about_selections, selection_tiles, selections
from omr.report.style import CSS
from omr.report.trust import trust
from omr.report.words import Step, reason_in_words


def page(data: ReportData) -> str:
    """The whole page."""
    title = f"{data.recipe} · {data.run}"
    sections = (
        _head(data),
        _funnel(data),
        selections(data) if data.is_selection else _answers(data),
        code(data),
        distributions(data),
        costs(data),
        contamination(data),
        trust(data),
        samples(data),
        _files(data),
    )
    # The policy keeps the page from loading anything, should markup of a text ever get through.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{CSS}</style></head><body><main>{''.join(sections)}</main></body></html>\n"
    )


# ---- what this is ----------------------------------------------------------------------------------------------------


#: What the page says of the demo.
_AUTHORED = (
    "People authored all replies of this run, to show the workflow; no model wrote them. Where the page speaks of a "
    "model, a server repeats such replies: times, tokens and rates say nothing of any model."
)


def _about_solutions(data: ReportData) -> str:
    return (
        f"This run turned {data.origin} into training data for a language model that reasons. "
        f"{'' if data.starts_from_problems else 'A model found problems in the threads; '}"
        f"{data.model.path} solved each of them {data.settings['seeds']} "
        f"{'time' if data.settings['seeds'] == 1 else 'times'}; only solutions whose final answer is right became "
        "training rows. Every number on this page was counted by the run itself."
    )


def _head(data: ReportData) -> str:
    stages, product = data.stages, data.product
    first = "read_problems" if data.starts_from_problems else "prepare_raw_data"
    given = stages.get(first, {}).get("read")
    clean = stages.get("decontaminate", {}).get("written")
    judged = stages.get("merge_judgements", {})
    right = judged.get("judgement", {}).get("yes", 0)
    outcome: list[tuple[Cell, str]] = [
        (judged.get("read"), "solutions judged"),
        (percent(right, judged.get("read", 0)), "of the solutions are right"),
    ]
    if data.is_selection:
        outcome = selection_tiles(data)
    tokens = tokens_of([cost.use for cost in data.costs], "completion_tokens", short_number)
    about = about_selections(data) if data.is_selection else _about_solutions(data)
    return Html(
        f"<header><p class=over>Recipe {html.escape(data.recipe)}, run {html.escape(data.run)}</p>"
        f"<h1>{'Training rows' if product is None else f'{product.rows:,} training rows'} "
        f"from {'given problems' if data.starts_from_problems else 'forum threads'}</h1>"
        f"{paragraph(about)}{paragraph(_AUTHORED) if data.is_authored else ''}</header>"
        + tiles(
            [
                (given, "problems read" if data.starts_from_problems else "forum threads read"),
                (clean, "problems, free of benchmarks"),
                *outcome,
                (product.problems if product else None, "problems in the training rows"),
                (
                    tokens,
                    "tokens of replies, which people authored" if data.is_authored else "tokens written by models",
                ),
            ]
        )
    )


# ---- the funnel ------------------------------------------------------------------------------------------------------


def _funnel(data: ReportData) -> str:
    intro = paragraph(
        "Each line is a step: how many rows it read and passed on, and why it dropped the others. Dropped rows are "
        "kept with their reasons. One row may become several (a thread with several problems), so the next line may "
        "read more."
    )
    rows: list[list[Cell]] = [_funnel_row(step, counts) for step, counts in data.steps]
    head = ["step", "of", "read", "passed", "", "became", "dropped, and why"]
    if not rows:
        return section("From threads to training rows", intro, "<p class=empty>No step has run.</p>")
    return section("From threads to training rows", intro, table(head, rows, numbers=(2, 3, 5)))


def _funnel_row(step: Step, counts: Mapping[str, Any]) -> list[Cell]:
    read, passed = counts["read"], counts["passed"]
    name = Html(f"{html.escape(step.does)}<span class=name>{step.stage}</span>")
    bar = Html(share_bar(passed, read))
    return [
        name,
        step.unit,
        read,
        passed,
        bar,
        counts["written"],
        reasons_list(Counter(counts["dropped"]) + Counter(counts.get("dropped_parts", {}))),
    ]


# ---- answers ---------------------------------------------------------------------------------------------------------


def _answers(data: ReportData) -> str:
    majority, judged = data.stages.get("fill_majority_answer"), data.stages.get("merge_judgements")
    parts = [*_problem_types(data), *(_majority(majority) if majority else [])]
    if judged:
        parts += _judged(judged, data.stages.get("select_judgements"))
    return section("Answers", *(parts or ["<p class=empty>No answers yet.</p>"]))


def _shares(what: str, numbers: Mapping[str, int]) -> Html:
    """A small table of numbers and their shares."""
    total = sum(numbers.values())
    rows: list[list[Cell]] = [[name, n, percent(n, total)] for name, n in numbers.items()]
    return table([what, "number", "share"], rows, (1, 2), narrow=True)


def _problem_types(data: ReportData) -> Iterator[str]:
    types = data.stages.get("read_problems", data.stages.get("merge_data", {})).get("problem_types", {})
    where = "the problem set" if data.starts_from_problems else "the discussion"
    words = {
        "has_answer_extracted": f"{where} states the answer",
        "no_answer_extracted": f"no answer in {where}: the vote decides",
        "converted_proof": "restated from a proof: the vote decides",
    }
    if types:
        numbers = {words.get(name, name): n for name, n in sorted(types.items())}
        yield "<h3>Where the expected answers come from</h3>" + _shares("problems", numbers)
        removed = sum(data.stages.get("decontaminate", {}).get("dropped", {}).values())
        if removed:
            yield paragraph(
                f"These are the {sum(types.values()):,} problems before decontamination, which removed {removed:,}."
            )


def _majority(counts: Mapping[str, Any]) -> Iterator[str]:
    solutions = counts.get("solutions", {})
    words = {
        "answered": "finished, with a final answer",
        "without_answer": "finished, without a final answer",
        "with_several_answers": "finished, with several final answers",
        "unfinished": "cut at the token limit",
        "failed": "the request failed for good",
    }
    numbers = {words.get(name, name): n for name, n in solutions.items()}
    yield "<h3>How the solutions ended</h3>" + _shares("solutions", numbers)
    agreement = counts.get("extracted_answers", {})
    known = sum(agreement.values())
    if known:
        yield paragraph(
            "Where the discussion states an answer, the majority of the solutions confirms it for "
            f"{agreement.get('agrees', 0):,} of {known:,} problems ({percent(agreement.get('agrees', 0), known)}), "
            f"gives another one for {agreement.get('differs', 0):,}, and {agreement.get('undecided', 0):,} cannot be "
            "compared."
        )
    if counts.get("answers_repaired"):
        yield paragraph(
            f"For {counts['answers_repaired']:,} problems a large vote replaced the forum's answer, which none of the "
            "solutions supports; rows say so in `changed_answer_to_majority`, and samples below show both."
        )


def _judged(counts: Mapping[str, Any], selected: Mapping[str, Any] | None) -> Iterator[str]:
    verdicts, judges = counts.get("judgement", {}), counts.get("judged_by", {})
    words = {"yes": "right", "no": "wrong", "unjudged": "not judged"}
    numbers = {word: verdicts.get(name, 0) for name, word in words.items()}
    yield "<h3>Verdicts on the solutions</h3>" + _shares("verdict", numbers)
    reasons = Counter(counts.get("unjudged_reason", {}))
    if reasons:
        why = ", ".join(f"{n:,} {reason_in_words(name)}" for name, n in reasons.most_common())
        yield paragraph(f"Not judged: {why}.")
    saved = selected.get("calls_saved_by_sharing", 0) if selected else 0
    yield paragraph(
        f"A comparison of the two answers settled {judges.get('symbolic', 0):,} verdicts; "
        f"a model gave {judges.get('llm', 0):,}."
        + (
            f" Solutions of a problem that share an answer are judged once, which saved {saved:,} of "
            f"{saved + selected['llm_calls']:,} questions."
            if saved and selected
            else ""
        )
    )


# ---- files -----------------------------------------------------------------------------------------------------------


def _files(data: ReportData) -> str:
    home = f"results/{data.run}/{data.recipe}"
    row = data.product.samples[0]["id"] if data.product and data.product.samples else "ID"
    return section(
        "Where things are",
        table(
            ["file", "what it holds"],
            [
                [f"{home}/sft.jsonl", "the training rows"],
                [f"{home}/dropped/, results/{data.run}/dropped/", "every row that was set aside, with its reason"],
                [f"{home}/counts/, results/{data.run}/counts/", "the numbers of this page"],
                [f"results/{data.run}/config.yaml", "the configuration of the run"],
            ],
        ),
        Html(
            "<p>Everything that led to a row: "
            f"<code>python scripts/trace.py {html.escape(row)} --run results/{data.run}</code></p>"
        ),
    )
