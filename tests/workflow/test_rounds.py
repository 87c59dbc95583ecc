"""Different numbers of solutions in the real workflow: a table, rounds, and what a change of them makes again."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from omr.files.jsonl import read_rows
from workflow.projects import Project

pytestmark = pytest.mark.workflow
ENOUGH = {"right": 2, "votes": 2, "share": 0.9, "give_up_after": None}


def numbers(to_half: int, above: int, without: int) -> dict[str, Any]:
    rows = [{"to": 0.5, "extracted": to_half, "majority": to_half}, {"to": 1.0, "extracted": above, "majority": above}]
    return {"measure": "cot-qwq", "table": rows, "no_rate": {"extracted": without, "majority": without}}


def overlay(project: Project, seeds: dict[str, Any], **recipe: Any) -> tuple[str, ...]:
    """Arguments for the demo where `cot-qwq` asks in two rounds, and `cot-r1` goes by its pass rates."""
    content = {
        "difficulty": {"from": "cot-qwq", "pass_rate_72b_tir": "cot-qwq"},
        "recipes": {"cot-qwq": {"rounds": [2, 2], "enough": ENOUGH} | recipe, "cot-r1": {"seeds": seeds}},
    }
    return "--configfile", "config/demo.yaml", project.overlay("rounds.yaml", content)


def rows(project: Project, pattern: str) -> list[dict[str, Any]]:
    return [row for path in sorted(project.folder.glob(f"results/demo/{pattern}")) for row in read_rows(path)]


def test_rounds_and_tables_ask_fewer_solutions_and_a_change_asks_only_what_is_new(demo: Project) -> None:
    asked_before = Counter(row["id"] for row in rows(demo, "cot-qwq/solutions/seed-*/shard-*.jsonl"))
    said = demo.make(*overlay(demo, numbers(2, 1, 1)), "--quiet", "rules")

    # The first round asked everybody, the second only those who had not enough.
    plan = {row["id"]: row for row in rows(demo, "cot-qwq/rounds/02/plan/shard-*.jsonl")}
    asked = Counter(row["id"] for row in rows(demo, "cot-qwq/solutions/seed-*/shard-*.jsonl"))
    assert asked == {name: row["seeds"] for name, row in plan.items()}
    assert set(asked.values()) == {2, 4}
    assert asked.total() < asked_before.total()
    # All of that was in the journals of the first run already.
    logs = demo.folder.glob("results/demo/cot-qwq/logs/generate_solutions/*/shard-???-of-???.log")
    found = [re.findall(r"(\d+) of \d+ requests have no reply yet", log.read_text()) for log in logs]
    assert len(found) == 4  # two seeds of two shards in each round
    assert {numbers[-1] for numbers in found} == {"0"}

    # The vote, the verdicts and the products know how many there are.
    judged = Counter(row["id"] for row in rows(demo, "cot-qwq/judged/shard-*.jsonl"))
    assert all(plan[name]["seeds"] == count for name, count in judged.items())
    rates = {row["id"]: row["share"] for row in rows(demo, "cot-qwq/pass_rates.jsonl")}
    for row in rows(demo, "cot-r1/sft.jsonl"):
        share = rates.get(row["problem_id"])
        assert row["pass_rates"] == {"cot-qwq": share}
        assert row["pass_rate_72b_tir"] == ("n/a" if share is None else str(share))
    table = Counter(row["id"] for row in rows(demo, "cot-r1/solutions/seed-*/shard-*.jsonl"))
    assert table == {
        row["id"]: 2 if (rates.get(row["id"], 1.0)) <= 0.5 else 1 for row in rows(demo, "decontaminated.jsonl")
    }
    assert "Error" not in said

    # A question that the first round asked is not among those of the last.
    first = {row["id"] for row in rows(demo, "cot-qwq/rounds/01/judgements/shard-*.jsonl")}
    last = {row["id"] for row in rows(demo, "cot-qwq/judgements/shard-*.jsonl")}
    assert first
    assert not first & last

    # Another number in the table changes who gets the second solution, and asks again who has it in its file.
    planned = demo.make("-n", *overlay(demo, numbers(2, 1, 2)))
    jobs = re.findall(r"^rule generate_solutions:.*?wildcards: ([^\n]+)", planned, re.MULTILINE | re.DOTALL)
    assert [job for job in jobs if "cot-qwq" in job] == []
    assert len(jobs) == 1
    assert "seed=00-to-01" in jobs[0]
    done = len(rows(demo, "cot-r1/solutions/seed-*/shard-*.jsonl"))
    demo.make(*overlay(demo, numbers(2, 1, 2)), "--quiet", "rules", "--until", "generate_solutions")
    (log,) = demo.folder.glob("results/demo/cot-r1/logs/generate_solutions/*/shard-???-of-???.log")
    now = len(rows(demo, "cot-r1/solutions/seed-*/shard-*.jsonl"))
    missing = re.findall(r"(\d+) of (\d+) requests have no reply yet", log.read_text())[-1]
    # The demo had asked for it before there was a table, and it was put aside.
    assert (now > done, missing) == (True, ("0", str(now)))


def test_one_solution_more_than_rounds_hold_asks_nothing_of_them_again(demo: Project) -> None:
    shards = [f"results/demo/cot-qwq/judged/shard-{number:03d}-of-002.jsonl" for number in range(2)]
    demo.make(*shards, *in_rounds(demo, 3), "--quiet", "rules")
    before = {path: path.stat().st_mtime_ns for path in round_files(demo)}
    assert len(before) == 4

    more = in_rounds(demo, 4)
    planned = demo.make("-n", *shards, *more)
    jobs = re.findall(r"^(?:local)?rule (\w+):.*?^    output: ([^\n]+)", planned, re.MULTILINE | re.DOTALL)
    asked = {made.split(",")[0] for rule, made in jobs if rule in ("generate_solutions", "judge_answers_of_round")}
    assert {re.search(r"(seed|round)-\d+", path)[0] for path in asked} == {"seed-03", "round-03"}  # type: ignore[index]
    demo.make(*shards, *more, "--quiet", "rules")
    after = {path: path.stat().st_mtime_ns for path in round_files(demo)}
    assert len(after) == 6
    assert before.items() <= after.items()
    judged = Counter(row["id"] for row in rows(demo, "cot-qwq/judged/shard-*.jsonl"))
    plan = {row["id"]: row["seeds"] for row in rows(demo, "cot-qwq/rounds/03/plan/shard-*.jsonl")}
    assert 4 in judged.values()
    assert all(plan[name] == count for name, count in judged.items())


def in_rounds(project: Project, seeds: int) -> tuple[str, ...]:
    """Arguments for the demo where `cot-qwq` asks for so many solutions, in rounds that hold three."""
    recipe = {"seeds": seeds, "rounds": [1, 2], "seeds_per_job": 1, "enough": ENOUGH}
    return "--configfile", "config/demo.yaml", project.overlay("rounds.yaml", {"recipes": {"cot-qwq": recipe}})


def round_files(project: Project) -> list[Path]:
    return sorted(project.folder.glob("results/demo/cot-qwq/replies/judge_answers/round-*/shard-*.jsonl"))


def test_a_measure_needs_no_summaries_and_no_training_rows(project: Project) -> None:
    planned = project.planned("results/demo/cot-r1/pass_rates.jsonl", "--configfile", "config/demo.yaml")
    assert planned["measure_pass_rates"] == 1
    assert not {"select_traces", "generate_summaries", "prepare_sft"} & set(planned)


@pytest.mark.parametrize(
    ("recipe", "change", "rule"),
    [
        ("cot-few", {"enough": {"right": 1, "votes": 2, "share": 1.0, "give_up_after": 1}}, "plan_solutions"),
        ("tir-openmath", {"code": {"output_chars": 900}}, "generate_solutions"),
        ("genselect-qwq", {"candidates": {"max_chars": 3999}}, "form_groups"),
    ],
)
def test_a_changed_knob_makes_again_what_it_is_about(
    finished_demo: Project, tmp_path: Path, recipe: str, change: dict[str, Any], rule: str
) -> None:
    # Snakemake does not compare params that depend on inputs: a knob in one of those would change nothing.
    overlay = tmp_path / "change.yaml"
    overlay.write_text(yaml.safe_dump({"recipes": {recipe: change}}))
    planned = finished_demo.planned("--configfile", "config/demo.yaml", str(overlay), "--nolock")
    assert planned.get(rule, 0) >= 1
    assert "prepare_raw_data" not in planned
