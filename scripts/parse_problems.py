"""Threads and the replies to `extract_problems` in, the problems that each thread's first post states out.

In: raw_aops_data.jsonl; replies to the prompt `extract_problems` (any number of files, in any order).
Out: `id` = `<thread id>-<n>` (n counts the problems of the reply from 1), `thread_id`, `problem`, `forum_post`,
`forum_discussions`, in the order of the threads.

A thread is dropped as `no_problem` (the reply says so), `unreadable_extraction`, `no_reply`,
`request_failed_<kind>`, `unfinished_reply`, `empty_reply`, or, if none of its problems can be used, with the reason of
the first. A problem that cannot be used beside others that can is a dropped part: `empty_problem`, `too_long_problem`,
`repeated_problem` (the reply has it already), `example_of_prompt` (it repeats one, and stands not in its post).
The post also settles whether a last line such as `Antwort: 85` is a part of its problem or was written behind it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from omr.asking.prompts import load_prompt
from omr.errors import leave, run_command
from omr.files.jsonl import Row
from omr.files.notation import notation
from omr.parsers.echoes import Examples
from omr.parsers.extraction import fault_of_problem, parse_problems
from omr.parsers.readable import is_readable
from omr.replies.reply import ReplyIndex, usable_text
from omr.replies.tries import TriedReplies
from omr.stages.flags import add_prompt, add_replies, open_stage, stage_parser
from omr.stages.stage import Stage

PROMPT = "extract_problems"
FIELDS = {"id": str, "forum_post": str, "forum_discussions": str}


def parse_thread(stage: Stage, thread: Row, replies: ReplyIndex, examples: Examples) -> None:
    """Write the problems of one thread, or drop it."""
    text, fault = usable_text(replies.get(thread["id"], PROMPT))
    if text is None:
        drop_thread(stage, thread, str(fault))
        return
    problems = parse_problems(text, thread["forum_post"])
    if problems is None:
        drop_thread(stage, thread, "unreadable_extraction", reply=text)
    elif not problems:
        drop_thread(stage, thread, "no_problem")
    else:
        pass_problems(stage, thread, problems, examples)


def pass_problems(stage: Stage, thread: Row, problems: list[str], examples: Examples) -> None:
    """Write the problems that can be used; those that cannot are dropped parts, or the whole thread if none can."""
    usable, unusable = [], []
    seen = set[str]()
    for number, problem in enumerate(problems, 1):
        row = problem_row(thread, number, problem)
        text = notation(problem)
        fault = fault_of_problem(problem)
        if fault is None and text in seen:
            fault = "repeated_problem"
        elif fault is None and examples.is_echo(problem, thread["forum_post"]):
            fault = "example_of_prompt"
        seen.add(text)
        if fault is None:
            usable.append(row)
        else:
            unusable.append((row, fault))
    if not usable:
        drop_thread(stage, thread, unusable[0][1], problems=problems)
        return
    stage.write_all(usable)
    for row, fault in unusable:
        stage.drop_part({field: row[field] for field in ("id", "thread_id", "problem")}, fault)


def drop_thread(stage: Stage, thread: Row, reason: str, **what: Any) -> None:
    stage.drop({"id": thread["id"], "forum_post": thread["forum_post"]}, reason, **what)


def problem_row(thread: Row, number: int, problem: str) -> Row:
    return {
        "id": f"{thread['id']}-{number}",
        "thread_id": thread["id"],
        "problem": problem,
        "forum_post": thread["forum_post"],
        "forum_discussions": thread["forum_discussions"],
    }


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__)
    parser.add_argument("--threads", type=Path, required=True, metavar="FILE", help="raw_aops_data.jsonl")
    add_replies(parser)
    add_prompt(parser, PROMPT)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    examples = Examples(load_prompt(arguments.prompt).examples)
    with TriedReplies(arguments.replies, is_readable) as replies, open_stage("parse_problems", arguments) as stage:
        for thread in stage.read(arguments.threads, FIELDS, unique=True):
            parse_thread(stage, thread, replies, examples)
        replies.note_counts(stage)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
