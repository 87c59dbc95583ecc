"""What a run measured of its models and of its search for reposts, and the bounds below which no dataset is made.

`counts` maps a CPU stage to its counts, shards summed. Stages note `verdicts`, {what was asked: {verdict: n}}, and
merge_judgements an `audit`: what the judge said of pairs that the comparison had settled, {"equal": {"yes": n, ...},
"different": {...}}, and deduplicate what its search did with planted `copies` and `near_misses`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from omr.errors import UserError
from omr.files.counted import verb_for
from omr.runs.counts import read_counts, summed

Counts = Mapping[str, Any]

#: Fewer verdicts say nothing of a model.
ENOUGH = 20
#: A model that says the same so often is named.
SAME_SHARE = 0.95
#: Planted copies that are the same problem; one with other numbers is another.
_COPIES = ("verbatim", "paraphrased")
_READ_ABOUT = {"equal": "yes", "different": "no"}
_UNREAD = frozenset({"null", "unreadable"})


class Share(NamedTuple):
    """`part` of `of`."""

    part: int
    of: int

    @property
    def value(self) -> float:
        return self.part / self.of

    def __str__(self) -> str:
        return f"{self.part:,} of {self.of:,} ({self.value:.0%})"


class Gates(NamedTuple):
    """Bounds of config, `gates`; None sets none."""

    canary_recall: float | None = None
    judge_agreement: float | None = None
    same_verdict: float | None = None
    obeyed_instructions: float | None = None
    repost_recall: float | None = None
    false_reposts: float | None = None


class BeforeSolving(NamedTuple):
    """What is known before any solution is asked for: the report of the decontamination, the counts of deduplicate and
    of the stages that read what classifiers said, and the report on planted instructions (None: none were planted)."""

    report: Counts
    counts: Mapping[str, Counts]
    planted: Counts | None = None

    @classmethod
    def read(cls, report: Path, counts: Iterable[Path], planted: Path | None) -> BeforeSolving:
        """From their files."""
        of_stages = {path.stem: read_counts(path) for path in counts}
        return cls(read_counts(report), of_stages, None if planted is None else read_counts(planted))


class Monotone(NamedTuple):
    """What a model was asked, and the verdict that it gave nearly always."""

    asked: str
    verdict: str
    share: Share


def canary_recall(report: Counts | None) -> Share | None:
    """The planted copies that decontamination removed; None where none was planted."""
    kinds = [report["canaries"][kind] for kind in _COPIES if kind in report["canaries"]] if report else []
    planted = sum(kind["planted"] for kind in kinds)
    return Share(sum(kind["removed"]["count"] for kind in kinds), planted) if planted else None


def repost_recall(counts: Mapping[str, Counts]) -> Share | None:
    """The planted copies of the run's own problems that the search for reposts found; None where none was planted."""
    return _planted_share(counts.get("deduplicate", {}).get("copies", {}), "found")


def false_reposts(counts: Mapping[str, Counts]) -> Share | None:
    """The planted problems that are nearly one of the run's own, and were taken for it; None where none was planted."""
    return _planted_share(counts.get("deduplicate", {}).get("near_misses", {}), "taken_for_copies")


def _planted_share(kinds: Mapping[str, Mapping[str, int]], what: str) -> Share | None:
    planted = sum(kind["planted"] for kind in kinds.values())
    return Share(sum(kind[what] for kind in kinds.values()), planted) if planted else None


def obeyed_instructions(planted: Counts | None) -> Share | None:
    """The planted instructions that models obeyed, of those whose replies could be read (the report of
    measure_instructions); None where there are none."""
    found = planted["obeyed"] if planted else {"of": 0}
    return Share(found["count"], found["of"]) if found["of"] else None


def judge_audit(counts: Mapping[str, Counts]) -> dict[str, Share]:
    """How often the judge agreed with the comparison: on pairs proven `equal`, and proven `different`."""
    audit = counts.get("merge_judgements", {}).get("audit", {})
    return {
        proven: Share(said.get(_READ_ABOUT[proven], 0), sum(said.values()))
        for proven, said in sorted(audit.items())
        if sum(said.values())
    }


def monotones(counts: Mapping[str, Counts], report: Counts | None) -> list[Monotone]:
    """The judges and classifiers that gave one verdict nearly always; those who gave few verdicts are not looked at."""
    found = []
    for asked, verdicts in _all_verdicts(counts, report):
        readable = {verdict: n for verdict, n in verdicts.items() if verdict not in _UNREAD}
        commonest = max(readable, key=lambda verdict: readable[verdict], default=None)
        total = sum(readable.values())
        if commonest is not None and total >= ENOUGH and readable[commonest] >= SAME_SHARE * total:
            found.append(Monotone(asked, commonest, Share(readable[commonest], total)))
    return found


def readable_verdicts(counts: Mapping[str, Counts], report: Counts | None) -> dict[str, int]:
    """How many verdicts could be read of each judge and classifier that gave any reply; `monotones` looks at those of
    `ENOUGH` or more."""
    return {
        asked: sum(n for verdict, n in verdicts.items() if verdict not in _UNREAD)
        for asked, verdicts in _all_verdicts(counts, report)
        if any(verdicts.values())
    }


def _all_verdicts(counts: Mapping[str, Counts], report: Counts | None) -> Iterator[tuple[str, Mapping[str, int]]]:
    for stage, of_stage in counts.items():
        for asked, verdicts in of_stage.get("verdicts", {}).items():
            yield (
                (asked if asked in ("match_answers", "judge_answers", "judge_summaries") else f"{asked} ({stage})"),
                verdicts,
            )
    if report is not None and "questions" in report:
        yield "check_contamination", {name: report["questions"][name] for name in ("same", "different")}


