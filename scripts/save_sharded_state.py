"""Save a model's checkpoint with one set of files per GPU: with `--load-format sharded_state` each of vLLM's workers
reads its own files only, where it would read the whole checkpoint otherwise.

In: the merged config and, for a model of the hub, the manifest of its download. Out: a folder with the shards and the
other files of the checkpoint, and its manifest (see omr/servers/model_files.py), which appears last. vLLM itself is the
saver, spread over the GPUs as for serving: it runs on this machine, or over the nodes of this Slurm job. The files are
good for the same sizes, arguments and version of vLLM only. What is run again begins anew; a second run at the same
time waits for the first and takes over what it saved.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from omr.asking.progress import Log, run_logged
from omr.asking.time_limit import watched_time_limit
from omr.asking.twin_jobs import EXIT_STOPPED, PostponedError, Queueing
from omr.config.files import read_config
from omr.errors import UserError, leave, run_command
from omr.files.folders import atomic_folder, clear_leftovers
from omr.files.locks import FileLock, Owner
from omr.models.checkpoints import OTHER_WEIGHTS, SAFETENSORS, choose_files
from omr.models.model import ModelSpec, model_spec
from omr.servers.gpus import check_gpus
from omr.servers.launch import parallel_sizes
from omr.servers.model_files import ModelFiles, StoredFile, check_files, read_manifest, served_from, write_manifest
from omr.servers.node_notes import starting
from omr.servers.process import ServerProcess
from omr.servers.shard_saver import ShardSaver
from omr.servers.sites import ServerSite, server_site

_POLL_S = 0.5


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--config", type=Path, nargs="+", required=True, help="config files, later ones win")
    add("--model", required=True, help="key under `models:` in config")
    add("--model-manifest", type=Path, help="the checkpoint's files (see download_model.py); else its path in config")
    add("--folder", type=Path, required=True, metavar="DIR", help="where the files go, on a disk that all nodes share")
    add("--manifest", type=Path, required=True, metavar="FILE")
    add("--log", type=Path, help="log file (default: standard error)")
    return parser.parse_args(argv)


@dataclass(frozen=True)
class Job:
    """The model as config has it, its checkpoint to be saved anew, the model as vLLM is told of it (its path is a
    folder), and where vLLM is."""

    spec: ModelSpec
    checkpoint: ModelFiles
    model: ModelSpec
    site: ServerSite


def read_job(args: argparse.Namespace) -> Job:
    """Raises UserError for a model that cannot be saved so, or whose files are not whole."""
    config = read_config(args.config)
    spec = model_spec(config, args.model)
    if spec.server != "vllm":
        raise UserError(
            f"the model {spec.name!r} is served by {spec.server}, but only vLLM loads what vLLM saved",
            remedy="set `server: vllm` of its entry under `models:`, or do not save it so",
        )
    if parallel_sizes(spec).data > 1:
        raise UserError(
            f"the model {spec.name!r} has a data parallel size, over which no shards are saved",
            remedy="remove its `prepare: sharded_state`, or its `data_parallel_size`",
        )
    if args.model_manifest is None:
        checkpoint, model = local_checkpoint(spec), replace(spec, path=os.path.abspath(spec.path))
    else:
        checkpoint, model = read_manifest(args.model_manifest), served_from(spec, args.model_manifest)
    return Job(spec, checkpoint, model, server_site(config, spec.server))


def local_checkpoint(spec: ModelSpec) -> ModelFiles:
    """The files of a model whose path is a folder. Raises UserError if it is none, or no checkpoint."""
    folder = Path(spec.path)
    if not folder.is_dir():
        raise UserError(
            f"the model {spec.name!r} is not there: {spec.path}",
            remedy="check its `path` in config, or give the manifest of its download",
        )
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = (StoredFile(name, (folder / name).stat().st_size) for name in choose_files(spec.path, names))
    return ModelFiles(spec.path, spec.revision, None, folder, tuple(files))


def is_weights(file: StoredFile) -> bool:
    return Path(file.path).suffix.lower() in OTHER_WEIGHTS | {SAFETENSORS}


def other_files(checkpoint: ModelFiles) -> Iterator[StoredFile]:
    """What is copied beside the shards: all but weights, and the index that says which of them holds which tensor."""
    return (file for file in checkpoint.files if not is_weights(file) and not file.path.endswith(".index.json"))


def check_space(checkpoint: ModelFiles, folder: Path) -> None:
    """Raise UserError if there is no room for another copy of the weights."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    needed = sum(file.size for file in checkpoint.files if is_weights(file))
    free = shutil.disk_usage(folder.parent).free
    if needed > free:
        raise UserError(
            f"the shards take {needed / 1e9:,.1f} GB, but only {free / 1e9:,.1f} GB are free",
            file=folder,
            remedy="make room, or name another place as `model_folder` in config",
        )


