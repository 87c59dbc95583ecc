"""Looking at a run: seconds, CPU seconds and peak memory of the status command, on a made-up run.

`python benchmarks/status.py` makes a run of the full configuration with some 300, 3,000 and 30,000 shards of model
stages, of which half are done and 200 at work, and looks at it in a process of its own, start included: as JSON, as a
table and as a page. Replies are not there: the command never reads them.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
import yaml

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from omr.config.files import CONFIG_FILES, read_config  # noqa: E402
from omr.config.recipes import Recipes  # noqa: E402
from omr.config.settings import Settings  # noqa: E402
from omr.runs.counts import RunCounts  # noqa: E402

AT_WORK = 200
STAGES = ("extract_problems", "classify_problems", "extract_answers")


def make_run(folder: Path, shards: int) -> int:
    """A run with at least so many shards; how many there are."""
    config = read_config([ROOT / name for name in CONFIG_FILES])
    for stage in STAGES:
        config["problems"][stage]["shards"] = min(999, max(1, shards // 10))
    for recipe in config["recipes_to_run"]:
        if "seeds" in config["recipes"][recipe]:
            config["recipes"][recipe]["shards"] = max(1, min(999, shards // 120))
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    settings = Settings(config)
    recipes = Recipes(settings)
    counts = RunCounts(folder, settings, recipes)
    asked: list[tuple[str, str | None]] = [(stage, None) for stage in settings.asking_stages]
    asked += [(stage, recipe) for recipe in recipes.to_run for stage in recipes.model_stages(recipe)]
    files = [pair for stage, recipe in asked for pair in counts.shard_files(stage, recipe)]
    for place, (of_counts, replies) in enumerate(files):
        replies.parent.mkdir(parents=True, exist_ok=True)
        of_counts.parent.mkdir(parents=True, exist_ok=True)
        if place < len(files) // 2:
            replies.touch()
            Path(f"{replies}.journal").touch()
            Path(f"{replies}.held").touch()
            of_counts.write_bytes(orjson.dumps(done()))
        elif place < len(files) // 2 + AT_WORK:
            Path(f"{replies}.journal").touch()
            Path(f"{replies}.progress").write_bytes(orjson.dumps(at_work()))
    return len(files)


def done() -> dict[str, object]:
    counts: dict[str, object] = {"stage": "s", "model": "m", "served": "m@1", "wall_s": 4000.0, "gpus": 8}
    counts |= {"requests": 9000, "answered": 8999, "failed": {"timeout": 1}, "finish_reasons": {"stop": 8999}}
    return counts | {"prompt_tokens": 10**6, "completion_tokens": 10**8, "without_usage": 0, "latency_s": 1.0}


def at_work() -> dict[str, object]:
    said: dict[str, object] = {"version": 1, "phase": "asking", "model": "m", "total": 9000, "stored": 0, "failed": {}}
    said |= {"answered": 4000, "prompt_tokens": 10**6, "completion_tokens": 10**8, "without_usage": 0, "held_s": 99.0}
    said |= {"recent_s": 180.0, "recent_answered": 99, "recent_tokens": 10**6, "gpus": 8, "tries": 1, "note": ""}
    return said | {"host": socket.gethostname() + "-x", "pid": 1, "started": "1", "job": "", "at": time.time()}


def measured(command: list[str]) -> tuple[float, float, float]:
    """(seconds, CPU seconds, peak memory in MB) of a command."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, nargs="+", default=[300, 3_000, 30_000])
    wanted = parser.parse_args().shards
    print("shards | view | seconds | CPU seconds | peak MB")
    for shards in wanted:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "full"
            made = make_run(folder, shards)
            for view, flags in (("JSON", ["--json"]), ("table", []), ("page", ["--json", "--page", f"{name}/p.html"])):
                command = [sys.executable, "scripts/status.py", "--run", str(folder), "--no-queue", *flags]
                wall_s, cpu_s, peak_mb = measured(command)
                print(f"{made:,} | {view} | {wall_s:.2f} | {cpu_s:.2f} | {peak_mb:.0f}", flush=True)


if __name__ == "__main__":
    main()
