"""The bundled server of authored replies: for the demo and for tests; needs no model and no GPU."""

from __future__ import annotations

from pathlib import Path

from omr.servers.launch import Launch, ServerKind

_SCRIPT = Path(__file__).resolve().parents[2] / "replay_server.py"


class Replay(ServerKind):
    name = "replay"
    uses_gpus = False
    completes_when_ready = False  # it only answers what was authored
    picks_port = True

    def command(self, launch: Launch) -> list[str]:
        spec = launch.spec
        command = [launch.site.interpreter, str(_SCRIPT), "--replies", str(spec.replies), "--model", spec.served_name]
        command += ["--host", launch.host, "--port", "0", "--port-file", str(self.port_file(launch.scratch))]
        return [*command, "--exit-with-parent"]
