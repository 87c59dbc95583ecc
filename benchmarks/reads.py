"""What jobs read, by the counts that they write themselves (`bytes_read`).

`python benchmarks/reads.py` prints two tables. The first: one of many jobs on a file of long rows, with the places of
the rows and without them. It makes traces of 31 KB (100 and 200 MB of temporary files) and asks for one part of 32 of
them, with four candidates a trace, at a server that answers at once; the part's own rows are read once to plan and once
to send. The second: the stages of a recipe that asks in three rounds, as `cot-r1` does, on solutions of 31 KB (250
and 500 MB). Below it stands how often the solutions were read, and how often without the light rows of earlier rounds,
by the same script on the same files.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import orjson
from client import ask_all, serving, write_inputs
from measuring import SCRIPTS, Row, arriving, cost_of, read_lines, run_stage, write_lines
from solutions import problems, solution, write_verdicts
from texts import Texts

sys.path.insert(0, str(SCRIPTS))
from omr.stages.row_places import OwnRows, PlacedRows

PARTS = 32
SOLUTION_BYTES = 31_000
#: Where the rounds of `cot-r1` end, and when a problem is asked no more.
ENDS = (4, 8, 16)
ENOUGH = {"right": 6, "votes": 5, "share": 0.75, "give_up_after": 2}
TABLE = {"table": [{"to": 1.0, "extracted": 16, "majority": 16}], "no_rate": {"extracted": 16, "majority": 16}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[3_200, 6_400], help="traces (default: 3200 6400)")
    parser.add_argument("--problems", type=int, nargs="+", default=[600, 1_200], help="asked in rounds (600 1200)")
    args = parser.parse_args()
    print("| rows | MB of all rows | MB of the part's own | way | MB read | CPU s |\n|---|---|---|---|---|---|")
    for rows in args.rows:
        with serving(800, 0.0, prompt_tokens=12_000) as base_url, tempfile.TemporaryDirectory() as name:
            measure(Path(name), rows, base_url)
    for count in args.problems:
        with tempfile.TemporaryDirectory() as name:
            Rounds(Path(name), count).run()
    return 0


def measure(folder: Path, rows: int, base_url: str) -> None:
    """Two lines of the first table."""
    arguments = [*write_inputs(folder, 0, base_url), "--shard", "7", "--shards", str(PARTS), "--seed", *"0123"]
    texts, path = Texts(), folder / "rows.jsonl"
    placed = PlacedRows(path, folder / "rows.places")
    for number in range(rows):
        placed.write_row({"id": f"trace-{number}", "problem": texts.text(SOLUTION_BYTES)})
    placed.commit()
    own = sum(place.length for place, _ in OwnRows(path, 7, PARTS).all())
    for way, more in (("every line", []), ("by places", ["--places", str(folder / "rows.places")])):
        for old in folder.glob("replies.*"):
            old.unlink()
        cost = cost_of(ask_all, [*arguments, *more])
        read = orjson.loads((folder / "counts.json").read_bytes())["bytes_read"]["rows"]
        sizes = f"{rows:,} | {path.stat().st_size / 1e6:.0f} | {own / 1e6:.1f}"
        print(f"| {sizes} | {way} | {read / 1e6:.1f} | {cost.cpu_s:.2f} |", flush=True)


class Rounds:
    """A recipe that asks in rounds: its stages, and what they read."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.texts = folder, Texts()
        self.rows = problems(count, self.texts)
        known = ("id", "problem", "expected_answer")
        lines = ({name: row[name] for name in known} for row in self.rows)
        self.shard = {"problems": write_lines(folder / "decontaminated.jsonl", lines), "shard": 0, "shards": 1}
        self.solutions: list[Path] = []
        self.earlier: list[Path] = []
        self.asked: list[Path] = []
        self.verdicts: list[Path] = []
        self.read: Counter[str] = Counter()

    def run(self) -> None:
        print(
            "\n| problems | round | stage | CPU s | MB read of solutions | of light rows | of replies | of problems |"
        )
        print("|---|---|---|---|---|---|---|---|", flush=True)
        plan: Path | None = None
        judged: Path | None = None
        for number in range(len(ENDS)):
            plan, judged = self.round(number, plan, judged)
        written = sum(path.stat().st_size for path in self.solutions)
        now, again = (self.read[name] / written for name in ("solutions", "again"))
        print(f"\nSolutions of {written / 1e6:.0f} MB: read {now:.2f} times, by texts of all rounds {again:.2f} times")

    def round(self, number: int, before: Path | None, judged: Path | None) -> tuple[Path, Path]:
        folder, seeds = self.folder / str(number + 1), range([0, *ENDS][number], ENDS[number])
        folder.mkdir()
        table = {"table": orjson.dumps(TABLE).decode(), "up_to": seeds.stop}
        if before is not None and judged is not None:
            enough = {"before": before, "judged": judged, "rounds_before": number}
            table |= enough | {"enough": orjson.dumps(ENOUGH).decode()}
        plan = self.stage("plan_solutions", folder, **self.shard, **table)
        self.ask(folder, plan, seeds)

        votes = {**self.shard, "plan": plan, "seeds": seeds.stop}
        light = {"earlier": self.earlier, "earlier_seeds": seeds.start} if number else {}
        own = self.solutions[seeds.start :]
        kept = {"outcomes": folder / "outcomes.jsonl"}
        majority = self.stage("fill_majority_answer", folder, **votes, solutions=own, **light, **kept)
        (folder / "again").mkdir()
        _, everything = run_stage("fill_majority_answer", folder / "again", **votes, solutions=self.solutions)
        if everything.read_bytes() != majority.read_bytes():
            raise SystemExit("light rows make other votes than the texts")
        self.read["again"] += counts_of(folder / "again", "fill_majority_answer")["bytes_read"]["solutions"]
        self.earlier.append(folder / "outcomes.jsonl")

        questions = folder / "questions.jsonl"
        of_majority = {"problems": self.shard["problems"], "majority": majority, "questions": questions}
        asked = {"asked": self.asked} if self.asked else {}
        comparisons = self.stage("select_judgements", folder, **of_majority, **asked)
        self.asked.append(questions)
        self.verdicts.append(write_verdicts(questions, folder / "verdicts.jsonl"))
        of_comparisons = {"majority": majority, "comparisons": comparisons, "replies": self.verdicts}
        return plan, self.stage("merge_judgements", folder, **of_comparisons)

    def ask(self, folder: Path, plan: Path, seeds: range) -> None:
        """The solutions that a plan asks for."""
        numbers = {row["id"]: row["seeds"] for row in read_lines(plan)}

        def wanted(seed: int) -> list[Row]:
            return [row for row in self.rows if numbers[row["id"]] > seed]

        for seed in seeds:
            rows = (solution(row, seed, SOLUTION_BYTES, self.texts) for row in arriving(wanted(seed), self.texts.draw))
            self.solutions.append(write_lines(folder / f"seed-{seed:02d}.jsonl", rows))

    def stage(self, name: str, folder: Path, **flags: object) -> Path:
        """Run a stage and print its line of the table."""
        cost, output = run_stage(name, folder, **flags)
        read = Counter(counts_of(folder, name)["bytes_read"])
        self.read += read
        solutions, replies, given = (read.pop(key, 0) / 1e6 for key in ("solutions", "replies", "problems"))
        cells = (f"{number:.1f}" for number in (cost.cpu_s, solutions, read.total() / 1e6, replies, given))
        print(f"| {len(self.rows):,} | {folder.name} | `{name}` | {' | '.join(cells)} |", flush=True)
        return output


def counts_of(folder: Path, stage: str) -> Row:
    counts: Row = orjson.loads((folder / f"{stage}.counts").read_bytes())
    return counts


if __name__ == "__main__":
    sys.exit(main())
