"""The card of a dataset (README.md): front matter for the hub, and what this run says about its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from omr.config.row_models import NONE, Authored
from omr.files.counted import counted, verb_for
from omr.training.columns import COLUMNS, NAMES, SOLUTION, WHAT_COUNTS, Column
from omr.training.figures import SHARES, Figures, Histogram, Reasoning
from omr.training.stage_sums import StageSum
from omr.training.trainers import ABOUT, SETTINGS, families_head, families_rows

#: The hub's names for sizes: rows below which they hold.
_SIZES = {
    "n<1K": 10**3, "1K<n<10K": 10**4, "10K<n<100K": 10**5, "100K<n<1M": 10**6, "1M<n<10M": 10**7,
    "10M<n<100M": 10**8,
}  # fmt: skip
_LARGEST = "100M<n<1B"
_JSON_TYPES = {dict: "object", str: "string", int: "integer", float: "number", bool: "boolean"}
_LIST_TYPES = {"messages": "list of {role, content}", "messages with calls": "list of {role, content, tool_calls}"}


@dataclass(frozen=True)
class CardFacts:
    """What a card tells of a run besides the rows.

    `models` maps a stage to the model that it asked, `prompts` a prompt's name to the hash of its texts,
    `contamination` is the report of the decontamination, `chosen` says what a subset's rows have in common,
    `digest` which rows these are (omr/training/parquet_files.py), `columns` what their files have.
    """

    title: str
    license: str | None = None
    authored: Authored = NONE  # whose replies people authored
    stages: Sequence[StageSum] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    contamination: Mapping[str, Any] | None = None
    chosen: str | None = None
    digest: str = ""
    columns: Collection[str] = NAMES

    @property
    def starts_from_problems(self) -> bool:
        """Whether problems were given, so that there were no threads."""
        return any(stage.stage == "read_problems" for stage in self.stages)

    @property
    def summary_models(self) -> dict[str, str]:
        """Of comparisons, who rewrote the solutions: the model, by the recipes that these are of."""
        asked = ((*stage.rpartition("/"), model) for stage, model in self.models.items())
        return {recipe: model for recipe, _, stage, model in asked if recipe and stage == "generate_summaries"}

    @property
    def rewrites(self) -> bool:
        """Whether a model rewrote what follows the reasoning of right solutions."""
        return "generate_summaries" in self.models


def dataset_card(figures: Figures, facts: CardFacts, rows_of_parts: Mapping[str, int] | None = None) -> str:
    """The text of README.md. `rows_of_parts` are numbers of rows by folder of data/, where rows of some lengths have
    folders of their own; `""` is data/ itself."""
    parts = {part: rows for part, rows in (rows_of_parts or {}).items() if part}
    sections = [
        f"# {plain(facts.title)}",
        f"{_what(figures, facts)}. All figures on this page were counted by the run that made the files.",
        authored_words(facts.authored),
        "" if facts.chosen is None else f"Of the recipe's {_from(figures)} these are a subset: {plain(facts.chosen)}.",
        _rows(figures),
        _pass_rates(figures),
        _lengths(figures),
        _parts(parts),
        columns_section(facts.columns, figures.reasoning),
        _funnel(facts),
        _models(facts),
        _contamination(facts.contamination),
        f"{_USE}\n\n{about_texts(facts.columns)}",
        _USE_OF_TOOLS if figures.values["inference_mode"]["tir"] and "tools" in facts.columns else "",
        _trainers(figures, facts.columns) if "messages" in facts.columns else "",
    ]
    body = "\n\n".join(section for section in sections if section)
    configs = [_config("default", "*/" if parts else ""), *(_config(part, f"{part}/") for part in parts)]
    head = front_matter(facts.title, facts.license, figures.rows, configs, facts.digest)
    return f"---\n{head}---\n\n{body}\n"


def _from(figures: Figures) -> str:
    """What a subset is taken from: rows of other verdicts are none of the recipe's own."""
    return "solutions" if set(figures.values["judgement"]) - {"yes"} else "rows"


def _config(name: str, folder: str) -> dict[str, Any]:
    return {"config_name": name, "data_files": [{"split": "train", "path": f"data/{folder}train-*.parquet"}]}


def _parts(parts: Mapping[str, int]) -> str:
    """Which files have rows of which lengths."""
    if not parts:
        return ""
    rows = [[f"`{part}`", f"{n:,}", f"`data/{part}/`"] for part, n in parts.items()]
    about = (
        "Rows of about the same length have files of their own, and a name under which they load alone: "
        f'`load_dataset(..., "{next(iter(parts))}", split="train")`. Without a name all rows come.'
    )
    return f"## Files by length\n\n{about}\n\n" + markdown_table(["name", "rows", "files"], rows)


#: Of rows of all verdicts: whoever learns to tell right from wrong must not learn to tell two writers apart.
_REWRITTEN = (
    ". Of right ones that have reasoning, what follows it was rewritten (`summary_model`); all others are as the model"
    " wrote them"
)


