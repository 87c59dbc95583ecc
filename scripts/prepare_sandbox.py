"""Where code that models wrote runs: written down by the environment's own interpreter.

In: nothing; run it with the interpreter of envs/sandbox.yaml. Out: {"python", "version"}, which generate.py reads to
start the sandbox (scripts/omr/sandbox/). Step: before solutions that run code.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from omr.errors import UserError, leave, run_command
from omr.sandbox.settings import NEEDED


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="the JSON file")
    output: Path = parser.parse_args(argv).output
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(
            f"the environment that code of models is to run in lacks {', '.join(missing)}",
            file=sys.executable,
            remedy="run with `--sdm conda`, which makes envs/sandbox.yaml, or name its interpreter: `sandbox.python`",
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.tmp")
    temporary.write_text(json.dumps({"python": sys.executable, "version": platform.python_version()}) + "\n")
    os.replace(temporary, output)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
