"""The report's last sections: the prompts that were used, and where everything is."""

from __future__ import annotations

import sys

from omr.files.typed import as_typed
from omr.report.blocks import Fold, Paragraph, Section, Text, Words, table
from omr.report.data import ReportData


def prompts(data: ReportData) -> Section | None:
    """What models were told, word for word; none where nobody says which prompts were used."""
    if not data.prompts:
        return None
    about = "The texts that models were sent. A field of the row stands where `{{ }}` stand around its name."
    folds = [
        Fold(
            prompt.path.name,
            [Text(text.strip(), as_code="prompt") for text in (prompt.system, prompt.user, prompt.tool) if text],
        )
        for prompt in data.prompts
    ]
    return Section("The prompts", [Paragraph(about), *folds])


def files(data: ReportData) -> Section:
    """Paths, and the command that tells a row's whole story."""
    run = f"results/{data.run}"
    home = f"{run}/{data.recipe}"
    row = data.product.samples[0]["id"] if data.product and data.product.samples else "ID"
    python = as_typed(sys.executable, "python")
    return Section(
        "Where things are",
        [
            table(
                ["file", "what it holds"],
                [
                    [Words(f"`{home}/sft.jsonl`"), "the training rows"],
                    [Words(f"`{home}/dropped/`, `{run}/dropped/`"), "every row that was set aside, with its reason"],
                    [Words(f"`{home}/counts/`, `{run}/counts/`"), "the numbers of this page"],
                    [Words(f"`{run}/config.yaml`"), "the configuration of the run"],
                ],
            ),
            Paragraph(f"Everything that led to a row: `{python} scripts/trace.py {row} --run {run}`"),
        ],
    )
