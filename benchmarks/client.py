"""The client against a local server of fixed latency: CPU seconds per 1,000 requests, throughput, peak memory.

`python benchmarks/client.py` prints one table. Each row is a run of scripts/generate.py, from its command line to its
counts, in a process of its own; the server is a process beside it that answers with texts like those of models
(benchmarks/texts.py). The floor is the bare HTTP library, which sends as many requests and reads the answers, right
after it. Share of the ideal = requests a second over (in flight / latency).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))

import orjson
from measuring import SCRIPTS, Cost, cost_of, write_lines
from texts import Texts

#: name -> (rows, characters of a reply, latency in seconds)
CASES = {
    "a: 800 characters, 200 ms": (5_000, 800, 0.2),
    "b: 60,000 characters, 500 ms": (2_000, 60_000, 0.5),
    "c: 800 characters, 50 ms": (20_000, 800, 0.05),
    "memory, fewer rows": (2_000, 800, 0.05),
    "memory, more rows": (50_000, 800, 0.05),
}
IN_FLIGHT = 512
#: Replies of a server: after so many it begins anew.
DIFFERENT = 64


class _Server(asyncio.Protocol):
    """Answers every request after a fixed time: as little work as a server can do."""

    replies: ClassVar[list[bytes]] = []
    latency_s = 0.0
    answered = 0

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
            _Server.answered += 1
            reply = self.replies[_Server.answered % DIFFERENT]
            asyncio.get_running_loop().call_later(self.latency_s, self.transport.write, reply)


def serve(pipe: Connection, characters: int, latency_s: float, prompt_tokens: int) -> None:
    texts = Texts()
    for _ in range(DIFFERENT):
        message = {"role": "assistant", "content": texts.text(characters)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": prompt_tokens, "completion_tokens": characters // 3}
        # As servers write it: characters beyond ASCII as they are.
        body = json.dumps({"id": "x", "choices": [choice], "usage": usage}, ensure_ascii=False).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        _Server.replies.append(head + body)
    _Server.latency_s = latency_s

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0, backlog=IN_FLIGHT)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def serving(characters: int, latency_s: float, prompt_tokens: int = 220) -> Iterator[str]:
    """The base URL of a server, which says that prompts had so many tokens."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs, characters, latency_s, prompt_tokens), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        server.terminate()
        server.join()


def write_inputs(folder: Path, rows: int, base_url: str) -> list[str]:
    """The files of a job, and its command line."""
    texts = Texts(1)
    write_lines(folder / "rows.jsonl", ({"id": f"row-{n}", "problem": f"{n}: {texts.text(500)}"} for n in range(rows)))
    (folder / "ask.yaml").write_text("user: |\n  Solve this. {{ problem }}\n")
    model = {"path": "model", "server": "endpoint", "base_url": base_url, "concurrency": IN_FLIGHT}
    (folder / "config.yaml").write_bytes(orjson.dumps({"models": {"m": model}}))
    flags = {"stage": "bench", "rows": "rows.jsonl", "prompt": "ask.yaml", "config": "config.yaml", "model": "m"}
    flags |= {"output": "replies.jsonl", "counts": "counts.json", "log": "log", "max-tokens": "256"}
    is_file = {"rows", "prompt", "config", "output", "counts", "log"}
    pairs = ((f"--{name}", str(folder / value) if name in is_file else value) for name, value in flags.items())
    return [part for pair in pairs for part in pair]


def ask_all(arguments: list[str]) -> None:
    """One job, from its command line to its counts."""
    sys.path.insert(0, str(SCRIPTS))
    import generate

    if generate.main(arguments):
        raise RuntimeError("the job failed")


def bare(rows: int, base_url: str) -> None:
    """The HTTP library alone: the same requests, of which every answer is read."""
    from pyreqwest.client import ClientBuilder

    message = {"role": "user", "content": Texts(1).text(520)}
    body = orjson.dumps({"model": "model", "messages": [message], "temperature": 0.0, "max_tokens": 256})
    left = iter(range(rows))

    async def run() -> None:
        async with ClientBuilder().pool_max_idle_per_host(IN_FLIGHT).no_proxy().build() as client:

            async def work() -> None:
                for _ in left:
                    request = client.post(f"{base_url}/chat/completions").header("Content-Type", "application/json")
                    response = await request.body_bytes(body).build().send()
                    await response.bytes()

            await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))

    asyncio.run(run())


def measure(rows: int, characters: int, latency_s: float) -> tuple[Cost, Cost, int]:
    """What a job takes, what the bare library takes, and the bytes that the job's counts say it read."""
    with serving(characters, latency_s) as base_url, tempfile.TemporaryDirectory() as name:
        cost = cost_of(ask_all, write_inputs(Path(name), rows, base_url))
        counts = orjson.loads((Path(name) / "counts.json").read_bytes())
        if counts["answered"] != rows:
            raise SystemExit(f"{counts['answered']} of {rows} requests were answered")
        return cost, cost_of(bare, rows, base_url), sum(counts.get("bytes_read", {}).values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", help="only cases that begin with this")
    args = parser.parse_args()
    print(f"{IN_FLIGHT} in flight, {os.cpu_count()} cores\n")
    print("| case | rows | CPU s / 1,000 | bare library | share of ideal | bare library | peak MB | MB read |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name, (rows, characters, latency_s) in CASES.items():
        if args.case and not name.startswith(args.case):
            continue
        cost, floor, read = measure(rows, characters, latency_s)
        # The ideal sends in waves of IN_FLIGHT: the last one counts whole.
        ideal_s = -(-rows // IN_FLIGHT) * latency_s
        cpu, least = (each.cpu_s / rows * 1000 for each in (cost, floor))
        share, best = (ideal_s / each.wall_s for each in (cost, floor))
        cells = f"{rows:,} | {cpu:.2f} | {least:.2f} | {share:.0%} | {best:.0%} | {cost.peak_mb:.0f} | {read / 1e6:.1f}"
        print(f"| {name} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
