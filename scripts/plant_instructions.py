"""Copies of a few rows with a planted instruction each: they measure which instructions in threads a model obeys.

In: raw_aops_data.jsonl, classified.jsonl (its answers branch), the texts of prompts/planted/. Out: the rows that the
prompts `extract_problems` and `extract_answers` are asked about once more, with the planted text behind the first post
or as the last post of the discussion: {"id": "planted-<kind>-<id of the row>", "kind", "marker", and the fields of the
prompt}. The marker is a number that stands nowhere in the row. Which rows are drawn, and their markers, follow from
hashes of kind and id: the same rows give the same copies, in whatever order they come. No stage of the main way reads
these files.
"""

from __future__ import annotations

import argparse
import heapq
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

from omr.config.files import read_yaml
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import AtomicFile, Row, dumps, read_rows
from omr.parsers.founded import Discussion
from omr.stages.routing import ANSWERS, branch_of

#: By prompt, the fields of its rows; the text is planted into the last one.
FIELDS = {
    "extract_problems": ("forum_post",),
    "extract_answers": ("problem", "forum_post", "forum_discussions"),
}
_MARKER = "{{ marker }}"
_LAST_POST = re.compile(r"^Post ([0-9]{1,6}):$", re.MULTILINE)
_REMEDY = "each prompt has the same kinds, and each text a {{ marker }}"

#: Kind -> text, by prompt.
Instructions = Mapping[str, Mapping[str, str]]


def read_instructions(path: Path) -> Instructions:
    """The planted texts by prompt and kind. Raises UserError for a file that is not as described."""
    content = read_yaml(path)
    if not isinstance(content, dict) or set(content) != set(FIELDS):
        raise UserError(f"texts for {' and '.join(FIELDS)} were expected", file=path, remedy=_REMEDY)
    for prompt, texts in content.items():
        if not isinstance(texts, dict) or not texts or set(texts) != set(content["extract_problems"]):
            raise UserError(f"{prompt} has other kinds than extract_problems", file=path, remedy=_REMEDY)
        for kind, text in texts.items():
            if not isinstance(text, str) or _MARKER not in text:
                raise UserError(f"{kind} of {prompt} has no {_MARKER}", file=path, remedy=_REMEDY)
    return content


def plant(rows: Iterable[Row], prompt: str, texts: Mapping[str, str], per_kind: int) -> Iterator[Row]:
    """`per_kind` copies of rows for each kind, by kind and then in the order of their draw; fewer if there are fewer.

    Memory holds the drawn rows alone.
    """
    drawn: dict[str, list[tuple[int, str, Row]]] = {kind: [] for kind in texts}
    for row in rows:
        for kind, kept in drawn.items():
            entry = (-_number("row", kind, row["id"]), row["id"], row)
            if len(kept) < per_kind:
                heapq.heappush(kept, entry)
            elif kept and entry[:2] > kept[0][:2]:
                heapq.heapreplace(kept, entry)
    for kind, kept in drawn.items():
        for _, _, row in sorted(kept, key=lambda entry: (-entry[0], entry[1])):
            yield _copy(row, prompt, kind, texts[kind])


def _copy(row: Row, prompt: str, kind: str, text: str) -> Row:
    fields = FIELDS[prompt]
    marker = _marker(kind, row["id"], Discussion(*(row[field] for field in fields)))
    planted = text.replace(_MARKER, marker)
    place = fields[-1]
    copied = {field: row[field] for field in fields} | {place: _with_text(row[place], planted, place)}
    return {"id": f"planted-{kind}-{row['id']}", "kind": kind, "marker": marker, **copied}


def _with_text(before: str, planted: str, field: str) -> str:
    """The text with the planted one behind it; in a discussion it is a post of its own."""
    if field == "forum_discussions":
        number = max(map(int, _LAST_POST.findall(before)), default=0) + 1
        planted = f"Post {number}:\n{planted}"
    return f"{before}\n\n{planted}" if before else planted


def _marker(kind: str, row_id: str, own: Discussion) -> str:
    """A number of seven digits that the row has not."""
    tries = (str(1_000_000 + _number(f"marker {n}", kind, row_id) % 9_000_000) for n in range(1_000))
    return next(marker for marker in tries if not own.has(marker))


def _number(purpose: str, kind: str, row_id: str) -> int:
    """A number that looks random but is the same for the same purpose, kind and row, on any machine."""
    return int.from_bytes(blake2b(f"{purpose}/{kind}/{row_id}".encode(), digest_size=8).digest())


def read_for(prompt: str, path: Path) -> Iterator[Row]:
    """The rows that the prompt is really asked about."""
    rows = read_rows(path, {"id": str} | dict.fromkeys(FIELDS[prompt], str))
    return rows if prompt == "extract_problems" else (row for row in rows if branch_of(row) == ANSWERS)


def main(argv: list[str] | None = None) -> int:
    """Run the command. Raises UserError."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--threads", type=Path, required=True, help="raw_aops_data.jsonl")
    add("--classified", type=Path, required=True, help="classified.jsonl")
    add("--instructions", type=Path, required=True, help="the texts (YAML)")
    add("--per-kind", type=int, required=True, help="copies of each kind, for each prompt")
    add("--threads-output", type=Path, required=True, help="copies for the prompt extract_problems (JSONL)")
    add("--problems-output", type=Path, required=True, help="copies for the prompt extract_answers (JSONL)")
    args = parser.parse_args(argv)
    instructions = read_instructions(args.instructions)
    files = {
        "extract_problems": (args.threads, args.threads_output),
        "extract_answers": (args.classified, args.problems_output),
    }
    for prompt, (source, path) in files.items():
        texts, planted = instructions[prompt], 0
        with AtomicFile(path) as output:
            for row in plant(read_for(prompt, source), prompt, texts, args.per_kind):
                output.write(dumps(row))
                planted += 1
        print(f"{prompt}: {planted} copies of {len(texts) * args.per_kind} wanted", file=sys.stderr)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
