"""On a terminal one place draws; what jobs print goes past it into a file."""

from __future__ import annotations

import sys
from pathlib import Path

from terminals import on_terminal, plain

PROGRAM = """
import subprocess, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from rich.text import Text
from omr.live.display import Display

display = Display(Path("said.log"))
for turn in range(3):
    subprocess.run("echo noise {0}; echo more >&2; echo 'error: it broke \\x1b[2J {0}' >&2".format(turn), shell=True)
    display.draw(lambda width, height: Text(f"drawn {turn} on {width}x{height}"), everything=turn == 2)
display.show("a line that stays")
print("swallowed", flush=True)
display.end()
display.end()
print("after", sys.stdout.isatty(), sys.stderr.isatty())
subprocess.run("echo child after", shell=True)
"""


def test_jobs_print_past_the_drawing_and_what_is_for_people_is_shown(tmp_path: Path) -> None:
    scripts = str(Path(__file__).parents[3] / "scripts")
    status, written = on_terminal([sys.executable, "-c", PROGRAM, scripts], tmp_path, columns=70, lines=20)
    shown = plain(written)
    assert status == 0, shown
    assert "drawn 0 on 70x20" in shown
    assert "noise 0" not in shown
    assert "noise 1" not in shown
    assert "noise 2" in shown  # a job spoke whose words are what it is for
    assert shown.count("error: it broke [2J") == 3
    assert "\x1b[2J" not in written
    assert "a line that stays" in shown
    assert "swallowed" not in shown
    assert shown.endswith("after True True\nchild after\n")
    assert written.rfind("\x1b[?25h") > written.rfind("\x1b[?25l")  # the cursor is there
    said = (tmp_path / "said.log").read_text()
    assert said.count("noise") == 3
    assert said.endswith("swallowed\n")


def test_a_run_that_breaks_off_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    scripts = str(Path(__file__).parents[3] / "scripts")
    program = PROGRAM.split("for turn")[0] + "raise SystemExit('gone')"
    status, written = on_terminal([sys.executable, "-c", program, scripts], tmp_path)
    assert status == 1
    assert written.rfind("\x1b[?25h") > written.rfind("\x1b[?25l")
    assert "gone" in plain(written)
