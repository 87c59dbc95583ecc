"""The report of a recipe as one HTML page that needs nothing from anywhere: what it says, in order."""

from __future__ import annotations

from dataclasses import dataclass

from omr.config.row_models import Authored
from omr.files.counted import counted, noun_for, verb_for
from omr.report.answers import answers
from omr.report.blocks import Cell, Section, percent, short_number
from omr.report.code import code
from omr.report.compared import compared
from omr.report.costs import costs, tokens_of
from omr.report.data import ReportData, solutions_of
from omr.report.decontamination import contamination
from omr.report.distributions import distributions
from omr.report.files import files, prompts
from omr.report.funnel import funnel
from omr.report.reposts import reposts
from omr.report.samples import samples
from omr.report.selections import about_selections, selection_tiles, selections
from omr.report.trust import trust

#: What the page says of the demo.
_AUTHORED = (
    "People authored all replies that these rows were made of, to show the workflow; no model wrote them. Where the "
    "page speaks of a model, a server repeats such replies: times, tokens and rates say nothing of any model."
)


@dataclass(frozen=True)
class Page:
    """What the template shows: head, key figures (a value and what it counts), sections."""

    recipe: str
    run: str
    title: str
    about: list[str]
    tiles: list[tuple[Cell, str]]
    sections: list[Section]


def page(data: ReportData) -> Page:
    """Everything that the page says."""
    parts = (
        funnel(data),
        selections(data) if data.is_selection else answers(data),
        code(data),
        distributions(data),
        compared(data),
        costs(data),
        reposts(data),
        contamination(data),
        trust(data),
        samples(data),
        prompts(data),
        files(data),
    )
    product = data.product
    origin = "given problems" if data.starts_from_problems else "forum threads"
    about = about_selections(data) if data.is_selection else _about_solutions(data)
    return Page(
        recipe=data.recipe,
        run=data.run,
        title=f"{'Training rows' if product is None else counted(product.rows, 'training row')} from {origin}",
        about=[about, *_authored(data.authored)],
        tiles=_tiles(data),
        sections=[section for section in parts if section is not None],
    )


def _authored(authored: Authored) -> list[str]:
    """Whether people authored replies, all of them or those of some stages, as a paragraph of the head."""
    if authored.is_all:
        return [_AUTHORED]
    if not authored.stages:
        return []
    return [
        "People authored some of the replies that these rows were made of, to show the workflow; no model wrote those "
        f"of {', '.join(authored.stages)}. There a server repeats such replies: times, tokens and rates say nothing of "
        "any model."
    ]


def _about_solutions(data: ReportData) -> str:
    times = data.settings["seeds"]
    often = "as often as a table of pass rates says"
    if isinstance(times, int):
        often = (
            "once" if times == 1 else f"{times} times" if not data.settings.get("rounds") else f"up to {times} times"
        )
    return (
        f"This run turned {data.origin} into training data for a language model that reasons. "
        f"{'' if data.starts_from_problems else 'A model found problems in the threads; '}"
        f"{data.model.path} solved each of them {often}; only solutions whose final answer is right became "
        "training rows. Every number on this page was counted by the run itself."
    )


def _tiles(data: ReportData) -> list[tuple[Cell, str]]:
    stages, product = data.stages, data.product
    first = "read_problems" if data.starts_from_problems else "prepare_raw_data"
    verdicts = stages.get("merge_judgements", {}).get("judgement")
    right, made = (verdicts or {}).get("yes", 0), solutions_of(stages.get("fill_majority_answer", {}))
    outcome: list[tuple[Cell, str]] = [
        (None if verdicts is None else right + verdicts.get("no", 0), f"of {counted(made, 'solution')} judged"),
        (
            None if verdicts is None else percent(right, made),
            f"of {counted(made, 'solution')} {verb_for(made)} right",
        ),
    ]
    read, clean = stages.get(first, {}).get("read"), stages.get("decontaminate", {}).get("written")
    solved = None if product is None else product.problems
    return [
        (read, f"{noun_for(read or 0, 'problem' if data.starts_from_problems else 'forum thread')} read"),
        (clean, f"{noun_for(clean or 0, 'problem')}, free of benchmarks"),
        *(selection_tiles(data) if data.is_selection else outcome),
        (solved, f"{noun_for(solved or 0, 'problem')} in the training rows"),
        _tokens(data),
    ]


def _tokens(data: ReportData) -> tuple[Cell, str]:
    """The tokens that models wrote; of replies where people authored all of them."""
    of_models = [cost.use for cost in data.costs if not cost.is_authored]
    uses = of_models if of_models or not data.costs else [cost.use for cost in data.costs]
    told = "tokens written by models" if uses is of_models else "tokens of replies, which people authored"
    return tokens_of(uses, "completion_tokens", short_number), told
