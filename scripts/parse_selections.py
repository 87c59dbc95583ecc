"""Which candidate each comparison chose, and whether it is right.

In: groups, comparisons and the comparing model's replies of one shard. Out, in the order of the groups, those whose
chosen candidate is right: `id`, `problem_id`, `selected` (index), `selected_id` and `candidate_ids`
(`<recipe>/<problem id>-<seed>`), `group_size`, `group_right`, `predicted_answer` and `judged_by` of the chosen one, the
votes of its recipe, the fields that all groups of a problem share, and of the reply `model`, `reply_key`,
`completion_tokens`.
Dropped: `no_reply`, `request_failed_<kind>`, `unfinished_reply`, `empty_reply`, `unreadable` (no index, or two),
`out_of_range`, `wrong_pick`. The counts say how good the picks are: see omr/selections/figures.py; and for the report
they hold a wrong pick of each shard (`wrong_samples`, by id), chosen by the hash of its id: with the problem, what was
said, and `candidates`: of the chosen and of a right one [index, text, characters that are left out].
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from omr.errors import UserError, leave, run_command
from omr.files.jsonl import Fields, Row
from omr.replies.reply import Reply, ReplyIndex
from omr.selections.comparison import texts_in
from omr.selections.figures import Picks, Shown
from omr.selections.reading import chosen_index
from omr.stages.flags import add_input, add_replies, open_stage, stage_parser
from omr.stages.row_index import RowIndex
from omr.stages.stage import Stage
from omr.training.dropped_samples import MAX_CHARS, sample_of
from omr.training.figures import Samples

_GROUP: Fields = {
    "id": str,
    "problem_id": str,
    "candidates": list,
    "expected_answer": str,
    "answer_source": str,
    "pass_rate": float,
    "pass_rate_of": int,
    "votes": dict,
}
_COMPARISON: Fields = {"id": str, "problem": str, "solutions": str, "num_solutions": int}
_SHARED = ("expected_answer", "answer_source", "pass_rate", "pass_rate_of")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__, output="selections of a right candidate", dropped="groups without one")
    add_input(parser, "--groups", "the shard's groups")
    add_input(parser, "--comparisons", "the shard's comparisons")
    add_replies(parser)
    parser.add_argument("--prompt-name", required=True, help="the prompt that asked for the comparisons")
    return parser.parse_args(argv)


def name_of(shown: Row) -> str:
    """What tells a candidate apart from those of other recipes."""
    return f"{shown['recipe']}/{shown['id']}"


def selection(group: Row, index: int, reply: Reply) -> dict[str, Any]:
    """The row of a group whose candidate `index` was chosen."""
    candidates = group["candidates"]
    chosen = candidates[index]
    tokens = (reply["usage"] or {}).get("completion_tokens")
    return {
        "id": group["id"],
        "problem_id": group["problem_id"],
        "selected": index,
        "selected_id": name_of(chosen),
        "candidate_ids": [name_of(shown) for shown in candidates],
        "group_size": len(candidates),
        "group_right": sum(shown["right"] for shown in candidates),
        "predicted_answer": chosen["answer"],
        "judged_by": chosen["judged_by"],
        **group["votes"].get(chosen["recipe"], {}),
        **{name: group[name] for name in _SHARED},
        "model": reply.get("model"),
        "reply_key": reply.get("key"),
        "completion_tokens": tokens if type(tokens) is int else None,
    }


def wrong_sample(group: Row, index: int, reply: Reply) -> Row:
    """A wrong pick for people, as far as it is known without texts; `shown` are the chosen and a right candidate."""
    candidates = group["candidates"]
    chosen = candidates[index]
    right = next(number for number, each in enumerate(candidates) if each["right"])
    known = {name: group[name] for name in ("id", "problem_id", "expected_answer")}
    told = {
        "selected_id": name_of(chosen),
        "predicted_answer": chosen["answer"],
        "group_size": len(candidates),
        "shown": [index, right],
    }
    return sample_of(known | told, None, reply)


def with_texts(samples: Sequence[Row], comparisons: Path) -> Iterator[Row]:
    """Wrong picks with the problem and the texts of the candidates that are shown."""
    if not samples:
        return
    ids = {sample["id"] for sample in samples}
    with RowIndex([comparisons], _COMPARISON, ids.__contains__) as rows:
        for sample in samples:
            found = rows.get(sample["id"])
            if not found:
                raise UserError(
                    f"the comparison {sample['id']!r} is missing",
                    file=comparisons,
                    remedy="the files belong to different runs: delete the groups and run again",
                )
            texts = texts_in(found[0]["solutions"], found[0]["num_solutions"])
            shown = [
                [index, texts[index][:MAX_CHARS], max(len(texts[index]) - MAX_CHARS, 0)] for index in sample["shown"]
            ]
            rest = {name: value for name, value in sample.items() if name != "shown"}
            yield rest | {"problem": found[0]["problem"], "candidates": shown}


def parse(args: argparse.Namespace, stage: Stage, replies: ReplyIndex) -> None:
    """Read the pick of every group, write the right ones, count all."""
    picks, wrong = Picks(), Samples(1)
    for group in stage.read(args.groups, _GROUP):
        reply = replies.get(group["id"], args.prompt_name)
        index, fault = chosen_index(reply, len(group["candidates"]))
        seat = {"id": group["id"], "problem_id": group["problem_id"]}
        if index is None or reply is None:
            stage.drop(seat, fault or "no_reply")
            continue
        shown = [Shown(each["answer_class"], each["right"]) for each in group["candidates"]]
        picks.add(shown, index, group["answer_source"])
        if shown[index].right:
            stage.write(selection(group, index, reply))
        else:
            wrong.offer(group["id"], partial(wrong_sample, group, index, reply))
            stage.drop(seat, "wrong_pick", selected=index, selected_id=name_of(group["candidates"][index]))
    stage.note("picks", picks.as_json())
    stage.note("wrong_samples", {row["id"]: row for row in with_texts(wrong.rows, args.comparisons)})


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    with open_stage("parse_selections", args) as stage, ReplyIndex(args.replies) as replies:
        parse(args, stage, replies)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
