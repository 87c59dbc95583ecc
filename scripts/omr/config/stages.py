"""Which stages without a model a run and its recipes have by config: files of others were left by an earlier one.

Which model stages they have, `Settings.asking_stages` and `Recipes.model_stages` say.
"""

from __future__ import annotations

from omr.config.recipes import Recipes
from omr.config.settings import Settings

_OF_THREADS = ("prepare_raw_data", "parse_problems", "parse_answers")
_OF_PROOFS = ("parse_conversions", "parse_proofs")
_OF_CLASSES = ("parse_classes", *_OF_PROOFS, "merge_data")
_SOLVING = ("fill_majority_answer", "settle_votes", "select_judgements", "merge_judgements", "prepare_sft")
_CLEANING, _VOTING = ("clean_code_solutions",), ("cut_fragments", "select_by_code")
_SUMMARIZING = ("select_traces", "select_summary_judgements", "merge_summaries")
_OF_WRONG = ("select_wrong_traces", "merge_wrong_summaries")
_COMPARING = (
    "form_groups",
    "write_comparisons",
    "parse_selections",
    "select_comparisons",
    "merge_selection_summaries",
    "prepare_selections",
)


def unused_by_problems(settings: Settings) -> frozenset[str]:
    """The stages of the problems that a run does not have."""
    unused = {*_OF_THREADS} if settings.starts_from_problems else {"read_problems"}
    if not settings.classifies:
        unused |= {*_OF_CLASSES}
    elif not settings.config["problems"]["use_converted_proofs"]:
        unused |= {*_OF_PROOFS}
    return frozenset(unused)


def unused_by_recipe(recipes: Recipes, name: str) -> frozenset[str]:
    """The stages of recipes that one does not have. What is only made where it is asked for by name (rows for RL,
    preferences, ...) is none of them."""
    if recipes.is_selection(name):
        return frozenset((*_SOLVING, *_CLEANING, *_VOTING, *_SUMMARIZING, *_OF_WRONG))
    unused = {*_COMPARING}
    unused |= set() if recipes[name]["mode"] == "tir" else {*_CLEANING}
    unused |= set() if recipes.votes_on_code(name) else {*_VOTING}
    unused |= set() if recipes.has_summaries(name) else {*_SUMMARIZING}
    unused |= set() if recipes.wrong_per_problem(name) else {*_OF_WRONG}
    return frozenset(unused)
