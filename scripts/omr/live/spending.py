"""The budget of a run, held while it goes on: what is spent is counted, and when it reaches the bound, asking ends."""

from __future__ import annotations

from omr.live.run import RunProgress
from omr.live.words import hours, money


def over_budget(run: RunProgress) -> str | None:
    """A sentence if what is spent has reached the budget; None while it has not."""
    for unit, spent, name in (("gpu_hours", run.gpu_hours, "GPU-hours"), ("usd", run.usd, "USD")):
        bound, shown = run.budget.get(unit), hours if unit == "gpu_hours" else money
        if bound is not None and spent is not None and spent >= bound:
            return f"the budget is used up: {shown(spent)} {name} are spent, it is {shown(bound)}"
    return None


def not_held(run: RunProgress) -> str | None:
    """A sentence if a bound cannot be held because nobody knows what is spent."""
    if "usd" not in run.budget or run.usd is not None:
        return None
    why = "tokens that no server counts, or a price that config lacks"
    return f"what is spent in USD is not known ({why}): that budget cannot be held"
