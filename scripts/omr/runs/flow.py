"""How many requests each model stage of a run will make: numbers of rows flow from the threads through ratios."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omr.config.files import read_yaml
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.runs.ratios import Ratios
from omr.runs.yields import RecipeYield
from omr.solutions.code_votes import PROMPTS as VOTE_PROMPTS

#: Prompts of the two classifying stages.
_CLASS_PROMPTS = 4
_PLANTED_TEXTS = Path(__file__).resolve().parents[3] / "prompts/planted/instructions.yaml"


def problem_requests(threads: int, settings: Settings, ratios: Ratios) -> tuple[dict[str, float], float]:
    """(requests of each stage that makes problems, clean problems at the end); `threads` are problems if those are
    given."""
    given = settings.starts_from_problems
    problems = float(threads) if given else threads * ratios.ratio("problems")
    requests = {} if given else {"extract_problems": float(threads)}
    merged = problems
    if settings.classifies:
        of_classes, merged = _classifying_requests(problems, settings, ratios)
        requests |= of_classes
    if settings.plants_instructions:
        copies = settings.config["planted"]["per_kind"] * _planted_kinds()
        requests["extract_planted_problems"] = min(float(copies), float(threads))
        requests["extract_planted_answers"] = min(float(copies), requests["extract_answers"])
    unique = merged * ratios.ratio("unique")
    requests["check_contamination"] = unique * ratios.ratio("pairs")
    return requests, unique * ratios.ratio("clean")


def _planted_kinds() -> int:
    """Kinds of instructions that are planted: each prompt has the same ones."""
    return len(read_yaml(_PLANTED_TEXTS)["extract_problems"])


def _classifying_requests(problems: float, settings: Settings, ratios: Ratios) -> tuple[dict[str, float], float]:
    """The same up to the problems that go on; given ones bring their answers along."""
    asks_answers = not settings.starts_from_problems
    proofs = problems * ratios.ratio("proofs") if settings.config["problems"]["use_converted_proofs"] else 0.0
    merged = problems * ratios.ratio("merged" if proofs else "merged_without_proofs")
    requests = {
        "classify_problems": _CLASS_PROMPTS * problems,
        "extract_answers": problems * ratios.ratio("asked_answers") if asks_answers else 0.0,
        "convert_proofs": proofs,
        "classify_converted": _CLASS_PROMPTS * proofs * ratios.ratio("converted") if proofs else 0.0,
    }
    return requests, merged


def recipe_requests(
    problems: float, name: str, recipes: Recipes, ratios: Ratios, found: RecipeYield | None
) -> tuple[dict[str, float], float]:
    """(requests of each stage of a recipe, training rows at the end); `found` is its yield if it solves problems."""
    recipe = recipes[name]
    if found is None:
        return _selection_requests(problems, name, recipe, ratios)
    solutions = problems * found.of_problem.solutions
    judged = solutions * ratios.ratio("voted", name)
    right = judged * found.of_problem.right / found.of_problem.solutions if judged else 0.0
    asks = recipe["majority"]["max_matches"] > 0
    requests = {
        "generate_solutions": solutions,
        "match_answers": judged * ratios.ratio("match_calls", name) if asks else 0.0,
        "judge_answers": judged * ratios.ratio("judge_calls", name) + min(_audits(recipe), judged),
    }
    if recipe["mode"] == "tir":
        right *= ratios.ratio("cleaned", name)
    if recipes.votes_on_code(name):
        votes = len(VOTE_PROMPTS) * recipe["code_filter"]["novelty"]["votes"]
        requests["judge_code"] = right * ratios.ratio("fragments", name) * votes
        right *= ratios.ratio("selected", name)
    if not recipe["summaries"]["enabled"]:
        return requests, right
    requests["generate_summaries"] = right * recipe["summaries"]["candidates"]
    requests["judge_summaries"] = right * ratios.ratio("summary_calls", name)
    if wanted := recipes.wrong_per_problem(name):
        wrong = min(judged * ratios.ratio("wrong_traces", name), problems * wanted)
        requests["generate_wrong_summaries"] = wrong * recipe["summaries"]["candidates"]
    return requests, right * ratios.ratio("summarized", name)


def _selection_requests(
    problems: float, name: str, recipe: Mapping[str, Any], ratios: Ratios
) -> tuple[dict[str, float], float]:
    """The same for a recipe that compares solutions of others."""
    groups = problems * min(ratios.ratio("groups", name), recipe["candidates"]["groups"])
    right = groups * ratios.ratio("right_picks", name)
    summaries = right * recipe["summaries"]["candidates"]
    requests = {"select_solutions": groups, "generate_selection_summaries": summaries}
    return requests, right * ratios.ratio("selections", name)


def _audits(recipe: Mapping[str, Any]) -> float:
    """Settled pairs that the judge is asked about, of both kinds."""
    return float(2 * recipe["judge"]["audits"] * recipe["shards"])
