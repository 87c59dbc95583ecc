"""The questions for the model: which problem may be which benchmark problem, from the matches of all nets.

In: deduplicated problems, canaries, benchmark files, match files. Out: pairs, two rows per question, {"id":
"<problem id>~<benchmark>-<row>~ab|ba", "problem_id", "benchmark", "row", "direction", "first", "second"}, and decisive
matches {"id", "net", "benchmark", "row", "score"}, which need no model: a problem in the very notation of a benchmark
problem, and too long to be a phrase. Step: decontaminate. A problem with a decisive match has no pairs; another has its
best ones of every net, up to a limit, in a fixed order.

Nets find what is alike, in whatever spelling: that two problems have equal words, or that one contains the other, is a
question for the model. `Find $a$` and `Find $A$` have equal words, and "Solve the system of equations for x and y" is
the beginning of many problems.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from omr.contamination.benchmark_text import words
from omr.contamination.benchmarks import BenchmarkRow, Pool
from omr.contamination.steps import DIRECTIONS, Match, MatchFiles, named_paths, pair_id, positive, read_problems
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import AtomicFile, Row, dumps
from omr.files.notation import notation

Matches = Mapping[str, Sequence[Match]]


def decisive_match(
    problem: str, matches: Matches, pool: Pool, thresholds: Mapping[str, float], min_words: int
) -> tuple[str, Match] | None:
    """The first net, in the order of the thresholds, with a match that needs no model, and that match.

    Its score reaches the net's threshold, and it is `problem` in the same notation, of at least `min_words` words.
    """
    if len(words(problem)) < min_words:
        return None
    for net, threshold in thresholds.items():
        for match in sorted(matches.get(net, ()), key=lambda match: -match.score):
            if match.score < threshold:
                break
            rows = pool.rows_of(pool.text_of(match.benchmark, match.row))
            same = next((row for row in rows if notation(row.problem) == notation(problem)), None)
            if same is not None:
                return net, Match(same.benchmark, same.row, match.score)
    return None


def choose_candidates(matches: Matches, pool: Pool, max_pairs: int) -> list[BenchmarkRow]:
    """The benchmark rows to ask about: every net's best first, then every net's second best, and so on.

    Scores of different nets cannot be compared, ranks can. Rows in the same notation are asked about once.
    """
    best_rank: dict[int, int] = {}
    nets: Counter[int] = Counter()
    for found in matches.values():
        texts = dict.fromkeys(pool.text_of(match.benchmark, match.row) for match in found)
        for rank, text in enumerate(texts):
            best_rank[text] = min(rank, best_rank.get(text, rank))
            nets[text] += 1
    order = sorted(best_rank, key=lambda text: (best_rank[text], -nets[text], text))
    asked: dict[str, BenchmarkRow] = {}
    for text in order[:max_pairs]:
        for row in pool.rows_of(text):
            asked.setdefault(notation(row.problem), row)
    return list(asked.values())[:max_pairs]


def pair_rows(problem: Row, candidate: BenchmarkRow) -> Iterator[Row]:
    """The two rows of one question: the problem first, and the benchmark's row first."""
    for direction in DIRECTIONS:
        first, second = problem["problem"], candidate.problem
        if direction == "ba":
            first, second = second, first
        yield {
            "id": pair_id(problem["id"], candidate, direction),
            "problem_id": problem["id"],
            "benchmark": candidate.benchmark,
            "row": candidate.row,
            "direction": direction,
            "first": first,
            "second": second,
        }


def parse_thresholds(items: Sequence[str], nets: Mapping[str, str]) -> dict[str, float]:
    """`NET=SCORE` arguments as a mapping. Raises UserError for another form or a net without matches."""
    thresholds = {}
    for item in items:
        net, _, score = item.partition("=")
        try:
            thresholds[net] = float(score)
        except ValueError:
            raise UserError(f"--decisive {item!r} is not NET=SCORE", remedy="e.g. exact=0.5") from None
        if net not in nets:
            raise UserError(f"--decisive names the net {net!r}, of which there are no matches", remedy="see --matches")
    return thresholds


def _parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", required=True, help="deduplicated problems, JSONL with id and problem")
    parser.add_argument("--canaries", help="canaries")
    parser.add_argument("--benchmarks", required=True, nargs="+", help="benchmark files")
    parser.add_argument("--matches", required=True, nargs="+", metavar="NET=FILE", help="match files by net")
    parser.add_argument(
        "--decisive", nargs="*", default=[], metavar="NET=SCORE", help="least score of a net that needs no model"
    )
    parser.add_argument(
        "--decisive-words",
        type=positive,
        default=12,
        metavar="N",
        help="least words of a problem that needs no model (default: %(default)s)",
    )
    parser.add_argument("--max-pairs", type=positive, default=8, help="questions per problem (default: %(default)s)")
    parser.add_argument("--output", required=True, help="pairs file to write")
    parser.add_argument("--decisive-output", required=True, help="file of decisive matches to write")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command. Raises UserError."""
    arguments = _parse_arguments(argv)
    paths = named_paths(arguments.matches)
    thresholds = parse_thresholds(arguments.decisive, paths)
    pool = Pool(arguments.benchmarks)
    with (
        AtomicFile(arguments.output) as pairs,
        AtomicFile(arguments.decisive_output) as decisive,
        MatchFiles(paths) as files,
    ):
        for problem in read_problems(arguments.problems, arguments.canaries):
            matches = files.take(problem["id"])
            certain = decisive_match(problem["problem"], matches, pool, thresholds, arguments.decisive_words)
            if certain is not None:
                net, match = certain
                decisive.write(dumps({"id": problem["id"], "net": net, **match._asdict()}))
                continue
            for candidate in choose_candidates(matches, pool, arguments.max_pairs):
                for row in pair_rows(problem, candidate):
                    pairs.write(dumps(row))
    return 0


if __name__ == "__main__":
    leave(run_command(main))
