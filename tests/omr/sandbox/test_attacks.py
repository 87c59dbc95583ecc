"""Each attack against the real sandbox, in each tier; and against a bare interpreter, where it must succeed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attack_suite import INSIDE, WALLS, Attack, Target, attack_bare, attack_pool, attacks, canary_environment, target

ROOT = Path(__file__).parents[3]
SCRIPTS = str(ROOT / "scripts")
SUITE = Path(__file__).with_name("attack_suite.py")
NOBODY = 65534
TIERS = {"full": (), "namespaces": ("landlock",), "landlock": ("namespaces",)}
#: What limits and the runner hold is the same in all tiers.
CASES = [
    pytest.param(tier, attack, id=f"{tier}-{attack.id}", marks=pytest.mark.xdist_group(f"sandbox {tier}"))
    for tier in TIERS
    for attack in attacks(*WALLS, *(INSIDE if tier == "full" else ()))
    if not (tier == "landlock" and "names" in attack.checks)
]
BARE = [pytest.param(attack, id=attack.id) for attack in attacks(*WALLS, *INSIDE) if "bare" in attack.checks]


@pytest.fixture(scope="module", autouse=True)
def canary() -> Iterator[None]:
    """A key in the job's environment, there before any pool starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in canary_environment().items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def aims() -> Iterator[Callable[[Any], Target]]:
    """The target of a pool's attacks; its victim is the sandbox's own user."""
    made: dict[Any, Any] = {}

    def aim(pool: Any) -> Target:
        user = pool._isolation.server.told["user"] if os.geteuid() == 0 else None
        if user not in made:
            made[user] = target(user)
            made[user, "aim"] = made[user].__enter__()
        found: Target = made[user, "aim"]
        return found

    yield aim
    for key, context in made.items():
        if not isinstance(key, tuple):
            context.__exit__(None, None, None)


@pytest.mark.parametrize(("tier", "attack"), CASES)
def test_the_sandbox_holds(tier: str, attack: Attack, pools: Any, aims: Any) -> None:
    running = pools(*TIERS[tier])
    assert running.pool.tier == tier
    assert running.run(attack_pool(running.pool, attack, aims(running.pool), SCRIPTS)) is None


@pytest.mark.parametrize("attack", BARE)
def test_the_attack_succeeds_against_a_bare_interpreter(attack: Attack) -> None:
    assert attack_bare(attack, SCRIPTS) is not None


def test_there_are_attacks_of_each_kind_and_most_of_those_on_walls_are_proven() -> None:
    assert all(attacks(kind) for kind in (*WALLS, *INSIDE))
    assert len(BARE) >= 44
    assert len(attacks(*WALLS, *INSIDE)) >= 120


def readable_python() -> str:
    """An interpreter that any user can start; it is the environment too, without packages."""
    program = "import sys; sys.exit(sys.version_info < (3, 11))"
    for path in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin")):
        if path and succeeds([path, "-c", program]):
            return path
    pytest.skip("no Python 3.11 here that an ordinary user may start")


def succeeds(command: list[str]) -> bool:
    """Whether an ordinary user can run it."""
    try:
        return subprocess.run(command, **as_ordinary_user(), check=False).returncode == 0
    except OSError:
        return False


def as_ordinary_user() -> dict[str, Any]:
    words: dict[str, Any] = {"cwd": "/", "env": {}, "stderr": subprocess.DEVNULL}
    if os.geteuid() == 0:
        words |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return words


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """Runs the attacks on walls as an ordinary user, in what `around` makes for the command."""
    python = readable_python()
    copy = Path(subprocess.check_output(["mktemp", "-d", "-p", "/tmp"], text=True).strip())
    copy.chmod(0o755)
    shutil.copytree(ROOT / "scripts/omr/sandbox", copy / "omr/sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "omr/files").mkdir()
    for name in ("__init__.py", "errors.py", "files/__init__.py", "files/open_files.py"):
        shutil.copy(ROOT / "scripts/omr" / name, copy / "omr" / name)
    shutil.copytree(SUITE.parent / "attacks", copy / "attacks")
    shutil.copy(SUITE, copy)

    def run(*around: str, lacking: str = "") -> dict[str, Any]:
        command = [*around, python, "-B", f"{copy}/{SUITE.name}", str(copy), python, lacking, *WALLS]
        words = as_ordinary_user() | {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE}
        done = subprocess.run(command, text=True, check=False, **words)
        if done.returncode:
            raise AssertionError(done.stderr)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    yield run
    shutil.rmtree(copy)


def unshared(*words: str) -> list[str]:
    """A command in namespaces of its own, as a container's is; skips where there is no program for it."""
    command = [shutil.which("unshare") or "unshare", "--user", *words]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"], **as_ordinary_user(), check=False).returncode
    ):
        pytest.skip("no namespaces to be had for an ordinary user here")
    return command


def escaped(told: dict[str, Any]) -> dict[str, str]:
    assert len(told["found"]) > 60
    return {name: what for name, what in told["found"].items() if what}


def test_an_ordinary_user_has_the_same_isolation(suite: Callable[..., dict[str, Any]], sandbox: Any) -> None:
    told = suite()
    assert (told["tier"], escaped(told)) == (sandbox.pool.tier, {})


@pytest.mark.parametrize("tier", ["namespaces", "landlock"])
def test_an_ordinary_user_is_kept_by_either_wall_alone(suite: Callable[..., dict[str, Any]], tier: str) -> None:
    told = suite(lacking=TIERS[tier][0])
    assert (told["tier"], escaped(told)) == (tier, {})


def test_the_first_version_of_landlock_is_enough(suite: Callable[..., dict[str, Any]]) -> None:
    told = suite(lacking="namespaces,newer landlock")
    assert (told["tier"], escaped(told)) == ("landlock", {})


@pytest.mark.parametrize("who", ["--map-root-user", "--map-current-user"])
def test_it_holds_inside_the_namespaces_of_a_container(suite: Callable[..., dict[str, Any]], who: str) -> None:
    told = suite(*unshared(who, "--mount", "--pid", "--fork"))
    assert (told["tier"], told["scratch"], escaped(told)) == ("full", True, {})


def test_where_the_site_forbids_namespaces_landlock_holds_alone(suite: Callable[..., dict[str, Any]]) -> None:
    forbid = ["sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh"]
    told = suite(*unshared("--map-root-user"), *forbid)
    assert (told["tier"], told["scratch"], escaped(told)) == ("landlock", False, {})
