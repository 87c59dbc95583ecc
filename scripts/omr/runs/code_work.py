"""What solutions that run code add to an estimate: turns, prompts sent again with each, and the code itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omr.runs.ratios import Ratios


@dataclass(frozen=True)
class CodeWork:
    """Per solution: `turns` (requests), `executions`, CPU seconds of these; `reused`: share of its prompts' tokens that
    the server still knows from the turn before."""

    turns: float
    executions: float
    cpu_s: float
    reused: float

    def prompt_tokens(self, prompt: float, completion: float) -> float:
        """Prompt tokens of all turns, from the first prompt and all that is written: each turn sends what stands there,
        which grows evenly."""
        return self.turns * prompt + completion * (self.turns - 1) / 2


def code_work(recipe: Mapping[str, Any], name: str, ratios: Ratios) -> CodeWork:
    """The work of a recipe's `code`, as it was seen or else as it is assumed."""
    code = recipe["code"]
    mean_budget = (code["min_budget"] + code["max_budget"]) / 2
    turns = min(ratios.ratio("turns", name), mean_budget + 1)
    executions = min(ratios.ratio("executions", name), mean_budget)
    return CodeWork(turns, executions, executions * ratios.ratio("code_cpu_s", name), ratios.ratio("reused", name))