def rewritten_by(summary_models: Mapping[str, str]) -> str:
    """Who rewrote the solutions that are compared, by the recipes that they are of: one model, or which one whose."""
    names = set(summary_models.values())
    if len(names) < 2:
        return "all rewritten by one model" if names else "all rewritten"
    told = (f"those of {recipe} by {model}" for recipe, model in summary_models.items())
    return f"all rewritten ({', '.join(told)})"


def _what(figures: Figures, facts: CardFacts) -> str:
    origin = "" if facts.starts_from_problems else " from a forum"
    problems = f"{counted(figures.problems, 'mathematics problem')}{origin}"
    if figures.values["inference_mode"]["genselect"]:
        return (
            f"{counted(figures.rows, 'comparison')} of several solutions of a problem, of {problems}. Each row has "
            f"right and wrong solutions, {rewritten_by(facts.summary_models)}, and the summary of a comparison that "
            "chose a right one"
        )
    solutions = counted(figures.rows, "solution")
    if _from(figures) == "solutions":
        told = f"{solutions} of {problems}, right and wrong ones: the column `judgement` has the verdict on each answer"
        return told + (_REWRITTEN if facts.rewrites else ". Their texts are as a model wrote them")
    reasoning = figures.reasoning
    if not reasoning.having:
        told = "without reasoning, each with a final answer that was judged right"
    elif reasoning.is_everywhere:
        told = "each with its reasoning and a final answer that was judged right"
    else:
        told = f"{reasoning} with reasoning, each with a final answer that was judged right"
    return f"{solutions} of {problems}, {told}"


#: What a card of the demo says: it is no data to train on.
_AUTHORED = (
    "**People authored the replies that these rows were made of, to show the workflow; no model wrote them.** What "
    "stands here as a model is the name of a set of such replies."
)


def authored_words(authored: Authored) -> str:
    """Whether people authored replies, all of them or those of some stages; nothing where models wrote all."""
    if authored.is_all:
        return _AUTHORED
    if not authored.stages:
        return ""
    named = ", ".join(f"`{stage}`" for stage in authored.stages)
    return (
        "**People authored some of the replies that these rows were made of, to show the workflow; no model wrote "
        f"those of {named}.** What stands here as the model of {verb_for(len(authored.stages), 'this stage', 'these')} "
        "is the name of a set of such replies."
    )


_USE = """## Use

```python
from datasets import load_dataset

rows = load_dataset("path/or/name/of/this/dataset", split="train")
```"""


def about_texts(columns: Collection[str]) -> str:
    """Where the texts of solutions are, and how what a reader may expect is made of that."""
    unknown = "A value that the run did not know is null."
    if "messages" not in columns:
        return f"For trainers, make chats of the rows:\n\n{_CHATS}\n\n{unknown}"
    told = "The column `messages` is a chat that trainers take as it is."
    if "generated_solution" not in columns:
        told += ' The text of a solution is its last message: `row["messages"][-1]["content"]`.'
    return f"{told} {unknown}"


_CHATS = """```python
def chat(row):
    said = {"user": row["problem"], "assistant": row["generated_solution"]}
    return {"messages": [{"role": role, "content": text} for role, text in said.items()]}

rows = rows.map(chat)
```"""

_USE_OF_TOOLS = """For trainers that know tools, `messages_with_tools` has the code as calls of one.
What a message does not have is null.

```python
chats = rows.select_columns(["messages_with_tools", "tools"]).rename_column("messages_with_tools", "messages")
```"""


def _trainers(figures: Figures, columns: Collection[str]) -> str:
    """What trainers make of the reasoning; summaries of comparisons have none."""
    reasoning = figures.reasoning
    if not reasoning.having:
        return ""
    has_calls = bool(figures.values["inference_mode"]["tir"]) and "tools" in columns
    lines = markdown_table(families_head(has_calls), families_rows(has_calls))
    which = "" if reasoning.is_everywhere else f"This is about the {reasoning} solutions that have reasoning. "
    return f"## Reasoning in training\n\n{which}{ABOUT}\n\n{lines}\n\n{SETTINGS}"


def front_matter(title: str, licence: str | None, rows: int, configs: Sequence[Mapping[str, Any]], digest: str) -> str:
    """The YAML head of a card; `configs` are the hub's: names with their splits and files, `digest` names the rows."""
    head: dict[str, Any] = {"pretty_name": title}
    if licence is not None:
        head["license"] = licence
    head |= {
        "task_categories": ["text-generation", "question-answering"],
        "tags": ["math", "reasoning", "synthetic"],
        "size_categories": [next((name for name, below in _SIZES.items() if rows < below), _LARGEST)],
        # The cache of `datasets` goes by what stands here, and by no file.
        "configs": [{**config, "description": f"rows {digest}"} for config in configs],
    }
    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True)


def _rows(figures: Figures) -> str:
    parts = []
    for column, counter in figures.values.items():
        rows = [[value, f"{n:,}", f"{n / figures.rows:.1%}"] for value, n in sorted(counter.items())]
        parts.append(markdown_table([f"`{column}`", "rows", f"share of {figures.rows:,}"], rows))
    return "## Rows\n\n" + "\n\n".join(parts)


