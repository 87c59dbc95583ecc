"""Merged problems in, each problem once out: reposts of a problem under other ids, in other words, are found.

In: merged.jsonl; the light rows about the threads (`posts` in them is the length of the discussion), if there are any.
Out: the problems in their order. Of a group of reposts one stays (`--keep keep_best`), or all do (`--keep keep_all`);
rows of a group have `cluster` (the id of the group: that of its first problem) and `duplicate_of` (the id of the best
of the group; null in its own row). Also a file with the groups: {"cluster", "kept", "members", "answers"}.

What counts as the same problem is in omr/contamination/one_problem.py. The best of a group has an answer, if one has;
that which most of the group have; then the longest discussion; then it is the first.

Dropped: `near_duplicate`, with `kept` and `cluster`. The report tells the groups and how many copies of the run's own
problems are found, and how many near misses are taken for copies; the counts note both as well (`copies`,
`near_misses`).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from omr.contamination.near_misses import Planted
from omr.contamination.reposts import Member, Reposts, best_of, figures_of
from omr.errors import leave, run_command
from omr.files.jsonl import AtomicFile, Fields, Row, dumps, read_rows
from omr.stages.flags import add_input, open_stage, stage_parser
from omr.stages.stage import Stage

KEEP_BEST, KEEP_ALL = "keep_best", "keep_all"
_FIELDS: Fields = {"id": str, "thread_id": str, "problem": str, "expected_answer": (str, None)}


def find_reposts(path: Path, planted: Planted) -> Reposts:
    """The first two passes: the groups of the problems by their numbers in the file."""
    reposts = Reposts()
    for row in read_rows(path, _FIELDS):
        reposts.note(row)
        planted.note(row)
    for number, row in enumerate(read_rows(path, _FIELDS)):
        reposts.compare(number, row)
    return reposts


def members_of(path: Path, reposts: Reposts, threads: Path | None) -> dict[int, list[Member]]:
    """The problems of each group of more than one, in their order."""
    groups, rows = reposts.groups(), defaultdict[int, list[tuple[str, str, str | None]]](list)
    for number, row in enumerate(read_rows(path, _FIELDS)):
        group = reposts.group_of(number)
        if group in groups:
            rows[group].append((row["id"], row["thread_id"], row["expected_answer"]))
    wanted = {thread for members in rows.values() for _, thread, _ in members}
    posts = posts_of(threads, wanted)
    return {
        group: [Member(row_id, answer, posts.get(thread, 0)) for row_id, thread, answer in members]
        for group, members in rows.items()
    }


def posts_of(threads: Path | None, wanted: set[str]) -> dict[str, int]:
    """The posts of the wanted threads that the light rows tell of."""
    if threads is None:
        return {}
    rows = read_rows(threads, {"id": str, "posts": int})
    return {row["id"]: row["posts"] for row in rows if row["id"] in wanted}


def write_groups(path: Path, members: Mapping[int, list[Member]], best: Mapping[int, Member]) -> None:
    with AtomicFile(path) as file:
        for group, found in sorted(members.items()):
            ids, answers = [member.id for member in found], [member.answer for member in found]
            file.write(dumps({"cluster": ids[0], "kept": best[group].id, "members": ids, "answers": answers}))


def marked(
    path: Path, reposts: Reposts, members: Mapping[int, list[Member]], best: Mapping[int, Member], stage: Stage
) -> Iterator[Row]:
    """Every problem in order; those of a group with `cluster` and `duplicate_of`."""
    for number, row in enumerate(stage.read(path, _FIELDS, unique=True)):
        group = reposts.group_of(number)
        if group in members:
            kept = best[group].id
            row |= {"cluster": members[group][0].id, "duplicate_of": None if kept == row["id"] else kept}
        yield row


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = stage_parser(__doc__)
    add_input(parser, "--problems", "merged.jsonl")
    parser.add_argument("--threads", type=Path, metavar="FILE", help="light rows about threads, with `posts`")
    parser.add_argument("--keep", choices=(KEEP_BEST, KEEP_ALL), default=KEEP_BEST, help="(default: %(default)s)")
    parser.add_argument("--planted", type=int, default=200, metavar="N", help="copies of a kind (default: %(default)s)")
    parser.add_argument("--groups", type=Path, required=True, metavar="FILE", help="groups of reposts to write (JSONL)")
    parser.add_argument("--report", type=Path, required=True, metavar="FILE", help="report to write (JSON)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    planted = Planted(arguments.planted)
    reposts = find_reposts(arguments.problems, planted)
    members = members_of(arguments.problems, reposts, arguments.threads)
    best = {group: best_of(found) for group, found in members.items()}
    with open_stage("deduplicate", arguments) as stage, AtomicFile(arguments.report) as report:
        for row in marked(arguments.problems, reposts, members, best, stage):
            if row.get("duplicate_of") is None or arguments.keep == KEEP_ALL:
                stage.write(row)
            else:
                about = {key: value for key, value in row.items() if key != "duplicate_of"}
                stage.drop(about, "near_duplicate", kept=row["duplicate_of"])
        figures = figures_of(members)
        stage.note("groups", figures["groups"])
        stage.note("marked", figures["in_groups"] - figures["groups"])
        measured = planted.measure()
        for name, kinds in measured.items():
            stage.note(name, kinds)
        write_groups(arguments.groups, members, best)
        about = {
            "problems": stage.rows_read,
            "keep": arguments.keep,
            **figures,
            "joined_by": dict(sorted(reposts.joined.items())),
        }
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        report.write(orjson.dumps(about | measured, option=options))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
