"""Figures of training rows add up, whichever shards rows are in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from omr.errors import UserError
from omr.solutions.pass_rate import PassRate
from omr.solutions.solution_figures import SolutionFigures
from omr.training.figures import DROPPED_SAMPLES, SAMPLES, Figures, Histogram, read_figures
from row_shards import whole_row, write_shard

Row = dict[str, Any]


def rows_of(problems: range) -> list[Row]:
    return [
        whole_row(
            id=f"{n}-{seed}", problem_id=str(n), seed=seed, generated_solution="x" * (n * n + seed + 1),
            pass_rate=(n % 11) / 10, completion_tokens=None if n % 3 else 10 * n, answer_source=("extracted", "majority")[n % 2],
        )
        for n in problems
        for seed in range(n % 4 + 1)
    ]  # fmt: skip


def judged(figures: SolutionFigures, problem: int) -> None:
    verdicts = ["yes"] * (problem % 3) + ["no"] * (problem % 4 + 1)
    row = {"answer_source": "extracted", "majority_votes": 2, "total_votes": 3, "completion_tokens": 7 * problem}
    figures.add(PassRate(problem % 3, len(verdicts)), [row | {"judgement": verdict} for verdict in verdicts])


def figures_of(folder: Path, shards: list[range]) -> Figures:
    for number, problems in enumerate(shards):
        solutions = SolutionFigures()
        for problem in problems:
            judged(solutions, problem)
        name = f"shard-{number:03d}-of-{len(shards):03d}"
        write_shard(folder, rows_of(problems), name, solutions=solutions, dropped=[(n, "wrong") for n in problems])
    return read_figures(sorted((folder / "figures").iterdir()))


def test_figures_of_shards_add_up_to_those_of_all_rows(tmp_path: Path) -> None:
    one = figures_of(tmp_path / "one", [range(40)])
    several = figures_of(tmp_path / "several", [range(31, 40), range(0), range(7), range(7, 31)])
    assert several.as_json() == one.as_json()
    rows = rows_of(range(40))
    assert (one.rows, one.problems) == (len(rows), 40)
    assert one.characters.total == sum(len(row["generated_solution"]) for row in rows)
    assert one.values["answer_source"]["majority"] == sum(row["answer_source"] == "majority" for row in rows)
    assert one.solutions is not None
    assert (one.solutions.problems, one.solutions.unknown) == (40, 0)
    assert [reason for reason, dropped in one.dropped.items() if len(dropped) == DROPPED_SAMPLES] == ["wrong"]


def test_what_is_unknown_is_counted_as_null_as_cards_say(tmp_path: Path) -> None:
    write_shard(tmp_path, [whole_row(id="a-0", judged_by=None), whole_row(id="a-1", judged_by="llm")])
    figures = read_figures((tmp_path / "figures").iterdir())
    assert figures.values["judged_by"] == {"null": 1, "llm": 1}


def test_samples_are_rows_and_do_not_depend_on_their_order(tmp_path: Path) -> None:
    rows = rows_of(range(40))
    samples = figures_of(tmp_path / "one", [range(40)]).samples
    assert len(samples) == SAMPLES
    by_id = {row["id"]: row for row in rows}
    assert samples == [
        {name: value for name, value in by_id[row["id"]].items() if name != "messages"} for row in samples
    ]
    write_shard(tmp_path / "other", sorted(rows, key=lambda row: -int(row["problem_id"])))
    assert read_figures((tmp_path / "other/figures").iterdir()).samples == samples


def test_the_size_of_figures_does_not_grow_with_rows(tmp_path: Path) -> None:
    lengths = Histogram()
    for value in range(1_000_000):
        lengths.add(value)
    assert len(orjson.dumps(lengths.as_json())) < 60_000


@pytest.mark.parametrize("content", ["[]", "{", '{"rows": 1}', '{"rows": "x"}'])
def test_a_file_that_holds_no_figures_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "figures.json"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        read_figures([path])
    assert str(path) in str(caught.value)
