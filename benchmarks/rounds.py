"""GPU-hours per problem solved and per row kept: as many solutions of all problems, by a table, in rounds, and both.

`python benchmarks/rounds.py` works out what config/config.yaml (and overlays given with `--configfile`) asks for, and
what other ways of asking would give, for each recipe that a run makes. Problems differ in how often they are solved: a
beta distribution with the published share of right solutions (3.2 of 5.2 million) as its mean. Its concentration is not
published; the last lines show what it does to the result. Rows are right solutions: what later stages drop, of those
with code most, is not taken off. Speeds and starts of servers are those that benchmarks/utilisation.py assumes: what
counts are the ratios between rows, not the hours.

Nothing is drawn: expectations are exact under the model of omr/runs/solve_rates.py, whose docstring says what it leaves
out. The exit status is 1 if config's own way costs more GPU-hours per row kept than 32 solutions of every problem do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from omr.config.files import read_config  # noqa: E402
from omr.config.recipes import Recipes  # noqa: E402
from omr.config.seeds import most_seeds, seed_blocks, seed_table  # noqa: E402
from omr.config.settings import Settings  # noqa: E402
from omr.runs.published_ratios import CONCENTRATION, KNOWN_SHARE, RATIOS, THREADS, TOKENS  # noqa: E402
from omr.runs.solve_rates import Asking, Population, Yield, expected_yield  # noqa: E402
from omr.runs.yields import asking_of  # noqa: E402
from utilisation import ASSUMED  # noqa: E402

CONFIG = [ROOT / "config" / name for name in ("config.yaml", "models.yaml", "benchmarks.yaml")]
ALL_OF = (8, 16, 32)
HEAD = "   solutions   right  solved   rows kept  GPU-hours  per solved  per row"
CONCENTRATIONS = (0.5, 1.0, 2.0, 4.0)


class Way(NamedTuple):
    """A way of asking, what the table calls it, and in how many jobs of a shard."""

    name: str
    asking: Asking
    jobs: int


class Cost(NamedTuple):
    """A recipe's server: GPUs, tokens a second of a full one, minutes until it is ready."""

    gpus: int
    tokens_per_second: float
    start_min: float
    shards: int


def problems_of_run() -> float:
    """Clean problems of a full run."""
    ratios = (RATIOS[name].value for name in ("problems", "merged", "clean"))
    number = THREADS.value
    for ratio in ratios:
        number *= ratio
    return number


def ways(name: str, recipes: Recipes) -> Iterator[Way]:
    """What is compared: so many of all, and what config says, as a whole and in its parts."""
    recipe = recipes[name]
    own = asking_of(recipe, recipes)
    for number in ALL_OF:
        yield Way(f"{number} of every problem", Asking(seed_table({"seeds": number}), [number]), number)
    most, jobs = most_seeds(recipe), len(seed_blocks(recipe))
    if own.measured is not None:
        yield Way("table alone", Asking(own.table, [most], None, own.measured), most)
    if len(own.ends) > 1:
        yield Way("rounds alone", Asking(seed_table({"seeds": most}), own.ends, own.enough), jobs)
    yield Way("as config says", own, jobs)


def hours(found: Yield, problems: float, jobs: int, cost: Cost) -> float:
    """GPU-hours of the solutions: tokens at the speed of a full server, and a start of each of a shard's `jobs`."""
    _, tokens = TOKENS["generate_solutions"]
    work = found.solutions * problems * tokens / cost.tokens_per_second
    return (work + jobs * cost.shards * cost.start_min * 60) * cost.gpus / 3600


def table(name: str, recipes: Recipes, population: Population, keep: int) -> tuple[list[str], float, float]:
    """Lines of a recipe's table, and the GPU-hours per kept row of 32 of all and of config."""
    spec = recipes.model(name, "generate_solutions")
    assumed = ASSUMED[spec.name]
    cost = Cost(spec.gpus * spec.nodes, assumed.tokens_per_second, spec.start_min or 0.0, recipes[name]["shards"])
    problems = problems_of_run()
    lines = [f"{'':24}{HEAD}"]
    per_row = {}
    for way in ways(name, recipes):
        found = expected_yield(way.asking, population, keep)
        spent = hours(found, problems, way.jobs, cost)
        solved, kept = found.solved * problems, found.kept * problems
        per_row[way.name] = spent / kept
        lines.append(
            f"{way.name:24}{found.solutions * problems:12,.0f}{found.right / found.solutions:8.1%}{found.solved:8.1%}"
            f"{kept:12,.0f}{spent:11,.0f}{spent / solved:12.3f}{spent / kept:9.4f}"
        )
    return lines, per_row[f"{ALL_OF[-1]} of every problem"], per_row["as config says"]


def population(concentration: float = CONCENTRATION.value) -> Population:
    return Population.beta(RATIOS["right"].value, concentration, KNOWN_SHARE.value)


def sensitivity(name: str, recipes: Recipes, keep: int) -> Iterator[str]:
    """What the unknown spread of pass rates does: rows kept per solution, of config's way against as many of all."""
    for concentration in CONCENTRATIONS:
        problems = population(concentration)
        own = expected_yield(asking_of(recipes[name], recipes), problems, keep)
        others = [expected_yield(Asking(seed_table({"seeds": n}), [n]), problems, keep) for n in ALL_OF]
        ratios = "  ".join(
            f"{n}: {own.kept / own.solutions / (other.kept / other.solutions):.2f}"
            for n, other in zip(ALL_OF, others, strict=True)
        )
        yield f"  concentration {concentration:3.1f}: rows kept per solution, against N of every problem: {ratios}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, nargs="*", default=[], help="overlays")
    parser.add_argument("--keep", type=int, help="rows of a problem that are kept (default: estimate.rows_per_problem)")
    args = parser.parse_args(argv)
    config = read_config([*CONFIG, *args.configfile])
    recipes = Recipes(Settings(config))
    keep = args.keep or config["estimate"]["rows_per_problem"]
    worse = False
    for name in recipes.solving:
        if recipes.model(name, "generate_solutions").name not in ASSUMED:
            print(f"{name}: no speed is assumed for its model\n")
            continue
        lines, uniform, own = table(name, recipes, population(), keep)
        print(f"{name}, rows kept at {keep} of a problem at most", *lines, sep="\n")
        print(*sensitivity(name, recipes, keep), "", sep="\n")
        worse = worse or own > uniform
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
