"""What decontamination did, in numbers: per benchmark, for the questions to the model, and for the canaries.

The report is {"benchmarks": {name: {"rows", "matched": {net: problems}, "judged", "unreadable", "removed": {reason:
problems}}}, "questions": {...}, "canaries": {kind: {...}}}. Canaries count nowhere but under `canaries`. A problem
that resembles a row which several benchmarks share counts for each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from omr.contamination.benchmarks import BenchmarkRow, Pool
from omr.contamination.steps import CANARY_KINDS
from omr.files.jsonl import Row


@dataclass(frozen=True)
class Question:
    """Whether a problem is a benchmark problem, as the model answered in both orders.

    `text` is the number of its text in Pool.texts, and `row` which of its rows was asked about: rows of one text may be
    different problems, whose drawings or letters tell them apart. `verdicts` has one value per order: True, False, or
    None for a reply that is missing or could not be read.
    """

    text: int
    verdicts: tuple[bool | None, ...]
    faults: tuple[str, ...] = ()  # why a verdict is None, one per None
    row: BenchmarkRow | None = None

    @property
    def verdict(self) -> bool | None:
        """True if either order says so; otherwise None if either is unreadable; otherwise False."""
        if True in self.verdicts:
            return True
        return None if None in self.verdicts else False


@dataclass(frozen=True)
class Finding:
    """What was found out about one problem. `reason` is None for a clean one; else `text` is what it resembles, and
    `row` which of its rows, where that is known."""

    matches: Mapping[str, Mapping[int, float]]  # net -> text -> score
    questions: tuple[Question, ...] = ()
    reason: str | None = None
    text: int | None = None
    row: BenchmarkRow | None = None

    @property
    def nets(self) -> dict[str, float]:
        """The nets that found the text which the reason is about, with their scores."""
        text = self.text
        return {net: scores[text] for net, scores in self.matches.items() if text is not None and text in scores}


@dataclass
class _CanaryCounts:
    planted: int = 0
    caught_by_any_net: int = 0
    caught_by: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    confirmed: int = 0
    removed: int = 0


class Report:
    """Adds up findings; `content()` and `to_json()` are the report."""

    def __init__(self, pool: Pool, nets: Iterable[str]) -> None:
        self._pool = pool
        self._nets = sorted(nets)
        self._matched: dict[str, Counter[str]] = {name: Counter() for name in pool.sizes}
        self._removed: dict[str, Counter[str]] = {name: Counter() for name in pool.sizes}
        self._judged: Counter[str] = Counter()
        self._unreadable: Counter[str] = Counter()
        self._questions: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._canaries: dict[str, _CanaryCounts] = {kind: _CanaryCounts() for kind in CANARY_KINDS}

    def add_problem(self, finding: Finding) -> None:
        """Count what was found about a problem of the training data."""
        for net, scores in finding.matches.items():
            for name in self._benchmarks_of(scores):
                self._matched[name][net] += 1
        for question in finding.questions:
            self._add_question(question)
        for name in self._benchmarks_of({question.text for question in finding.questions}):
            self._judged[name] += 1
        if finding.reason is None or finding.text is None:
            texts = set().union(*finding.matches.values())
            asked = {question.text for question in finding.questions}
            self._questions["matched_but_not_asked"] += len(texts) - len(asked)
            return
        for name in self._benchmarks_of([finding.text]):
            self._removed[name][finding.reason] += 1

    def _add_question(self, question: Question) -> None:
        self._questions["asked"] += 1
        self._questions[{True: "same", False: "different", None: "unreadable"}[question.verdict]] += 1
        if len(set(question.verdicts)) > 1 and None not in question.verdicts:
            self._questions["orders_disagree"] += 1
        self._faults.update(question.faults)
        if question.verdict is None:
            self._unreadable.update(self._benchmarks_of([question.text]))

    def add_canary(self, canary: Row, finding: Finding) -> None:
        """Count what was found about a canary; only finding the row that it was made from counts as caught."""
        counts = self._canaries.setdefault(canary["kind"], _CanaryCounts())
        text = self._pool.text_of(canary["benchmark"], canary["row"])
        caught = [net for net, scores in finding.matches.items() if text in scores]
        counts.planted += 1
        counts.caught_by.update(caught)
        counts.caught_by_any_net += bool(caught)
        verdicts = [question.verdict for question in finding.questions if question.text == text]
        counts.asked += bool(verdicts)
        counts.confirmed += True in verdicts
        counts.removed += finding.reason is not None

    def _benchmarks_of(self, texts: Iterable[int]) -> list[str]:
        """The benchmarks that have any of the texts, each once."""
        return sorted({row.benchmark for text in texts for row in self._pool.rows_of(text)})

    def content(self) -> dict[str, Any]:
        """The report as it is written."""
        asked = ("asked", "same", "different", "unreadable", "orders_disagree", "matched_but_not_asked")
        return {
            "benchmarks": {name: self._benchmark(name) for name in self._pool.sizes},
            "questions": {key: self._questions[key] for key in asked} | {"faults": dict(sorted(self._faults.items()))},
            "canaries": {kind: self._canary(counts) for kind, counts in self._canaries.items()},
        }

    def to_json(self) -> bytes:
        """The report as a readable file."""
        return orjson.dumps(self.content(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def _benchmark(self, name: str) -> dict[str, Any]:
        return {
            "rows": self._pool.sizes[name],
            "matched": {net: self._matched[name][net] for net in self._nets},
            "judged": self._judged[name],
            "unreadable": self._unreadable[name],
            "removed": dict(sorted(self._removed[name].items())),
        }

    def _canary(self, counts: _CanaryCounts) -> dict[str, Any]:
        return {
            "planted": counts.planted,
            "caught": {net: _share(counts.caught_by[net], counts.planted) for net in self._nets},
            "caught_by_any_net": _share(counts.caught_by_any_net, counts.planted),
            "confirmed_by_model": _share(counts.confirmed, counts.asked),
            "removed": _share(counts.removed, counts.planted),
        }


def _share(part: int, whole: int) -> dict[str, Any]:
    """A count with what it is out of, and its share (null of nothing)."""
    return {"count": part, "of": whole, "share": round(part / whole, 4) if whole else None}
