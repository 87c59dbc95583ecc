"""Whether config files can be read and say nothing that the schema refuses: the same checks as at the start of a run.

Snakemake reads the files of `--configfile` before any line of the workflow. Of a fault of YAML it names neither file
nor line, for a file that is not there it shows where in its own code that was seen, and a target behind `--configfile`
is a config file to it. This says it in one sentence: `python scripts/check_config.py mine.yaml`. In: overlays, in the
order of `--configfile`; they are laid over config/. Out: nothing but a line that says that they are fine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from omr.config.check import check_config
from omr.config.files import CONFIG_FILES, expand_paths, read_config
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
    check_config(config, _ROOT / "config" / "schema.yaml")
    print(f"fine: {', '.join(map(str, overlays)) or 'config/'}")
    return 0


if __name__ == "__main__":
    leave(run_command(main))
