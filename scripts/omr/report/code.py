"""The report's section on code: how much of it was run, how that ended, and what votes say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from omr.report.charts import Bar, histogram
from omr.report.data import ReportData
from omr.report.html import Cell, duration, paragraph, percent, section, table

#: Solutions with more blocks share a bar.
_MOST_BLOCKS = 8
_ENDINGS = {
    "stop": "the model ended by itself",
    "length": "cut at the token limit",
    "too_many_blocks": "wrote a block when none was left to run",
    "unclosed_block": "ended inside a block",
    "failed": "the request failed for good",
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
    "unjudged": "votes that could not be read decide",
}
_QUESTIONS = {"judge_novelty": "new, or a check?", "judge_significance": "how hard by hand?"}


def code(data: ReportData) -> str:
    """The section; nothing for a recipe that runs no code."""
    if data.settings["mode"] != "tir":
        return ""
    counts = data.stages.get("clean_code_solutions")
    if counts is None:
        return section("Code", "<p class=empty>No solution has been looked at yet.</p>")
    votes = data.stages.get("select_by_code")
    return section("Code", *_blocks(counts), *_endings(counts), *(_votes(votes) if votes else ()))


def _blocks(counts: Mapping[str, Any]) -> Iterator[str]:
    by_blocks = Counter[int]()
    for blocks, n in counts.get("solutions_by_blocks", {}).items():
        by_blocks[min(int(blocks), _MOST_BLOCKS)] += n
    bars = [Bar(f"{n}{'+' if n == _MOST_BLOCKS else ''}", (by_blocks[n],)) for n in range(_MOST_BLOCKS + 1)]
    yield histogram("Blocks of code that a solution ran", bars, ["solutions"], "blocks", "solutions")
    blocks = sum(counts.get("block_status", {}).values())
    seconds = counts.get("code_cpu_s", 0.0)
    each = f", {seconds / blocks:.2f} s a block" if blocks else ""
    yield paragraph(
        f"All solutions, right or not, ran {blocks:,} blocks in {counts.get('turns', 0):,} requests. "
        f"Their code took {duration(seconds)} of processor time{each}. After restarts, "
        f"{counts.get('replays_differ', 0):,} blocks printed something else than before; what the model saw was kept."
    )
    if used := counts.get("budget_used"):
        yield "<h3>Blocks that were allowed, and blocks that were run</h3>" + _budget_table(used)


def _budget_table(used: Mapping[str, int]) -> str:
    """Solutions by budget (rows) and blocks (columns); keys are `<budget>: <blocks>`."""
    cells = {tuple(map(int, key.split(": "))): n for key, n in used.items()}
    budgets, blocks = (sorted({pair[place] for pair in cells}) for place in (0, 1))
    rows: list[list[Cell]] = [[f"{budget} allowed", *(cells.get((budget, n), 0) for n in blocks)] for budget in budgets]
    return table(["", *(f"{n} run" for n in blocks)], rows, range(1, len(blocks) + 1), narrow=True)


def _shares(what: str, numbers: Mapping[str, int], words: Mapping[str, str]) -> str:
    total = sum(numbers.values())
    names = [*(name for name in words if name in numbers), *(name for name in numbers if name not in words)]
    rows: list[list[Cell]] = [[words.get(name, name), numbers[name], percent(numbers[name], total)] for name in names]
    return table([what, "number", "share"], rows, (1, 2), narrow=True)


def _endings(counts: Mapping[str, Any]) -> Iterator[str]:
    yield "<h3>How solutions ended</h3>" + _shares("solutions", counts.get("ended", {}), _ENDINGS)
    yield "<h3>How blocks ended</h3>" + _shares("blocks", counts.get("block_status", {}), _STATUSES)


def _votes(counts: Mapping[str, Any]) -> Iterator[str]:
    yield "<h3>Was the code worth running?</h3>" + paragraph(
        "A model saw each block of the right solutions with the text around it, and voted several times on two "
        "questions. A block is new if every vote says so, and as significant as the least of them."
    )
    yield _shares("blocks", counts.get("fragments", {}), _WORTHS)
    rows: list[list[Cell]] = [
        [_QUESTIONS.get(prompt, prompt), label.replace("_", " "), n, percent(n, sum(labels.values()))]
        for prompt, labels in counts.get("votes", {}).items()
        for label, n in labels.items()
    ]
    yield table(["question", "vote", "number", "share"], rows, (2, 3), narrow=True)
