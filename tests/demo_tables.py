"""What the demo is made of: its threads, problems, benchmarks, replies, and every request that it can make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from omr.files.jsonl import read_rows
from omr.replay.replies import StageReplies, read_stage
from omr.replies.reply import SEEDS_PER_TRY

DEMO = Path(__file__).parent / "data" / "demo"
PROMPTS = Path(__file__).parents[1] / "prompts"
CLASSES = ("proof", "mcq", "binary", "invalid")
RECIPES = ("cot-qwq", "cot-r1")
#: The recipe whose solutions run code.
WITH_CODE = "tir-openmath"
BENCHMARKS = ("sample_contest", "sample_school")
#: What the demo's config allows a discussion, in UTF-8 bytes (there is no tokenizer to download in the demo).
MAX_DISCUSSION_BYTES = 3000

#: Fields that rows offer to each prompt; a prompt may use no others, and needs all of these.
PROMPT_FIELDS = {
    "extract_problems": {"forum_post"},
    "classify_proof": {"problem"},
    "classify_mcq": {"problem"},
    "classify_binary": {"problem"},
    "classify_invalid": {"problem"},
    "extract_answers": {"problem", "forum_post", "forum_discussions"},
    "convert_proofs": {"problem", "forum_discussions"},
    "check_contamination": {"first", "second"},
    "solve_cot": {"problem"},
    "match_answers": {"problem", "first_answer", "second_answer"},
    "judge_answers": {"problem", "predicted_answer", "expected_answer"},
    "summarize_solution": {"problem", "solution"},
    "select_solution": {"problem", "solutions", "num_solutions", "max_index"},
    "summarize_selection": {"problem", "solutions", "num_solutions", "max_index", "comparison"},
    "judge_novelty": {"fragment"},
    "judge_significance": {"fragment"},
}


@cache
def expected() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load((DEMO / "expected.yaml").read_text(encoding="utf-8"))
    return table


@cache
def lines() -> list[dict[str, Any]]:
    return list(read_rows(DEMO / "threads.jsonl", {"original_question": str, "original_answers": list, "source": str}))


@cache
def threads() -> dict[str, dict[str, Any]]:
    """Thread name -> its line; the name ends the field `source`."""
    return {line["source"].split("-", 2)[2]: line for line in lines()}


@cache
def benchmark(name: str) -> list[dict[str, Any]]:
    return list(read_rows(DEMO / "benchmarks" / f"{name}.jsonl", {"problem": str, "answer": str}))


@cache
def replies(stage: str) -> StageReplies:
    return read_stage(DEMO / "replies" / f"{stage}.yaml")


def problems(*ends: str, branch: str | None = None) -> dict[str, dict[str, Any]]:
    """The problems of the table that end so (all without an argument) and came to that branch."""
    return {
        name: problem
        for name, problem in expected()["problems"].items()
        if (not ends or problem["ends"] in ends) and (branch is None or problem.get("branch") == branch)
    }


@cache
def problem_texts() -> dict[str, str]:
    """Problem name -> its text in the extraction replies."""
    texts: dict[str, str] = {}
    for name, thread in expected()["threads"].items():
        found = replies("extract_problems").exact[thread["id"]]
        blocks = re.split(r"(?im)^\W*problem (\d+):\W*", "" if found.finish_reason == "length" else found.text)
        texts |= {f"{name}/{number}": text for number, text in zip(blocks[1::2], blocks[2::2], strict=True)}
    return texts


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def shared_words_in_a_row(first: str, second: str, run: int) -> set[tuple[str, ...]]:
    """Runs of that many words which both texts have."""
    runs = [{tuple(found[i : i + run]) for i in range(len(found) - run + 1)} for found in (words(first), words(second))]
    return runs[0] & runs[1]


def last_box(text: str) -> str | None:
    """What the last \\boxed{...} of a text holds, or None."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for place in range(start + 6, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 7 : place]
    return None


def solutions(recipe: str) -> Iterator[tuple[str, int, str, str]]:
    """(problem name, seed, kind, right or wrong final answer) of every solution; kind is right, wrong or why none."""
    table = expected()["solutions"][recipe]
    for name in problems("solved"):
        for seed in range(table["seeds"]):
            wrong, none = table["wrong"].get(name, {}).get(seed), table["none"].get(name, {}).get(seed)
            yield name, seed, "wrong" if wrong else none or "right", wrong or ""


def traces(recipe: str) -> list[tuple[str, int]]:
    """The solutions that get summaries: right ones of problems whose answer becomes known."""
    lost = {name for name, vote in expected()["open_votes"][recipe].items() if vote == "tied"}
    return [(name, seed) for name, seed, kind, _ in solutions(recipe) if kind == "right" and name not in lost]


def wrong_traces(recipe: str) -> list[tuple[str, int]]:
    """The solutions that get summaries as wrong candidates: known to be wrong, beside a right one."""
    unreadable = expected()["unreadable_verdicts"][recipe]
    wrong = [(name, seed) for name, seed, kind, _ in solutions(recipe) if kind == "wrong"]
    right = {name for name, _ in traces(recipe)}
    return [(name, seed) for name, seed in wrong if name in right and seed not in unreadable.get(name, ())]


def code_solutions() -> Iterator[tuple[str, int, str]]:
    """(problem name, seed, how it ends) of every solution that may run code."""
    table = expected()["code"][WITH_CODE]
    for name in problems("solved"):
        yield from ((name, seed, table["ends"].get(name, {}).get(seed, "no_answer")) for seed in range(table["seeds"]))


