"""The report of a recipe: one HTML page that needs no network, for someone who knows nothing of the run.

In: the results folder of a run: counts/, contamination/report.json, planted/report.json, <recipe>/counts/ and figures/,
the counts of the run's other recipes; the prompts that models were sent; and the run's config for its prices. Parts
that a run has not made yet are left out. Out: report.html.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.config.files import read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile
from omr.report.data import collect
from omr.report.page import page
from omr.report.render import page_html


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--run", type=Path, required=True, help="results folder of the run")
    add("--recipe", required=True, help="name of the recipe: a folder of the run")
    add(
        "--config", type=Path, nargs="+", required=True, help="the run's merged config, or config files over each other"
    )
    add("--prompts", type=Path, nargs="*", default=[], metavar="FILE", help="the prompts that models were sent")
    add("--samples", type=int, default=5, help="training rows that are shown")
    add("--output", type=Path, required=True, help="the page")
    args = parser.parse_args(argv)
    settings = Settings(read_config(args.config))
    data = collect(args.run, args.recipe, settings, Recipes(settings), args.prompts, args.samples)
    with AtomicFile(args.output) as file:
        file.write(page_html(page(data)).encode(errors="replace"))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
