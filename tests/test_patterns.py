"""Every regular expression of the scripts takes time in step with its text, whatever a model, a poster or a server wrote.

Nothing is timed against a clock: a text that is eight times as long must not cost twenty times the CPU time, twice.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PLANTED = r"""
import re
_DIGITS = re.compile(r"[0-9]++(?=x)")
_AT_START = re.compile(r"[A-C]++$")
_ANYWHERE = re.compile(r"[A-C]++$")
_BY_NAME = {name: re.compile(rf"{name}:[a-z:]*+;") for name in ("by",)}
_BYTES = [(re.compile(rb'"a+"'), 1)]

def digits(text): return _DIGITS.search(text)
def capitals(text): return _ANYWHERE.sub("", text) if _AT_START.match(text) else text
def words(text): return re.sub(r"(?:[a-z]+)+;", "", text, flags=re.IGNORECASE)
def whatever(text, word): return re.search(rf"{word}\b", text)
"""


def checked(folder: Path, *options: str) -> dict[str, Any]:
    """`places` of patterns, `unknown` ones, and those that are `steep`, each with a text on which it is."""
    command = [sys.executable, str(ROOT / "tests/pattern_times.py"), str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_pattern_takes_time_in_step_with_its_text() -> None:
    found = checked(ROOT / "scripts", "--ours")
    assert found["steep"] == []
    assert found["unknown"] == [], "tests/patterns_made.py makes patterns that depend on arguments"
    written = {
        f"{path.relative_to(ROOT / 'scripts')}:{number}"
        for path in (ROOT / "scripts").rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(
            r"\bre\.(?:compile|search|match|fullmatch|finditer|findall|split|subn?)\(|(?<!def )(?<!f.)\blazy\(", line
        )
    }
    assert written == set(found["places"])


def test_a_pattern_that_takes_more_is_found_by_its_use_and_told_with_its_text(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(PLANTED)
    (tmp_path / "other.py").write_text("from re import search\n")
    found = checked(tmp_path)
    assert sorted(found["steep"]) == [
        r"planted.py:11: '(?:[a-z]+)+;' (finditer) on 'a' again and again",  # exponential
        r"planted.py:3: '[0-9]++(?=x)' (search) on '1' again and again",
        r"planted.py:5: '[A-C]++$' (finditer) on 'A' again and again",
        r"planted.py:6: 'by:[a-z:]*+;' (finditer) on 'by:a' again and again",
    ]
    assert found["unknown"] == ["other.py:1", "planted.py:12"]
    assert found["places"] == [f"planted.py:{line}" for line in (11, 3, 4, 5, 6, 7)]
