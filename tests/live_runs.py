"""A run that goes on, as its jobs leave it: finished shards, shards at work, and what Snakemake says."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import yaml
from omr.files.locks import process_start
from run_files import write_config, write_counts

HERE = {"host": socket.gethostname(), "pid": os.getpid(), "started": process_start(os.getpid()), "job": ""}
#: A process of this machine that is no more.
GONE = HERE | {"pid": 2**22 - 3, "started": "1"}
ELSEWHERE = {"host": "node-7", "pid": 17, "started": "99", "job": ""}
STAGE = "extract_problems"


def shard(number: int, of: int = 4) -> str:
    return f"shard-{number:03d}-of-{of:03d}"


def begin_run(folder: Path, shards: int = 4, price: float | None = 3.0, **changes: Any) -> Path:
    """A run that has asked nothing yet; its first stage has so many shards, of two GPUs each, at a `price` an hour."""
    model = {"path": "some/solver", "server": "vllm", "gpus": 2, "tokens_per_second": 1000.0, "usd_per_gpu_hour": price}
    model |= {"usd_per_million_prompt_tokens": 0.0, "usd_per_million_completion_tokens": 0.0}
    write_config(folder, models={"solver": model}, **changes)
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["problems"][STAGE]["shards"] = shards
    path.write_text(yaml.safe_dump(config))
    return folder


def finish(folder: Path, number: int, of: int = 4, stage: str = STAGE, **counts: Any) -> None:
    counts = {"requests": 10, "answered": 10, "failed": {}, "prompt_tokens": 100, "completion_tokens": 200} | counts
    counts = {"stage": stage, "model": "solver", "wall_s": 1800.0, "gpus": 2, "without_usage": 0} | counts
    write_counts(folder / "counts" / stage / f"{shard(number, of)}.json", **counts)


def at_work(folder: Path, number: int, of: int = 4, age_s: float = 0.0, **said: Any) -> Path:
    """A shard with what its job says; written `age_s` ago."""
    content = {
        "version": 1,
        "phase": "asking",
        "model": "solver",
        "total": 10,
        "stored": 2,
        "answered": 3,
        "failed": {},
    }
    content |= {"prompt_tokens": 50, "completion_tokens": 90, "without_usage": 0, "recent_s": 100.0} | HERE
    content |= {"recent_answered": 3, "recent_tokens": 50, "held_s": 3600.0, "gpus": 2, "tries": 1, "note": ""}
    content |= {"at": time.time() - age_s} | said
    return write_raw(folder, number, orjson.dumps(content), of, age_s)


def write_raw(folder: Path, number: int, data: bytes, of: int = 4, age_s: float = 0.0) -> Path:
    path = folder / "replies" / STAGE / f"{shard(number, of)}.jsonl.progress"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


class Job(SimpleNamespace):
    """One of Snakemake's jobs, as far as it is looked at."""

    def __hash__(self) -> int:
        return id(self)

    def is_group(self) -> bool:
        return False


class Group(tuple[Any, ...]):
    def is_group(self) -> bool:
        return True


def snakemake_job(rule: str, attempt: int = 1, output: tuple[str, ...] = ("x",)) -> Any:
    return Job(rule=SimpleNamespace(name=rule), attempt=attempt, output=output)
