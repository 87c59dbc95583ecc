"""CPU seconds and wall time of the demo: of Snakemake, its jobs and their sandboxes.

`python benchmarks/demo.py` runs it --runs times, each time from nothing, and prints each run and the least of all: on a
shared machine the least is the best estimate. `make demo` does the same once, in `results/demo`. Scripts are compiled
beforehand, as there: where PYTHONDONTWRITEBYTECODE is set, each of some 300 processes would do it again.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = "demo-benchmark"


def cpu_s() -> float:
    """CPU seconds of all that this process has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_demo(cores: int) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of one run from nothing."""
    shutil.rmtree(ROOT / "results" / RUN, ignore_errors=True)
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/demo.yaml", "--config", f"run={RUN}"]
    began, used = time.monotonic(), cpu_s()
    done = subprocess.run(
        [*command, "--cores", str(cores), "--quiet", "all"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"error: the demo failed:\n{done.stderr[-3000:]}")
    return cpu_s() - used, time.monotonic() - began


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    args = parser.parse_args(argv)
    compileall.compile_dir(ROOT / "scripts", quiet=1)
    runs = []
    for number in range(args.runs):
        cpu, wall = run_demo(args.cores)
        runs.append((cpu, wall))
        load = os.getloadavg()[0]
        print(f"run {number + 1}: {cpu:.1f} CPU s, {wall:.1f} s (load of the machine {load:.1f})", flush=True)
    print(f"least: {min(cpu for cpu, _ in runs):.1f} CPU s, {min(wall for _, wall in runs):.1f} s")
    shutil.rmtree(ROOT / "results" / RUN, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
