"""What one of many jobs on a file of long rows reads: with the places of the rows and without them.

`python benchmarks/reads.py` makes traces of 31 KB (100 and 200 MB of temporary files) and asks for one part of 32 of
them, with four candidates a trace, at a server that answers at once. Bytes are those of the job's own counts; its own
rows are read once to plan and once to send.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import orjson
from client import ask_all, serving, write_inputs
from measuring import SCRIPTS, cost_of
from texts import Texts

sys.path.insert(0, str(SCRIPTS))
from omr.stages.row_places import OwnRows, PlacedRows

PARTS = 32


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[3_200, 6_400], help="traces (default: 3200 6400)")
    args = parser.parse_args()
    print("| rows | MB of all rows | MB of the part's own | way | MB read | CPU s |\n|---|---|---|---|---|---|")
    for rows in args.rows:
        with serving(800, 0.0, prompt_tokens=12_000) as base_url, tempfile.TemporaryDirectory() as name:
            measure(Path(name), rows, base_url)
    return 0


def measure(folder: Path, rows: int, base_url: str) -> None:
    """Two lines of the table."""
    arguments = [*write_inputs(folder, 0, base_url), "--shard", "7", "--shards", str(PARTS), "--seed", *"0123"]
    texts, path = Texts(), folder / "rows.jsonl"
    placed = PlacedRows(path, folder / "rows.places")
    for number in range(rows):
        placed.write_row({"id": f"trace-{number}", "problem": texts.text(31_000)})
    placed.commit()
    own = sum(place.length for place, _ in OwnRows(path, 7, PARTS).all())
    for way, more in (("every line", []), ("by places", ["--places", str(folder / "rows.places")])):
        for old in folder.glob("replies.*"):
            old.unlink()
        cost = cost_of(ask_all, [*arguments, *more])
        read = orjson.loads((folder / "counts.json").read_bytes())["bytes_read"]["rows"]
        sizes = f"{rows:,} | {path.stat().st_size / 1e6:.0f} | {own / 1e6:.1f}"
        print(f"| {sizes} | {way} | {read / 1e6:.1f} | {cost.cpu_s:.2f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
