"""Figures of training rows add up, whichever shards rows are in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omr.errors import UserError
from omr.report.data import product_of
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
    assert len(orjson.dumps(lengths.as_json())) < 100_000


@given(st.lists(st.lists(st.integers(0, 30_000), max_size=8), min_size=1, max_size=3))
def test_lengths_of_shards_add_up_and_no_share_leads_past_the_least_and_the_greatest(shards: list[list[int]]) -> None:
    whole, added = Histogram(), Histogram()
    for shard in shards:
        part = Histogram()
        for value in shard:
            part.add(value)
            whole.add(value)
        added.add_json(orjson.loads(orjson.dumps(part.as_json())))
    assert added.as_json() == whole.as_json()
    values = sorted(value for shard in shards for value in shard)
    found = whole.quantiles((0.0, 0.5, 1.0))
    if found is None:
        assert not values
        return
    assert (found[0], found[2]) == (values[0], values[-1])
    assert found == sorted(found)
    middle = values[(len(values) - 1) // 2]
    assert abs(found[1] - middle) <= 10 ** max(len(str(middle)) - 3, 0) / 2


@pytest.mark.parametrize(
    ("length", "shown", "bar"), [(1279, 1280, 1200), (1996, 2000, 1900), (9996, 10_000, 9900), (84, 84, 84)]
)
def test_a_length_is_rounded_where_it_is_told_and_cut_where_it_falls_into_a_bar(
    length: int, shown: int, bar: int
) -> None:
    figures = Figures()
    for value in (0, length, 20_000):
        figures.characters.add(value)
    assert figures.characters.quantiles((0.5,)) == [shown]
    assert bar in product_of(figures, 0).lengths


@pytest.mark.parametrize("content", ["[]", "{", '{"rows": 1}', '{"rows": "x"}'])
def test_a_file_that_holds_no_figures_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "figures.json"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        read_figures([path])
    assert str(path) in str(caught.value)
