"""What a run will take, before it runs: requests, tokens, disk, GPU-hours and money per stage.

In: the run's config; its results folder, as far as there is one; and other runs whose counts serve as examples (a small
run with `raw_data.limit`), those of `estimate.seen` in config and of --seen. Out: a table (text) and the same as JSON,
with every assumption and its source. With --check it stops (exit status 2) when `budget` in config would be exceeded,
or when that cannot be known.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from omr.config.files import CONFIG_FILES, read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import AtomicFile
from omr.runs.counts import Plan, RunCounts
from omr.runs.estimate_table import amount, size, table_lines
from omr.runs.estimation import Estimate, StageEstimate, estimate, over_budget
from omr.runs.input_size import threads_at_hand
from omr.runs.job_length import (
    MOST_LOST,
    TRIES,
    LongJob,
    ModelStarts,
    Suggestion,
    long_jobs,
    short_jobs,
    starts_of_models,
    suggested,
)
from omr.runs.run_folder import SEEN, check_run

#: What the files of every run have, some of it in each.
_NEEDED = ("raw_data", "problems", "decontaminate", "recipes", "estimate", "models", "benchmarks")


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--run", type=Path, required=True, help="results folder of the run; it need not exist")
    add(
        "--config", type=Path, nargs="+", required=True, help="the run's merged config, or config files over each other"
    )
    add("--seen", type=Path, nargs="*", default=[], help="results folders of other runs to learn from")
    add("--output", type=Path, help="the table as text")
    add("--json", type=Path, help="the estimate as JSON")
    add("--plan", type=Path, help="what Snakemake is about to make (JSON): finished shards that are asked again")
    add("--check", action="store_true", help="stop if the budget of config would be exceeded")
    return parser.parse_args(argv)


def open_run(folder: Path, config: Mapping[str, Any], plan: Plan | None = None) -> RunCounts:
    settings = Settings(config)
    return RunCounts(folder, settings, Recipes(settings), plan)


def open_example(folder: Path, named_by: str | None = None) -> RunCounts:
    """Another run to learn from. Raises UserError if its folder holds none."""
    check_run(folder, named_by)
    return open_run(folder, read_config([folder / "config.yaml"]))


def make_estimate(args: argparse.Namespace, config: Mapping[str, Any]) -> Estimate:
    """The estimate for the run of the command line."""
    settings = Settings(config)
    this = open_run(args.run, config, None if args.plan is None else Plan.read(args.plan))
    others = [open_example(folder) for folder in args.seen]
    others += [open_example(Path(folder), SEEN) for folder in config["estimate"]["seen"]]
    return estimate(threads_at_hand(this, settings), settings, Recipes(settings), [this, *others])


def table(found: Estimate, suggestion: Suggestion) -> str:
    """The estimate as text: stages, totals, what config should say instead, assumptions."""
    return "\n".join([*table_lines(found), "", *_notes(found, suggestion)]) + "\n"


def _notes(found: Estimate, suggestion: Suggestion) -> Iterator[str]:
    yield _remains(found)
    if any(spent != 0.0 for spent in found.spent.values()):
        spent, usd = (amount(found.spent[unit]) for unit in ("gpu_hours", "usd"))
        yield f"Spent: {spent} GPU-hours, {usd} USD, also on what is asked no longer; sums are that and what remains."
    rows = ", ".join(
        f"{recipe} {n:,}{' (made)' if recipe in found.counted_rows else ''}" for recipe, n in found.sft_rows.items()
    )
    yield f"Training rows: {rows or 'no recipe is to run'}. Disk: {size(found.rows_bytes)} of rows, the rest replies."
    lacking = dict.fromkeys((stage.model, stage.lacks) for stage in found.stages if stage.usd is None)
    for model, keys in lacking:
        why = f"config lacks its {', '.join(keys)}" if keys else "its server counts no tokens"
        yield f"Unknown: the cost of {model}; {why}."
    yield from _yield_notes(found)
    yield from _start_notes(found)
    yield from _suggested(suggestion)
    yield from _code_notes(found)
    yield from map(_long, long_jobs(found.stages))
    yield ""
    yield "Assumed:"
    for note in found.assumptions:
        yield f"  {_figure(note['value'])} {note['what']} ({note['source']})"


def _remains(found: Estimate) -> str:
    left = found.remaining
    if not any(stage.share_left for stage in found.stages):
        return "Remains: nothing; every model stage has run."
    return (
        f"Remains: {left['requests']:,} requests, {left['prompt_tokens']:,} prompt and {left['completion_tokens']:,} "
        f"completion tokens, {amount(left['gpu_hours'])} GPU-hours, {amount(left['usd'])} USD."
    )


def _yield_notes(found: Estimate) -> Iterator[str]:
    """What GPU-hours buy: problems that are solved, and rows that are kept. What is made is told by the report."""
    for one in (one for one in found.yields if one.recipe not in found.counted_rows):
        told = one.as_json()
        yield (
            f"{one.recipe}: {told['solutions']:,} solutions, {one.of_problem.solutions:.1f} of a problem; "
            f"{told['problems_solved']:,} problems solved; {told['rows_kept']:,} rows, of a problem {one.keep} at most."
        )
        if not (one.gpu_hours and one.solved and one.kept):
            continue
        solved, kept = one.gpu_hours / one.solved, one.gpu_hours / one.kept
        more = one.uniform_gpu_hours
        otherwise = f"; {one.uniform.solutions:.0f} of every problem would take {more:,.0f}" if more else ""
        yield f"  {one.gpu_hours:,.0f} GPU-hours: {solved:.3g} per problem solved, {kept:.3g} per row{otherwise}."


def _start_notes(found: Estimate) -> Iterator[str]:
    """How much of the GPU-hours goes into loading models, as far as that is known."""
    to_come = [stage for stage in found.stages if stage.basis != "counted" and stage.gpu_hours]
    hours = sum(stage.start_hours or 0.0 for stage in to_come)
    if hours:
        jobs = sum(stage.jobs for stage in to_come if stage.start_hours)
        yield f"Starts: {hours:,.0f} of the GPU-hours are for loading models in {jobs:,} jobs; longer jobs save some."
    for one in starts_of_models(found.stages):
        yield _job_length(one)
    for short in short_jobs(found.stages):
        fewer = f"{short.jobs:,} instead of {short.stage.jobs:,} jobs would do (`seeds_per_job`, `shards`, `parts`)"
        do = fewer if short.jobs < short.stage.jobs else "a longer `runtime_min` saves some"
        works = f"works {short.stage.hours_per_job:,.1f} h a job on average and loses {short.lost:.0%} to starts"
        yield f"  {_name(short.stage)} {works}: {do}."
    for model in dict.fromkeys(stage.model for stage in to_come if stage.start_hours is None):
        yield f"Starts of {model} are not counted: config lacks its start_min."


def _suggested(suggestion: Suggestion) -> Iterator[str]:
    """Lines that can be put into a config as they are."""
    if suggestion:
        yield "Config that makes jobs as long as that (of recipes only before their first solutions):"
    for section, entries in suggestion.items():
        changes = (
            f"{name}: {{{', '.join(f'{key}: {value}' for key, value in of.items())}}}" for name, of in entries.items()
        )
        yield f"  {section}: {{{', '.join(changes)}}}"


def _job_length(one: ModelStarts) -> str:
    """How long jobs of a model should be, and whether its time limit lets them."""
    told = (
        f"Job length: {one.model} starts in {one.start_min:.3g} min; a job that works {one.work_h:,.1f} h for each "
        f"start loses {MOST_LOST:.0%} to it"
    )
    if one.limit_h <= one.allowed_h:
        return told + "."
    return (
        f"{told}, but `runtime_min` of {one.allowed_h * 60:,.0f} makes that {one.least_lost:.1%} at least: "
        f"{math.ceil(one.limit_h * 60):,} would do, or a faster start (`prepare: sharded_state`, profiles/README.md)."
    )


def _long(one: LongJob) -> str:
    """How many tries the longest job of a stage takes, whether profiles/slurm grants them, and what would do if not."""
    stage, tries = one.stage, one.stage.tries
    told = (
        f"Long: the longest job of {_name(stage)} works about {one.longest_h:,.1f} h, its time limit is "
        f"{one.allowed_h:,.1f} h"
    )
    if tries is None:
        return (
            f"{told}, which a start of {stage.start_min:.3g} min uses up: it would fail for good; set "
            f"`runtime_min: {one.limit_min}` of {stage.model}."
        )
    granted = f"`retries: {TRIES - 1}` of profiles/slurm"
    if tries < TRIES:
        longer = f"; `runtime_min: {one.limit_min}` of {stage.model} saves starts"
        return (
            f"{told}: {tries} tries, and one more for a failed one, which `retries` of the profile must allow "
            f"({granted} does){longer if one.limit_min > one.allowed_h * 60 else ''}."
        )
    fault = (
        "all that {} allows, so none may fail" if tries == TRIES else "but {} does not allow them: it fails for good"
    )
    return (
        f"{told}: {tries} tries, {fault.format(granted)}. Set `retries: {tries}` in the profile, or "
        f"`runtime_min: {one.limit_min}` of {stage.model}: both leave room for a failed try."
    )


def _name(stage: StageEstimate) -> str:
    return stage.stage if stage.recipe is None else f"{stage.recipe}: {stage.stage}"


def _code_notes(found: Estimate) -> Iterator[str]:
    """What solutions with code ask of servers and of the cores beside them."""
    for stage in found.stages:
        if (code := stage.code) is not None:
            turns, blocks = stage.requests * code.turns, stage.requests * code.executions
            hours = stage.requests * code.cpu_s / 3600
            yield (
                f"Code: solutions of {stage.recipe} take {turns:,.0f} requests, of whose prompts servers still know "
                f"{code.reused:.0%}, and run {blocks:,.0f} blocks, {hours:,.0f} CPU hours."
            )


def _figure(value: float) -> str:
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def check_budget(found: Estimate, config: Mapping[str, Any], text: str) -> None:
    """Print the estimate and raise UserError if the run would take more than `budget` in config allows, or nobody
    knows."""
    faults = over_budget(found, config.get("budget") or {})
    if faults:
        print(text, flush=True)
        remedy = "raise `budget`, do less (`raw_data.limit`, `seeds`), or complete the models' prices in config"
        raise UserError("; ".join(faults), remedy=remedy)


def read_whole_config(paths: Sequence[Path]) -> dict[str, Any]:
    """The config that files make. Raises UserError for an overlay without what it lies over."""
    config = read_config(paths)
    lacking = [key for key in _NEEDED if key not in config]
    if lacking:
        whole = " ".join([*CONFIG_FILES, *(str(path) for path in paths if str(path) not in CONFIG_FILES)])
        remedy = f"name all files, each over those before it: --config {whole}"
        raise UserError(f"this config is not whole: it lacks {', '.join(lacking)}", file=paths[-1], remedy=remedy)
    return config


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    config = read_whole_config(args.config)
    found = make_estimate(args, config)
    recipes = Recipes(Settings(config))
    text = table(found, suggested(found, recipes))
    # Before the outputs appear: a rule whose check fails has none.
    if args.check:
        check_budget(found, config, text)
    else:
        print(text, end="")
    for path, content in ((args.output, text.encode()), (args.json, _as_json(found))):
        if path is not None:
            with AtomicFile(path) as file:
                file.write(content)
    return 0


def _as_json(found: Estimate) -> bytes:
    return orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    leave(run_command(main))
