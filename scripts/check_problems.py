"""What is known of the problems before they are solved in; out, where all is within its bounds, what was looked at.

In: contamination/report.json, counts/deduplicate.json. Out: {"canary_recall", "repost_recall", "false_reposts"}, each
null (nothing was planted) or {"part", "of", "bound"}; a bound that is not applied is null.
Beyond a bound it fails: solutions would be paid for a dataset that is not made.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson
from omr.errors import run_command
from omr.files.jsonl import AtomicFile
from omr.runs.counts import read_counts
from omr.runs.gates import Gates, add_gates_of_problems, bound_applied, check_before_solving, measured_before_solving


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_gates_of_problems(parser)
    parser.add_argument("--deduplicated", type=Path, required=True, help="counts of the deduplication")
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    gates = Gates(canary_recall=args.canary_recall, repost_recall=args.repost_recall, false_reposts=args.false_reposts)
    report, deduplicated = read_counts(args.contamination), read_counts(args.deduplicated)
    check_before_solving(gates, report, deduplicated)
    measured = measured_before_solving(report, deduplicated)
    found = {
        name: None if share is None else {**share._asdict(), "bound": bound_applied(gates, name, share)}
        for name, share in measured.items()
    }
    with AtomicFile(args.output) as file:
        file.write(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
