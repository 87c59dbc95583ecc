"""A process that listens like a model server and misbehaves as told; takes vLLM's command line.

`--stand-in MODE[,MODE...]` says how; `--state DIR` is a folder where it leaves word of what it did. Over several nodes
the first serves once the others have called at its meeting port. `--become COMMAND` is a server to be instead then; it
is given `--model`, `--host` and `--port`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--served-model-name", default="m")
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--nnodes", type=int, default=1)
    parser.add_argument("--node-rank", type=int, default=0)
    parser.add_argument("--master-addr")
    parser.add_argument("--master-port", type=int)
    parser.add_argument("--become", type=shlex.split, default=[], metavar="COMMAND")
    parser.add_argument("--stand-in", default="")
    parser.add_argument("--state", type=Path, required=True)
    return parser.parse_known_args()[0]


class Behaviour:
    """What this start of the server does; the state folder tells starts apart."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.model = args.served_model_name
        self.modes = set(filter(None, args.stand_in.split(",")))
        self.state: Path = args.state
        self.completions = 0
        self.health_checks = 0
        self.loads_told = 0
        self.state.mkdir(parents=True, exist_ok=True)
        self.is_first_start = not list(self.state.glob("start-*"))
        (self.state / f"start-{os.getpid()}").touch()

    def on(self, mode: str) -> bool:
        some = f"{mode}-once" if self.is_first_start else f"{mode}-again"
        return mode in self.modes or some in self.modes

    def leave_word(self) -> None:
        word = {"argv": sys.argv, "environment": dict(os.environ), "session": os.getsid(0), "pid": os.getpid()}
        (self.state / f"process-{os.getpid()}.json").write_text(json.dumps(word))

    def health(self) -> int:
        self.health_checks += 1
        if self.on("slow") and self.health_checks < 4:
            return 503
        if self.on("zombie") and self.completions > 0:
            return 503
        return 200

    def complete(self) -> tuple[int, dict[str, Any]]:
        self.completions += 1
        if self.completions == 1:
            (self.state / "health-checks-before-completion").write_text(str(self.health_checks))
        if self.on("refuse"):
            return 400, {"object": "error", "message": "no completions here", "code": 400}
        if self.on("die-later") and self.completions > 1:
            print("engine died", flush=True)
            os._exit(7)
        if self.on("hang") and self.completions > 1:
            time.sleep(3600)
        while self.on("busy") and self.completions > 1 and self.loads_told < 6:
            time.sleep(0.01)
        return 200, {"choices": [{"text": "1", "message": {"content": "1"}, "finish_reason": "length"}]}

    def load(self) -> str:
        self.loads_told += 1
        return metrics_text(self.loads_told)


def metrics_text(looks: int) -> str:
    """The load that is told at the n-th look: always three running and one waiting, and 100 tokens more each time."""
    gauges = {"num_requests_running": 3, "num_requests_waiting": 1, "kv_cache_usage_perc": 0.5}
    counters = {"prompt_tokens_total": 10 * looks, "generation_tokens_total": 100 * looks}
    return "".join(f'vllm:{name}{{engine="0"}} {value}\n' for name, value in (gauges | counters).items())


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(self.behaviour.health(), {})
        elif self.path == "/metrics" and self.behaviour.on("busy"):
            self.answer(200, self.behaviour.load())
        else:
            name = "another" if self.behaviour.on("unlisted") else self.behaviour.model
            self.answer(200, {"data": [{"id": name}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(*self.behaviour.complete())

    def answer(self, status: int, body: dict[str, Any] | str) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


def fork_family(state: Path) -> None:
    """A child in our session, and a grandchild in one of its own that nobody waits for."""
    sleep = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
    detach = f"import os\nif os.fork() == 0:\n    os.setsid()\n    {sleep}"
    worker = subprocess.Popen([sys.executable, "-c", sleep])
    subprocess.run([sys.executable, "-c", detach], check=True)
    (state / "worker.pid").write_text(str(worker.pid))


def meet(args: argparse.Namespace) -> None:
    """At the head: wait until all other nodes have called. Elsewhere: call until the head answers."""
    address = args.master_addr, args.master_port
    if args.node_rank == 0:
        with socket.create_server(address) as door:
            for _ in range(1, args.nnodes):
                door.accept()[0].close()
        return
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(address):
            return
        time.sleep(0.02)


def main() -> None:
    args = parse()
    behaviour = Behaviour(args)
    behaviour.leave_word()
    print("stand-in: loading", flush=True)
    if behaviour.on("family"):
        fork_family(behaviour.state)
    if behaviour.on("port-taken"):
        sys.exit("OSError: [Errno 98] Address already in use")
    if behaviour.on("die-while-loading"):
        sys.exit("torch.OutOfMemoryError: CUDA out of memory\x1b[0m")
    if behaviour.on("stuck-while-loading"):
        time.sleep(3600)
    if behaviour.on("ignore-term"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if args.nnodes > 1:
        meet(args)
    if args.headless:
        threading.Event().wait()
    if args.become:
        served = ["--model", args.served_model_name, "--host", args.host, "--port", str(args.port)]
        os.execvp(args.become[0], [*args.become, *served])
    Handler.behaviour = behaviour
    ThreadingHTTPServer((args.host, args.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
