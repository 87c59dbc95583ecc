"""Sketches of stages without a check: the least work on the same files, for the tables of the benchmarks.

They take every reply for readable, every answer for what it looks like, and any amount of memory.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb", buffering=1 << 20) as file:
        yield from map(orjson.loads, file)


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("wb", buffering=1 << 20) as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for place in range(start + 6, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 7 : place]
    return None


def classes(problems: Path, replies: Sequence[Path], output: Path) -> None:
    """`parse_classes`: a verdict is `not` or not."""
    found: dict[str, dict[str, bool]] = {}
    for path in replies:
        for reply in _rows(path):
            is_so = not reply["text"].lstrip("*").casefold().startswith("not")
            found.setdefault(reply["id"], {})[reply["prompt"].replace("classify", "is")] = is_so
    _write(output, (row | found[row["id"]] for row in _rows(problems)))


def votes(problems: Path, solutions: Sequence[Path], output: Path) -> None:
    """`fill_majority_answer`: the commonest spelling of a last box."""
    answers: dict[str, list[tuple[int, str | None]]] = {}
    for path in solutions:
        for reply in _rows(path):
            answers.setdefault(reply["id"], []).append((reply["seed"], _boxed(reply["text"])))

    def filled() -> Iterator[dict[str, Any]]:
        for row in _rows(problems):
            given = answers[row["id"]]
            counted = Counter(answer for _, answer in given if answer is not None)
            best, count = counted.most_common(1)[0] if counted else (None, 0)
            for seed, answer in given:
                expected = row["expected_answer"] or best
                fields = {"predicted_answer": answer, "expected_answer": expected, "majority_votes": count}
                yield {"id": row["id"], "seed": seed, **fields}

    _write(output, filled())


def summary_answers(traces: Path, replies: Path, output: Path) -> None:
    """`select_summary_judgements`: the answers of summaries, each once per trace, and what was read of them."""
    texts = _by_id(replies)

    def read() -> Iterator[dict[str, Any]]:
        for row in _rows(traces):
            found = [(_boxed(text), len(text)) for text in texts[row["id"]]]
            row["solution"] = None
            yield row | {"candidates": found, "answers": list(dict.fromkeys(answer for answer, _ in found))}

    _write(output, read())


def summaries(candidates: Path, replies: Path, output: Path) -> None:
    """`merge_summaries`: the longest summary with the solution's own spelling of the answer."""
    texts = _by_id(replies)

    def merged() -> Iterator[dict[str, Any]]:
        for row in _rows(candidates):
            found = row.pop("candidates")
            right = [n for n, (answer, _, _) in enumerate(found) if answer == row["predicted_answer"]]
            if right:
                text = texts[row["id"]][max(right, key=lambda number: found[number][2])]
                yield row | {"summary": text, "right_summaries": len(right)}

    _write(output, merged())


def _by_id(replies: Path) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for reply in _rows(replies):
        texts.setdefault(reply["id"], []).append(reply["text"])
    return texts


def selection_summaries(traces: Path, replies: Path, output: Path) -> None:
    """`merge_selection_summaries`: the longest review that ends in the selected number."""
    texts = _by_id(replies)

    def merged() -> Iterator[dict[str, Any]]:
        for row in _rows(traces):
            right = [text for text in texts[row["id"]] if text.rsplit(None, 1)[1] == str(row["selected"])]
            if right:
                yield {"id": row["id"], "summary": max(right, key=len), "right_summaries": len(right)}

    _write(output, merged())


def groups(problems: Path, right: Path, wrong: Path, output: Path) -> None:
    """`form_groups`: eight draws of up to sixteen candidates, without their texts."""
    pools: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in (right, wrong):
        for row in _rows(path):
            del row["summary"]
            pools[row["id"]].append(row | {"right": path is right})
    draw = random.Random(0)

    def drawn() -> Iterator[dict[str, Any]]:
        for row in _rows(problems):
            pool = pools[row["id"]]
            for number in range(8 if len({one["right"] for one in pool}) == 2 else 0):
                shown = draw.sample(pool, draw.randint(2, len(pool)))
                yield {"id": f"{row['id']}-g{number}", "problem_id": row["id"], "candidates": shown}

    _write(output, drawn())


def comparisons(problems: Path, groups: Path, right: Path, wrong: Path, output: Path) -> None:
    """`write_comparisons`: the texts of the candidates, one below the other."""
    known = {row["id"]: row["problem"] for row in _rows(problems)}
    texts = {(row["id"], row["seed"]): row["summary"] for path in (right, wrong) for row in _rows(path)}

    def shown() -> Iterator[dict[str, Any]]:
        for group in _rows(groups):
            seats = [(group["problem_id"], shown["seed"]) for shown in group["candidates"]]
            solutions = "\n\n".join(f"Solution {number}:\n{texts[seat]}" for number, seat in enumerate(seats))
            fields = {"problem": known[group["problem_id"]], "solutions": solutions, "num_solutions": len(seats)}
            yield {"id": group["id"], "problem_id": group["problem_id"], **fields}

    _write(output, shown())


def picks(groups: Path, replies: Path, output: Path) -> None:
    """`parse_selections`: the number that a reply ends in, where its candidate is right."""
    chosen = {row["id"]: int(row["text"].rsplit(None, 1)[1]) for row in _rows(replies)}

    def right() -> Iterator[dict[str, Any]]:
        for group in _rows(groups):
            candidates = group.pop("candidates")
            if candidates[chosen[group["id"]]]["right"]:
                ids = [f"{shown['recipe']}/{shown['id']}" for shown in candidates]
                yield group | {"selected": chosen[group["id"]], "candidate_ids": ids}

    _write(output, right())


def reviewed(selected: Path, shown: Path, replies: Path, output: Path) -> None:
    """`select_comparisons`: selections with the texts of groups and replies."""
    said = {row["id"]: row["text"] for row in _rows(replies)}
    wanted = {row["id"]: row for row in _rows(selected)}
    found = (
        wanted[row["id"]] | row | {"comparison": said[row["id"]].replace("<think>", "").replace("</think>", "")}
        for row in _rows(shown)
        if row["id"] in wanted
    )
    _write(output, found)


def selection_rows(shown: Path, summarized: Path, output: Path) -> None:
    """`prepare_selections`: prompts and summaries as Parquet, in both of their columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    summaries = {row["id"]: row["summary"] for row in _rows(summarized)}
    rows = ((row["problem"] + row["solutions"], summaries[row["id"]]) for row in _rows(shown) if row["id"] in summaries)
    schema = pa.schema([(name, pa.string()) for name in ("problem", "generated_solution", "user", "assistant")])
    with pq.ParquetWriter(output, schema, compression="zstd", use_dictionary=False) as writer:
        while group := list(islice(rows, 400)):
            columns = [pa.array(column) for column in zip(*group, strict=True)]
            writer.write_table(pa.Table.from_arrays([*columns, *columns], schema=schema))
