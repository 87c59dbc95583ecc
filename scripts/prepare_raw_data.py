"""Raw forum threads in, clean threads out: `raw_aops_data.jsonl`, the first file of the recipe.

In: rows with `original_question` (first post) and `original_answers` (list of posts; null stands for none), or with
the columns that --question and --answers name, in files of any kind (see omr/files/tables.py), folders of them, or the
manifest that `download_raw_data.py` wrote. Fields named `source...` that hold text or numbers are kept. With `--kind
stackexchange` the question is HTML and the answers are objects, best first (see omr/threads/stackexchange.py).

Out: `id` (hash of the thread's raw texts), `forum_post` (as it is, less NUL characters), `forum_discussions` ("Post
1:\\n...\\n\\nPost 2:\\n...", quotes removed, within the token limit, no post cut; see omr/threads/posts.py). With
--strip-names without names of users, mail addresses and signatures (see omr/threads/names.py); ids stay what they are.
Light rows say where a thread comes from: `id`, what its columns tell of `source`, `url`, `license`, `author` and `date`
(or null), and `posts`, the number of those kept.

A row that cannot be used is dropped with its reason, and an exact duplicate of an earlier thread likewise. Too many
unusable rows, or a first row without the columns, are an error. In JSON Lines, blank lines are no rows, a byte order
mark is skipped, CRLF line ends are fine, and invalid UTF-8 or a lone surrogate makes a line unreadable.
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

from omr.errors import UserError, leave, run_command
from omr.files.id_set import IdSet
from omr.files.jsonl import AtomicFile
from omr.stages.faulty_rows import FaultyRows
from omr.stages.flags import open_stage
from omr.stages.stage import Stage
from omr.stages.workers import available_cores, ordered_map
from omr.threads.files import THREAD_COLUMNS, ThreadColumns, find_inputs, read_chunks
from omr.threads.names import TAKEN, Endings
from omr.threads.origins import ORIGINS, USUAL
from omr.threads.rows import ChunkResult, Refused, ThreadBuilder
from omr.threads.stackexchange import AnswerFields
from omr.threads.token_counts import ByteCounter, TokenCounter, TokenizerCounter

# Below this size, starting processes takes longer than the work.
_POOL_BYTES = 4 << 20


class Found:
    """What is known of the threads so far."""

    def __init__(self, max_bad_fraction: float) -> None:
        self.seen = IdSet()
        self.faulty = FaultyRows(max_bad_fraction, "`raw_data.max_bad_fraction` in config")
        self.posts: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        #: Threads that have each column of their origin.
        self.there: Counter[str] = Counter()


def add_chunk(stage: Stage, origins: AtomicFile | None, found: Found, chunk: ChunkResult) -> None:
    """Write the rows of a chunk, except those that cannot be used or that came before."""
    posts, taken = found.posts, found.taken
    stage.count_read(len(chunk.rows))
    for row in chunk.rows:
        if isinstance(row, Refused):
            found.faulty.add(chunk.file, row.line, row.reason, row.detail)
            text = {} if row.text is None else {"text": row.text}
            stage.drop({"id": None, "file": chunk.file, "line": row.line, "detail": row.detail, **text}, row.reason)
        elif not found.seen.add(row.id):
            stage.drop({"id": row.id, "file": chunk.file, "line": row.line}, "duplicate_thread")
        else:
            stage.write_encoded(row.encoded)
            if origins is not None:
                origins.write(row.origin)
            found.there.update(row.columns_there)
            taken.update(row.taken)
            taken["threads"] += any(row.taken[name] for name in TAKEN)
            posts["posts_kept"] += row.posts_kept
            posts["posts_empty"] += row.posts_empty
            posts["posts_left_out"] += row.posts_left_out
            posts["threads_shortened"] += row.posts_left_out > 0


def prepare(
    stage: Stage,
    files: list[Path],
    builder: ThreadBuilder,
    *,
    columns: ThreadColumns,
    limit: int | None,
    max_bad_fraction: float,
    workers: int,
    origins: AtomicFile | None = None,
) -> Found:
    """Stream the threads of the files through the builder into the stage. Raises UserError."""
    found = Found(max_bad_fraction)
    with closing(ordered_map(builder, read_chunks(files, limit, columns), workers)) as chunks:
        for chunk in chunks:
            add_chunk(stage, origins, found, chunk)
            found.faulty.check(stage.rows_read, at_end=False)
    found.faulty.check(stage.rows_read, at_end=True)
    for name in ("posts_kept", "posts_empty", "posts_left_out", "threads_shortened"):
        stage.note(name, found.posts[name])
    return found


def signatures_in(files: list[Path], builder: ThreadBuilder, args: argparse.Namespace) -> frozenset[int]:
    """A pass of its own over all threads: the endings that users put under their posts again and again."""
    found = Endings()
    workers = choose_workers(files, args.workers)
    chunks = read_chunks(files, args.limit, builder.columns)
    with closing(ordered_map(builder.endings, chunks, workers)) as results:
        for endings in results:
            for ending in endings:
                found.add(ending)
    return found.repeated()


def check_origins(columns: ThreadColumns, found: Found, file: Path) -> None:
    """Raises UserError for a column that config names and no thread has; under the usual names they may lack."""
    for field, path in columns.origins:
        if found.seen and not found.there[field] and path != USUAL[field]:
            what = f"no thread has {path!r}, which is to be the {field}"
            remedy = f"name the column under `raw_data.columns.{field}`, or set that to null if there is none"
            raise UserError(what, file=file, remedy=remedy)


def choose_workers(files: list[Path], asked: int | None) -> int:
    """As many processes as asked for, else as there are cores; one where there is little to do."""
    size = sum(file.stat().st_size for file in files if file.exists())
    return 1 if size < _POOL_BYTES else asked or available_cores()


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--input", nargs="+", required=True, metavar="FILE", help="files or folders of rows, or a manifest"
    )
    parser.add_argument("--question", default=THREAD_COLUMNS.post, metavar="COLUMN", help="the first post's text")
    parser.add_argument("--answers", default=THREAD_COLUMNS.answers, metavar="COLUMN", help="list of further posts")
    for field in ORIGINS:
        parser.add_argument(f"--{field}", metavar="COLUMN", help="where a thread comes from: a column that tells it")
    parser.add_argument("--post-authors", metavar="COLUMN", help="list of those who wrote the further posts")
    parser.add_argument("--kind", choices=("forum", "stackexchange"), default="forum", help="what the columns hold")
    for field, name in AnswerFields()._asdict().items():
        parser.add_argument(f"--answer-{field}", default=name, metavar="NAME", help="stackexchange: field of an answer")
    parser.add_argument("--license-of-all", metavar="TEXT", help="license of threads whose columns tell none")
    parser.add_argument("--strip-names", action="store_true", help="take out users' names, mail addresses, signatures")
    parser.add_argument(
        "--tokenizer",
        metavar="FILE",
        help="tokenizer.json that counts tokens; without it every UTF-8 byte counts as one, an upper bound",
    )
    parser.add_argument("--max-discussion-tokens", type=positive, default=24_000, metavar="N")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N rows of the input")
    parser.add_argument(
        "--max-bad-fraction",
        type=fraction,
        default=0.01,
        metavar="F",
        help="unusable rows that are tolerated (default: 0.01)",
    )
    parser.add_argument("--workers", type=positive, metavar="N", help="processes (default: the cores available)")
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--dropped", required=True, metavar="FILE")
    parser.add_argument("--counts", required=True, metavar="FILE")
    parser.add_argument("--origins", metavar="FILE", help="where each thread comes from, to write")
    return parser.parse_args(argv)


def positive(text: str) -> int:
    """A whole number of at least 1, as argparse wants it."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def fraction(text: str) -> float:
    """A number from 0 to 1, as argparse wants it."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, not {text}")
    return number


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    files = find_inputs(arguments.input)
    given = ((field, getattr(arguments, field)) for field in ORIGINS)
    origins = tuple((field, path) for field, path in given if path is not None)
    columns = ThreadColumns(arguments.question, arguments.answers, origins, arguments.post_authors)
    fields = AnswerFields(*(getattr(arguments, f"answer_{field}") for field in AnswerFields._fields))
    counter: TokenCounter = TokenizerCounter(arguments.tokenizer) if arguments.tokenizer else ByteCounter()
    builder = ThreadBuilder(
        counter,
        arguments.max_discussion_tokens,
        columns,
        fields=fields if arguments.kind == "stackexchange" else None,
        strips_names=arguments.strip_names,
        license=arguments.license_of_all,
    )
    if arguments.strip_names:
        builder.repeated = signatures_in(files, builder, arguments)
    with ExitStack() as stack:
        stage = stack.enter_context(open_stage("prepare_raw_data", arguments))
        written = stack.enter_context(AtomicFile(arguments.origins)) if arguments.origins else None
        stage.note("tokens_counted_by", counter.name)
        found = prepare(
            stage,
            files,
            builder,
            columns=columns,
            limit=arguments.limit,
            max_bad_fraction=arguments.max_bad_fraction,
            workers=choose_workers(files, arguments.workers),
            origins=written,
        )
        check_origins(columns, found, files[0])
        if arguments.strip_names:
            stage.note("taken_out", {name: found.taken[name] for name in (*TAKEN, "threads", "names_left")})
    return 0


if __name__ == "__main__":
    leave(run_command(main))
