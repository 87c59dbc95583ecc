"""Whether config files can be read and say nothing that the schema refuses: the same checks as at the start of a run.

Snakemake reads the files of `--configfile` before any line of the workflow, and of a fault of YAML it names neither
file nor line. This does, in one sentence: `python scripts/check_config.py mine.yaml`. In: overlays, in the order of
`--configfile`; they are laid over config/. Out: nothing but a line that says that they are fine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from omr.config.check import check_config
from omr.config.files import CONFIG_FILES, expand_paths, read_config
from omr.errors import run_command

_ROOT = Path(__file__).parents[1]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overlays", nargs="*", type=Path, metavar="FILE", help="overlays, in the order of --configfile")
    overlays = parser.parse_args(argv).overlays
    config = read_config([*(_ROOT / path for path in CONFIG_FILES), *overlays])
    expand_paths(config)
    check_config(config, _ROOT / "config" / "schema.yaml")
    print(f"fine: {', '.join(map(str, overlays)) or 'config/'}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
