"""Blocks of one solution in one session: variables, what is shown, limits, seeds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from omr.sandbox.child import Child
from omr.sandbox.results import Past, Result
from omr.sandbox.session import Session
from workflow.projects import SANDBOX

pytestmark = pytest.mark.xdist_group("sandbox full")


@pytest.fixture
def sandbox(pools: Any) -> Any:
    """Limits that no honest block of these tests comes near, on a busy machine either."""
    return pools(cpu_s=20.0)


@pytest.fixture
def strict(pools: Any) -> Any:
    """Half a second of computing; by the clock, as long as that takes."""
    return pools("packages", wall_factor=1000.0)


def run(sandbox: Any, *blocks: str, seed: int = 0) -> list[Result]:
    async def all_of_them() -> list[Result]:
        session = await sandbox.pool.open("a solution", seed)
        results = [await session.run(block) for block in blocks]
        await session.close()
        return results

    found: list[Result] = sandbox.run(all_of_them())
    return found


def shown(sandbox: Any, *blocks: str, seed: int = 0) -> list[str]:
    return [result.stdout for result in run(sandbox, *blocks, seed=seed)]


def test_variables_functions_and_imports_stay_from_block_to_block(sandbox: Any) -> None:
    blocks = ("import math\nn = 5\ndef f(x): return x * n", "n = 7", "print(f(2), math.gcd(12, 18))")
    assert shown(sandbox, *blocks)[-1] == "14 6\n"


def test_sessions_share_nothing(sandbox: Any) -> None:
    async def two() -> tuple[Result, Result]:
        one, other = await sandbox.pool.open("one", 0), await sandbox.pool.open("other", 0)
        await one.run("secret = 42; open('note.txt', 'w').write('mine')")
        results = await other.run("secret"), await other.run("import os; os.listdir('.')")
        await one.close()
        await other.close()
        return results

    name, files = sandbox.run(two())
    assert "NameError" in name.stderr
    assert files.stdout == "[]\n"


@pytest.mark.parametrize(
    ("block", "output"),
    [
        ("1 + 1", "2\n"),
        ("x = 3", ""),
        ("print('a'); 'b'", "a\n'b'\n"),
        ("1 + 1;", ""),
        ("1 + 1  # why", "2\n"),
        ("None", ""),
        ("for i in range(2): i", ""),
        ("", ""),
        ("# nothing", ""),
        ("from sympy import *\nsolve(symbols('x')**2 - 2)", "[-sqrt(2), sqrt(2)]\n"),
        ("print(1)\nexit()", "1\n"),
        ("import sys\nsys.stdout.reconfigure(encoding='utf-8')\nprint(1)\nsys.exit(0)", "1\n"),
        ("import sys; sys.argv", "['']\n"),
        ("import sys; sys.stdout.buffer.write(b'bytes\\n');", "bytes\n"),
        ("import os; os.write(1, b'descriptor\\n');", "descriptor\n"),
        ("async def f(): return 5\nimport asyncio; asyncio.run(f())", "5\n"),
        ("import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.savefig('a.png'); import os; os.path.exists('a.png')", "True\n"),
        ("import networkx, mpmath, scipy.optimize, pandas, gmpy2, tqdm; gmpy2.is_prime(7)", "True\n"),
        ("from scipy.optimize import linprog; linprog([1], bounds=[(2, 3)]).x", "array([2.])\n"),
    ],
)  # fmt: skip
def test_a_block_shows_what_it_prints_and_its_last_expression(sandbox: Any, block: str, output: str) -> None:
    result = run(sandbox, block)[0]
    assert (result.status, result.stdout, result.stdout_chars) == ("ok", output, len(output))


def test_all_packages_are_loaded_and_sympy_is_warm(sandbox: Any) -> None:
    assert sandbox.pool._isolation.server.told["missing"] == []


def test_an_error_keeps_the_variables_and_shows_the_blocks_own_frames(sandbox: Any) -> None:
    failing = "x = 1\ndef f():\n    import sympy\n    sympy.sympify('1+')\nf()"
    error, after = run(sandbox, failing, "x")
    assert (error.status, after.stdout) == ("error", "1\n")
    assert "  File \"<cell 1>\", line 4, in f\n    sympy.sympify('1+')\n" in error.stderr
    assert 'File "sympy/core/sympify.py"' in error.stderr
    assert "SympifyError: " in error.stderr
    assert "/omr/" not in error.stderr
    assert "site-packages" not in error.stderr


@pytest.mark.parametrize(
    "block",
    [
        "from sympy import solve_at_once",
        "import sympy; sympy",
        "import sympy, os; print(sympy.__file__, os.__file__)",
        "import sys; print(sys.path, sys.prefix, sys.executable)",
        "import os, sympy; os.write(1, sympy.__file__.encode())",
        "import sympy; sympy.simplify_all",
        "import warnings; warnings.warn('old')",
        "import sympy; print('x' * 960, end=''); print(sympy.__file__ * 9)",
    ],
)
def test_no_output_names_a_folder_of_the_machine(sandbox: Any, block: str) -> None:
    (result,) = run(sandbox, block)
    output = result.stdout + result.stderr
    assert output
    project = Path(__file__).parents[3]
    for folder in (project, project.resolve(), SANDBOX.resolve()):
        assert str(folder)[:12] not in output


def test_the_message_of_a_deep_recursion_is_not_cut_off(sandbox: Any) -> None:
    result = run(sandbox, "def f(n): return f(n + 1)\nf(0)")[0]
    assert result.status == "error"
    assert result.stderr.endswith("RecursionError: maximum recursion depth exceeded\n")


@pytest.mark.parametrize("block", ["1 +", "def f(:", "print 1", "\0", "x = '\ud800'", "if 1:\nprint(1)"])
def test_code_that_is_no_python_is_an_error(sandbox: Any, block: str) -> None:
    broken, after = run(sandbox, block, "1")
    assert (broken.status, after.stdout) == ("error", "1\n")
    assert "Error" in broken.stderr


def test_an_exit_with_a_complaint_is_an_error(sandbox: Any) -> None:
    assert [result.status for result in run(sandbox, "import sys; sys.exit('no root')", "exit(3)")] == [
        "error",
        "error",
    ]


def test_a_progress_bar_shows_nothing_but_itself(sandbox: Any) -> None:
    result = run(sandbox, "from tqdm import tqdm\nsum(tqdm(range(10)))")[0]
    assert result.stdout == "45\n"
    assert "100%" in result.stderr
    assert "monitor" not in result.stderr


def test_only_what_is_named_is_loaded_beforehand_and_all_else_when_it_is_wanted(pools: Any) -> None:
    few = pools(cpu_s=20.0, preload=("fractions",))
    loaded = "import sys; [name in sys.modules for name in ('fractions', 'sympy', 'numpy')]"
    assert shown(few, loaded, "import sympy; sympy.sqrt(8)") == ["[True, False, False]\n", "2*sqrt(2)\n"]


def test_code_that_is_too_long_is_an_error(sandbox: Any) -> None:
    assert run(sandbox, "#" * 200_000)[0].status == "error"


def test_a_block_that_computes_too_long_is_interrupted_and_keeps_its_variables(strict: Any) -> None:
    endless, after = run(strict, "print('so far')\nn = 0\nwhile True: n += 1", "n > 1000")
    assert (endless.status, endless.stdout, after.stdout) == ("timeout", "so far\n", "True\n")
    assert endless.stderr == "TimeoutError: interrupted: a block has 0.5 s of computing and 500 s in all.\n"
    assert endless.cpu_s >= 0.5


def test_a_block_that_swallows_the_interrupt_is_killed_and_the_next_starts_with_nothing(strict: Any) -> None:
    killed, after = run(
        strict, "x = 1\nwhile True:\n  try:\n    for i in range(10**7): i + 1\n  except BaseException: pass", "x"
    )
    assert killed.status == "killed"
    assert "All variables are lost" in killed.stderr
    assert "NameError" in after.stderr


def test_the_clock_is_computing_time_so_that_a_sleep_is_no_timeout(pools: Any) -> None:
    limited = pools("packages", wall_factor=8.0)
    slept, too_long = run(limited, "import time; time.sleep(0.8)", "time.sleep(1000)")
    assert slept.status == "ok"
    assert slept.wall_s >= 0.8 > 0.5 > slept.cpu_s
    assert (too_long.status, too_long.stderr) == (
        "timeout",
        "TimeoutError: interrupted: a block has 0.5 s of computing and 4 s in all.\n",
    )


def test_blocks_wait_for_a_slot_and_their_clocks_with_them(strict: Any) -> None:
    import asyncio

    async def many() -> list[Result]:
        sessions = [await strict.pool.open(str(n), 0) for n in range(8)]
        block = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
        results = await asyncio.gather(*(session.run(block) for session in sessions))
        await asyncio.gather(*(session.close() for session in sessions))
        return results

    assert {result.status for result in strict.run(many())} == {"ok"}


def test_too_much_memory_is_an_error_that_the_session_survives(sandbox: Any) -> None:
    error, after = run(sandbox, "x = 5\nbig = bytearray(10**9)", "x")
    assert (error.status, after.stdout) == ("error", "5\n")
    assert "MemoryError" in error.stderr


def test_a_million_characters_are_counted_and_a_thousand_kept(sandbox: Any) -> None:
    result = run(sandbox, "import sys\nprint('x' * 10**6)\nprint('y' * 10**6, file=sys.stderr)")[0]
    assert (result.stdout, result.stdout_chars) == ("x" * 1000, 10**6 + 1)
    assert (result.stderr, result.stderr_chars) == ("y" * 1000, 10**6 + 1)


@pytest.mark.parametrize("text", ["'\\ud800'", "chr(0xdfff) + 'a' * 2000", "'\\0\\x1b[2J'", "'€∑𝔸'"])
def test_output_is_unicode_that_can_be_stored(sandbox: Any, text: str) -> None:
    result = run(sandbox, f"print({text})")[0]
    assert result.status == "ok"
    assert result.stdout.encode().decode() == result.stdout
    assert 0 < len(result.stdout) <= 1000


def test_it_has_a_folder_and_a_bound_on_it(sandbox: Any) -> None:
    fill = "n = 0\nwhile True: n += open(f'f{n}', 'wb').write(b'x' * 2**20)"
    written, full = run(sandbox, "open('a.txt', 'w').write('hello'); open('a.txt').read()", fill)
    assert written.stdout == "'hello'\n"
    assert "No space left" in full.stderr


NUMBERS = (
    "import random, numpy as np, sympy, secrets\n"
    "print(random.random(), np.random.rand(), np.random.default_rng().random(), sympy.core.random.random(), list({'a', 'b', 'c'}))"
)


def test_a_seed_gives_the_same_numbers_also_in_another_pool(sandbox: Any, pools: Any) -> None:
    first, second = shown(sandbox, NUMBERS, seed=7), shown(sandbox, NUMBERS, seed=7)
    assert first == second == shown(pools("landlock"), NUMBERS, seed=7)
    assert first != shown(sandbox, NUMBERS, seed=8)


@pytest.mark.parametrize("seed", [0, 2**32, 2**63, 10**30])
def test_any_seed_will_do(sandbox: Any, seed: int) -> None:
    assert run(sandbox, "import numpy; numpy.random.rand() < 1", seed=seed)[0].status == "ok"


def test_the_environment_holds_nothing_of_the_jobs(sandbox: Any) -> None:
    names = shown(sandbox, "import os; sorted(os.environ)")[0]
    assert eval(names) == [
        "HOME", "MKL_NUM_THREADS", "MPLBACKEND", "MPLCONFIGDIR", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED", "TMPDIR",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "block", ["import os; os._exit(3)", "import os; os.abort()", "import ctypes; ctypes.string_at(0)"]
)
def test_after_a_crash_the_next_block_starts_with_nothing(sandbox: Any, block: str) -> None:
    _, died, after, again = run(sandbox, "x = 1", block, "x", "y = 2; y")
    assert died.status == "died"
    assert "NameError" in after.stderr
    assert again.stdout == "2\n"


def test_a_forged_reply_spoils_only_its_own_session(sandbox: Any) -> None:
    forge = "import os; os.write(3, b'{\"n\": 99}')"

    async def beside_another() -> tuple[Result, Result]:
        evil, good = await sandbox.pool.open("evil", 0), await sandbox.pool.open("good", 0)
        await good.run("x = 1")
        broken, fine = await asyncio.gather(evil.run(forge), good.run("x"))
        await evil.close()
        await good.close()
        return broken, fine

    broken, fine = sandbox.run(beside_another())
    assert (broken.status, fine.stdout) == ("broken", "1\n")


def test_a_process_that_speaks_before_it_is_asked_gets_no_block(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    new_child = sandbox.pool.new_child

    async def talkative_at_first(session: Session) -> Child:
        child: Child = await new_child(session)
        started.append(child)
        if len(started) == 1:
            child.send(b'{"n": 0, "code": "x = 1"}')  # its answer comes when nobody waits for one
            while not child.spoke_unasked:
                await asyncio.sleep(0.01)
        return child

    monkeypatch.setattr(sandbox.pool, "new_child", talkative_at_first)
    broken, after = run(sandbox, "y = 2; y", "'x' in globals(), 'y' in globals()")
    assert (broken.status, broken.stdout, started[0].ended) == ("broken", "", True)
    assert (after.stdout, len(started)) == ("(False, False)\n", 2)


def replayed(sandbox: Any, past: list[Past], block: str) -> tuple[bool, Result]:
    async def replay() -> tuple[bool, Result]:
        session = await sandbox.pool.open("resumed", 3)
        differs = await session.replay(past)
        result = await session.run(block)
        await session.close()
        return differs, result

    found: tuple[bool, Result] = sandbox.run(replay())
    return found


def test_a_replay_rebuilds_the_variables_of_blocks_that_ended_well_or_in_errors(sandbox: Any) -> None:
    blocks = ["x = 5; x", "y = 7; 1/0", "import random; z = random.random(); z"]
    past = [Past(code, r.status, r.stdout) for code, r in zip(blocks, run(sandbox, *blocks, seed=3), strict=True)]
    past.append(Past("x = 'half a block'\nwhile True: pass", "timeout", ""))
    differs, after = replayed(sandbox, past, "print(x, y, z)")
    assert not differs
    assert after.stdout == f"5 7 {past[2].stdout}"


def test_a_replay_that_comes_out_otherwise_says_so(sandbox: Any) -> None:
    differs, after = replayed(sandbox, [Past("x = 5; x", "ok", "6\n")], "x")
    assert (differs, after.stdout) == (True, "5\n")


def test_a_replay_does_not_take_longer_than_three_blocks_may(strict: Any) -> None:
    slow = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    differs, after = replayed(strict, [Past(slow, "ok", "")] * 50, "end")
    assert differs
    assert "NameError" in after.stderr
