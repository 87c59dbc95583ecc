"""vLLM as a saver of sharded checkpoints: loads a model as it would serve it, writes what each worker holds, ends.

The first node runs inside/save_shards.py, further nodes what they would run for serving.
"""

from __future__ import annotations

from pathlib import Path

from omr.servers.launch import Launch
from omr.servers.vllm import Vllm, engine_arguments

_SAVE = Path(__file__).with_name("inside") / "save_shards.py"


class ShardSaver(Vllm):
    """Its scratch folder is seen by all nodes: the shards lie there."""

    name = "shard_saver"
    title = "vLLM, which saves the shards"

    def shards(self, scratch: Path) -> Path:
        """The folder that the workers write to."""
        return scratch / "shards"

    def word(self, scratch: Path) -> Path:
        """The file that appears when all is written: JSON with `server_version`."""
        return scratch / "saved.json"

    def command(self, launch: Launch) -> list[str]:
        # Compiled kernels and graphs are for requests: none will come.
        if launch.rank > 0:
            return [*super().command(launch), "--enforce-eager"]
        command = [launch.site.interpreter, str(_SAVE), "--shards", str(self.shards(launch.scratch))]
        command += ["--word", str(self.word(launch.scratch)), "--model", launch.spec.path]
        return [*command, *engine_arguments(launch), "--enforce-eager"]

    def folders(self, launch: Launch) -> list[Path]:
        return [_SAVE.parent]
