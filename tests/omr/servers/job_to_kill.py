"""A job that opens the stand-in server and waits to be killed; its argument is a config as JSON."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from omr.models.model import model_spec
from omr.servers.opened import open_server
from omr.servers.sites import server_site


async def main() -> None:
    plan = json.loads(sys.argv[1])
    spec, site = model_spec(plan, "m"), server_site(plan, "vllm")
    folder = Path(plan["folder"])
    async with open_server(spec, log_path=folder / "server.log", scratch=folder / "scratch", site=site):
        print("ready", flush=True)
        await asyncio.sleep(3600)


# Under nohup tests inherit that this signal is ignored; Slurm's jobs do not.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
asyncio.run(main())