async def save(job: Job, scratch: Path, server_log: Path, log: Log) -> str:
    """Have vLLM write the shards below `scratch`; returns its version. No process of it is left, whatever happens.

    Raises ServerDied when it ends before all is written, UserError when this process is told to stop.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    saver = ShardSaver()
    word = saver.word(scratch)
    saver.shards(scratch).mkdir(parents=True)
    process = ServerProcess(saver, job.model, job.site, server_log, scratch, log)
    try:
        async with watched_time_limit(job.model, task.cancel, log):
            await process.start()
            while not word.exists():
                # In this order: it may have ended because all is written.
                died = process.failure()
                if died is not None and not word.exists():
                    with starting():
                        raise died
                await asyncio.sleep(_POLL_S)
    except asyncio.CancelledError:
        raise UserError("told to stop before all was written", remedy="run again: it begins anew") from None
    finally:
        await process.stop()
    version: str = orjson.loads(word.read_bytes())["server_version"]
    return version


def gather(job: Job, shards: Path, folder: Path) -> tuple[StoredFile, ...]:
    """Put shards and other files into `folder`; returns all. Raises UserError if a worker's files are not there."""
    sizes = parallel_sizes(job.model)
    written = sorted(shards.iterdir())
    workers, expected = sum("-part-0." in path.name for path in written), sizes.tensor * sizes.pipeline
    if workers != expected:
        raise UserError(
            f"the files of {workers} of {expected} workers are there",
            file=folder,
            remedy="name a `model_folder` that all nodes of the job share",
        )
    files = [StoredFile(path.name, path.stat().st_size) for path in written]
    for path in written:
        path.chmod(shards.stat().st_mode & 0o666)  # safetensors makes files that only their owner can read
        path.rename(folder / path.name)
    for file in other_files(job.checkpoint):
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(job.checkpoint.folder / file.path, folder / file.path)
        files.append(file)
    return tuple(files)


def run(args: argparse.Namespace, log: Log) -> int:
    job = read_job(args)
    waited, queueing = False, Queueing(job.model, log)

    def on_wait(owner: Owner, waited_s: float) -> None:
        nonlocal waited
        waited = True
        queueing(owner, waited_s)

    try:
        with FileLock(args.manifest.with_name(".saving.lock"), log, on_wait=on_wait):
            if waited and is_saved(job, args.manifest):
                log(f"{args.folder}: another run has just saved it")
            else:
                save_anew(args, job, log)
    except PostponedError as postponed:
        log(str(postponed))
        return EXIT_STOPPED
    return 0


def is_saved(job: Job, manifest: Path) -> bool:
    """Whether what the model is to be served from is there and whole."""
    try:
        served_from(job.spec, manifest)
    except UserError:
        return False
    return True


def save_anew(args: argparse.Namespace, job: Job, log: Log) -> None:
    check_files(job.checkpoint, args.model_manifest or args.config[-1])
    args.manifest.unlink(missing_ok=True)
    # They would take the room of the new one.
    clear_leftovers(args.folder)
    if args.folder.exists():
        shutil.rmtree(args.folder)
    check_space(job.checkpoint, args.folder)
    if job.site.check_gpus and job.model.gpus and job.model.nodes == 1:
        with starting():
            check_gpus(job.model.gpus, job.site.min_driver, log, os.environ)
    with atomic_folder(args.folder) as built:
        scratch = built / ".saving"
        version = asyncio.run(save(job, scratch, (args.log or args.manifest).with_suffix(".server.log"), log))
        files = gather(job, ShardSaver().shards(scratch), built)
        shutil.rmtree(scratch)
    sizes = parallel_sizes(job.model)
    saved = job.checkpoint._replace(folder=args.folder, files=files, load_format="sharded_state")
    saved = saved._replace(tensor_parallel_size=sizes.tensor, pipeline_parallel_size=sizes.pipeline)
    saved = saved._replace(expert_parallel_size=sizes.expert, server_version=version)
    write_manifest(args.manifest, saved)
    log(f"{args.folder}: {len(files)} files, {sum(file.size for file in files) / 1e9:,.1f} GB, by vLLM {version}")


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    return run_logged(args.log, lambda log: run(args, log))


if __name__ == "__main__":
    leave(run_command(main))
