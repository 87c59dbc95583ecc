"""What the rules of solutions with code ask of the config: which of them stay, and how their training rows look.

Imported while Snakemake reads the workflow, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from omr.config.kept import kept_prompt
from omr.config.recipes import Recipes
from omr.config.settings import flags
from omr.config.wildcards import InRecipe
from omr.errors import UserError

_SHARD = "results/{{run}}/{{recipe}}/{}/shard-{{shard}}-of-{{shards}}.jsonl"


class OfRecipe(Protocol):
    """The wildcards of rules that make one file per recipe."""

    recipe: str


class CodeRecipes:
    """The recipes of `mode: tir`. Raises UserError for what a schema cannot see."""

    def __init__(self, recipes: Recipes) -> None:
        self._recipes = recipes
        for name in recipes.of_mode("tir"):
            novelty = recipes[name]["code_filter"]["novelty"]
            if novelty["votes_needed"] > novelty["votes"]:
                raise UserError(
                    f"the recipe {name!r} needs {novelty['votes_needed']} readable votes of {novelty['votes']}",
                    remedy="lower `code_filter.novelty.votes_needed`",
                )
            solver = recipes.model(name, "generate_solutions")
            if name in recipes.to_run and solver.server == "batch":
                raise UserError(
                    f"solutions of the recipe {name!r} run code, which is asked for turn by turn; its model "
                    f"{solver.name!r} is asked in batches",
                    remedy="set `server: endpoint` of the model, or another `model` of the recipe",
                )
            if recipes.has_summaries(name) and recipes[name]["code_rows"]["end_at_answer"]:
                raise UserError(
                    f"the rows of the recipe {name!r} are to end at the answer, and to go on with a new summary",
                    remedy="switch off `code_rows.end_at_answer` or `summaries.enabled`",
                )

    # ---- filters -----------------------------------------------------------------------------------------------

    def _filter(self, wildcards: InRecipe) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._recipes[wildcards.recipe]["code_filter"]
        return found

    def cleaning(self, wildcards: InRecipe) -> str:
        """A param of a rule: flags of clean_code_solutions.py."""
        found = self._filter(wildcards)
        may_come_first = " --answer-may-come-first" if found["answer_may_come_first"] else ""
        return flags({"max_blocks": found["max_blocks"]}) + may_come_first

    def votes(self, wildcards: InRecipe) -> str:
        """A param of a rule: flags that ask for every vote, `--seed 0 1 2 ...`; all fragments of a shard at once."""
        return "--seed " + " ".join(map(str, range(self._filter(wildcards)["novelty"]["votes"])))

    def keep_rule(self, wildcards: InRecipe) -> str:
        """A param of a rule: flags of select_by_code.py."""
        novelty = self._filter(wildcards)["novelty"]
        return flags({name: novelty[name] for name in ("votes", "votes_needed", "moderate_share")})

    # ---- training rows -----------------------------------------------------------------------------------------

    def _runs_code(self, wildcards: InRecipe) -> bool:
        return bool(self._recipes[wildcards.recipe]["mode"] == "tir")

    def kept(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: the shard's rows that the filters kept; none for a recipe that runs no code."""
        return [_SHARD.format(self._recipes.kept_rows(wildcards.recipe))] if self._runs_code(wildcards) else []

    def all_kept(self, run: str) -> list[str]:
        """The rows that go on once they are judged, of all recipes that a run makes and that solve problems."""
        return [
            f"results/{run}/{name}/{self._recipes.kept_rows(name)}/{shard}.jsonl"
            for name in self._recipes.solving
            for shard in self._recipes.shards(name)
        ]

    def kept_or_judged(self, wildcards: InRecipe) -> str:
        """Input of a rule: the shard's rows that filters kept, of a recipe without filters the judged ones."""
        return _SHARD.format(self._recipes.kept_rows(wildcards.recipe))

    def kept_by(self, wildcards: OfRecipe) -> str:
        """A param of a rule: the stage whose rows go on once solutions are judged."""
        return self._recipes.kept_by(wildcards.recipe)

    def row_prompt(self, wildcards: InRecipe) -> str:
        """Input of a rule: the prompt file of the training rows, which may be another one than asked."""
        own = self._recipes[wildcards.recipe].get("code_rows", {}).get("prompt")
        return self._recipes.prompt(wildcards) if own is None else kept_prompt(own)

    def row_flags(self, wildcards: InRecipe) -> str:
        """A param of a rule: how prepare_sft.py writes solutions with code."""
        if not self._runs_code(wildcards):
            return ""
        return "--end-at-answer" if self._recipes[wildcards.recipe]["code_rows"]["end_at_answer"] else ""

    def row_files(self, wildcards: InRecipe, input: Any) -> str:
        """A param of a rule: which of them are kept, and the prompt of their rows."""
        return flags({"kept": input.kept, "row_prompt": input.row_prompt}) if self._runs_code(wildcards) else ""
