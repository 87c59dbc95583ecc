"""The questions for the model: which problem may be which benchmark problem, from the matches of all nets.

In: merged problems, canaries, benchmark files, match files. Out: pairs, two rows per question, {"id":
"<problem id>~<benchmark>-<row>~ab|ba", "problem_id", "benchmark", "row", "direction", "first", "second"}, and decisive
matches {"id", "net", "benchmark", "row", "score"}: those so close that no model is asked. Step: decontaminate. A
problem with a decisive match has no pairs; another has its best ones of every net, up to a limit, in a fixed order.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from omr.contamination.benchmarks import BenchmarkRow, Pool
from omr.contamination.steps import DIRECTIONS, Match, MatchFiles, named_paths, pair_id, positive, read_problems
from omr.errors import UserError, run_command
from omr.files.jsonl import AtomicFile, Row, dumps

Matches = Mapping[str, Sequence[Match]]


def decisive_match(matches: Matches, thresholds: Mapping[str, float]) -> tuple[str, Match] | None:
    """The first net, in the order of the thresholds, whose best match reaches its threshold, and that match."""
    for net, threshold in thresholds.items():
        found = max(matches.get(net, ()), key=lambda match: match.score, default=None)
        if found is not None and found.score >= threshold:
            return net, found
    return None


def choose_candidates(matches: Matches, pool: Pool, max_pairs: int) -> list[BenchmarkRow]:
    """The benchmark rows to ask about: every net's best first, then every net's second best, and so on.

    Scores of different nets cannot be compared, ranks can. Rows that differ in spelling only are asked about once.
    """
    best_rank: dict[int, int] = {}
    nets: Counter[int] = Counter()
    for found in matches.values():
        texts = dict.fromkeys(pool.text_of(match.benchmark, match.row) for match in found)
        for rank, text in enumerate(texts):
            best_rank[text] = min(rank, best_rank.get(text, rank))
            nets[text] += 1
    order = sorted(best_rank, key=lambda text: (best_rank[text], -nets[text], text))
    return [pool.rows_of(text)[0] for text in order[:max_pairs]]


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
    parser.add_argument("--problems", required=True, help="merged problems, JSONL with id and problem")
    parser.add_argument("--canaries", help="canaries")
    parser.add_argument("--benchmarks", required=True, nargs="+", help="benchmark files")
    parser.add_argument("--matches", required=True, nargs="+", metavar="NET=FILE", help="match files by net")
    parser.add_argument(
        "--decisive", nargs="*", default=[], metavar="NET=SCORE", help="least score of a net that needs no model"
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
            certain = decisive_match(matches, thresholds)
            if certain is not None:
                net, match = certain
                decisive.write(dumps({"id": problem["id"], "net": net, **match._asdict()}))
                continue
            for candidate in choose_candidates(matches, pool, arguments.max_pairs):
                for row in pair_rows(problem, candidate):
                    pairs.write(dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
