"""Pins the pip sections of the model servers' conda environments: `python envs/lock_servers.py [NAME ...]`.

A server that works today breaks when one of its two hundred dependencies moves on. So an environment lists, below the
packages that are meant, everything that they pull in, with exact versions: this program resolves them (nothing is
installed) for Linux on x86-64, where the servers run, and rewrites the list. Pins stand in the YAML itself because
Snakemake copies that file alone to where it makes the environment.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ENVS = Path(__file__).parent
#: The environments that are locked; TensorRT-LLM's is not, see there.
LOCKED = ("vllm", "sglang")
MARK = "      # ---- what these pull in; written by `make lock`\n"
_PLATFORM = "x86_64-manylinux_2_34"
#: The packages of TensorRT itself fetch their metadata from the vendor when they are asked for it.
_WITHOUT_METADATA = ("tensorrt", "tensorrt-cu13", "tensorrt-cu13-libs", "tensorrt-cu13-bindings")


def pip_requirements(text: str) -> list[str]:
    """The pip section of an environment's YAML."""
    requirements: list[str] = yaml.safe_load(text)["dependencies"][-1]["pip"]
    return requirements


def resolve(requirements: list[str]) -> list[str]:
    """All packages, pinned, that the requirements make together. Raises CalledProcessError if there is no such set."""
    override = "\n".join(f'[[dependency-metadata]]\nname = "{name}"\nrequires-dist = []' for name in _WITHOUT_METADATA)
    with tempfile.TemporaryDirectory() as folder:
        wanted, config = Path(folder, "requirements.in"), Path(folder, "uv.toml")
        wanted.write_text("\n".join(requirements) + "\n")
        config.write_text(override)
        command = ["uv", "pip", "compile", "-q", "--no-header", "--no-annotate", "--no-emit-index-url", str(wanted)]
        command += ["--config-file", str(config), "--python-version", "3.12", "--python-platform", _PLATFORM]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "==" in line]


def locked(text: str) -> str:
    """An environment's YAML with the list below the mark made anew from what stands above it."""
    head = text.partition(MARK)[0]
    meant = {name.partition("==")[0] for name in pip_requirements(head)}
    rest = [pin for pin in resolve(pip_requirements(head)) if pin.partition("==")[0] not in meant]
    return head + MARK + "".join(f"      - {pin}\n" for pin in rest)


def main(names: list[str]) -> None:
    for name in names or LOCKED:
        path = ENVS / f"{name}.yaml"
        path.write_text(locked(path.read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
