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
#: What can be done about the reasons that a setting answers.
_REMEDIES = {
    "empty_reasoning": "the model does not reason in <think> tags, or its server drops the reasoning: use one that"
    " does, or set `sft: {require_reasoning: false}` in the recipe",
    "too_few_votes": "too few solutions agree where no answer is known: more `seeds`, or a lower `majority.min_votes`",
    "unfinished": "solutions are cut: raise the recipe's `max_tokens`",
    "unfinished_reply": "replies are cut: raise the stage's `max_tokens`",
}


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
    remedies = [_REMEDIES[reason] for reason, _ in reasons if reason in _REMEDIES]
    return what, "; ".join(remedies) or f"dropped/{name} holds every row with its reason, logs/ what the models said"
