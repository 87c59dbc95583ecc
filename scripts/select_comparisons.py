"""Comparisons that chose a right candidate, with the texts that a summary of them is made of, if a model can read them.

In: selections, comparisons and the comparing model's replies of one shard. Out, in the order of the selections: the
selection with `problem`, `solutions`, `num_solutions`, `max_index` and `comparison`: the reply with its reasoning, or
what follows the reasoning where the whole does not fit into the summarizing model's context, beside the prompt and the
summary. The reference finds out only by asking that its large groups do not fit, and loses them, or the job.
Dropped: `too_long_to_summarize`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from omr.asking.prompts import Prompt, load_prompt
from omr.asking.tokens import TokenBudget
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row
from omr.models.model import ModelSpec
from omr.parsers.reply_text import shown_lines
from omr.replies.reply import Reply, ReplyIndex
from omr.solutions.solution import read_solution
from omr.stages.flags import add_input, add_places, add_replies, open_stage, stage_parser
from omr.stages.row_index import RowIndex
from omr.stages.stage import Stage

_SELECTED: Fields = {"id": str, "problem_id": str, "selected": int}
_COMPARISON: Fields = {"id": str, "problem": str, "solutions": str, "num_solutions": int, "max_index": int}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="comparisons to summarize", dropped="those that no summary can be made of")
    add_places(parser)
    add_input(parser, "--selected", "the shard's selections")
    add_input(parser, "--comparisons", "the shard's comparisons")
    add_replies(parser)
    add = parser.add_argument
    add("--prompt-name", required=True, help="the prompt that asked for the comparisons")
    add("--summary-prompt", type=Path, required=True, help="the prompt that will ask for summaries")
    add("--max-tokens", type=int, required=True, help="tokens that a summary may have")
    add("--max-model-len", type=int, help="the summarizing model's context")
    add("--max-input-tokens", type=int, help="the longest prompt that it takes")
    add("--tokenizer", type=Path, help="its tokenizer.json")
    return parser.parse_args(argv)


class Room:
    """Whether a prompt with a summary behind it fits the summarizing model."""

    def __init__(self, args: argparse.Namespace, prompt: Prompt) -> None:
        limits = ModelSpec(
            name="summarizer",
            path="",
            server="endpoint",
            max_model_len=args.max_model_len,
            max_input_tokens=args.max_input_tokens,
            tokenizer=None if args.tokenizer is None else str(args.tokenizer),
        )
        self._prompt = prompt
        self._wanted: int = args.max_tokens
        self._counts = args.tokenizer is not None
        self._budget = TokenBudget(limits, args.max_tokens)

    def holds(self, row: Mapping[str, Any]) -> bool:
        # Without a tokenizer nobody knows: the server decides.
        return not self._counts or self._budget.allowed(self._prompt.render(row))[0] >= self._wanted


def versions(reply: Reply) -> dict[str, str]:
    """What may be summarized of a reply, the best first: all of it; what follows its reasoning, if that says why."""
    reasoning, text = read_solution(reply)
    found = {"whole": f"{reasoning}\n\n{text}" if reasoning else text}
    if reasoning and len(shown_lines(text)) > 1:
        found["without_reasoning"] = text
    return found


def select(
    args: argparse.Namespace, stage: Stage, comparisons: RowIndex, replies: ReplyIndex, room: Room
) -> Counter[str]:
    """Write what can be summarized. Returns how much of each reply."""
    used: Counter[str] = Counter()
    for row in stage.read(args.selected, _SELECTED):
        shown, reply = comparisons.get(row["id"]), replies.get(row["id"], args.prompt_name)
        if not shown or reply is None:
            raise _mismatch(row)
        texts = {name: shown[0][name] for name in _COMPARISON if name != "id"}
        for version, comparison in versions(reply).items():
            candidate = row | texts | {"comparison": comparison}
            if room.holds(candidate):
                used[version] += 1
                stage.write(candidate)
                break
        else:
            stage.drop({"id": row["id"], "problem_id": row["problem_id"]}, "too_long_to_summarize")
    return used


def _mismatch(row: Row) -> UserError:
    return UserError(
        f"the comparison {row['id']!r} was read, but it is not there (any more)",
        remedy="the files belong to different runs: delete the selections and run again",
    )


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    room = Room(args, load_prompt(args.summary_prompt))
    with ExitStack() as stack:
        stage = stack.enter_context(open_stage("select_comparisons", args))
        comparisons = stack.enter_context(RowIndex([args.comparisons], _COMPARISON))
        replies = stack.enter_context(ReplyIndex(args.replies))
        used = select(args, stage, comparisons, replies, room)
        stage.note("summarized_from", dict(sorted(used.items())))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
