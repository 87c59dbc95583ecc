"""What rules ask of a recipe's numbers of solutions: who gets one more, round after round, and by whose pass rates.

A recipe with one number for all problems has no plan, and one round. Any other has a plan per round and shard. The
solutions of the first round follow from the table itself, not from the plan's file: so a changed table makes exactly
the seeds again of which it changes who gets them. Later rounds go by their plan, since it depends on what was judged.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from omr.config.recipes import Recipes
from omr.config.seeds import ends_of_rounds, is_planned, measure_of, rounds_apart, seed_blocks, seed_table
from omr.config.settings import as_json, flags
from omr.config.wildcards import InRecipe, InRound, OfSeed
from omr.errors import UserError

_ROUND = "results/{{run}}/{{recipe}}/rounds/{}/{}/shard-{{shard}}-of-{{shards}}.jsonl"
_RATES = "results/{{run}}/{}/pass_rates.jsonl"


class Rounds:
    """The rounds of all recipes, and the pass rates that products carry. Raises UserError for an unknown measure."""

    def __init__(self, config: Mapping[str, Any], recipes: Recipes) -> None:
        self._recipes = recipes
        difficulty = config["difficulty"]
        measures = difficulty["from"] or []
        #: Recipes whose pass rates every product carries.
        self.measures: list[str] = [measures] if isinstance(measures, str) else list(measures)
        self._published = difficulty["pass_rate_72b_tir"]
        for name in self.measures:
            if recipes[name]["mode"] == "genselect":
                raise UserError(f"`difficulty.from` names {name!r}, which solves no problems")
        if self._published is not None and self._published not in self.measures:
            what = f"`difficulty.pass_rate_72b_tir` names {self._published!r}, which `difficulty.from` does not"
            raise UserError(what, remedy="name it there too")

    # ---- rounds ------------------------------------------------------------------------------------------------

    @property
    def planned(self) -> str:
        """A regular expression for the recipes that have plans; matches nothing if there are none."""
        return self._recipes.pattern_where(lambda recipe: "seeds" in recipe and is_planned(recipe))

    @property
    def apart(self) -> str:
        """The same for those whose rounds are judged each for itself."""
        return self._recipes.pattern_where(lambda recipe: "seeds" in recipe and rounds_apart(recipe) > 0)

    def names(self, recipe: str) -> list[str]:
        """The names in paths of a recipe's rounds that are judged each for itself: `01`, `02`, ..."""
        return [_name(number + 1) for number in range(rounds_apart(self._recipes[recipe]))]

    def solutions(self, wildcards: Any) -> list[str]:
        """Input of a rule: the solutions of a shard that a round asked for, a file per job; without a round those that
        no round has read."""
        folder = "results/{{run}}/{{recipe}}/solutions/seed-{}/shard-{{shard}}-of-{{shards}}.jsonl"
        number = self._number(wildcards)
        blocks = seed_blocks(self._recipes[wildcards.recipe])
        return [folder.format(block.name) for block in blocks if block.round == number]

    def up_to(self, wildcards: Any) -> int:
        """A param of a rule: the most solutions of a problem after a round."""
        return self._ends(wildcards)[self._number(wildcards)]

    def outcomes(self, wildcards: Any) -> list[str]:
        """Input of a rule: what was read of the solutions of all rounds before."""
        return self.earlier("outcomes", wildcards)

    def outcome_flags(self, wildcards: Any, input: Any, output: Any) -> str:
        """A param of fill_majority_answer: these files, and the one that a round writes."""
        earlier = ["--earlier", *_several(input.earlier)] if input.earlier else []
        return " ".join([*earlier, flags({"outcomes": output.get("outcomes")})]).strip()

    def seed_flags(self, wildcards: Any) -> str:
        """A param of fill_majority_answer: how many seeds there are, and how many of them earlier rounds asked for."""
        before = self._before_round(wildcards)
        return flags({"seeds": self.up_to(wildcards), "earlier_seeds": before or None})

    def _number(self, wildcards: Any) -> int:
        """The number of a round; what comes behind all rounds has the next."""
        return int(getattr(wildcards, "round", rounds_apart(self._recipes[wildcards.recipe]) + 1))

    def _before_round(self, wildcards: Any) -> int:
        return self._ends(wildcards)[self._number(wildcards) - 1]

    def _ends(self, wildcards: Any) -> list[int]:
        """How many solutions a problem may have before the first round, and after each."""
        ends = ends_of_rounds(self._recipes[wildcards.recipe])
        return [0, *ends, ends[-1]]

    # ---- who is asked ------------------------------------------------------------------------------------------

    def plan(self, wildcards: OfSeed) -> list[str]:
        """Input of generate_solutions: the plan that its seeds go by; none for those of a first round."""
        number = self._recipes.block(wildcards).round
        return [] if number == 1 else [_ROUND.format(f"{number:02d}", "plan")]

    def rates_asked(self, wildcards: OfSeed) -> list[str]:
        """Input of generate_solutions: the pass rates that seeds of a first round go by.

        None where the table gives them to the same problems whatever their rates: then nobody waits for these.
        """
        block, table = self._recipes.block(wildcards), seed_table(self._recipes[wildcards.recipe])
        return self.rates(wildcards) if block.round == 1 and table.goes_by_shares(block.seeds) else []

    def part(self, wildcards: OfSeed) -> str:
        """A param of generate_solutions: which rows a job asks, for which seeds, and how they run code."""
        part = self._recipes.share(wildcards)
        recipe = self._recipes[wildcards.recipe]
        if not is_planned(recipe) or self.plan(wildcards):
            return part
        return f"{part} --wanted {_json(seed_table(recipe).within(self._recipes.block(wildcards).seeds))}"

    def files(self, wildcards: OfSeed, input: Any) -> str:
        """A param of generate_solutions: the files that say which rows those are, and with what solutions are made."""
        given = {name: getattr(input, name) for name in ("plan", "pass_rates")}
        files = flags({name: str(path) for name, path in given.items() if path})
        return f"{self._recipes.solution_files(wildcards, input)} {files}".strip()

    # ---- plans -------------------------------------------------------------------------------------------------

    def rates(self, wildcards: Any) -> list[str]:
        """Input of a rule: the pass rates that a recipe's table goes by, if it has one."""
        measure = measure_of(self._recipes[wildcards.recipe])
        return [] if measure is None else [_RATES.format(measure)]

    def last_plan(self, wildcards: InRecipe) -> list[str]:
        """Input of a rule: how many solutions each problem has in the end; none where all have the same number."""
        if not is_planned(self._recipes[wildcards.recipe]):
            return []
        return [_ROUND.format(_name(len(ends_of_rounds(self._recipes[wildcards.recipe]))), "plan")]

    def before(self, wildcards: InRound) -> list[str]:
        """Input of plan_solutions: the plan of the round before."""
        return [] if wildcards.round == "01" else [_ROUND.format(_previous(wildcards.round), "plan")]

    def judged_before(self, wildcards: InRound) -> list[str]:
        """Input of plan_solutions: the judged rows of all rounds before."""
        return [] if wildcards.round == "01" else [_ROUND.format(_previous(wildcards.round), "judged")]

    def plan_flags(self, wildcards: InRound) -> str:
        """A param of plan_solutions: the table up to the end of the round, and what is enough, as flags. What the table
        gives later rounds makes no earlier one again."""
        recipe, end = self._recipes[wildcards.recipe], self.up_to(wildcards)
        table = f"--table {_json(seed_table(recipe).within(range(end)))} --up-to {end}"
        if wildcards.round == "01":
            return table
        return f"{table} --rounds-before {int(wildcards.round) - 1} --enough {_json(recipe['enough'])}"

    def plan_files(self, wildcards: InRound, input: Any) -> str:
        """A param of plan_solutions: what it goes by besides, as flags."""
        given = {"pass_rates": input.pass_rates, "before": input.before, "judged": input.judged}
        return flags({name: str(path) for name, path in given.items() if path})

    # ---- earlier verdicts --------------------------------------------------------------------------------------

    def earlier(self, folder: str, wildcards: Any) -> list[str]:
        """A shard's files of a folder of all rounds before a round; without one, of all judged for themselves."""
        return [_ROUND.format(_name(number), folder) for number in range(1, self._number(wildcards))]

    def earlier_questions(self, wildcards: Any) -> list[str]:
        """Input of select_judgements: the questions that earlier rounds asked."""
        return self.earlier("judgements", wildcards)

    def earlier_verdicts(self, wildcards: Any) -> list[str]:
        """Input of merge_judgements: the replies to them."""
        folder = "results/{{run}}/{{recipe}}/replies/judge_answers/round-{}/shard-{{shard}}-of-{{shards}}.jsonl"
        return [folder.format(_name(number)) for number in range(1, self._number(wildcards))]

    # ---- products ----------------------------------------------------------------------------------------------

    def product_rates(self, wildcards: object) -> list[str]:
        """Input of a rule: the pass rates that its rows carry, in the order of `measures`."""
        return [_RATES.format(name) for name in self.measures]

    def product_flags(self, wildcards: object, input: Any) -> str:
        """A param of prepare_sft: `--pass-rates NAME=FILE ...`."""
        if not self.measures:
            return ""
        pairs = zip(self.measures, _several(input.pass_rates), strict=True)
        return f"--pass-rates {' '.join(f'{name}={path}' for name, path in pairs)}"

    @property
    def published_measure(self) -> str:
        """A param of prepare_sft: which of them is the published measure, as a flag."""
        return flags({"pass_rate_72b_tir": self._published})


def _several(paths: str | Sequence[str]) -> list[str]:
    return [paths] if isinstance(paths, str) else list(paths)


def _name(number: int) -> str:
    return f"{number:02d}"


def _previous(name: str) -> str:
    return _name(int(name) - 1)


def _json(value: Any) -> str:
    return shlex.quote(as_json(value))