def _pass_rates(figures: Figures) -> str:
    names = {n: f"{n / 10:.1f} to below {n / 10 + 0.1:.1f}" for n in range(10)} | {10: "1"}
    rows = [[names[n], f"{figures.pass_rates[n]:,}"] for n in names]
    about = f"Share of a problem's solutions that are right, for the problems of this dataset: {WHAT_COUNTS}."
    return f"## Pass rate\n\n{about}\n\n" + markdown_table(["pass rate", "problems"], rows)


def _lengths(figures: Figures) -> str:
    head = [
        "length of a solution",
        "mean",
        *("least" if s == 0 else "greatest" if s == 1 else f"{s:.0%}" for s in SHARES),
    ]
    histograms = {"characters": figures.characters, "tokens of the model's reply": figures.tokens}
    rows = [[name, *_length_cells(histogram)] for name, histogram in histograms.items()]
    note = (
        "" if len(figures.tokens) == figures.rows else f"\n\nTokens are known of {counted(len(figures.tokens), 'row')}."
    )
    return (
        "## Lengths\n\nRounded to three digits; the least and the greatest are exact.\n\n"
        + markdown_table(head, rows)
        + note
    )


def _length_cells(histogram: Histogram) -> list[str]:
    quantiles, mean = histogram.quantiles(), histogram.mean
    if quantiles is None or mean is None:
        return ["unknown"] * (1 + len(SHARES))
    return [f"{mean:,.0f}", *(f"{value:,}" for value in quantiles)]


def columns_section(names: Collection[str] = NAMES, reasoning: Reasoning | None = None) -> str:
    """What the columns of these names are; None: nobody counted in how many rows there is reasoning."""
    about = _solution_column(reasoning)
    rows = [
        [
            f"`{column.name}`",
            _json_type(column) + (" or null" if column.nullable else ""),
            column.about.replace(SOLUTION, about),
        ]
        for column in COLUMNS
        if column.name in names
    ]
    return "## Columns\n\n" + markdown_table(["column", "type", "what it is"], rows)


def _solution_column(reasoning: Reasoning | None) -> str:
    """What the text of a solution is, in the rows that were counted."""
    if reasoning is None or not reasoning.rows:
        return SOLUTION
    if not reasoning.having:
        return "the solution, without reasoning"
    where = "" if reasoning.is_everywhere else f" (in {reasoning} solutions)"
    return f"reasoning in `<think>` tags{where}, then the solution"


def _json_type(column: Column) -> str:
    return _LIST_TYPES.get(column.items, f"list of {column.items}") if column.type is list else _JSON_TYPES[column.type]


def _funnel(facts: CardFacts) -> str:
    if not facts.stages:
        return ""
    rows = [
        [
            f"`{stage.stage}`",
            f"{stage.read:,}",
            f"{stage.passed:,}",
            f"{stage.written:,}",
            ", ".join(f"{reason} {n:,}" for reason, n in stage.dropped.items()) or "-",
        ]
        for stage in facts.stages
    ]
    first, several = ("problems", "") if facts.starts_from_problems else ("threads", "a thread its problems, ")
    about = (
        f"What each stage read, passed on and dropped. A row that passes may become several: {several}a problem its"
        " solutions."
    )
    return f"## From {first} to rows\n\n{about}\n\n" + markdown_table(
        ["stage", "read", "passed", "written", "dropped"], rows
    )


def _models(facts: CardFacts) -> str:
    parts = []
    if facts.models:
        parts.append(
            markdown_table(["stage", "model"], [[f"`{stage}`", model] for stage, model in facts.models.items()])
        )
    if facts.prompts:
        rows = [[f"`{name}`", f"`{digest}`"] for name, digest in facts.prompts.items()]
        parts.append(markdown_table(["prompt", "hash of its texts"], rows))
    return "## Models and prompts\n\n" + "\n\n".join(parts) if parts else ""


def _contamination(report: Mapping[str, Any] | None) -> str:
    if report is None:
        return ""
    benchmarks = [
        [
            name,
            f"{found['rows']:,}",
            f"{sum(found['removed'].values()):,}",
            ", ".join(f"{reason} {n:,}" for reason, n in found["removed"].items()) or "-",
        ]
        for name, found in report["benchmarks"].items()
    ]
    canaries = [
        [kind, f"{found['planted']:,}", _share(found["caught_by_any_net"]), _share(found["removed"])]
        for kind, found in report["canaries"].items()
    ]
    planted = (
        "Planted copies of benchmark problems measure what is caught: by any search, and removed in the end. A"
        " renumbered copy has other numbers."
    )
    parts = [
        "## Decontamination",
        "Problems that were removed because they resemble a benchmark problem.",
        markdown_table(["benchmark", "its problems", "removed here", "why"], benchmarks),
        planted,
        markdown_table(["copies", "planted", "caught", "removed"], canaries),
    ]
    return "\n\n".join(parts)


def _share(share: Mapping[str, Any]) -> str:
    return "-" if share["share"] is None else f"{share['count']:,} of {share['of']:,} ({share['share']:.1%})"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(plain, line)) + " |" for line in lines)


def plain(text: str) -> str:
    """A text for one line of Markdown, where it neither ends a table's cell nor opens a tag; code stays as it is."""
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))
