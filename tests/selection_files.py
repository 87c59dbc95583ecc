"""Small files for the tests of the stages that compare solutions, and runs of each stage's script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from omr.selections.comparison import comparison_row
from solution_files import Made, Row, read_lines, reply, run_stage, write_rows

PROMPTS = Path(__file__).parents[1] / "prompts"
RULES: Mapping[str, object] = {
    "groups": 8,
    "max-size": 16,
    "min-pool": 2,
    "max-right-share": 0.5,
    "max-chars": 4000,
    "answer-sources": ["extracted", "majority"],
}


def summary(problem_id: str, seed: int, answer: str = "5", *, right: bool = True, **fields: object) -> Row:
    """A summarized row of a right or wrong solution; its text is like no other's."""
    text = f"Solution of {problem_id} number {seed}, which is {right}, so \\boxed{{{answer}}}."
    row = {"id": problem_id, "seed": seed, "predicted_answer": answer, "expected_answer": "5", "summary": text}
    row |= {"summary_answer": answer, "summary_candidate": 0, "answer_source": "extracted", "judged_by": "symbolic"}
    row |= {"majority_votes": 3, "total_votes": 4, "majority_agrees": True, "judgement": "yes" if right else "no"}
    return row | {"unjudged_reason": None} | fields


def pool(problem_id: str, right: int, wrong: int) -> list[Row]:
    """Right summaries, then wrong ones, each with another answer."""
    rights = [summary(problem_id, seed) for seed in range(right)]
    return rights + [summary(problem_id, right + seed, str(100 + seed), right=False) for seed in range(wrong)]


def problems_of(rows: Sequence[Row]) -> list[Row]:
    return [problem(each) for each in dict.fromkeys(row["id"] for row in rows)]


def problem(problem_id: str) -> Row:
    row = {"id": problem_id, "thread_id": problem_id.partition("-")[0], "problem": f"The problem {problem_id}."}
    return row | {"expected_answer": "5", "problem_type": "has_answer_extracted"}


def sources(folder: Path, rows: Mapping[str, Sequence[Row]]) -> dict[str, object]:
    """Flags that name the files of each recipe's summaries and verdicts."""
    flags: dict[str, list[str]] = {"summarized": [], "wrong-summarized": [], "judged": []}
    for recipe, of_recipe in rows.items():
        kinds = {
            "summarized": [row for row in of_recipe if row["judgement"] == "yes"],
            "wrong-summarized": [row for row in of_recipe if row["judgement"] == "no"],
            "judged": of_recipe,
        }
        for flag, kind in kinds.items():
            flags[flag].append(f"{recipe}={write_rows(folder / recipe / f'{flag}.jsonl', kind)}")
    return dict(flags)


def form(
    folder: Path,
    rows: Mapping[str, Sequence[Row]],
    *,
    problems: Sequence[Row] | None = None,
    shard: int = 0,
    shards: int = 1,
    **options: object,
) -> Made:
    """Run form_groups on the summaries of each recipe; `options` change the rules (`_` stands for `-`)."""
    known = problems_of([row for of_recipe in rows.values() for row in of_recipe]) if problems is None else problems
    given = RULES | {name.replace("_", "-"): value for name, value in options.items()}
    flags = {"problems": write_rows(folder / "problems.jsonl", known), "shard": shard, "shards": shards}
    return run_stage("form_groups", folder / f"groups-{shard}.jsonl", flags | sources(folder, rows) | given)


def compare(folder: Path, rows: Mapping[str, Sequence[Row]], groups: Made) -> Made:
    """Run write_comparisons behind `form`."""
    flags: dict[str, object] = {"problems": folder / "problems.jsonl", "shard": 0, "shards": 1, "groups": groups.path}
    given = sources(folder, rows)
    del given["judged"]
    return run_stage("write_comparisons", folder / "comparisons.jsonl", flags | given)


def answer(group_id: str, text: str, **fields: object) -> Row:
    """A reply of the comparing model."""
    return reply(group_id, text, prompt="select_solution") | fields


