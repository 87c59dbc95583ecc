"""Traces and candidate summaries for the tests of the summary stages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from solution_files import Made, Row, answer_question, read_lines, reply, run_stage, write_rows


def trace(problem_id: str, seed: int, *, expected: str = "5", predicted: str = "5") -> Row:
    return {
        "id": f"{problem_id}-{seed}",
        "problem_id": problem_id,
        "seed": seed,
        "predicted_answer": predicted,
        "expected_answer": expected,
        "judgement": "yes",
        "judged_by": "llm",
        "vote_share": 0.5,
        "problem": f"The problem {problem_id}.",
        "solution": "I think so.",
    }


def explained(text: str) -> str:
    """A text that explains something before its last sentence, as summaries must."""
    thoughts, tag, rest = text.rpartition("</think>")
    return f"{thoughts}{tag}Counting both ways gives one and the same number.\n\n{rest.lstrip()}" if text else ""


def write_summaries(folder: Path, summaries: Mapping[str, list[str | Row]]) -> Path:
    """The candidates of each trace id, by number: a text (see `explained`), or fields of the reply."""
    return write_rows(
        folder / "summaries.jsonl",
        (
            reply(
                trace_id, explained(given) if isinstance(given, str) else "", prompt="summarize_solution", seed=number
            )
            | ({} if isinstance(given, str) else given)
            for trace_id, candidates in summaries.items()
            for number, given in enumerate(candidates)
        ),
    )


def select(folder: Path, traces: list[Row], summaries: Mapping[str, list[str | Row]]) -> Made:
    """Run select_summary_judgements."""
    return run_stage(
        "select_summary_judgements",
        folder / "comparisons.jsonl",
        flags(folder, traces, summaries),
        files=["questions", "summary-candidates"],
    )


def flags(folder: Path, traces: list[Row], summaries: Mapping[str, list[str | Row]]) -> dict[str, object]:
    return {
        "traces": write_rows(folder / "traces.jsonl", traces),
        "summaries": write_summaries(folder, summaries),
        "candidates": max(map(len, summaries.values()), default=1),
    }


def merge(
    folder: Path, traces: list[Row], summaries: Mapping[str, list[str | Row]], verdict: Mapping[str, str | Row] = {}
) -> Made:
    """Run both summary stages; the model answers by the summary's answer, No where nothing is given."""
    compared = select(folder, traces, summaries)
    questions = read_lines(compared.others["questions"])
    replies = write_rows(
        folder / "verdicts.jsonl",
        (answer_question(row, verdict.get(row["predicted_answer"], "Judgement: No")) for row in questions),
    )
    given = {"summary-candidates": compared.others["summary-candidates"], "summaries": folder / "summaries.jsonl"}
    given |= {"comparisons": compared.path, "replies": replies}
    return run_stage("merge_summaries", folder / "summarized.jsonl", given)
