"""Clean problems get the name under which they are solved, if what is known of them is within the bounds of config.

In: contamination/clean.jsonl and report.json, counts/ of deduplicate and of the stages that read classifiers,
planted/report.json. Out: decontaminated.jsonl, the same rows. Step: check problems. Beyond a bound it fails: solutions
would be paid for a dataset that is not made.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from omr.config.files import read_config
from omr.errors import leave, run_command
from omr.files.folders import link_or_copy
from omr.files.temporary import temporary_beside
from omr.runs.gates import BeforeSolving, Gates, check_before_solving


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--problems", type=Path, required=True, help="rows that no benchmark contains")
    add("--contamination", type=Path, required=True, help="report of the decontamination")
    add("--counts", type=Path, required=True, nargs="+", help="of deduplicate and of stages that note verdicts")
    add("--planted", type=Path, help="report on planted instructions, where some were planted")
    add("--config", type=Path, required=True, help="the run's merged config")
    add("--output", type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    gates = Gates(**read_config([args.config])["gates"])
    check_before_solving(gates, BeforeSolving.read(args.contamination, args.counts, args.planted))
    part = temporary_beside(args.output)
    part.unlink(missing_ok=True)
    link_or_copy(args.problems, part)
    os.replace(part, args.output)
    part.unlink(missing_ok=True)  # a second name of the same file stays where it is
    return 0


if __name__ == "__main__":
    leave(run_command(main))
