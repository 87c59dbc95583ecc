"""Problems that resemble a benchmark problem by their meaning, found by sentence embeddings.

In: deduplicated problems, canaries, benchmark files, a sentence-transformers model (local folder or hub id). Out:
{"id", "benchmark", "row", "score"} in the order of the problems, canaries last; the score is the cosine. Step:
decontaminate. Runs in the environment of envs/embeddings.yaml, on a GPU where there is one.
"""

from __future__ import annotations

import argparse

from omr.contamination.benchmarks import Pool
from omr.contamination.embedding_net import DTYPES, EmbeddingNet, load_model
from omr.contamination.nets import write_matches
from omr.contamination.steps import positive, read_problems
from omr.errors import leave, run_command

#: Problems embedded at once: enough that sorting by length leaves little padding, some 200 MB of scores.
_BLOCK_ROWS = 4096


def _parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", required=True, help="deduplicated problems, JSONL with id and problem")
    parser.add_argument("--canaries", help="canaries, searched like problems")
    parser.add_argument("--benchmarks", required=True, nargs="+", help="benchmark files")
    parser.add_argument("--model", required=True, help="local folder or hub id of a sentence-transformers model")
    parser.add_argument("--revision", help="commit, tag or branch of the hub model (default: its default branch)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... (default: %(default)s)")
    parser.add_argument("--dtype", default="float32", choices=DTYPES, help="of the model (default: %(default)s)")
    parser.add_argument("--batch-size", type=positive, default=32, help="texts per forward pass (default: %(default)s)")
    parser.add_argument(
        "--top-k", type=positive, default=5, help="distinct matches kept per problem (default: %(default)s)"
    )
    parser.add_argument("--min-score", type=float, default=0.5, help="least cosine (default: %(default)s)")
    parser.add_argument("--output", required=True, help="match file to write")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command. Raises UserError."""
    arguments = _parse_arguments(argv)
    pool = Pool(arguments.benchmarks)
    device = None if arguments.device == "auto" else arguments.device
    model = load_model(arguments.model, revision=arguments.revision, device=device, dtype=arguments.dtype)
    net = EmbeddingNet(
        pool, model, batch_size=arguments.batch_size, min_score=arguments.min_score, top_k=arguments.top_k
    )
    problems = read_problems(arguments.problems, arguments.canaries)
    write_matches(arguments.output, problems, net, pool, block_rows=_BLOCK_ROWS)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
