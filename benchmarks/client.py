"""The client against a local server of fixed latency: CPU seconds per 1,000 requests, throughput, peak memory.

`python benchmarks/client.py` prints one table. Each row is a run of scripts/generate.py's machinery (plan, client,
journal) in a process of its own; the server is a process beside it. Share of the ideal = requests a second over
(in flight / latency).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from array import array
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))

import orjson
from omr.asking.client import ChatClient
from omr.asking.draining import Drain
from omr.asking.hosts import Endpoint
from omr.asking.progress import Log, Progress
from omr.asking.prompts import load_prompt
from omr.asking.requests import RequestPlan, Sampling
from omr.models.model import ModelSpec
from omr.replies.journal import ReplyStore

#: name -> (rows, tokens of a reply, latency in seconds)
CASES = {
    "a: 200 tokens, 200 ms": (5_000, 200, 0.2),
    "b: 60 KB replies, 500 ms": (2_000, 15_000, 0.5),
    "c: 200 tokens, 50 ms": (20_000, 200, 0.05),
    "memory: 2,000 rows": (2_000, 200, 0.05),
    "memory: 50,000 rows": (50_000, 200, 0.05),
}
IN_FLIGHT = 512


class _Server(asyncio.Protocol):
    """Answers every request with the same body after a fixed time: as little work as a server can do."""

    reply = b""
    latency_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            asyncio.get_running_loop().call_later(self.latency_s, self.transport.write, self.reply)


def serve(pipe: Connection, tokens: int, latency_s: float) -> None:
    message = {"role": "assistant", "content": "abc " * tokens}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 50, "completion_tokens": tokens}
    body = json.dumps({"id": "x", "choices": [choice], "usage": usage}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    _Server.reply, _Server.latency_s = head + body, latency_s

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0, backlog=IN_FLIGHT)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def write_inputs(folder: Path, rows: int) -> tuple[Path, Path]:
    data, prompt = folder / "rows.jsonl", folder / "ask.yaml"
    with data.open("wb") as handle:
        for number in range(rows):
            handle.write(orjson.dumps({"id": f"row-{number}", "problem": f"{number} " + "What is it? " * 40}) + b"\n")
    prompt.write_text("user: |\n  Solve this. {{ problem }}\n")
    return data, prompt


def ask_all(pipe: Connection, port: int, folder: Path, data: Path, prompt: Path) -> None:
    """One job's work from the plan to the published output; sends (wall, CPU seconds, peak memory in MB)."""
    started = time.monotonic()
    sampling = Sampling(0.0, 1.0, 256)
    plan = RequestPlan(data, 0, 1, [load_prompt(prompt)], [0], "model", sampling)
    spec = ModelSpec("model", "model", "endpoint", base_url="x", concurrency=IN_FLIGHT)
    log = Log(folder / "log")

    async def drain(store: ReplyStore, keys: array[int]) -> None:
        endpoint = Endpoint(f"http://127.0.0.1:{port}/v1")
        async with ChatClient(spec, "bench", sampling, endpoint) as client:
            progress = Progress(len(keys), 0, log)
            await Drain(client, store, progress, 0).run(plan.requests())

    with ReplyStore(folder / "replies.jsonl", log) as store:
        keys = array("Q", (int(request.key, 16) for request in plan.requests()))
        asyncio.run(drain(store, keys))
        store.publish(keys)
    used = resource.getrusage(resource.RUSAGE_SELF)
    pipe.send((time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))


def measure(rows: int, tokens: int, latency_s: float) -> tuple[float, float, float]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs, tokens, latency_s), daemon=True)
    server.start()
    port = ours.recv()
    with tempfile.TemporaryDirectory() as name:
        data, prompt = write_inputs(Path(name), rows)
        client = context.Process(target=ask_all, args=(theirs, port, Path(name), data, prompt))
        client.start()
        theirs.close()  # so that a client that fails ends the wait
        figures: tuple[float, float, float] = ours.recv()
        client.join()
    server.terminate()
    server.join()
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=[name[0] for name in CASES], help="only cases that begin with this letter")
    args = parser.parse_args()
    print(f"{IN_FLIGHT} in flight, {os.cpu_count()} cores\n")
    print("| case | rows | CPU s / 1,000 | requests/s | share of ideal | peak MB |\n|---|---|---|---|---|---|")
    for name, (rows, tokens, latency_s) in CASES.items():
        if args.case and not name.startswith(args.case):
            continue
        wall_s, cpu_s, peak_mb = measure(rows, tokens, latency_s)
        # The ideal sends in waves of IN_FLIGHT: the last one counts whole.
        ideal_s = -(-rows // IN_FLIGHT) * latency_s
        share = ideal_s / wall_s
        print(f"| {name} | {rows:,} | {cpu_s / rows * 1000:.2f} | {rows / wall_s:,.0f} | {share:.0%} | {peak_mb:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
