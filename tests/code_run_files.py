"""A small run on the disk whose recipe runs code: one problem, two right solutions, of which one needed its code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from code_files import Ran, coded_reply
from omr.training.code_rows import TOOLS
from row_shards import whole_row, write_shard
from run_files import PROBLEM, asked, config, reply, write_config, write_counts, write_problem_stages, write_rows

RECIPE = "tir-small"
SHARD = "shard-000-of-001"


def code_config(**changes: Any) -> dict[str, Any]:
    """The config of that run."""
    recipe = config()["recipes"]
    full = _limo() | {"model": "solver", "seeds": 2, "shards": 1}
    return {"recipes": {RECIPE: full, **recipe}, "recipes_to_run": [RECIPE]} | changes


def _limo() -> dict[str, Any]:
    from run_files import ROOT, read_config

    found: dict[str, Any] = read_config([ROOT / "config/config.yaml"])["recipes"]["tir-limo"]
    return found


def counts(home: Path, stage: str, read: int, passed: int, written: int, **more: Any) -> None:
    dropped = more.pop("dropped", {})
    write_counts(
        home / "counts" / stage / f"{SHARD}.json",
        stage=stage, read=read, passed=passed, written=written, dropped=dropped, **more,
    )  # fmt: skip


def write_code_run(results: Path, hostile: str = "fine") -> Path:
    """The whole run; returns its folder."""
    run = results / "small"
    write_config(run, **code_config())
    write_problem_stages(run)
    home = run / RECIPE
    pieces = f"Hm. {hostile}\n", Ran(f"print('{hostile}')", hostile), f"So {hostile} ", Ran("1 / 0", hostile, "error")
    seats: list[dict[str, Any]] = []
    for seed in range(2):
        solution = coded_reply(PROBLEM, *pieces, "It is \\boxed{2}.", seed=seed, budget=4, turns=3, code_cpu_s=1.5)
        write_rows(home / f"solutions/seed-{seed:02d}/{SHARD}.jsonl", solution)
        asked(home, f"generate_solutions/seed-{seed:02d}", 1)
        seats.append(
            {"id": PROBLEM, "seed": seed, "predicted_answer": "2", "expected_answer": "2", "completion_tokens": 40}
            | {"answer_source": "extracted", "majority_votes": 2, "total_votes": 2}
        )
    judged = [seat | {"judgement": "yes", "judged_by": "symbolic", "unjudged_reason": None} for seat in seats]
    write_rows(home / f"majority/{SHARD}.jsonl", *seats)
    write_rows(home / f"judged/{SHARD}.jsonl", *judged)
    cleaned = [row | {"blocks": 2, "blocks_ok": 1, "budget": 4} for row in judged]
    write_rows(home / f"cleaned/{SHARD}.jsonl", *cleaned)
    traceback = [{"id": f"{PROBLEM}-{seed}-1", "reason": "traceback", "seed": seed} for seed in range(2)]
    write_rows(home / f"dropped/cut_fragments/{SHARD}.jsonl", *traceback)
    votes = [
        reply(f"{PROBLEM}-{seed}-0", "judge_novelty", f"Novelty: {label}")
        for seed, label in enumerate(("new", "check"))
    ]
    write_rows(home / f"replies/judge_code/{SHARD}.jsonl", *votes)
    asked(home, "judge_code", 32)
    write_rows(
        home / f"selected/{SHARD}.jsonl", cleaned[0] | {"fragments": 1, "novel_significant": 1, "novel_moderate": 0}
    )
    dropped = {"id": PROBLEM, "seed": 1, "reason": "code_not_needed", "fragments": {"check": 1}}
    write_rows(home / f"dropped/select_by_code/{SHARD}.jsonl", dropped)
    write_rows(
        home / f"dropped/prepare_sft/{SHARD}.jsonl", {"id": f"{PROBLEM}-1", "seed": 1, "reason": "code_filtered"}
    )
    text = (
        f"Hm. {hostile}\n<tool_call>\nprint('{hostile}')\n</tool_call>\n```output\n{hostile}\n```\nIt is \\boxed{{2}}"
    )
    row = {
        "id": f"{PROBLEM}-0",
        "problem": "What is $1+1$?",
        "problem_id": PROBLEM,
        "seed": 0,
        "generated_solution": text,
    }
    call = {"type": "function", "function": {"name": "run_python", "arguments": {"code": f"print('{hostile}')"}}}
    chat = [
        {"role": "user", "content": "What is $1+1$?"},
        {"role": "assistant", "content": f"Hm. {hostile}", "tool_calls": [call]},
        {"role": "tool", "name": "run_python", "content": hostile},
        {"role": "assistant", "content": "It is \\boxed{2}"},
    ]
    row |= {"messages_with_tools": chat, "tools": TOOLS, "code_blocks": 1, "code_failures": 0, "code_budget": None}
    write_shard(home, [whole_row(**row, pass_rate=1.0, expected_answer="2", problem_type="has_answer_extracted")])
    counts(home, "fill_majority_answer", 1, 1, 2, solutions={"answered": 2})
    counts(home, "merge_judgements", 2, 2, 2, judgement={"yes": 2}, judged_by={"symbolic": 2})
    code = {
        "solutions_by_blocks": {"0": 1, "2": 2, "10": 1}, "ended": {"stop": 3, "too_many_blocks": 1},
        "block_status": {"error": 2, "ok": 2}, "budget_used": {"4: 2": 2}, "code_cpu_s": 3.0, "turns": 6,
        "replays_differ": 0, "ran_on": 0,
    }  # fmt: skip
    counts(home, "clean_code_solutions", 2, 2, 2, **code)
    counts(home, "cut_fragments", 2, 2, 2, dropped_parts={"traceback": 2})
    votes_of = {"judge_novelty": {"check": 8, "new": 8}, "judge_significance": {"significant": 16}}
    kept = {"fragments": {"check": 1, "significant": 1}, "votes": votes_of, "votes_for_new": {"0 of 8": 1, "8 of 8": 1}}
    counts(home, "select_by_code", 2, 1, 1, dropped={"code_not_needed": 1}, **kept)
    counts(home, "prepare_sft", 2, 1, 1, dropped={"code_filtered": 1})
    return run
