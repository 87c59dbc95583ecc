"""Where the rows of a run went to nothing, and why: for the error of a run that ends without any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

#: Stages that all rows pass, in order; a branch beside them may end in nothing without harm.
_MAIN = (
    "prepare_raw_data", "parse_problems", "read_problems", "parse_classes", "merge_data", "deduplicate",
    "decontaminate", "fill_majority_answer", "settle_votes", "merge_judgements", "prepare_sft", "select_subset",
)  # fmt: skip
#: Stages whose drops are what their rows lack.
_BRANCHES = {"merge_data": ("parse_answers", "parse_conversions", "parse_proofs")}
_MOST_REASONS = 5
#: What can be done about the reasons that a setting answers; those of a recipe's own `sft` and of a subset are others.
_REMEDIES = {
    "contamination_unreadable": "the verdicts could not be read: name a better model in"
    " `decontaminate.check_contamination`",
    "code_filtered": "loosen the recipe's `code_filter`: the steps clean_code_solutions and select_by_code say why they"
    " dropped what they dropped",
    "empty_reasoning": "the model does not reason in <think> tags, or its server drops the reasoning: use one that"
    " does, or set `sft: {require_reasoning: false}` in the recipe",
    "failed": "requests failed for good: counts/generate_solutions names the kinds of errors, logs/ what the server"
    " said",
    "low_vote_share": "the votes are too divided where no answer is known: more `seeds`, or a lower"
    " `majority.min_share`",
    "no_answer": "solutions state no final answer in \\boxed{}: the recipe's `prompt` must ask for one",
    "no_pass_rate": "the subset's `measure` knows none of these problems: name another recipe there",
    "no_readable_answer": "no solution states a final answer in \\boxed{}: the recipe's `prompt` must ask for one",
    "no_summary": "no new summary states the right answer: more `summaries.candidates`, a better `summaries.model`, or"
    " `summaries.enabled: false` in the recipe",
    "not_asked": "the recipe's `seeds` want no solution of these problems: raise the numbers of `seeds.table` or"
    " `seeds.no_rate`",
    "proof": "these problems are proofs: set `problems: {use_converted_proofs: true}`",
    "tied_vote": "votes are tied where no answer is known: more `seeds`",
    "too_few_votes": "too few solutions agree where no answer is known: more `seeds`, or a lower `majority.min_votes`",
    "unfinished": "solutions are cut: raise the recipe's `max_tokens`",
    "unfinished_reply": "replies are cut: raise the stage's `max_tokens`",
    "unjudged": "the judge's verdicts could not be read: name a better `judge.model`, or raise `judge.max_tokens`",
    "unknown_length": "the server does not say how many tokens its replies have: name the model's `tokenizer`",
    "wrong": "the model's answers to these problems are wrong: take another `model`, more `seeds`, or other problems",
}
_BOUNDS = {
    "over_limit": "raise {}.solutions_per_problem`",
    "pass_rate_too_high": "the problems are too easy for the bound: raise {}.max_pass_rate`",
    "pass_rate_too_low": "the problems are too hard for the bound: lower {}.min_pass_rate`",
    "too_long": "whole solutions are longer than the bound: raise {}.max_tokens`",
}
_OF_SFT = {reason: remedy.format("the recipe's `sft") for reason, remedy in _BOUNDS.items()}
_OF_SUBSET = {reason: remedy.format("the `products.subsets.<name>") for reason, remedy in _BOUNDS.items()}
_OF_STAGES = {
    "prepare_sft": _OF_SFT,
    "select_subset": _OF_SUBSET
    | {
        "too_short": "lower the `products.subsets.<name>.min_tokens`",
        "other_source": "name the problems' own sources in the `products.subsets.<name>.sources`",
        "other_answer_source": "name more of them in the `products.subsets.<name>.answer_sources`",
        "unknown_length": "the server does not say how many tokens its replies have: name a tokenizer in the"
        " `products.subsets.<name>.tokenizer`",
    },
}
#: Reasons of one kind, by how they begin.
_UNFIT = "unfit_"


def _remedy(stage: str, reason: str) -> str | None:
    """What can be done about a reason, or None where no setting answers it."""
    if reason.startswith(_UNFIT):
        return "no comparison can check these answers: set `sft: {require_checkable: false}` in the recipe"
    return _OF_STAGES.get(stage, {}).get(reason) or _REMEDIES.get(reason)


def where_lost(stages: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """(what happened, what to do) where a main stage wrote nothing; None where rows are left.

    `stages` are counts: {"stage", "read", "written", "dropped"}, in order; of model stages, which read requests, none.
    """
    by_name = {counts["stage"]: counts for counts in stages if "requests" not in counts}
    name = next((stage for stage in _MAIN if stage in by_name and not by_name[stage]["written"]), None)
    if name is None:
        return None
    dropped = Counter[str](by_name[name]["dropped"])
    for branch in _BRANCHES.get(name, ()):
        dropped.update(by_name.get(branch, {"dropped": {}})["dropped"])
    reasons = dropped.most_common(_MOST_REASONS)
    told = ", ".join(f"{reason} {n:,}" for reason, n in reasons) or "there was nothing to read"
    what = f"no rows are left after {name}, which read {by_name[name]['read']:,}: {told}"
    # Of the commonest alone: what the others ask for would not bring the rows back.
    remedy = _remedy(name, reasons[0][0]) if reasons else None
    return what, remedy or f"dropped/{name} holds every row with its reason, logs/ what the models said"
