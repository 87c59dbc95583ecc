"""What happens once, when a run starts: its config is saved, its budget and what later stages need are looked at.

Jobs read the config under a name that its content decides, and a variable tells them which: neither another command nor
an edit while the run goes on changes what a later job is told.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self

from omr.config.files import OF_RUN, write_merged_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from omr.files.temporary import clear_temporary
from omr.runs.counts import PROBLEM_STAGES, RECIPE_STAGES, Plan
from omr.runs.endpoint_checks import check_endpoints
from omr.runs.gates import BeforeSolving, Gates, check_before_solving
from omr.runs.own_files import check_own_files
from omr.runs.planned import Planned
from omr.runs.prompt_checks import check_prompts
from omr.runs.run_folder import SEEN, check_run
from omr.runs.token_room import crowded
from omr.sandbox.settings import NEEDED, site_settings

#: Rules that ask a model.
_ASKING = {*PROBLEM_STAGES, *RECIPE_STAGES}
_ESTIMATE = Path(__file__).resolve().parents[2] / "estimate.py"
_FOUND = "import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, ('torch', 'transformers'))))"


class Site(NamedTuple):
    """How Snakemake runs jobs: whether it makes their environments, and whether they run on this machine."""

    makes_environments: bool
    runs_jobs: bool

    @classmethod
    def of(cls, workflow: Any) -> Self:
        """As Snakemake was started; `workflow` is its own."""
        return cls(bool(workflow.deployment_settings.deployment_method), workflow.local_exec)


def begin(settings: Settings, recipes: Recipes, planned: Planned, site: Site) -> None:
    """Find out what would fail later, before anything is queued or paid for, and what would be overwritten that the
    workflow did not make; then save what jobs need.

    Raises UserError, and OSError for a disk that cannot be written.
    """
    look_ahead(settings, recipes, planned)
    check_sandbox(planned, settings, recipes, site)
    check_endpoints(planned, settings, recipes, site.runs_jobs)
    for line in crowded(planned, settings, recipes):
        print(line, file=sys.stderr)
    clear_temporary(Path(file).parent for files in planned.files.values() for file in files)
    start_run(settings, recipes, planned.files, site.makes_environments, planned.anew)


def check_sandbox(planned: Planned, settings: Settings, recipes: Recipes, site: Site) -> None:
    """Raise UserError where solutions that run code are asked for and no code can be run; where jobs run elsewhere,
    which may have what this machine lacks, that is only said. The job that looks for its environment runs here."""
    run_code = any(
        asking.recipe is not None and asking.rule == "generate_solutions" and recipes.runs_code(asking.recipe)
        for asking in planned.asking
    )
    sandbox = settings.config["sandbox"]
    if not run_code:
        return
    if sandbox["python"] is None and not sandbox["container"]:  # Snakemake makes its environment
        if "prepare_sandbox" in planned.files and not site.makes_environments:
            _check_packages()
        return
    if not sandbox["required"] and recipes.no_sandbox is None and any(map(recipes.runs_code, recipes.to_run)):
        return  # that was tried already
    from omr.sandbox.checks import unavailable  # most runs ask for none of it

    fault = unavailable(site_settings(sandbox, sandbox["python"]))
    if fault is None:
        return
    if site.runs_jobs:
        what, _, remedy = fault.partition("\n  remedy: ")
        raise UserError(what, remedy=f"{remedy}; or leave recipes with code out (`sandbox.required: false`)")
    print(f"warning: on this machine, where jobs do not run: {fault}", file=sys.stderr)


def _check_packages() -> None:
    """That the job which looks for them here will find them."""
    found = "import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))"
    try:
        are_there = subprocess.run(["python", "-c", found, *NEEDED], check=False, timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):  # no `python`, or one that hangs: jobs would find the same
        are_there = False
    if not are_there:
        raise UserError(
            "there is no environment to run code of models in: config names none, and `python` here lacks "
            f"packages of envs/sandbox.yaml ({', '.join(NEEDED)})",
            remedy="say --sdm conda, which makes it, or `make .venv-sandbox/sandbox.lock.txt.installed` and "
            "`sandbox: {python: .venv-sandbox/bin/python}`; or leave recipes with code out of `recipes_to_run`",
        )


def look_ahead(settings: Settings, recipes: Recipes, planned: Planned) -> None:
    """What files alone tell of the start of a run; a dry run says it too. Raises UserError."""
    check_own_files(planned.files)
    if "estimate" in planned.files or (settings.has_budget and planned.files.keys() & _ASKING):
        for folder in settings.config["estimate"]["seen"]:
            check_run(Path(folder), SEEN)
    check_prompts(planned, recipes, settings.starts_from_problems)
    if "generate_solutions" in planned.files and "check_problems" not in planned.files:
        _check_bounds(settings)


def _check_bounds(settings: Settings) -> None:
    """Of problems that were within the bounds of an earlier run: those of this one may be others."""
    report = Path("results", settings.run, "contamination/report.json")
    counts = [Path(path) for path in settings.counts_before_solving]
    planted = next(map(Path, settings.planted_report), None)
    if all(path.exists() for path in (report, *counts, planted) if path is not None):
        check_before_solving(Gates(**settings.config["gates"]), BeforeSolving.read(report, counts, planted))


def start_run(
    settings: Settings,
    recipes: Recipes,
    jobs: Mapping[str, Collection[str]],
    makes_environments: bool,
    anew: Collection[str] = (),
) -> None:
    """To be told the jobs of a command: rule -> the files that its jobs make; `anew` as `Planned` has it.

    Raises UserError if the run would exceed its budget, or lacks what a later stage needs.
    """
    saved, config = Path(settings.config_file), recipes.settled_config
    write_merged_config(config, saved)
    os.environ[OF_RUN] = str(saved)
    if settings.has_budget and jobs.keys() & _ASKING:
        _check_budget(settings.run, saved, Plan(frozenset(chain.from_iterable(jobs.values())), frozenset(anew)))
    if "search_embeddings" in jobs and not makes_environments:
        _check_embeddings(settings.config["decontaminate"]["embeddings"]["python"])
    if any(file.startswith(f"results/{settings.run}/") for files in jobs.values() for file in files):
        write_merged_config(config, Path(f"results/{settings.run}/config.yaml"))


def _check_budget(run: str, config: Path, plan: Plan) -> None:
    command = [sys.executable, str(_ESTIMATE), "--check", "--run", f"results/{run}", "--config", str(config)]
    command += ["--plan", "/dev/stdin"]
    if subprocess.run(command, input=plan.as_bytes(), check=False).returncode:
        raise UserError("the run does not start, see above")


def _check_embeddings(python: str) -> None:
    """Better now than after all labelling: the stage comes late."""
    where = "`python` of `decontaminate: embeddings:`"
    try:
        is_complete = not subprocess.run([python, "-c", _FOUND], check=False, timeout=120).returncode
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(f"{where} cannot be run: {error}", remedy="name an interpreter, or use --sdm conda") from error
    if not is_complete:
        raise UserError(
            f"{where} ({python}) has not the packages of envs/embeddings.yaml, which decontamination needs",
            remedy="name one that has (profiles/README.md), use --sdm conda, or leave `embeddings` out of `nets`",
        )
