"""Whether config files can be read and say nothing that a run would refuse: the same checks of config as at its start.

Snakemake reads the files of `--configfile` before any line of the workflow. Of a fault of YAML it names neither file
nor line, for a file that is not there it shows where in its own code that was seen, and a target behind `--configfile`
is a config file to it. This says it in one sentence: `python scripts/check_config.py mine.yaml`. In: overlays, in the
order of `--configfile`; they are laid over config/. Out: nothing but a line that says that they are fine.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from omr.config.check import check_config
from omr.config.code_recipes import CodeRecipes
from omr.config.files import CONFIG_FILES, expand_paths, extend_recipes, read_config
from omr.config.further_products import FurtherProducts
from omr.config.paths import check_paths
from omr.config.products import Products
from omr.config.recipes import Recipes
from omr.config.rounds import Rounds
from omr.config.selections import Selections
from omr.config.settings import Settings
from omr.errors import UserError, leave, run_command

_ROOT = Path(__file__).parents[1]
_SUFFIXES = (".yaml", ".yml", ".json")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overlays", nargs="*", type=Path, metavar="FILE", help="overlays, in the order of --configfile")
    overlays = parser.parse_args(argv).overlays
    for path in overlays:
        if path.parts[:1] == ("results",) and path.name == "config.yaml":
            continue  # what a run was made with; no rule makes it
        if (path.suffix not in _SUFFIXES and not path.is_file()) or path.parts[:1] == ("results",):
            remedy = "name targets before --configfile, which takes all that stands behind it for config files"
            raise UserError("this is no config file", file=path, remedy=remedy)
    config = read_config([*(_ROOT / path for path in CONFIG_FILES), *overlays])
    expand_paths(config)
    extend_recipes(config)
    check_config(config, _ROOT / "config" / "schema.yaml")
    check_whole(config)
    print(f"fine: {', '.join(map(str, overlays)) or 'config/'}")
    return 0


def check_whole(config: dict[str, Any]) -> None:
    """What no schema sees: parts that do not fit each other, files that are not there. Raises UserError."""
    settings = Settings(config)
    recipes = Recipes(settings)
    CodeRecipes(recipes)
    Selections(settings, recipes)
    Products(settings, recipes)
    FurtherProducts(settings, recipes, Rounds(config, recipes))
    if Path.cwd() == _ROOT:  # where runs start, and what paths are relative to
        check_paths(settings, recipes)


if __name__ == "__main__":
    leave(run_command(main))