def right_index(group: Row) -> int:
    return next(index for index, shown in enumerate(group["candidates"]) if shown["right"])


def wrong_index(group: Row) -> int:
    return next(index for index, shown in enumerate(group["candidates"]) if not shown["right"])


def named_comparison(group: Row) -> Row:
    """The comparison of a group whose candidates say their names."""
    texts = [f"This is {shown['id']}.\n\nIt says {shown['answer']}." for shown in group["candidates"]]
    return comparison_row(group, f"The problem {group['problem_id']}.", texts)


def parse(folder: Path, groups: Made, replies: Sequence[Row]) -> Made:
    """Run parse_selections, with the comparisons of `compare` or, without it, with texts that name their candidates."""
    comparisons = folder / "comparisons.jsonl"
    if not comparisons.exists():
        comparisons = write_rows(folder / "named.jsonl", [named_comparison(group) for group in groups.rows])
    flags = {"groups": groups.path, "comparisons": comparisons, "prompt-name": "select_solution"}
    files = {"replies": write_rows(folder / "selections.jsonl", replies)}
    return run_stage("parse_selections", folder / "selected.jsonl", flags | files)


def to_summarize(folder: Path, selected: Made, **limits: object) -> Made:
    """Run select_comparisons behind `compare` and `parse`."""
    flags: dict[str, object] = {"selected": selected.path, "comparisons": folder / "comparisons.jsonl"}
    flags |= {"replies": folder / "selections.jsonl", "prompt-name": "select_solution"}
    flags |= {"summary-prompt": PROMPTS / "summarize_selection.yaml", "max-tokens": 100}
    given = {name.replace("_", "-"): value for name, value in limits.items()}
    return run_stage("select_comparisons", folder / "traces.jsonl", flags | given)


def merge(folder: Path, traces: Made, summaries: Mapping[str, Sequence[str | Row]]) -> Made:
    """Run merge_selection_summaries on the candidates of each group, by number: a text, or fields of the reply."""
    replies = [
        reply(group, given if isinstance(given, str) else "", prompt="summarize_selection", seed=number)
        | ({} if isinstance(given, str) else given)
        for group, candidates in summaries.items()
        for number, given in enumerate(candidates)
    ]
    flags = {"traces": traces.path, "summaries": write_rows(folder / "reviews.jsonl", replies)}
    count = max(map(len, summaries.values()), default=1)
    return run_stage("merge_selection_summaries", folder / "summarized.jsonl", flags | {"candidates": count})


def prepare(folder: Path, summarized: Made, problems: Sequence[Row] | None = None, **options: object) -> Made:
    """Run prepare_selections behind all of these."""
    if problems is not None:
        write_rows(folder / "problems.jsonl", problems)
    flags: dict[str, object] = {"problems": folder / "problems.jsonl", "shard": 0, "shards": 1}
    flags |= {"comparisons": folder / "comparisons.jsonl", "summarized": summarized.path}
    flags |= {"prompt": PROMPTS / "select_solution.yaml", "summary-model": "owner/summarizer@1"}
    given = {name.replace("_", "-"): value for name, value in options.items()}
    return run_stage("prepare_selections", folder / "sft", flags | given, files=["figures"])


def whole_way(folder: Path, rows: Mapping[str, Sequence[Row]], **options: object) -> Made:
    """All stages, with a model that always chooses the right one, and says so."""
    groups = form(folder, rows, **options)
    compare(folder, rows, groups)
    replies = [answer(row["id"], f"<think>Hm.</think>Because.\n\nJudgment: {right_index(row)}") for row in groups.rows]
    traces = to_summarize(folder, parse(folder, groups, replies))
    reviews: dict[str, Sequence[str | Row]] = {
        row["id"]: [f"It is the soundest.\n\nJudgment: {row['selected']}"] for row in read_lines(traces.path)
    }
    return prepare(folder, merge(folder, traces, reviews))
