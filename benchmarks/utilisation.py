"""GPU utilisation of a full run of generate_solutions, simulated for each number of shards and each concurrency.

`python benchmarks/utilisation.py` simulates every recipe of config/config.yaml that a run makes and prints a table of
each. Shards, seeds, concurrency, time limits, how long starts take and tries are read from config (and overlays given
with `--configfile`) and profiles/slurm. How fast servers are is assumed (`ASSUMED`, changed with `--assume`); tables
show what each assumption does to the result, slow nodes and preemption too, what the defaults reach over the speeds and
starts that a site may find (`PLAUSIBLE`) and which shards and time limit do where that is too little, and a job of each
other stage. The exit status is 1 if the defaults of config stay under `--target` as assumed, or nothing reaches it in
one of these cases; if they need more tries than the profile grants, or let requests time out. It is 2 if a recipe asks
a model of which nothing is assumed.

Utilisation = (tokens of stored replies / tokens a second of a full server) / (time that GPUs were held). Losses:
starts (loading the model, stopping), few (too few requests in flight), tail (the last requests of a job run alone),
abandoned (tokens of replies that a time limit or a preemption cut off), slow nodes. Idle at the end: of all servers'
time from the first job to the last, the share in which a node has no job any more; nobody pays for it where a job that
ends gives its nodes back. Prompts are read many tokens at once: in the table of all stages a token of them counts a
tenth (of solutions they are 0.3%, of those with code 3%, most of which the server still knows). A solution with code
counts as one request, as if its code took no time. Preemption inside the server, failures, and waiting in the cluster's
queue are left out. A job that its time limit stops is asked on in its next try, which goes to the end of the queue.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from omr.asking.draining import Drain  # noqa: E402
from omr.config.files import read_config, read_yaml  # noqa: E402
from omr.config.recipes import Recipes  # noqa: E402
from omr.config.seeds import most_seeds  # noqa: E402
from omr.config.settings import Settings  # noqa: E402
from omr.errors import UserError, leave, run_command  # noqa: E402
from omr.models.resources import WARNING_S  # noqa: E402
from omr.runs.costs import PROMPT_TOKEN_WEIGHT  # noqa: E402
from omr.runs.counts import RunCounts  # noqa: E402
from omr.runs.estimation import estimate  # noqa: E402
from omr.runs.input_size import threads_at_hand  # noqa: E402
from omr.runs.job_length import jobs_worth, limit_worth, longer_jobs  # noqa: E402
from omr.runs.published_ratios import CONCENTRATION, KNOWN_SHARE, RATIOS, THREADS  # noqa: E402
from omr.runs.solve_rates import Population, asked_shares  # noqa: E402
from omr.runs.yields import asking_of  # noqa: E402
from serving_model import Limit, Seconds, draw_lengths, run_job  # noqa: E402
from simulated_run import MEAN_TOKENS, Assumed, Plan, Run, Simulation, server_of, work_of_jobs  # noqa: E402

CONFIG = [ROOT / "config" / name for name in ("config.yaml", "models.yaml", "benchmarks.yaml")]
SHARDS = (1, 2, 5, 10, 20, 50, 100)
CONCURRENCY = (64, 128, 256, 512, 1024)
RUNTIMES_MIN = (360, 720, 1440, 2880)


#: Assumed for 8 and 2 x 8 GPUs of the kind H100. Caches: QwQ leaves half a terabyte, at 0.26 MB a token; R1's weights
#: leave 25 GB on each GPU, which all hold the same cache, at 70 KB a token. OpenMath-Nemotron-14B is dense, with less
#: than half of QwQ's weights, on as many GPUs: it should be faster, but is taken to be no faster, because the turns of
#: its code cost a server what nobody has measured yet. It leaves half a terabyte, too, at 0.2 MB a token.
ASSUMED = {
    "qwq-32b": Assumed(8000, 80, cache_tokens=1_900_000),
    "qwen2.5-32b-instruct": Assumed(8000, 80, cache_tokens=1_900_000),
    "deepseek-r1": Assumed(1500, 40, cache_tokens=350_000),
    "openmath-nemotron-14b": Assumed(8000, 80, cache_tokens=2_500_000),
}
#: What a site may find instead: tokens a second, and minutes to start.
PLAUSIBLE = {
    "qwq-32b": ((4000, 8000, 20_000), (5, 10, 20)),
    "deepseek-r1": ((750, 1500, 3000), (30, 45, 60)),
    "openmath-nemotron-14b": ((4000, 8000, 20_000), (5, 10, 20)),
}
NOTHING_DOES = "No cell of these tables does: load faster, or use faster servers."
GRADUAL = "speed falls with every request"
#: What the last table varies: an assumption and its factor.
VARIED = {
    "half the token rate": ("tokens_per_second", 0.5),
    "double the token rate": ("tokens_per_second", 2),
    "a request alone half as fast": ("request_tokens_per_second", 0.5),
    "a request alone twice as fast": ("request_tokens_per_second", 2),
    "half the cache": ("cache_tokens", 0.5),
    "double the cache": ("cache_tokens", 2),
    "start-up doubled": ("start_min", 2),
    "start-up halved": ("start_min", 0.5),
    "lengths nearly equal (half the spread)": ("spread", 0.5),
    "lengths wider (1.5 times the spread)": ("spread", 1.5),
    "replies two thirds as long": ("mean_tokens", 2 / 3),
}


# ---- plans ---------------------------------------------------------------------------------------------------------
def refuse_unassumed(recipes: Recipes) -> None:
    """Raises UserError if a recipe that a run makes asks a model with GPUs of which nothing is assumed: its part of the
    run would silently be left out."""
    for name in recipes.to_run:
        for stage in recipes.model_stages(name):
            model = recipes.model(name, stage)
            known = ASSUMED if stage != "generate_solutions" else ASSUMED.keys() & PLAUSIBLE.keys()
            if model.gpus and model.name not in known:
                raise UserError(
                    f"the recipe {name} asks {model.name} for its {stage}, and no speed of that model is assumed",
                    remedy="add it to ASSUMED and PLAUSIBLE of benchmarks/utilisation.py, or leave the recipe out",
                )


def plans(args: argparse.Namespace) -> list[Plan]:
    """The recipes that a run makes, from config; the size of the input is the published one unless it is given.

    Raises UserError if one of them asks a model of which nothing is assumed.
    """
    config = read_config([*CONFIG, *args.configfile])
    recipes = Recipes(Settings(config))
    refuse_unassumed(recipes)
    size = THREADS.value * math.prod(RATIOS[name].value for name in ("problems", "merged", "clean"))
    tries = read_yaml(ROOT / "profiles" / "slurm" / "config.yaml")["retries"] + 1
    found = []
    rates = Population.beta(RATIOS["right"].value, CONCENTRATION.value, KNOWN_SHARE.value)
    for name in recipes.solving:
        recipe, model = recipes[name], recipes.model(name, "generate_solutions")
        if not model.gpus:
            continue
        asked = asked_shares(asking_of(recipe, recipes), rates)
        found.append(
            Plan(
                recipe=name,
                model=model.name,
                problems=args.problems or round(size),
                seeds=most_seeds(recipe),
                asked=work_of_jobs(recipe, asked),
                of_seeds=tuple(asked),
                settings=recipe,
                shards=recipe["shards"],
                concurrency=model.concurrency,
                max_tokens=recipe["max_tokens"],
                runtime_min=model.runtime_min,
                request_timeout_s=model.request_timeout_s,
                max_tries=tries,
                servers=args.servers,
                samples=args.samples,
            )
        )
    return found


# ---- what is printed ---------------------------------------------------------------------------------------------
def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()


def share(run: Run, plan: Plan) -> str:
    return f"{run.seconds.utilisation:.1%}{run.faults(plan)}"


def losses(run: Run) -> list[str]:
    """Shares of the time that GPUs were held, as `LOSSES` has them."""
    _, *lost = run.seconds
    return [f"{max(0.0, part / run.seconds.held):.1%}" for part in lost]  # a sum of nothing may be just below 0


def print_grid(simulation: Simulation, shards: Sequence[int], concurrency: Sequence[int]) -> None:
    """Utilisation per shards and concurrency, the shards of config also for a server that slows down gradually."""
    plan = simulation.plan

    def row(name: str, simulation: Simulation, number: int) -> list[str]:
        runs = [simulation.run(number, column, plan.runtime_min) for column in concurrency]
        is_default = [(number, column) == (plan.shards, plan.concurrency) for column in concurrency]
        texts = [share(run, plan) for run in runs]
        return [name, *(f"**{text}**" if bold else text for text, bold in zip(texts, is_default, strict=True))]

    rows = [row(_marked(number, plan.shards), simulation, number) for number in shards]
    gradual = Simulation(plan, replace(simulation.assumed, gradual=1))
    rows.append(row(f"{plan.shards}, if {GRADUAL}", gradual, plan.shards))
    table(["shards", *(f"concurrency {column}" for column in concurrency)], rows)


def _marked(value: float, default: float) -> str:
    return f"{value:g}, as in config" if value == default else f"{value:g}"


LOSSES = ("starts", "few", "tail", "abandoned", "slow nodes")
RUN_HEAD = ("jobs", "starts", "tries", "utilisation", *LOSSES, "h", "idle at the end")


def run_cells(run: Run, plan: Plan) -> list[str]:
    counts = [f"{run.jobs:,}", f"{run.starts:,}", f"{run.most_tries}"]
    return [*counts, share(run, plan), *losses(run), f"{run.wall_s / 3600:,.0f}", f"{run.idle:.1%}"]


def print_losses(simulation: Simulation, shards: Sequence[int]) -> None:
    """What is lost where: per number of shards, and per time limit."""
    plan = simulation.plan
    by_shards = {rows: simulation.run(rows, plan.concurrency, plan.runtime_min) for rows in shards}
    table(
        ["shards", *RUN_HEAD], ([_marked(rows, plan.shards), *run_cells(run, plan)] for rows, run in by_shards.items())
    )
    limits = sorted({*RUNTIMES_MIN, plan.runtime_min})
    by_limit = {limit: simulation.run(plan.shards, plan.concurrency, limit) for limit in limits}
    rows = [[_marked(limit, plan.runtime_min), *run_cells(run, plan)] for limit, run in by_limit.items()]
    table(["runtime_min", *RUN_HEAD], rows)


def print_sensitivity(plan: Plan, assumed: Assumed) -> None:
    """What the defaults reach if one assumption is wrong."""
    cases = {"as assumed": assumed, GRADUAL: replace(assumed, gradual=1)}
    for name, (key, factor) in VARIED.items():
        cases[name] = replace(assumed, **{key: getattr(assumed, key) * factor})
    cases["one node in ten is slow (0.7 of the others)"] = replace(assumed, slow_share=0.1)
    cases["jobs are preempted after two days on average"] = replace(assumed, preempted_h=48)
    cases["jobs are preempted after eight hours on average"] = replace(assumed, preempted_h=8)
    rows = []
    for name, case in cases.items():
        run = Simulation(replace(plan, samples=min(plan.samples, 2)), case).default()
        rows.append([name, share(run, plan), *losses(run), str(run.most_tries), f"{run.longest_s / 60:.0f}"])
    table(["defaults, if", "utilisation", *LOSSES, "tries", "longest wait, min"], rows)


def print_plausible(plan: Plan, assumed: Assumed, args: argparse.Namespace) -> bool:
    """What the defaults reach at other speeds and starts, and what would do where that is too little; whether something
    does in each case."""
    speeds, starts = PLAUSIBLE[plan.model]
    few = replace(plan, samples=1)
    rows, advices = [], []
    for start_min in starts:
        row = [f"{start_min} min"]
        for speed in speeds:
            case = replace(assumed, tokens_per_second=speed, start_min=start_min)
            simulation = Simulation(few, case)
            run = simulation.default()
            row.append(share(run, few))
            if not is_enough(run, few, args.target):
                advices.append((f"{speed:,} tokens/s, {start_min} min to start", advice(simulation, args)))
        rows.append(row)
    table(["defaults, if a start takes", *(f"{speed:,} tokens/s" for speed in speeds)], rows)
    for where, words in advices:
        print(f"{where}: {words}")
    print()
    return print_advised(few, assumed, args.target)


def advised(plan: Plan, assumed: Assumed) -> Plan:
    """The plan with the jobs and the time limit that `snakemake estimate` says where it has seen these speeds."""
    work_h = plan.problems * sum(plan.work) * assumed.mean_tokens / assumed.tokens_per_second / 3600
    recipe = {**plan.settings, **longer_jobs(plan.settings, jobs_worth(work_h, assumed.start_min))}
    work, shards = work_of_jobs(recipe, plan.of_seeds), recipe["shards"]
    longest_h = work_h * max(work) / sum(work) / shards
    limit_h = limit_worth(longest_h, assumed.start_min, plan.runtime_min / 60)
    return replace(plan, shards=shards, asked=work, runtime_min=math.ceil(limit_h * 60))


def print_advised(plan: Plan, assumed: Assumed, target: float) -> bool:
    """What config as `estimate` advises it reaches at other speeds and starts; whether it is enough everywhere."""
    speeds, starts = PLAUSIBLE[plan.model]
    rows, enough = [], []
    for start_min in starts:
        row = [f"{start_min} min"]
        for speed in speeds:
            case = replace(assumed, tokens_per_second=speed, start_min=start_min)
            theirs = advised(plan, case)
            run = Simulation(theirs, case).default()
            enough.append(is_enough(run, theirs, target))
            jobs = f"{theirs.shards * len(theirs.work)} jobs, {theirs.shards} shards"
            row.append(f"{share(run, plan)} ({jobs}, {theirs.runtime_min:g} min)")
        rows.append(row)
    table(["as `estimate` advises, if a start takes", *(f"{speed:,} tokens/s" for speed in speeds)], rows)
    return all(enough)


def print_stages(args: argparse.Namespace, assumed: dict[str, Assumed]) -> None:
    """All stages of models with assumptions: a job of average size of each, prompts counted in."""
    config = read_config([*CONFIG, *args.configfile])
    settings = Settings(config)
    recipes = Recipes(settings)
    run = RunCounts(Path("none"), settings, recipes)
    rows = []
    for stage in estimate(threads_at_hand(run, settings), settings, recipes, [run]).stages:
        if stage.model not in assumed or stage.requests < stage.jobs:
            continue
        of_model, spec = assumed[stage.model], settings.model_named(stage.model)
        prompts = stage.prompt_tokens * (1 - (stage.code.reused if stage.code is not None else 0.0))
        mean = (stage.completion_tokens + PROMPT_TOKEN_WEIGHT * prompts) / stage.requests
        lengths = draw_lengths(stage.requests // stage.jobs, mean, of_model.spread, math.ceil(8 * mean))
        limit = Limit(spec.runtime_min * 60 - WARNING_S, Drain.grace_s)
        job = run_job(lengths, server_of(of_model, lengths), spec.concurrency, limit)
        spent = Seconds(*np.sum(job.tries, axis=0).tolist())
        name = stage.stage if stage.recipe is None else f"{stage.recipe}: {stage.stage}"
        shares = [f"{max(0.0, part / spent.held):.1%}" for part in spent[1:5]]
        rows.append([name, f"{stage.jobs:,}", f"{spent.held / 3600:.1f}", f"{spent.utilisation:.1%}", *shares])
    print("## A job of average size of each stage, prompts counted in at a tenth\n")
    table(["stage", "jobs", "h", "utilisation", *LOSSES[:4]], rows)


def is_enough(run: Run, plan: Plan, target: float) -> bool:
    return run.seconds.utilisation >= target and not run.faults(plan)


def verdict(simulation: Simulation, args: argparse.Namespace) -> bool:
    """Print what the defaults reach, and if that will not do, the smallest change that would."""
    plan, run = simulation.plan, simulation.default()
    starts, few, tail, abandoned, _ = losses(run)
    enough = is_enough(run, plan, args.target)
    print(
        f"{plan.recipe}: the defaults reach {run.seconds.utilisation:.1%} of the ideal ({args.target:.0%} is asked): "
        f"{run.starts:,} starts for {run.jobs:,} jobs take {starts} of the GPUs' time, tails {tail}, abandoned replies "
        f"{abandoned}, too few requests {few}. A job needs up to {run.most_tries} tries of {plan.max_tries}, a request "
        f"waits up to {run.longest_s / 60:.0f} min of {plan.request_timeout_s / 60:.0f}. "
        f"{'Reached.' if enough else 'NOT REACHED. ' + advice(simulation, args)}\n"
    )
    return enough


def advice(simulation: Simulation, args: argparse.Namespace) -> str:
    """The smallest change of the defaults that reaches the target, by number of changes, then by their size."""
    plan = simulation.plan
    default = plan.shards, plan.concurrency, plan.runtime_min

    def change(values: tuple[int, int, float]) -> tuple[int, float]:
        ratios = [abs(math.log(value / usual)) for value, usual in zip(values, default, strict=True)]
        return sum(ratio > 0 for ratio in ratios), sum(ratios)

    for values in sorted(product(args.shards, args.concurrency, RUNTIMES_MIN), key=change):
        run = simulation.run(*values)
        if is_enough(run, plan, args.target):
            shards, concurrency, runtime = values
            reached = f"{run.seconds.utilisation:.1%}"
            return f"These do: shards {shards}, concurrency {concurrency}, runtime_min {runtime} ({reached})."
    return NOTHING_DOES


def report(plan: Plan, assumed: Assumed, args: argparse.Namespace) -> bool:
    simulation = Simulation(plan, assumed)
    lengths, server = simulation.lengths, simulation.server
    longest = float((lengths == plan.max_tokens).mean())
    print(
        f"## {plan.recipe}\n{plan.problems:,} problems, up to {plan.seeds} seeds of each, "
        f"on {plan.servers} servers of {plan.model}, jobs of {plan.runtime_min:g} min. "
        f"Assumed: replies of {lengths.mean():,.0f} tokens on average "
        f"(omr/runs/published_ratios.py says {MEAN_TOKENS:,}; spread {assumed.spread:g}; {longest:.1%} reach "
        f"{plan.max_tokens:,}); a full server writes {server.tokens_per_second:,.0f} tokens/s, a request alone "
        f"{server.request_tokens_per_second:g}; {server.slots} requests fit into its cache, more wait; it is up after "
        f"{assumed.start_min:g} min.\n"
    )
    shards = sorted({*args.shards, plan.shards})
    print_grid(simulation, shards, sorted({*args.concurrency, plan.concurrency}))
    print_losses(simulation, shards)
    print_sensitivity(plan, assumed)
    everywhere = print_plausible(plan, assumed, args)
    return verdict(simulation, args) and everywhere


# ---- the command -------------------------------------------------------------------------------------------------
def assumptions(given: Sequence[str], config: Sequence[Path] = CONFIG) -> dict[str, Assumed]:
    """`ASSUMED` with what config says (starts, tokens a second) and changes such as `deepseek-r1.start_min=60`.

    Raises ValueError for a model or a name that is not there.
    """
    assumed = dict(ASSUMED)
    for model, entry in read_config(config)["models"].items():
        said = {name: entry[name] for name in ("tokens_per_second", "start_min") if name in entry}
        if model in assumed:
            assumed[model] = replace(assumed[model], **said)
    for change in given:
        target, _, value = change.partition("=")
        model, _, name = target.rpartition(".")
        if model not in assumed or name not in {item.name for item in fields(Assumed)}:
            raise ValueError(f"{change}: not of the form MODEL.NAME=VALUE with a model and a name of ASSUMED")
        assumed[model] = replace(assumed[model], **{name: float(value)})
    return assumed


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--shards", type=int, nargs="+", default=SHARDS, help="rows of the tables")
    add("--concurrency", type=int, nargs="+", default=CONCURRENCY, help="columns of the tables")
    add("--configfile", type=Path, nargs="+", default=[], help="overlays over config/")
    add("--servers", type=int, default=32, help="servers at once (default: 32)")
    add("--samples", type=int, default=4, help="shards that are simulated of each kind (default: 4)")
    add("--problems", type=int, help="problems (default: the published number)")
    add("--assume", nargs="+", default=[], metavar="MODEL.NAME=VALUE", help="e.g. deepseek-r1.start_min=60")
    add("--target", type=float, default=0.95, help="utilisation that the defaults must reach (default: 0.95)")
    args = parser.parse_args(argv)
    assumed = assumptions(args.assume, [*CONFIG, *args.configfile])
    print("†: more tries than the profile grants, the run fails. ‡: requests wait longer than their time limit.\n")
    reached = [report(plan, assumed[plan.model], args) for plan in plans(args)]
    print_stages(args, assumed)
    return 0 if all(reached) else 1


if __name__ == "__main__":
    leave(run_command(main))