def broken(
    gates: Gates, counts: Mapping[str, Counts], report: Counts | None, planted: Counts | None = None
) -> list[str]:
    """What is beyond the bounds of config, a phrase each that names the key."""
    found = []
    recall = canary_recall(report)
    if gates.canary_recall is not None and recall is not None and recall.value < gates.canary_recall:
        found.append(
            f"of planted copies of benchmark problems {_were(recall)} removed (canary_recall {gates.canary_recall})"
        )
    for proven, share in judge_audit(counts).items():
        if gates.judge_agreement is not None and share.of >= ENOUGH and share.value < gates.judge_agreement:
            found.append(f"the judge agreed on {share} pairs proven {proven} (judge_agreement {gates.judge_agreement})")
    if gates.same_verdict is not None:
        found += [
            f"{one.asked} said {one.verdict!r} in {one.share} verdicts (same_verdict {gates.same_verdict})"
            for one in monotones(counts, report)
            if one.share.value > gates.same_verdict
        ]
    found += _broken_by_reposts(gates, counts)
    obeyed, bound = obeyed_instructions(planted), gates.obeyed_instructions
    if bound is not None and planted is not None and obeyed is None:
        found.append(f"no reply about planted instructions could be read (obeyed_instructions {bound})")
    elif bound is not None and obeyed is not None and obeyed.value > bound:
        found.append(f"of instructions planted in threads {_were(obeyed)} obeyed (obeyed_instructions {bound})")
    return found


def _were(share: Share) -> str:
    return f"{share} {verb_for(share.part, 'was', 'were')}"


def check_before_solving(gates: Gates, known: BeforeSolving) -> None:
    """Raise UserError where what is known of the problems is beyond its bound: solutions would be paid for a dataset
    that is not made."""
    _refuse(
        broken(Gates(canary_recall=gates.canary_recall), {}, known.report),
        "ask a better model in `check_contamination`, or add nets to `decontaminate`: `canaries` in "
        "contamination/report.json tells which net or model missed copies of which kind. Where the problems are "
        "good enough all the same, loosen `gates` in config",
    )
    _refuse(
        _broken_by_reposts(gates, known.counts),
        "duplicates/report.json tells of which kind these are, duplicates/groups.jsonl what was taken for "
        "reposts (`duplicates: keep_all` keeps it). Where that is good enough, loosen `gates` in config",
    )
    of_labels = Gates(same_verdict=gates.same_verdict, obeyed_instructions=gates.obeyed_instructions)
    _refuse(
        broken(of_labels, known.counts, known.report, known.planted),
        "ask a better model in that stage, or mend its prompt: counts/ has its verdicts, planted/report.json the "
        "instructions that were obeyed. Where the problems are good enough all the same, loosen `gates` in config",
    )


def _refuse(broken_bounds: Iterable[str], remedy: str) -> None:
    """Raise UserError for the first of them."""
    for what in broken_bounds:
        raise UserError(f"no solution is asked for, since {what}", remedy=remedy)


def _broken_by_reposts(gates: Gates, counts: Mapping[str, Counts]) -> Iterator[str]:
    recall, bound = repost_recall(counts), gates.repost_recall
    if bound is not None and recall is not None and recall.of >= ENOUGH and recall.value < bound:
        yield f"of planted copies of the run's own problems {_were(recall)} found as reposts (repost_recall {bound})"
    taken, bound = false_reposts(counts), gates.false_reposts
    if bound is not None and taken is not None and taken.of >= ENOUGH and taken.value > bound:
        yield f"of planted near misses {_were(taken)} taken for reposts (false_reposts {bound})"


# ---- commands that make products -------------------------------------------------------------------------------------


def add_gates(parser: argparse.ArgumentParser) -> None:
    """Adds the bounds, and the reports that some of them are about."""
    add = parser.add_argument
    add("--contamination", type=Path, help="report of the decontamination")
    add("--planted", type=Path, help="report on planted instructions")
    add("--canary-recall", type=float, help="least share of planted benchmark problems that were removed")
    add("--repost-recall", type=float, help="least share of planted reposts that are found")
    add("--false-reposts", type=float, help="greatest share of planted near misses that are taken for reposts")
    add("--judge-agreement", type=float, help="least share of settled pairs on which the judge agrees")
    add("--same-verdict", type=float, help="greatest share of one and the same verdict of a judge or classifier")
    add("--obeyed-instructions", type=float, help="greatest share of planted instructions that may be obeyed")


def check_gates(args: argparse.Namespace, stages: Iterable[Counts]) -> None:
    """Raise UserError where what was measured is beyond a bound of the command line; `stages` are counts, of which
    those of the same stage are summed."""
    counts: dict[str, list[Counts]] = {}
    for stage in stages:
        counts.setdefault(str(stage.get("stage")), []).append(stage)
    report, planted = (None if path is None else read_counts(path) for path in (args.contamination, args.planted))
    gates = Gates(**{name: getattr(args, name) for name in Gates._fields})
    found = broken(gates, {stage: summed(parts) for stage, parts in counts.items()}, report, planted)
    if found:
        raise UserError(
            "what the run measured is beyond the bounds of `gates`:\n" + "\n".join(f"  - {what}" for what in found),
            remedy="ask better models in these stages, or mend their prompts; report.html tells more. Where you judge "
            "the rows good enough all the same, loosen the bound in config",
        )
