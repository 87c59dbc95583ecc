"""Load a model with vLLM and save what each of its workers holds: runs in vLLM's own Python, on the first node.

usage: save_shards.py --shards DIR --word FILE [vLLM's engine arguments]

Out: safetensors files in DIR (each worker writes its own, so that nodes must share it), and, when all are written,
FILE with vLLM's version (JSON). The exit status says nothing that FILE does not.

Needs nothing but vLLM and Python's own library. It lies in a folder of its own because a script's folder is searched
for modules first, and the folder above has a module `vllm`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import vllm
from vllm.engine.arg_utils import EngineArgs
from vllm.utils.argparse_utils import FlexibleArgumentParser
from vllm.v1.engine.llm_engine import LLMEngine

#: A tensor that is larger gets a file of its own.
_BYTES_PER_FILE = 5 << 30


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, EngineArgs]:
    """Our own options, and the engine's; those that only a server takes are told and left out."""
    parser = FlexibleArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--word", type=Path, required=True)
    args, others = EngineArgs.add_cli_args(parser).parse_known_args(argv)
    if others:
        print(f"not for loading a model, left out: {' '.join(others)}", flush=True)
    return args, EngineArgs.from_cli_args(args)


def main(argv: Sequence[str]) -> int:
    args, engine_args = parse(argv)
    engine = LLMEngine.from_engine_args(engine_args)
    # Without a pattern vLLM takes the one that its own loader expects of these parallel sizes.
    engine.engine_core.save_sharded_state(path=str(args.shards), pattern=None, max_size=_BYTES_PER_FILE)
    unfinished = args.word.with_name(f"{args.word.name}.tmp")
    unfinished.write_text(json.dumps({"server_version": vllm.__version__}))
    os.replace(unfinished, args.word)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
