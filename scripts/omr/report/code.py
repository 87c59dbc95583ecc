"""The report's section on code: how much of it was run, how that ended, and what votes say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from omr.files.counted import counted
from omr.report.blocks import Block, Cell, Chart, Heading, Paragraph, Section, Table, duration, percent, shares, table
from omr.report.data import ReportData

#: Solutions with more blocks share a bar.
_MOST_BLOCKS = 8
_ENDINGS = {
    "stop": "the model ended by itself",
    "length": "cut at the token limit",
    "too_many_blocks": "wrote a block when none was left to run",
    "unclosed_block": "ended inside a block",
}
_STATUSES = {
    "ok": "ran to its end",
    "error": "an error",
    "timeout": "stopped at its time limit",
    "killed": "killed at its time limit",
    "memory": "over its memory limit",
    "died": "its interpreter ended",
    "broken": "its interpreter is not to be trusted",
}
_WORTHS = {
    "significant": "a new, significant calculation",
    "moderate": "a new calculation, tedious by hand",
    "trivial": "easy by hand",
    "check": "checks what the text already has",
    "unjudged": "undecided: too many votes could not be read",
}
_QUESTIONS = {"judge_novelty": "new, or a check?", "judge_significance": "how hard by hand?"}


def code(data: ReportData) -> Section | None:
    """The section; none for a recipe that runs no code."""
    if data.settings["mode"] != "tir":
        return None
    counts = data.stages.get("clean_code_solutions")
    if counts is None:
        return Section("Code", [Paragraph("No solution has been looked at yet.", "soft")])
    votes = data.stages.get("select_by_code")
    return Section("Code", [*_blocks(counts), *_endings(counts), *(_votes(votes) if votes else ())])


def _blocks(counts: Mapping[str, Any]) -> Iterator[Block]:
    by_blocks = Counter[int]()
    for blocks, n in counts.get("solutions_by_blocks", {}).items():
        by_blocks[min(int(blocks), _MOST_BLOCKS)] += n
    labels = [f"{n}{'+' if n == _MOST_BLOCKS else ''}" for n in range(_MOST_BLOCKS + 1)]
    values = [by_blocks[n] for n in range(_MOST_BLOCKS + 1)]
    yield Chart("Blocks of code that a solution ran", labels, {"solutions": values}, "blocks", "solutions")
    blocks = sum(counts.get("block_status", {}).values())
    seconds = counts.get("code_cpu_s", 0.0)
    each = f", {seconds / blocks:.2f} s a block" if blocks else ""
    yield Paragraph(
        f"All solutions, right or not, ran {counted(blocks, 'block')}, and their server was called "
        f"{counted(counts.get('turns', 0), 'time')}: once more where a solution goes on behind an output. In the table "
        "of costs a solution is one request. "
        f"Their code took {duration(seconds)} of processor time{each}. After restarts, "
        f"{counted(counts.get('replays_differ', 0), 'block')} printed something else than before; what the "
        "model saw was kept."
    )
    if used := counts.get("budget_used"):
        yield Heading("Blocks that were allowed, and blocks that were run")
        yield _budget_table(used)


def _budget_table(used: Mapping[str, int]) -> Table:
    """Solutions by budget (rows) and blocks (columns); keys are `<budget>: <blocks>`."""
    cells = {tuple(map(int, key.split(": "))): n for key, n in used.items()}
    budgets, blocks = (sorted({pair[place] for pair in cells}) for place in (0, 1))
    rows: list[list[Cell]] = [[f"{budget} allowed", *(cells.get((budget, n), 0) for n in blocks)] for budget in budgets]
    return table(["", *(f"{n} run" for n in blocks)], rows, range(1, len(blocks) + 1), narrow=True)


def _endings(counts: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("How solutions ended")
    ended = {name: n for name, n in counts.get("ended", {}).items() if name != "failed"}
    yield shares("solutions", ended, _ENDINGS)
    yield Heading("How blocks ended")
    yield shares("blocks", counts.get("block_status", {}), _STATUSES)


def _votes(counts: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Was the code worth running?")
    yield Paragraph(
        "A model saw each block of the right solutions with the text around it, and voted several times on two "
        "questions. A block is new if every vote says so, and as significant as the least of them."
    )
    yield shares("blocks", counts.get("fragments", {}), _WORTHS)
    rows: list[list[Cell]] = [
        [_QUESTIONS.get(prompt, prompt), label.replace("_", " "), n, percent(n, sum(labels.values()))]
        for prompt, labels in counts.get("votes", {}).items()
        for label, n in labels.items()
    ]
    yield table(["question", "vote", "number", "share"], rows, (2, 3), narrow=True)
