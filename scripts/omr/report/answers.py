"""The report's section on answers: where they come from, how solutions and votes ended, what the verdicts are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from omr.files.counted import counted, verb_for
from omr.report.blocks import Block, Chart, Heading, Paragraph, Section, percent, shares
from omr.report.data import ReportData, solutions_of
from omr.report.distributions import share_bars
from omr.report.words import SHARE_GROUPS, reason_in_words
from omr.runs.counts import Counts

_ENDINGS = {
    "answered": "finished, with a final answer",
    "without_answer": "finished, without a final answer",
    "with_several_answers": "finished, with several final answers",
    "unfinished": "not finished",
}
_VERDICTS = {"yes": "right", "no": "wrong", "unjudged": "not judged"}
_SOURCES = {"extracted": "the answer was given", "majority": "the vote gives the answer"}


def answers(data: ReportData) -> Section:
    """The section of a recipe that solves problems."""
    majority, judged = data.stages.get("fill_majority_answer"), data.stages.get("merge_judgements")
    blocks = [*_problem_types(data), *(_majority(majority, data) if majority else ()), *_votes(data)]
    if judged:
        made = solutions_of(majority or {})
        blocks += _judged(judged, data.stages.get("select_judgements"), made)
    return Section("Answers and votes", blocks or [Paragraph("No answers yet.", "soft")])


def _where(data: ReportData) -> str:
    """What may state the answer to a problem."""
    return "the problem set" if data.starts_from_problems else "the discussion"


def _problem_types(data: ReportData) -> Iterator[Block]:
    types = data.stages.get("merge_data", data.stages.get("read_problems", {})).get("problem_types", {})
    if not types:
        return
    where = _where(data)
    words = {
        "has_answer_extracted": f"{where} states the answer",
        "no_answer_extracted": f"no answer in {where}: the vote decides",
        "converted_proof": "restated from a proof: the vote decides",
    }
    yield Heading("Where the expected answers come from")
    yield shares("problems", types, words)
    reposts, removed = (
        sum(data.stages.get(stage, {}).get("dropped", {}).values()) for stage in ("deduplicate", "decontaminate")
    )
    if reposts or removed:
        total = sum(types.values())
        before = f"{verb_for(total, 'This is', 'These are')} the {counted(total, 'problem')} before reposts of others"
        yield Paragraph(f"{before} ({reposts:,}) and problems of benchmarks ({removed:,}) were removed.")


def _majority(counts: Counts, data: ReportData) -> Iterator[Block]:
    yield Heading("How the solutions ended")
    endings = dict(counts.get("solutions", {}))
    failed = endings.pop("failed", 0)
    yield shares("solutions", endings, _ENDINGS)
    if endings.get("unfinished"):
        yield Paragraph(_not_finished(data))
    if failed:
        yield Paragraph(f"{counted(failed, 'further request')} failed for good, and gave no solution.")
    agreement = counts.get("extracted_answers", {})
    known = sum(agreement.values())
    if known:
        agrees = agreement.get("agrees", 0)
        yield Paragraph(
            f"Where {_where(data)} states an answer, the majority of the solutions confirms it for "
            f"{agrees:,} of {counted(known, 'problem')} ({percent(agrees, known)}), gives another one for "
            f"{agreement.get('differs', 0):,}, and {agreement.get('undecided', 0):,} cannot be compared."
        )
    if counts.get("answers_repaired"):
        given = "the given answer" if data.starts_from_problems else "the forum's answer"
        yield Paragraph(
            f"For {counted(counts['answers_repaired'], 'problem')} a large vote replaced {given}, which none of the "
            "solutions supports; rows say so in `changed_answer_to_majority`, and samples below show both."
        )


def _not_finished(data: ReportData) -> str:
    """What it means that a solution is not finished: with code, more than a cut at the token limit."""
    if data.settings["mode"] != "tir":
        return "Solutions that are not finished reached the token limit."
    return (
        "Solutions that are not finished reached the token limit, or ended with code that was not run; the section on "
        "code tells these apart. Only the former are “cut” in the table of costs."
    )


def _votes(data: ReportData) -> Iterator[Block]:
    """How clear the votes are: problems by the share of the commonest answer."""
    if data.solutions is None:
        return
    series: dict[str, list[int]] = {}
    # Of those whose answer nobody states, the vote has dropped the problem.
    silent = data.stages.get("fill_majority_answer", {}).get("dropped", {}).get("no_readable_answer", 0)
    for source, votes in data.solutions.votes.items():
        # The commonest answer has at least one vote, so the first group stays empty.
        series[_SOURCES.get(source, source)] = share_bars({pair: n for pair, n in votes.items() if pair[1]})[1:]
        silent += sum(n for (_, of), n in votes.items() if not of)
    yield Chart(
        "How clear the votes are",
        SHARE_GROUPS[1:],
        series,
        "share of the solutions with an answer that have the commonest one",
        "problems",
    )
    if silent:
        yield Paragraph(
            f"Of {counted(silent, 'further problem')} no solution states an answer, so there was nothing to vote on."
        )


def _not_looked_at(made: int, judged: int) -> Iterator[Block]:
    """A word where fewer solutions were judged than there are."""
    if made > judged:
        yield Paragraph(
            f"These are {judged:,} of the {counted(made, 'solution')}: what no answer is known of, nor voted for, "
            "cannot be judged, and has no pass rate."
        )


def _judged(counts: Counts, selected: Mapping[str, Any] | None, made: int) -> Iterator[Block]:
    judges = counts.get("judged_by", {})
    reasons: Counter[str] = Counter(counts.get("unjudged_reason", {}))
    # A request that failed for good has no solution to judge.
    verdicts = Counter[str](counts.get("judgement", {})) - Counter(unjudged=reasons.pop("failed", 0))
    yield Heading("Verdicts on the solutions")
    yield shares("verdict", {name: verdicts[name] for name in _VERDICTS}, _VERDICTS)
    yield from _not_looked_at(made, verdicts.total())
    if reasons:
        why = ", ".join(f"{n:,} {reason_in_words(name)}" for name, n in reasons.most_common())
        yield Paragraph(f"Not judged: {why}.")
    saved = selected.get("calls_saved_by_sharing", 0) if selected else 0
    sharing = ""
    if saved and selected:
        sharing = (
            f" Solutions of a problem that share an answer are judged once, which saved {saved:,} of "
            f"{counted(saved + selected['llm_calls'], 'question')}."
        )
    yield Paragraph(
        f"A comparison of the two answers settled {counted(judges.get('symbolic', 0), 'verdict')}; "
        f"a model gave {judges.get('llm', 0):,}.{sharing}"
    )
