"""A small run on the disk, as its stages would leave it: two threads, one recipe with two seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import yaml
from omr.config.files import read_config
from omr.files.jsonl import dumps
from omr.solutions.pass_rate import PassRate
from omr.solutions.solution_figures import SolutionFigures
from omr.training.dropped_samples import sample_of
from row_shards import whole_row, write_shard

ROOT = Path(__file__).parents[1]
THREAD, OTHER, SILENT = "00112233445566aa", "00112233445566bb", "ffeeddccbbaa9988"
PROBLEM, CONTAMINATED = f"{THREAD}-1", f"{OTHER}-1"
RECIPE = "cot-small"
#: Model text that must never become markup.
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> $\\text{<b>}$ $\\href{javascript:alert(3)}{x}$ \x1b[2J"


def config(**changes: Any) -> dict[str, Any]:
    """The config of the small run; `changes` replace parts of it."""
    base = read_config([ROOT / "config" / name for name in ("config.yaml", "models.yaml", "benchmarks.yaml")])
    stages = {
        name: ({**stage, "shards": 1} if isinstance(stage, dict) else stage) for name, stage in base["problems"].items()
    }
    decontaminate = base["decontaminate"]
    decontaminate["check_contamination"]["shards"] = 1
    recipe = base["recipes"]["cot-qwq"] | {"model": "solver", "seeds": 2, "rounds": None, "shards": 1}
    model = {"path": "some/solver", "server": "endpoint", "base_url": "http://localhost:1"}
    model |= {"usd_per_million_prompt_tokens": 1.0, "usd_per_million_completion_tokens": 2.0}
    small = {
        "run": "small",
        "problems": stages,
        "recipes": {RECIPE: recipe},
        "recipes_to_run": [RECIPE],
        "models": {"solver": model},
        "labelling_model": "solver",
        "budget": {"usd": None, "gpu_hours": None},
    }
    return base | small | changes


def write_config(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config(**changes)), encoding="utf-8")
    return path


def write_rows(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(dumps, rows)))


def write_counts(path: Path, **counts: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(counts))


def cpu(folder: Path, stage: str, read: int, passed: int, dropped: dict[str, int] | None = None, **notes: Any) -> None:
    """The counts of a CPU stage."""
    counts = {"stage": stage, "read": read, "passed": passed, "written": passed, "dropped": dropped or {}}
    write_counts(folder / "counts" / f"{stage}.json", **(counts | notes))


def asked(folder: Path, stage: str, requests: int, shard: str = "shard-000-of-001", **changes: Any) -> None:
    """The counts of a shard of a model stage."""
    counts: dict[str, Any] = {"stage": stage, "model": "solver", "served": "some/solver", "wall_s": 10.0, "gpus": 0}
    counts |= {"requests": requests, "answered": requests, "failed": {}, "finish_reasons": {"stop": requests}}
    counts |= {
        "prompt_tokens": 100 * requests,
        "completion_tokens": 10 * requests,
        "without_usage": 0,
        "latency_s": 1.0,
    }
    write_counts(folder / "counts" / stage / f"{shard}.json", **(counts | changes))


def reply(row_id: str, prompt: str, text: str, seed: int = 0, **changes: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    known = {"id": row_id, "prompt": prompt, "seed": seed, "key": "0" * 16, "text": text, "reasoning": None}
    rest = {"finish_reason": "stop", "usage": usage, "error": None, "model": "solver", "latency_s": 0.1}
    return known | rest | changes


def write_problem_stages(run: Path) -> None:
    """Two threads with a problem each, one of them contaminated, and a thread without any."""
    posts = [
        {"id": THREAD, "forum_post": "What is $1+1$?", "forum_discussions": "Post 1:\nIt is 2."},
        {"id": OTHER, "forum_post": "Known problem", "forum_discussions": ""},
        {"id": SILENT, "forum_post": "Hello!", "forum_discussions": ""},
    ]
    write_rows(run / "raw_aops_data.jsonl", *posts)
    texts = {THREAD: "Problem 1: What is $1+1$?", OTHER: "Problem 1: Known problem", SILENT: "No problems identified."}
    replies = [reply(thread, "extract_problems", text) for thread, text in texts.items()]
    write_rows(run / "replies/extract_problems/shard-000-of-001.jsonl", *replies)
    write_rows(run / "dropped/parse_problems.jsonl", {"id": SILENT, "reason": "no_problem"})
    problems = [
        {"id": PROBLEM, "thread_id": THREAD, "problem": "What is $1+1$?"},
        {"id": CONTAMINATED, "thread_id": OTHER, "problem": "Known problem"},
    ]
    write_rows(run / "problems.jsonl", *problems)
    write_rows(run / "merged.jsonl", *(row | {"expected_answer": "2"} for row in problems))
    write_rows(run / "decontaminated.jsonl", problems[0] | {"expected_answer": "2"})
    write_rows(run / "dropped/decontaminate.jsonl", {"id": CONTAMINATED, "reason": "contaminated_exact"})
    cpu(run, "prepare_raw_data", 3, 3)
    cpu(run, "parse_problems", 3, 2, {"no_problem": 1})
    cpu(run, "parse_classes", 2, 2)
    cpu(run, "merge_data", 2, 2, problem_types={"has_answer_extracted": 2})
    cpu(run, "deduplicate", 2, 2)
    cpu(run, "decontaminate", 2, 1, {"contaminated_exact": 1})
    asked(run, "extract_problems", 3)


def write_recipe_stages(run: Path, hostile: str = "fine") -> None:
    """Two solutions of the clean problem: one right, one wrong; the right one is a training row."""
    home, shard = run / RECIPE, "shard-000-of-001.jsonl"
    for seed, answer in enumerate(("2", "3")):
        text = f"{hostile} \\boxed{{{answer}}}"
        write_rows(home / f"solutions/seed-{seed:02d}" / shard, reply(PROBLEM, "solve_cot", text, seed))
        name = f"generate_solutions/seed-{seed:02d}"
        asked(home, name, 1, failed={"http_500": 2}, completion_tokens=40)
    rows = [
        {"id": PROBLEM, "seed": seed, "predicted_answer": answer, "expected_answer": "2", "completion_tokens": 40}
        | {"answer_source": "extracted", "majority_votes": 1, "total_votes": 2, "vote_share": 0.5}
        for seed, answer in enumerate(("2", "3"))
    ]
    write_rows(home / "majority" / shard, *rows)
    verdicts = [
        {"judgement": verdict, "judged_by": judge, "unjudged_reason": None}
        for verdict, judge in (("yes", "symbolic"), ("no", "llm"))
    ]
    write_rows(home / "judged" / shard, *(row | verdict for row, verdict in zip(rows, verdicts, strict=True)))
    question = {"id": f"{PROBLEM}-abcdef0123456789", "problem_id": PROBLEM, "predicted_answer": "3"}
    write_rows(home / "comparisons" / shard, question | {"comparison": "different", "settled_by": None})
    write_rows(home / "replies/judge_answers" / shard, reply(question["id"], "judge_answers", "Judgement: No"))
    write_rows(home / "dropped/prepare_sft" / shard, {"id": PROBLEM, "seed": 1, "reason": "wrong"})
    training = {"id": f"{PROBLEM}-0", "problem": f"What is $1+1$? {hostile}", "problem_id": PROBLEM, "seed": 0}
    training |= {"generated_solution": f"<think>{hostile}</think>{hostile}", "expected_answer": hostile}
    figures = SolutionFigures()
    figures.add(PassRate(1, 2), [row | verdict for row, verdict in zip(rows, verdicts, strict=True)])
    replied = reply(PROBLEM, "solve_cot", f"{hostile} \\boxed{{3}}", 1, reasoning=f"Hm. {hostile}")
    wrong = sample_of(rows[1] | verdicts[1], f"What is $1+1$? {hostile}", replied)
    made = [whole_row(**training, problem_type="has_answer_extracted")]
    write_shard(home, made, solutions=figures, dropped=[(wrong, "wrong")])
    counts = home / "counts"
    judged = {"judgement": {"no": 1, "yes": 1}, "judged_by": {"llm": 1, "symbolic": 1}}
    write_counts(counts / "merge_judgements/shard-000-of-001.json", read=2, passed=2, written=2, dropped={}, **judged)
    figures = {"solutions": {"answered": 2}, "extracted_answers": {"agrees": 1}}
    write_counts(
        counts / "fill_majority_answer/shard-000-of-001.json", read=1, passed=1, written=2, dropped={}, **figures
    )
    write_counts(counts / "prepare_sft/shard-000-of-001.json", read=2, passed=1, written=1, dropped={"wrong": 1})


def write_run(results: Path, hostile: str = "fine") -> Path:
    """The whole small run; returns its folder."""
    run = results / "small"
    write_config(run)
    write_problem_stages(run)
    write_recipe_stages(run, hostile)
    return run