def code_fragments() -> Iterator[str]:
    """The ids of the blocks that are voted on."""
    no_result = expected()["code"][WITH_CODE]["no_result"]
    for name, seed, ends in code_solutions():
        if ends in _VOTED:
            reply = replies(f"{WITH_CODE}/generate_solutions").exact[f"{problem_id(name)}/solve_tir_budget/{seed}"]
            blocks = sum(turn.text.endswith("</tool_call>") for turn in reply.turns)
            shown = set(range(blocks)) - set(no_result.get(name, {}).get(seed, ()))
            yield from (f"{problem_id(name)}-{seed}-{block}" for block in sorted(shown))


#: Ends of solutions with code that are summarized, and of those that are voted on.
_SUMMARIZED = ("row", "no_right_summary", "think_tag_in_text")
_VOTED = (*_SUMMARIZED, "code_not_needed", "code_unjudged")


def groups(recipe: str) -> dict[str, str]:
    """Group id -> how it ends."""
    table = expected()["groups"][recipe]
    return {f"{problem_id(name)}-g{number}": ends for name, of in table.items() for number, ends in of.items()}


def problem_id(name: str) -> str:
    found: str = expected()["problems"][name]["id"]
    return found


def requests(stage: str) -> Iterator[str]:
    """`<row id>/<prompt>/<seed>` of every request that the demo can make of a stage."""
    recipe, _, kind = stage.rpartition("/")
    if kind == "extract_problems":
        yield from (f"{thread['id']}/{kind}/0" for thread in expected()["threads"].values())
    elif kind in ("classify_problems", "classify_converted"):
        yield from classifications(stage, problems() if kind == "classify_problems" else problems(branch="proof"))
    elif kind in ("extract_answers", "convert_proofs"):
        branch = "answer" if kind == "extract_answers" else "proof"
        yield from (f"{row['id']}/{kind}/0" for row in problems(branch=branch).values())
    elif kind in ("check_contamination", *expected()["planted"]):
        asked = expected()["planted"].get(kind) or contamination_pairs()
        yield from (f"{row}/{kind.replace('_planted', '')}/0" for row in asked)
    elif recipe == WITH_CODE and kind in _CODE_REQUESTS:
        yield from _CODE_REQUESTS[kind]()
    elif kind == "generate_solutions":
        yield from (f"{problem_id(name)}/solve_cot/{seed}" for name, seed, _, _ in solutions(recipe))
    elif kind == "generate_summaries":
        names = (f"{problem_id(name)}-{seed}/summarize_solution" for name, seed in traces(recipe))
        yield from (f"{name}/{candidate}" for name, candidate in product(names, range(4)))
    elif kind == "match_answers":
        yield from (f"{problem_id(name)}-0/match_answers/0" for name in expected()["open_votes"][recipe])
    elif kind == "generate_wrong_summaries":
        names = (f"{problem_id(name)}-{seed}/summarize_solution" for name, seed in wrong_traces(recipe))
        yield from (f"{name}/{candidate}" for name, candidate in product(names, range(4)))
    elif kind == "select_solutions":
        yield from (f"{group}/select_solution/0" for group in groups(recipe))
    elif kind == "generate_selection_summaries":
        right = [group for group, ends in groups(recipe).items() if ends in ("right", "no_summary")]
        yield from (f"{group}/summarize_selection/{candidate}" for group, candidate in product(right, range(4)))
    else:
        yield from (f"{row['id']}-0/judge_answers/0" for row in problems("solved").values())
        yield from (
            f"{question}/judge_answers/0"
            for question in expected()["audits"].get(recipe, ())
            if kind == "judge_answers"
        )


def classifications(stage: str, rows: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The requests about problems; also the second try of one, where it has a reply of its own."""
    for row, label in product(rows.values(), CLASSES):
        for seed in (0, SEEDS_PER_TRY):
            name = f"{row['id']}/classify_{label}/{seed}"
            if not seed or name in replies(stage).exact:
                yield name


def _code_summaries() -> Iterator[str]:
    for name, seed, ends in code_solutions():
        if ends in _SUMMARIZED:
            yield from (f"{problem_id(name)}-{seed}/summarize_solution/{candidate}" for candidate in range(4))


_CODE_REQUESTS = {
    "generate_solutions": lambda: (f"{problem_id(name)}/solve_tir_budget/{seed}" for name, seed, _ in code_solutions()),
    "judge_code": lambda: (
        f"{fragment}/{prompt}/{vote}"
        for fragment, prompt, vote in product(code_fragments(), ("judge_novelty", "judge_significance"), range(3))
    ),
    "generate_summaries": _code_summaries,
}


def contamination_pairs() -> Iterator[str]:
    """Every pair that might be asked about: any problem or canary with any benchmark row, in both orders."""
    rows = [f"{name}-{row}" for name in BENCHMARKS for row in range(len(benchmark(name)))]
    kinds = ("verbatim", "paraphrased", "renumbered")
    ids = [row["id"] for row in problems().values()]
    for first, row in product([*ids, *(f"canary-{kind}-{row}" for kind in kinds for row in rows)], rows):
        yield from (f"{first}~{row}~{order}" for order in ("ab", "ba"))


STAGES = (
    *("extract_problems", "classify_problems", "extract_answers", "convert_proofs", "classify_converted"),
    *("check_contamination", "extract_planted_problems", "extract_planted_answers"),
    *(
        f"{recipe}/{kind}"
        for recipe in RECIPES
        for kind in (
            *("generate_solutions", "match_answers", "judge_answers", "generate_summaries", "judge_summaries"),
            "generate_wrong_summaries",
        )
    ),
    *("genselect-qwq/select_solutions", "genselect-qwq/generate_selection_summaries"),
    *(
        f"{WITH_CODE}/{kind}"
        for kind in ("generate_solutions", "judge_answers", "judge_code", "generate_summaries", "judge_summaries")
    ),
)
