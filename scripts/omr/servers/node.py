"""One node's part of a model server over several nodes: what srun starts on each (`python -m omr.servers.node`).

In: `--plan`, JSON made by omr/servers/process.py, and Slurm's variables that say which node and task this is. It
checks the node's GPUs, works out the node's command, and becomes its supervisor, which also stops the server when
srun's input ends.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from omr.errors import UserError, leave, run_command
from omr.models.model import model_spec
from omr.servers.gpus import check_gpus
from omr.servers.kinds import KINDS
from omr.servers.launch import Launch, full_command, full_environment, shown
from omr.servers.node_notes import starting
from omr.servers.ports import Port
from omr.servers.sites import server_site

_SUPERVISE = Path(__file__).with_name("supervise.py")


def node_launch(plan: Mapping[str, Any], rank: int, port: int, inner_port: int) -> Launch:
    """The launch of the node of rank `rank`; `port` is only for nodes that serve no requests."""
    model = dict(plan["spec"])
    name, kind = model.pop("name"), plan["kind"]
    return Launch(
        spec=model_spec({"models": {name: model}}, name),
        site=server_site({"servers": {kind: plan["site"]}}, kind),
        port=plan["port"] if rank == 0 else port,
        inner_port=inner_port,
        scratch=Path(plan["scratch"]),
        rank=rank,
        head=own_address(plan["addresses"][0], plan["addresses"][1:]) if rank == 0 else numeric(plan["addresses"][0]),
        meeting_port=plan["meeting_port"],
    )


def numeric(address: str) -> str:
    """A node's address as a number, IPv4 if it has one: some servers resolve names differently on each node."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise UserError(f"the node's address {address} cannot be resolved: {error}") from error
    return min(found, key=lambda number: ":" in number)


def own_address(address: str, others: Sequence[str]) -> str:
    """The number under which the other nodes reach this one.

    A node's own name may stand for its loopback interface in /etc/hosts; then it is where the way to the others begins.
    """
    number = numeric(address)
    if not ipaddress.ip_address(number).is_loopback or _is_number(address):
        return number
    other = numeric(others[0])
    with socket.socket(socket.AF_INET6 if ":" in other else socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((other, 9))  # of a datagram socket: sends nothing
        return str(way.getsockname()[0])


def _is_number(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _slurm_number(name: str) -> int:
    try:
        return int(os.environ[name])
    except (KeyError, ValueError) as error:
        raise UserError(f"{name} is not set: this is only for srun to start") from error


def run(plan: Mapping[str, Any]) -> NoReturn:
    """Become the supervisor of this task's server. Raises UserError if the node is not as planned."""
    rank = _slurm_number("SLURM_NODEID")
    expected, actual = plan["nodes"][rank], os.environ.get("SLURMD_NODENAME", plan["nodes"][rank])
    if expected != actual:
        raise UserError(f"node {rank} of the step is {actual}, but {expected} was planned")
    if rank == 0 and socket.gethostname() != plan["client"]:
        raise UserError(
            f"the job runs on {plan['client']}, but its server would listen on {socket.gethostname()}",
            remedy="the job must run on the first of its nodes: submit it without --batch",
        )
    kind, port, inner = KINDS[plan["kind"]], Port(), Port()
    launch = node_launch(plan, rank, port.number, inner.number)
    with starting(node=expected):
        if launch.site.check_gpus and launch.spec.gpus and kind.uses_gpus and _slurm_number("SLURM_LOCALID") == 0:
            check_gpus(launch.spec.gpus, launch.site.min_driver, print, os.environ)
        launch.site.cache_folder().mkdir(parents=True, exist_ok=True)
    environment = full_environment(kind, launch, os.environ)
    addresses = [*plan["addresses"]]
    own = own_address(addresses.pop(rank), addresses)
    for name in kind.address_variables:
        environment.setdefault(name, own)
    command = full_command(kind, launch)
    print(f"node {rank} ({expected}): {shown(command)}", flush=True)
    for reserved in (port, inner):
        reserved.keep_beyond_exec()
    supervisor = [sys.executable, "-I", "-S", str(_SUPERVISE), "--grace-s", str(launch.site.grace_s)]
    os.execve(sys.executable, [*supervisor, "--", *command], environment)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", required=True, help="JSON: what to start, and the nodes")
    run(json.loads(parser.parse_args(argv).plan))


if __name__ == "__main__":
    leave(run_command(main))
