"""The report's section on benchmarks: what resembles them, what was removed, and how much the nets catch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omr.report.blocks import Block, Cell, Heading, Paragraph, Reasons, Section, percent, table
from omr.report.data import ReportData
from omr.report.words import CANARIES, NETS


def contamination(data: ReportData) -> Section:
    """The section."""
    report = data.contamination
    if report is None:
        return Section("Decontamination", [Paragraph("Not done yet.", "soft")])
    nets = sorted({net for entry in report["benchmarks"].values() for net in entry["matched"]}, key=list(NETS).index)
    rows: list[list[Cell]] = []
    for name, entry in report["benchmarks"].items():
        removed = Counter[str](entry["removed"])
        matched = [entry["matched"].get(net, 0) for net in nets]
        why = Reasons(removed) if removed else "nothing"
        rows.append([name, entry["rows"], *matched, entry["judged"], entry["unreadable"], removed.total(), why])
    head = ["benchmark", "its problems", *(NETS[net] for net in nets), "asked", "unreadable", "removed", "why"]
    about = (
        "A model trained on a benchmark's problems cannot be measured with it. Several nets look for problems "
        "that resemble one; a model is asked, in both orders, whether a found pair is the same problem. Columns "
        "count problems of this run: those that each net found, those that the model was asked about, those with "
        "a verdict that cannot be read (which are removed as well), and those removed."
    )
    numbers = table(head, rows, range(1, 5 + len(nets)))
    return Section("Decontamination", [Paragraph(about), numbers, *_canaries(report["canaries"], nets)])


def _canaries(canaries: Mapping[str, Any], nets: Sequence[str]) -> Iterator[Block]:
    rows: list[list[Cell]] = [
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
        yield Paragraph("No canaries were planted, so nothing says how much the nets catch.")
        return
    yield Heading("Do the nets catch what they should?")
    yield Paragraph(
        "To measure the nets, copies of benchmark problems were planted among the problems (and taken out again). "
        "A copy with other numbers is another problem: nets should find it, the model need not call it the same."
    )
    head = ["canaries", "planted", *(NETS[net] for net in nets), "any net", "the model agrees", "removed"]
    yield table(head, rows, range(1, 5 + len(nets)))


def _share(entry: Mapping[str, Any] | None) -> Cell:
    if entry is None or not entry["of"]:
        return None
    return f"{percent(entry['count'], entry['of'])} ({entry['count']:,} of {entry['of']:,})"
