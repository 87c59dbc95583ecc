"""Finding isolation: what is refused, and with which words."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omr.errors import UserError
from omr.sandbox import checks
from omr.sandbox.checks import find_isolation, unavailable
from omr.sandbox.settings import SandboxSettings


def find(settings: SandboxSettings, *lacking: str) -> str:
    async def find_and_stop() -> str:
        isolation = await find_isolation(settings, lacking=frozenset({"packages", *lacking}))
        await isolation.server.stop()
        return isolation.tier

    return asyncio.run(find_and_stop())


def test_a_machine_with_neither_namespaces_nor_landlock_runs_no_code(settings: SandboxSettings) -> None:
    with pytest.raises(UserError, match=r"sandbox unavailable: .* no isolation .*no Landlock") as error:
        find(settings, "namespaces", "landlock")
    assert "sandbox.container" in str(error.value.remedy)
    assert "max_user_namespaces" in str(error.value.remedy)


@pytest.mark.parametrize(
    ("required", "lacking", "found"),
    [
        (None, (), "full"),
        ("full", (), "full"),
        ("namespaces", (), "full"),
        ("landlock", (), "full"),
        ("namespaces", ("landlock",), "namespaces"),
        ("landlock", ("landlock",), "namespaces"),
        ("landlock", ("namespaces",), "landlock"),
        (None, ("namespaces",), "landlock"),
    ],
)
def test_a_site_gets_the_best_that_there_is_and_at_least_what_it_requires(
    settings: SandboxSettings, required: str | None, lacking: tuple[str, ...], found: str
) -> None:
    assert find(replace(settings, tier=required), *lacking) == found


@pytest.mark.parametrize(
    ("required", "lacking"), [("full", "landlock"), ("full", "namespaces"), ("namespaces", "namespaces")]
)
def test_less_than_a_site_requires_is_refused(settings: SandboxSettings, required: str, lacking: str) -> None:
    with pytest.raises(UserError, match=f"isolation `{required}`, which sandbox.tier asks for"):
        find(replace(settings, tier=required), lacking)


def test_a_tier_that_does_not_exist_is_refused(settings: SandboxSettings) -> None:
    with pytest.raises(UserError, match=r"sandbox.tier is `best`"):
        find(replace(settings, tier="best"))


def test_isolation_that_does_not_hold_when_attacked_is_none(
    settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "_PROBE", "print('[\"read a file\"]')")
    with pytest.raises(UserError, match="namespaces: a session read a file"):
        find(settings)


@pytest.mark.parametrize("probe", ["1/0", "print('nonsense')", "import os; os._exit(0)"])
def test_a_trial_without_a_result_is_no_isolation(
    settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch, probe: str
) -> None:
    monkeypatch.setattr(checks, "_PROBE", probe)
    with pytest.raises(UserError, match="its trial gave no result"):
        find(settings)


def test_without_the_environment_the_message_says_how_to_make_it(settings: SandboxSettings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no environment to run code") as error:
        find(replace(settings, python=tmp_path / "python"))
    assert "envs/sandbox.yaml" in str(error.value.remedy)


@pytest.mark.parametrize("text", ["#!/bin/sh\necho no such library >&2; exit 1\n", "#!/no/such/interpreter\n"])
def test_an_environment_that_does_not_start_is_told_in_its_own_words(
    settings: SandboxSettings, tmp_path: Path, text: str
) -> None:
    python = tmp_path / "python"
    python.write_text(text)
    python.chmod(0o755)
    with pytest.raises(UserError, match=r"no such library|No such file"):
        find(replace(settings, python=python))


def test_another_system_is_told_at_once(settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "sandbox unavailable: code of models runs on Linux only" in str(unavailable(settings))


def test_another_kind_of_machine_is_told_at_once(settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "this machine is a riscv64" in str(unavailable(settings))


@pytest.mark.parametrize("name", ["HOME", "TMPDIR", "OMP_NUM_THREADS", "PYTHONHASHSEED", "LD_PRELOAD", "PYTHONSTARTUP"])
def test_the_jobs_environment_does_not_matter(
    settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in list(os.environ):
        monkeypatch.delenv(other)
    monkeypatch.setenv(name, "")
    assert find(settings) == "full"


def test_a_machine_that_has_it_is_told_so(settings: SandboxSettings) -> None:
    assert unavailable(settings) is None


@pytest.mark.parametrize("container", [("/usr/bin/env",), ("/bin/sh", "-c", 'exec "$@"', "sh")])
def test_a_site_may_name_a_command_to_run_it_in(settings: SandboxSettings, container: tuple[str, ...]) -> None:
    assert find(replace(settings, container=container)) == "full"


def test_a_container_that_is_not_there_is_named(settings: SandboxSettings) -> None:
    with pytest.raises(UserError, match="no-such-container"):
        find(replace(settings, container=("no-such-container", "exec")))


def test_the_environments_identity_is_the_same_in_every_tier(pools: Any) -> None:
    identities = {
        pools(*lacking).pool.identity
        for lacking in (("packages",), ("packages", "namespaces"), ("packages", "landlock"))
    }
    assert len(identities) == 1
    assert len(identities.pop()) == 64
