"""The card of a folder for reinforcement learning or preferences (README.md): forms, figures, and what was dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from omr.files.counted import counted
from omr.files.jsonl import Row
from omr.training.card import CardFacts, authored_words, front_matter, markdown_table, plain
from omr.training.figures import THINK_TAG, shown_value
from omr.training.forms import Form
from omr.training.stage_sums import StageSum
from omr.training.trainers import ABOUT, PREFERENCE_SETTINGS, families_head, families_rows

#: What a row is, and what such rows are for.
_ABOUT = {
    "rl": (
        "problem",
        "for reinforcement learning with verifiable rewards. Each has an answer that a comparison can check, and is "
        "sometimes solved and sometimes not by the model that measured it",
    ),
    "rl_selections": (
        "group",
        "of solutions of one problem, for reinforcement learning with verifiable rewards: a model says which is best, "
        "and it is known of each whether it is right. No group has only right or only wrong ones",
    ),
    "preferences": (
        "pair",
        "of a right and a wrong solution of one problem, both as the model wrote them and similar in length, so that "
        "right or wrong is what tells them apart",
    ),
}
#: Columns whose values are counted, as far as a product has them.
_COUNTED = ("answer_source", "problem_source", "chosen_judged_by", "rejected_judged_by")
#: Of a column with many values, those that most rows have are told.
_MOST_VALUES = 20


@dataclass
class ProductFigures:
    """Counted while the rows pass by."""

    rows: int = 0
    values: dict[str, Counter[str]] = field(default_factory=dict)
    reasoned: int = 0  # pairs in which a solution has reasoning in `<think>` tags
    pass_rates: Counter[int] = field(default_factory=Counter)  # rows, by tenths: 0 for [0, 0.1), ..., 10 for 1

    def add(self, row: Row) -> None:
        self.rows += 1
        for column in _COUNTED:
            if column in row:
                self.values.setdefault(column, Counter())[shown_value(row[column])] += 1
        self.pass_rates[int(row["pass_rate"] * 10)] += 1
        said = (message["content"] for name in ("chosen", "rejected") for message in row.get(name, ()))
        self.reasoned += any(text.startswith(THINK_TAG) for text in said)


def product_card(kind: str, facts: CardFacts, forms: Sequence[Form], figures: ProductFigures) -> str:
    """The text of README.md; every form in Parquet is a configuration of its own: a folder's have to be of one kind."""
    configs = [
        {"config_name": form.name, "data_files": [{"split": "train", "path": form.path}]}
        for form in forms
        if form.is_parquet
    ]
    noun, about = _ABOUT[kind]
    sections = [
        f"# {plain(facts.title)}",
        f"{counted(figures.rows, noun)} {about}. All figures on this page were counted by the run that made the files.",
        authored_words(facts.authored),
        _forms(forms),
        _figures(figures),
        _dropped(facts.stages),
        _trainers() if figures.reasoned else "",
    ]
    body = "\n\n".join(section for section in sections if section)
    return f"---\n{front_matter(facts.title, facts.license, figures.rows, configs, facts.digest)}---\n\n{body}\n"


def _forms(forms: Sequence[Form]) -> str:
    parts = ["## Forms", "The same rows for each trainer; a value that the run did not know is null."]
    for form in forms:
        code = f"```python\nfrom datasets import load_dataset\n\nrows = {_loading(form)}\n```"
        rows = [[f"`{name}`", about] for name, about in form.columns.items()]
        about = f"### `{form.name}`: {form.trainer}\n\nFiles: `{form.path}`."
        parts += [about, code, markdown_table(["column", "what it is"], rows)]
    return "\n\n".join(parts)


def _loading(form: Form) -> str:
    if form.is_parquet:
        return f'load_dataset("path/or/name/of/this/dataset", "{form.name}", split="train")'
    return f'load_dataset("json", data_files="path/of/this/dataset/{form.path}", split="train")'


def _trainers() -> str:
    lines = markdown_table(families_head(False), families_rows(False))
    return f"## Reasoning in training\n\n{ABOUT}\n\n{lines}\n\n{PREFERENCE_SETTINGS}"


def _figures(figures: ProductFigures) -> str:
    parts = ["## Rows"]
    for column, counter in figures.values.items():
        rows = [[value, f"{n:,}"] for value, n in counter.most_common(_MOST_VALUES)]
        parts.append(markdown_table([f"`{column}`", "rows"], rows))
    rates = [
        [f"from {n / 10:.1f}" if n < 10 else "1", f"{figures.pass_rates[n]:,}"] for n in sorted(figures.pass_rates)
    ]
    parts.append(markdown_table(["pass rate", "rows"], rates))
    return "\n\n".join(parts)


def _dropped(stages: Sequence[StageSum]) -> str:
    rows = [
        [
            f"`{stage.stage}`",
            *(f"{n:,}" for n in (stage.read, stage.passed, stage.written)),
            ", ".join(f"{reason} {n:,}" for reason, n in stage.dropped.items()) or "-",
        ]
        for stage in stages
    ]
    head = ["stage", "problems read", "passed", "rows written", "dropped"]
    return "## What was dropped\n\n" + markdown_table(head, rows) if rows else ""
