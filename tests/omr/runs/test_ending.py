"""The end of a run says what was made, or what failed, what is kept, and which command goes on."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omr.runs.ending import Ending, fitted
from omr.runs.failed_nodes import Failed, FailedNodes, write_failed_nodes
from omr.runs.planned import Planned

RUN = "results/small"


@pytest.fixture
def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ending:
    monkeypatch.chdir(tmp_path)
    return Ending(RUN, ["/envs/bin/snakemake", "--configfile", "my own.yaml", "--cores", "2"])


def write(path: str, text: str = "") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return path


def failed(rule: str, log: str, **wildcards: str) -> Any:
    return SimpleNamespace(name=rule, wildcards_dict={"run": "small", **wildcards}, log=[log])


def test_a_run_ends_with_its_tables_and_where_its_products_are(ending: Ending) -> None:
    made = [
        write(f"{RUN}/cot/stages.txt", "stage read\nvote 9\n\nwords below"),
        write(f"{RUN}/stages.txt", "stage read\nparse 7\n\nwords below"),
        write(f"{RUN}/cot/sft.jsonl"),
        write(f"{RUN}/cot/counts/x.json"),
        write(f"{RUN}/cot/report.html"),
        write(f"{RUN}/cot/rl"),
        write(f"{RUN}/cot/preferences"),
        f"{RUN}/cot/dataset",  # was not made after all
    ]
    assert ending.success(made, []).splitlines() == [
        f"{RUN}/stages.txt",
        "stage read",
        "parse 7",
        "",
        f"{RUN}/cot/stages.txt",
        "stage read",
        "vote 9",
        "",
        f"training rows:  {RUN}/cot/sft.jsonl",
        f"for RL:         {RUN}/cot/rl",
        f"preferences:    {RUN}/cot/preferences",
        f"report:         {RUN}/cot/report.html",
        f"look around:    python scripts/browse.py --run {RUN}",
    ]


def test_a_page_that_people_asked_for_is_shown_where_the_job_said_it_elsewhere_also_if_it_failed(
    ending: Ending, capsys: pytest.CaptureFixture[str]
) -> None:
    page = write(f"{RUN}/logs/try_server/m.log", "ok     start\x1b[2J: 3 s\nerror: it has no answer\n")
    for here, shown in ((True, 0), (False, 1)):
        ending.watch(Planned(pages=[page, f"{RUN}/logs/try_server/never-began.log"]), jobs_run_here=here, remakes=True)
        ending.tell_success()
        said = capsys.readouterr().err
        assert said.count(f"{page}\nok     start[2J: 3 s\nerror: it has no answer\n") == shown
    with pytest.raises(SystemExit):
        ending.tell_failure([failed("try_server", page)], 1, [])
    assert "ok     start" in capsys.readouterr().err


def test_a_run_for_one_file_names_it_and_one_that_makes_nothing_of_a_run_says_nothing(ending: Ending) -> None:
    made = [write(f"{RUN}/{name}.jsonl") for name in ("raw", "problems")]
    assert ending.success(made, made[1:]) == f"made:           {RUN}/problems.jsonl"
    assert ending.success([write("results/downloads/x")], ["results/downloads/x"]) == ""
    shards = [write(f"{RUN}/judged/{n}.jsonl") for n in range(9)]
    assert ending.success(shards, shards).splitlines()[4:] == [
        f"made:           {RUN}/judged/4.jsonl",
        "... and 4 more",
    ]


def test_a_failure_names_job_error_remedy_log_and_the_command_that_goes_on(ending: Ending) -> None:
    log = write(
        "logs/a.log", "begun\nerror: an old one\nmore\n2026 error: no room\x1b[2J\n  remedy: make some\nlater\n"
    )
    write(f"{RUN}/problems.jsonl")
    said = ending.failure([failed("judge_answers", log, recipe="cot", shard="003", shards="008")], 7, ["s.log"])
    assert said.splitlines() == [
        "The run did not finish: 1 of its jobs failed, 7 are left.",
        "  judge_answers (recipe cot, shard 003)",
        "    2026 error: no room[2J",
        "      remedy: make some",
        "    log: logs/a.log",
        f"Kept in {RUN}: all finished files, and every reply that was stored; none is asked for again.",
        "When that is mended, the same command goes on:",
        "  snakemake --configfile 'my own.yaml' --cores 2",
        "Snakemake's own log: s.log",
    ]


def test_a_log_without_an_error_is_quoted_by_its_last_line_and_one_that_says_nothing_is_said_to(ending: Ending) -> None:
    trace = write("logs/a.log", "Traceback\n  File\nZeroDivisionError: division by zero\n\n")
    said = ending.failure(
        [failed("a", trace), failed("b", "logs/none.log"), failed("c", write("logs/c.log"))], 2, []
    ).splitlines()
    assert "    ZeroDivisionError: division by zero" in said
    for log in ("none", "c"):
        assert f"    log: logs/{log}.log (it says nothing: what the job said stands above)" in said


def test_many_failed_jobs_are_counted_and_few_are_shown(ending: Ending) -> None:
    said = ending.failure([failed("judge", f"logs/{n}.log", shard=str(n)) for n in range(40)], 50, [])
    assert said.count("  log: ") == 5
    assert "... and 35 more" in said


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (".venv/bin/snakemake", ".venv/bin/snakemake"),
        ("{here}/.venv/bin/snakemake", ".venv/bin/snakemake"),
        ("/envs/bin/snakemake", "snakemake"),
        ("{here}/.venv/lib/snakemake/__main__.py", "snakemake"),  # python -m snakemake
    ],
)
def test_the_command_that_goes_on_can_be_typed_as_it_is_told(ending: Ending, typed: str, told: str) -> None:
    ending = Ending(RUN, [typed.format(here=Path.cwd()), "-c", "2"])
    assert f"\n  {told} -c 2\n" in ending.failure([], 1, [])


@pytest.mark.parametrize("remakes", [True, False])
def test_a_stopped_run_is_told_to_make_again_what_it_was_making_unless_it_does_so_anyway(
    ending: Ending, remakes: bool
) -> None:
    before = {n: signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        ending.watch(Planned(), jobs_run_here=True, remakes=remakes)
        assert "--rerun-incomplete" not in ending.failure([], 1, [])  # nothing was cut off
        signal.raise_signal(signal.SIGTERM)
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)
    assert ("--cores 2 --rerun-incomplete\n" in ending.failure([], 1, [])) == (not remakes)


def test_reasons_are_wrapped_below_each_other_on_a_terminal_and_nowhere_else() -> None:
    table = "stage read why\nvote     9 " + ", ".join(f"reason_{n} {n}" for n in range(9)) + "\nparse    7 -"
    head, *lines = fitted(table, 40).splitlines()
    assert head == "stage read why"
    assert all(len(line) <= 40 for line in lines)
    assert all(line.startswith(" " * 11 + "reason") for line in lines[1:-1])
    assert " ".join(" ".join(lines).split()) == " ".join(table.split("\n", 1)[1].split())
    assert fitted(table, None) == table
    assert fitted(table, 30) == table  # no room for them


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_run_that_was_stopped_ends_as_that_and_blames_no_job(
    ending: Ending, number: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before, heard = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}, []
    try:
        signal.signal(number, lambda number, frame: heard.append(number))
        ending.watch(Planned(), jobs_run_here=True, remakes=True)
        signal.raise_signal(number)
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)
    assert heard == [number]
    with pytest.raises(SystemExit) as ended:
        ending.tell_failure([failed("judge", "logs/a.log")], 3, [])
    assert ended.value.code == 128 + number
    said = capsys.readouterr().err
    assert name in said
    assert "3 jobs are left" in said
    assert "judge" not in said
    assert "every reply that was stored" not in said


def test_a_run_of_which_nothing_was_made_promises_nothing(ending: Ending) -> None:
    write(f"{RUN}/config.yaml")
    said = ending.failure([failed("read_problems", "logs/a.log")], 3, [])
    assert f"Nothing of {RUN} was made yet." in said
    assert "Kept" not in said


def test_a_signal_that_the_process_was_started_to_ignore_stays_ignored(ending: Ending) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    term = signal.getsignal(signal.SIGTERM)
    try:
        ending.watch(Planned(), jobs_run_here=True, remakes=True)
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, term)
    assert ending.failure([], 0, []).startswith("The run did not finish")


def test_a_run_whose_budget_is_used_up_says_what_is_kept_and_how_to_go_on(ending: Ending) -> None:
    log = write("logs/a.log", "error: the budget is used up: this job ends\n")
    write(f"{RUN}/replies/judge_answers/a.jsonl.journal")
    said = ending.failure([failed("judge_answers", log)], 7, ["s.log"], used_up="the budget is used up: 4 are spent")
    assert said.splitlines() == [
        "Stopped, since the budget is used up: 4 are spent; 7 jobs are left.",
        f"Kept in {RUN}: all finished files, and every reply that was stored; none is asked for again.",
        "To go on, raise `budget` in config or do less (`seeds`, `recipes_to_run`), and the same command again:",
        "  snakemake --configfile 'my own.yaml' --cores 2",
        "Snakemake's own log: s.log",
    ]


def test_what_is_drawn_on_a_terminal_is_gone_before_anything_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ended: list[tuple[str, str]] = []
    ending = Ending(RUN, ["snakemake"], before=lambda how: ended.append((how, capsys.readouterr().err)))
    ending.tell_success()
    with pytest.raises(SystemExit):
        ending.tell_failure([], 1, [])
    assert ended == [("done", ""), ("stopped", "")]
    assert "did not finish" in capsys.readouterr().err


def test_nodes_on_which_jobs_failed_are_told_at_either_end(ending: Ending) -> None:
    made = [write(f"{RUN}/cot/sft.jsonl")]
    write_failed_nodes(
        Path(RUN, "nodes.json"), FailedNodes([Failed(time.time(), "n1", "7", "rule_a", "start", "no GPU")])
    )
    told = f"1 job failed on the node n1 (no GPU); further tries avoid it; to use it again, remove {RUN}/nodes.json"
    assert ending.success(made, []).splitlines()[-1] == f"nodes:          {told}"
    assert f"Nodes: {told}." in ending.failure([], 1, []).splitlines()
