"""The card of the dataset that joins all recipes of a run: its subsets, and what their columns are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from omr.config.row_models import NONE, Authored
from omr.files.counted import counted
from omr.training.card import about_texts, authored_words, columns_section, front_matter, markdown_table, plain
from omr.training.columns import NAMES
from omr.training.figures import Reasoning

#: As the published dataset has them: the subsets that recipes make, one per mode, and that of problems without rows.
SUBSETS = ("cot", "tir", "genselect")
ADDITIONAL = "additional_problems"
#: Those whose rows are solutions of problems.
SOLVED = ("cot", "tir")
_ABOUT = {
    "cot": "solutions",
    "tir": "solutions with code that was run",
    "genselect": "comparisons of several solutions of a problem, right and wrong ones, that chose a right one",
    ADDITIONAL: "problems that no row of the other subsets is about",
}


class Subset(NamedTuple):
    """A part of the dataset, and the recipes that its rows are from."""

    name: str
    rows: int
    problems: int
    recipes: Sequence[str]
    reasoning: Reasoning | None = None  # None where nobody counted, or there can be none

    @property
    def about(self) -> str:
        """What the rows are."""
        if self.name not in SOLVED or self.reasoning is None:
            return _ABOUT[self.name]
        if not self.reasoning.having:
            return f"{_ABOUT[self.name]}, without reasoning"
        which = "" if self.reasoning.is_everywhere else f"{self.reasoning} "
        return f"{_ABOUT[self.name]}, {which}with reasoning"


def joined_card(
    title: str,
    licence: str | None,
    subsets: Sequence[Subset],
    digest: str = "",
    authored: Authored = NONE,
    columns: Collection[str] = NAMES,
) -> str:
    """The text of README.md.

    Every subset is a configuration of its own with the split `train`, and a split of the default one, as in the
    published dataset. `digest` names the rows, `columns` are those of the files; `authored` says of which stages people
    authored the replies.
    """
    files = {subset.name: f"data/{subset.name}-*.parquet" for subset in subsets}
    configs = [
        {"config_name": "default", "data_files": [{"split": name, "path": path} for name, path in files.items()]},
        *({"config_name": name, "data_files": [{"split": "train", "path": path}]} for name, path in files.items()),
    ]
    rows = [
        [f"`{each.name}`", f"{each.rows:,}", f"{each.problems:,}", ", ".join(each.recipes) or "-", each.about]
        for each in subsets
    ]
    sections = [
        f"# {plain(title)}",
        f"{counted(sum(each.rows for each in subsets), 'row')} about mathematics problems. Every solution's final "
        "answer, and every chosen solution's, was judged right. All figures on this page were counted by the run that "
        "made the files; the cards of the recipes say more.",
        authored_words(authored),
        "## Subsets\n\n" + markdown_table(["subset", "rows", "problems", "recipes", "what it holds"], rows),
        f"{_use(subsets[0].name)}\n\n{about_texts(columns)}",
        columns_section(columns, _reasoning(subsets)),
    ]
    body = "\n\n".join(filter(None, sections))
    head = front_matter(title, licence, sum(each.rows for each in subsets), configs, digest)
    return f"---\n{head}---\n\n{body}\n"


def _reasoning(subsets: Sequence[Subset]) -> Reasoning | None:
    """Of all subsets together; None where nobody counted that of one."""
    found = [each.reasoning for each in subsets if each.name in SOLVED]
    known = [one for one in found if one is not None]
    if not found or len(known) < len(found):
        return None
    return Reasoning(sum(one.having for one in known), sum(one.rows for one in known))


def _use(subset: str) -> str:
    return f"""## Use

```python
from datasets import load_dataset

rows = load_dataset("path/or/name/of/this/dataset", "{subset}", split="train")
same = load_dataset("path/or/name/of/this/dataset", split="{subset}")
```"""
