"""A stand-in for a Python that has vLLM: takes the command lines of the saver of shards and writes files as told.

`--stand-in MODE` among the model's arguments: `fail` (after the first file), `hang` (likewise), `short` (one worker's
files are missing, as on a disk of another node); else it does what it should.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--shards", type=Path)
    parser.add_argument("--word", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--tensor-parallel-size", type=int, default=1)
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--stand-in", default="")
    args, _ = parser.parse_known_args()
    if args.headless:
        threading.Event().wait()
    for rank in range(args.tensor_parallel_size - (args.stand_in == "short")):
        (args.shards / f"model-rank-{rank}-part-0.safetensors").write_bytes(
            Path(args.model, "a.safetensors").read_bytes()
        )
        if args.stand_in == "fail":
            sys.exit("torch.OutOfMemoryError: CUDA out of memory")
        if args.stand_in == "hang":
            threading.Event().wait()
    args.word.write_text(json.dumps({"server_version": "0.0.stand-in"}))


if __name__ == "__main__":
    main()
