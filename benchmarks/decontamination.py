"""What the nets of decontamination find and cost, on generated problems.

`python benchmarks/decontamination.py` generates a pool of benchmark problems and problems to search, some of which are
paraphrases of the pool by the rules of `omr.rewording`, runs each net's command over them, and prints one table: recall
at 1 and at 5, the share of clean problems with any match (each costs two questions to the model), CPU seconds of the
command (user and system), and its peak memory. The net of embeddings runs where `--embeddings-python` names an
interpreter with its libraries and `--embeddings-model` a model. Generated problems share more phrases than real ones,
so the share of clean problems that match is an upper bound.
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

from omr.jsonl import Row, dumps, read_rows  # noqa: E402
from omr.rewording import paraphrase  # noqa: E402

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


def commands(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The commands of all nets that can run here, by the name of their line."""
    lexical = [sys.executable, str(SCRIPTS / "search_lexical.py"), "--net"]
    nets = {
        "exact": [*lexical, "exact"],
        "ngrams, 8 words, share 0.5": [*lexical, "ngrams", "--min-score", "0.5"],
    }
    for score in arguments.tfidf_min_scores:
        nets[f"tfidf, {score}"] = [*lexical, "tfidf", "--min-score", str(score)]
    if arguments.embeddings_python and arguments.embeddings_model:
        search = [arguments.embeddings_python, str(SCRIPTS / "search_embeddings.py")]
        for score in arguments.embeddings_min_scores:
            options = ["--model", arguments.embeddings_model, "--min-score", str(score)]
            nets[f"embeddings, {score}"] = [*search, *options]
    return nets


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool-rows", type=int, default=5_656)
    parser.add_argument("--problems", type=int, default=20_000)
    parser.add_argument("--paraphrases", type=int, default=1_315)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tfidf-min-scores", type=float, nargs="*", default=[0.4])
    parser.add_argument("--embeddings-python", default=os.environ.get("EMBEDDINGS_PYTHON"))
    parser.add_argument("--embeddings-model", help="folder or hub id of a sentence-transformers model")
    parser.add_argument("--embeddings-min-scores", type=float, nargs="*", default=[0.7])
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = write_inputs(folder, arguments.pool_rows, arguments.problems, arguments.paraphrases, arguments.seed)
        print(f"{arguments.pool_rows} benchmark problems, {arguments.problems} problems, {len(sources)} paraphrases")
        titles = None
        for net, command in commands(arguments).items():
            row = line(net, run(command, folder), sources, arguments.problems)
            if titles is None:
                titles = list(row)
                print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles))
            print("| " + " | ".join(row.values()) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
