"""The report of a recipe as one HTML page that needs nothing from anywhere."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from omr.charts import Bar, histogram, nice_step, share_bar, short_number
from omr.jsonl import Row
from omr.report_data import LENGTH_STEP, Cost, ReportData
from omr.report_html import Cell, Html, duration, escaped, paragraph, percent, section, table, tiles
from omr.report_style import CSS
from omr.report_words import CANARIES, MODEL_STAGES, NETS, Step, reason_in_words
from omr.tex_html import answer_html, text_html

#: Of a sampled solution so many characters are shown.
MAX_SHOWN_CHARS = 12_000


def page(data: ReportData) -> str:
    """The whole page."""
    title = f"{data.recipe} · {data.run}"
    sections = (
        _head(data),
        _funnel(data),
        _answers(data),
        _distributions(data),
        _costs(data),
        _contamination(data),
        _samples(data),
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


def _head(data: ReportData) -> str:
    stages, product = data.stages, data.product
    threads = stages.get("prepare_raw_data", {}).get("read")
    clean = stages.get("decontaminate", {}).get("written")
    judged = stages.get("merge_judgements", {})
    right = judged.get("judgement", {}).get("yes", 0)
    tokens = sum(cost.use.completion_tokens for cost in data.costs)
    about = (
        f"This run turned forum threads about mathematics into training data for a language model that reasons. A model "
        f"found problems in the threads; {data.model.path} solved each of them {data.settings['seeds']} "
        f"{'time' if data.settings['seeds'] == 1 else 'times'}; only solutions whose final answer is right became training "
        "rows. Every number on this page was counted by the run itself."
    )
    return Html(
        f"<header><p class=over>Recipe {html.escape(data.recipe)}, run {html.escape(data.run)}</p>"
        f"<h1>{'Training rows' if product is None else f'{product.rows:,} training rows'} from forum threads</h1>"
        f"{paragraph(about)}</header>"
        + tiles(
            [
                (threads, "forum threads read"),
                (clean, "problems, free of benchmarks"),
                (judged.get("read"), "solutions judged"),
                (percent(right, judged.get("read", 0)), "of the solutions are right"),
                (product and product.problems, "problems among them"),
                (short_number(tokens), "tokens written by models"),
            ]
        )
    )


# ---- the funnel ------------------------------------------------------------------------------------------------------


def _funnel(data: ReportData) -> str:
    intro = paragraph(
        "Each line is a step: how many rows it read and passed on, and why it dropped the others. Dropped rows are kept "
        "with their reasons. One row may become several (a thread with several problems), so the next line may read more."
    )
    rows = [_funnel_row(step, counts) for step, counts in data.steps]
    head = ["step", "of", "read", "passed", "", "became", "dropped, and why"]
    if not rows:
        return section("From threads to training rows", intro, "<p class=empty>No step has run.</p>")
    return section("From threads to training rows", intro, table(head, rows, numbers=(2, 3, 5)))


def _funnel_row(step: Step, counts: Mapping[str, Any]) -> list[Cell]:
    read, passed = counts["read"], counts["passed"]
    name = Html(f"{html.escape(step.does)}<span class=name>{step.stage}</span>")
    bar = Html(share_bar(passed, read))
    return [name, step.unit, read, passed, bar, counts["written"], _reasons(counts)]


def _reasons(counts: Mapping[str, Any]) -> Html:
    dropped = Counter(counts["dropped"]) + Counter(counts.get("dropped_parts", {}))
    lines = [f"<li><b>{n:,}</b> {html.escape(reason_in_words(reason))}</li>" for reason, n in dropped.most_common()]
    return Html(f"<ul class=why>{''.join(lines)}</ul>" if lines else "–")


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
    rows = [[name, n, percent(n, total)] for name, n in numbers.items()]
    return table([what, "number", "share"], rows, (1, 2), narrow=True)


def _problem_types(data: ReportData) -> Iterator[str]:
    types = data.stages.get("merge_data", {}).get("problem_types", {})
    words = {
        "has_answer_extracted": "the discussion states the answer",
        "no_answer_extracted": "no answer in the discussion: the vote decides",
        "converted_proof": "restated from a proof: the vote decides",
    }
    if types:
        numbers = {words.get(name, name): n for name, n in sorted(types.items())}
        yield "<h3>Where the expected answers come from</h3>" + _shares("problems", numbers)


def _majority(counts: Mapping[str, Any]) -> Iterator[str]:
    solutions = counts.get("solutions", {})
    words = {
        "answered": "finished, with a final answer",
        "without_answer": "finished, without a final answer",
        "unfinished": "cut at the token limit",
        "failed": "the request failed for good",
    }
    numbers = {words.get(name, name): n for name, n in solutions.items()}
    yield "<h3>How the solutions ended</h3>" + _shares("solutions", numbers)
    agreement = counts.get("extracted_answers", {})
    known = sum(agreement.values())
    if known:
        yield paragraph(
            f"Where the discussion states an answer, the majority of the solutions confirms it for "
            f"{agreement.get('agrees', 0):,} of {known:,} problems ({percent(agreement.get('agrees', 0), known)}), gives "
            f"another one for {agreement.get('differs', 0):,}, and {agreement.get('undecided', 0):,} cannot be compared."
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
    yield paragraph(
        f"A comparison of the two answers settled {judges.get('symbolic', 0):,} verdicts; a model gave {judges.get('llm', 0):,}."
        + (
            f" Solutions that share an answer are judged once: {selected.get('llm_calls', 0):,} calls instead of "
            f"{selected.get('answers', 0):,}."
            if selected
            else ""
        )
    )


# ---- distributions ---------------------------------------------------------------------------------------------------


def _distributions(data: ReportData) -> str:
    parts = []
    if data.solutions is not None:
        figures = data.solutions
        parts += [
            paragraph(
                "The pass rate says how hard a problem is for the model. Solutions that nobody could judge do not count; "
                f"it is unknown for {figures.unknown:,} of {figures.problems + figures.unknown:,} problems."
            ),
            histogram(
                "Pass rate: how many of a problem's solutions are right",
                pass_rate_bars(figures.pass_rates),
                ["problems"],
                "share of right solutions",
                "problems",
            ),
            histogram(
                "Length of the solutions",
                length_bars([figures.right_lengths, figures.other_lengths]),
                ["right", "wrong or not judged"],
                "completion tokens, up to",
                "solutions",
            ),
        ]
    if data.product is not None:
        bars = length_bars([data.product.lengths])
        parts.append(
            histogram("Length of the training rows", bars, ["rows"], "characters of the solution, up to", "rows")
        )
    return section("How hard, and how long", *(parts or ["<p class=empty>No solution has been judged yet.</p>"]))


def pass_rate_bars(rates: Mapping[tuple[int, int], int]) -> list[Bar]:
    """Problems by pass rate: none right, tenths between, all right."""
    bars = [0] * 12
    for (right, solutions), problems in rates.items():
        if right in (0, solutions):
            bars[11 if right else 0] += problems
        else:
            # Tenths with their upper end, so that 10% lies in the first; integers, since 0.1 is no binary number.
            bars[-(-10 * right // solutions)] += problems
    labels = ["none", *(f"≤{10 * tenth}%" for tenth in range(1, 10)), "<100%", "all"]
    return [Bar(label, (problems,)) for label, problems in zip(labels, bars, strict=True)]


def length_bars(lengths: list[Counter[int]]) -> list[Bar]:
    """Bars of a round width from zero to the longest; `lengths` has one counter of `length // LENGTH_STEP` per series."""
    longest = max((step for counter in lengths for step in counter), default=0) + 1
    # 10, 20, 50, 100, ...: a bar holds whole steps.
    width = max(LENGTH_STEP, nice_step(longest * LENGTH_STEP, 24))
    number = -(-longest * LENGTH_STEP // width)
    parts = [[0] * len(lengths) for _ in range(number)]
    for series, counter in enumerate(lengths):
        for step, n in counter.items():
            parts[step * LENGTH_STEP // width][series] += n
    return [Bar(short_number((index + 1) * width), tuple(part)) for index, part in enumerate(parts)]


# ---- costs -----------------------------------------------------------------------------------------------------------


def _costs(data: ReportData) -> str:
    if not data.costs:
        return section("Requests, tokens, time and cost", "<p class=empty>No model was asked.</p>")
    rows = [_cost_row(cost) for cost in data.costs]
    uses = [cost.use for cost in data.costs]
    known = [cost.usd for cost in data.costs if cost.usd is not None]
    rows.append(
        [
            "all",
            "",
            sum(use.requests for use in uses),
            sum(use.failed.total() for use in uses),
            sum(use.finish_reasons["length"] for use in uses),
            sum(use.prompt_tokens for use in uses),
            sum(use.completion_tokens for use in uses),
            duration(sum(use.wall_s for use in uses)),
            f"{sum(cost.gpu_hours for cost in data.costs):,.2f}",
            f"${sum(known):,.2f}" if len(known) == len(data.costs) else "–",
        ]
    )
    head = [
        "stage",
        "model",
        "requests",
        "failed",
        "cut",
        "prompt tokens",
        "completion tokens",
        "time",
        "GPU-hours",
        "cost",
    ]
    note = "Problems are shared by all recipes of a run: their stages are listed here, but were paid once. "
    note += "Time is that of all jobs together, waiting for the server included, as of each job's last start. "
    note += "“Cut” replies reached the token limit. A dash: config has no price for the model."
    return section(
        "Requests, tokens, time and cost",
        paragraph(note),
        table(head, rows, range(2, 10), sum_row=True),
        _failures(data),
    )


def _cost_row(cost: Cost) -> list[Cell]:
    use = cost.use
    shards = "" if use.is_complete else f" ({use.shards_done} of {use.shards} shards)"
    name = f"{html.escape(MODEL_STAGES[use.stage])}{shards}<span class=name>{html.escape(use.stage)}</span>"
    return [
        Html(name),
        use.model,
        use.requests,
        use.failed.total(),
        use.finish_reasons["length"],
        use.prompt_tokens,
        use.completion_tokens,
        duration(use.wall_s),
        f"{cost.gpu_hours:,.2f}",
        None if cost.usd is None else f"${cost.usd:,.2f}",
    ]


def _failures(data: ReportData) -> str:
    rows: list[list[Cell]] = [
        [use.stage, kind, n] for use in (cost.use for cost in data.costs) for kind, n in sorted(use.failed.items())
    ]
    if not rows:
        return paragraph("No request failed for good.")
    return "<h3>Requests that failed for good</h3>" + table(["stage", "kind", "requests"], rows, (2,))


# ---- decontamination -------------------------------------------------------------------------------------------------


def _contamination(data: ReportData) -> str:
    report = data.contamination
    if report is None:
        return section("Decontamination", "<p class=empty>Not done yet.</p>")
    nets = sorted({net for entry in report["benchmarks"].values() for net in entry["matched"]}, key=list(NETS).index)
    rows = []
    for name, entry in report["benchmarks"].items():
        removed: Counter[str] = Counter(entry["removed"])
        matched = [entry["matched"].get(net, 0) for net in nets]
        why = _reasons({"dropped": removed})
        rows.append([name, entry["rows"], *matched, entry["judged"], entry["unreadable"], removed.total(), why])
    head = ["benchmark", "its problems", *(NETS[net] for net in nets), "asked", "unreadable", "removed", "why"]
    return section(
        "Decontamination",
        paragraph(
            "A model trained on a benchmark's problems cannot be measured with it. Several nets look for problems that "
            "resemble one; a model is asked, in both orders, whether a found pair is the same problem. Columns count problems "
            "of this run: those that each net found, those that the model was asked about, those with a verdict that cannot "
            "be read (which are removed as well), and those removed."
        ),
        table(head, rows, range(1, 5 + len(nets))),
        _canaries(report["canaries"], nets),
    )


def _canaries(canaries: Mapping[str, Any], nets: list[str]) -> str:
    rows = [
        [
            CANARIES.get(kind, kind),
            entry["planted"],
            *(_share(entry["caught"].get(net)) for net in nets),
            _share(entry["caught_by_any_net"]),
            _share(entry["confirmed_by_model"]),
            _share(entry["removed"]),
        ]
        for kind, entry in canaries.items()
        if entry["planted"]
    ]
    if not rows:
        return paragraph("No canaries were planted, so nothing says how much the nets catch.")
    head = ["canaries", "planted", *(NETS[net] for net in nets), "any net", "the model agrees", "removed"]
    note = "To measure the nets, copies of benchmark problems were planted among the problems (and taken out again). A copy "
    note += "with other numbers is another problem: nets should find it, the model need not call it the same."
    return "<h3>Do the nets catch what they should?</h3>" + paragraph(note) + table(head, rows, range(1, 5 + len(nets)))


def _share(entry: Mapping[str, Any] | None) -> Cell:
    if entry is None or not entry["of"]:
        return None
    return f"{percent(entry['count'], entry['of'])} ({entry['count']:,} of {entry['of']:,})"


# ---- samples ---------------------------------------------------------------------------------------------------------


def _samples(data: ReportData) -> str:
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
        ("kind", row.get("problem_type")),
        ("pass rate", row.get("pass_rate")),
        ("vote", f"{votes} of {total}" if votes is not None else None),
        ("judged by", row.get("judged_by")),
        ("model", row.get("generation_model")),
    ]
    known = "".join(f"<dt>{name}</dt><dd>{escaped(value)}</dd>" for name, value in facts if value is not None)
    thought = f"<details><summary>reasoning, {len(reasoning):,} characters</summary>{_text(reasoning)}</details>"
    return (
        f"<article><h3><code>{html.escape(row['id'])}</code></h3>{_text(row['problem'])}<dl>{known}</dl>"
        f"<details open><summary>the solution, {len(solution):,} characters</summary>{_text(solution)}</details>"
        f"{thought if reasoning else ''}</article>"
    )


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
            f"<p>Everything that led to a row: <code>python scripts/trace.py {html.escape(row)} --run results/{data.run}</code></p>"
        ),
    )
