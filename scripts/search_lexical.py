"""Problems that resemble a benchmark problem by their letters, found by one net.

In: deduplicated problems, canaries, benchmark files. Out: {"id", "benchmark", "row", "score"} in the order of the
problems, canaries last. Nets: `exact` (equal words, or contained word for word), `ngrams` (share of the benchmark
problem's runs of n words), `tfidf` (cosine of character runs). Step: decontaminate.
"""

from __future__ import annotations

import argparse
import sys

from omr.contamination.benchmarks import Pool
from omr.contamination.lexical_nets import ExactNet, NgramNet, TfidfNet
from omr.contamination.nets import Net, write_matches
from omr.contamination.steps import positive, read_problems
from omr.errors import leave, run_command
from omr.files.counted import counted, verb_for

#: Problems searched at once: enough to make the matrix product worth while, some 10 MB of scores.
_BLOCK_ROWS = 500


def make_net(pool: Pool, options: argparse.Namespace) -> Net:
    """The net that the options ask for, over the pool."""
    if options.net == "exact":
        return ExactNet(pool, min_words=options.min_words, top_k=options.top_k)
    if options.net == "ngrams":
        net = NgramNet(pool, n=options.ngram_words, min_share=options.min_score, top_k=options.top_k)
        are = f"{counted(net.skipped, 'benchmark problem')} {verb_for(net.skipped)}"
        print(f"{are} shorter than {options.ngram_words} words", file=sys.stderr)
        return net
    return TfidfNet(pool, min_score=options.min_score, top_k=options.top_k)


def _parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", required=True, choices=("exact", "ngrams", "tfidf"))
    parser.add_argument("--problems", required=True, help="deduplicated problems, JSONL with id and problem")
    parser.add_argument("--canaries", help="canaries, searched like problems")
    parser.add_argument("--benchmarks", required=True, nargs="+", help="benchmark files")
    parser.add_argument(
        "--top-k", type=positive, default=5, help="distinct matches kept per problem (default: %(default)s)"
    )
    parser.add_argument(
        "--min-score", type=float, default=0.4, help="ngrams, tfidf: least score (default: %(default)s)"
    )
    parser.add_argument("--ngram-words", type=positive, default=8, help="ngrams: words in a run (default: %(default)s)")
    parser.add_argument(
        "--min-words",
        type=positive,
        default=12,
        help="exact: least words of a contained problem (default: %(default)s)",
    )
    parser.add_argument("--output", required=True, help="match file to write")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command. Raises UserError."""
    arguments = _parse_arguments(argv)
    pool = Pool(arguments.benchmarks)
    net = make_net(pool, arguments)
    problems = read_problems(arguments.problems, arguments.canaries)
    write_matches(arguments.output, problems, net, pool, block_rows=_BLOCK_ROWS)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
