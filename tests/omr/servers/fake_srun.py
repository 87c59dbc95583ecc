"""A stand-in for srun: starts the tasks of all nodes here, hands its input on to each, and ends them together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time


def main() -> int:
    split = sys.argv.index("--")
    options = dict(option.lstrip("-").split("=", 1) for option in sys.argv[1:split] if "=" in option)
    (nodes, per_node), command = (int(options["nodes"]), int(options["ntasks-per-node"])), sys.argv[split + 1 :]
    with open(os.environ["FAKE_SRUN_WORD"], "w") as file:
        json.dump(sys.argv[1:split], file)
    tasks = [start(command, node, local, per_node) for node in range(nodes) for local in range(per_node)]
    signal.signal(signal.SIGTERM, lambda *_: [task.terminate() for task in tasks])
    statuses: list[int] = []
    first_failure = 0
    os.set_blocking(0, False)
    while len(statuses) < len(tasks):
        statuses = [status for status in (task.poll() for task in tasks) if status is not None]
        first_failure = first_failure or next(filter(None, statuses), 0)
        ended = at_end_of_input() or first_failure
        for task in tasks:
            assert task.stdin is not None
            if ended and not task.stdin.closed:
                task.stdin.close()
        time.sleep(0.02)
    return first_failure


def start(command: list[str], node: int, local: int, per_node: int) -> subprocess.Popen[bytes]:
    variables = {
        "SLURM_NODEID": str(node),
        "SLURM_PROCID": str(node * per_node + local),
        "SLURM_LOCALID": str(local),
        "SLURMD_NODENAME": f"n{node + 1}",
    }
    return subprocess.Popen(command, env=os.environ | variables, stdin=subprocess.PIPE)


def at_end_of_input() -> bool:
    try:
        return os.read(0, 100) == b""
    except BlockingIOError:
        return False


if __name__ == "__main__":
    sys.exit(main())
