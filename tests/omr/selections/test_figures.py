"""Picks against chance and against the majority of the same groups."""

from __future__ import annotations

import orjson
import pytest
from omr.runs.counts import summed
from omr.selections.figures import Picks, Shown, majority_share, worth_of

RIGHT = Shown(0, True)


def wrong(answer_class: int) -> Shown:
    return Shown(answer_class, False)


def tally(groups: list[tuple[list[Shown], int]]) -> dict[str, float]:
    picks = Picks()
    for group, picked in groups:
        picks.add(group, picked, "extracted")
    found: dict[str, float] = picks.as_json()["by_answer_source"]["extracted"]
    return found


@pytest.mark.parametrize(
    ("group", "share"),
    [
        ([RIGHT, RIGHT, wrong(1)], 1.0),
        ([RIGHT, wrong(1), wrong(1)], 0.0),
        ([RIGHT, wrong(1)], 0.5),
        ([RIGHT, wrong(1), wrong(2)], 1 / 3),
        ([RIGHT, RIGHT, wrong(1), wrong(1), wrong(2)], 0.5),
    ],
)
def test_the_majority_is_right_as_often_as_lots_among_its_commonest_answers_are(
    group: list[Shown], share: float
) -> None:
    assert majority_share(group) == pytest.approx(share)


def test_a_tally_says_what_chance_and_majority_would_have_given() -> None:
    found = tally([([RIGHT, wrong(1), wrong(1)], 0), ([RIGHT, RIGHT, wrong(1)], 2)])
    assert (found["groups"], found["right"]) == (2, 1)
    assert found["chance"] == pytest.approx(1 / 3 + 2 / 3)
    assert found["majority"] == pytest.approx(1.0)


def test_picks_are_counted_by_size_and_by_position() -> None:
    picks = Picks()
    picks.add([RIGHT, wrong(1)], 0, "extracted")
    picks.add([wrong(1), RIGHT, wrong(2)], 0, "majority")
    found = picks.as_json()
    assert {size: of["groups"] for size, of in found["by_size"].items()} == {"02": 1, "03": 1}
    assert set(found["by_answer_source"]) == {"extracted", "majority"}
    first, second, third = found["by_position"].values()
    assert (first["groups"], first["picked"], first["right"], first["right_shown"]) == (2, 2, 1, 1)
    assert first["chance"] == pytest.approx(1 / 2 + 1 / 3)
    assert (second["picked"], second["right_shown"], third["groups"]) == (0, 1, 1)


def test_figures_of_shards_add_up() -> None:
    groups = [([RIGHT, wrong(1), wrong(1)], number % 3) for number in range(10)]
    parts = [tally(groups[:4]), tally(groups[4:])]
    assert summed(parts) == pytest.approx(tally(groups))


def test_a_single_right_pick_of_a_shard_counts() -> None:
    shards = []
    for _ in range(2):
        picks = Picks()
        picks.add([Shown(0, True), Shown(1, False)], 0, "extracted")
        shards.append(orjson.loads(orjson.dumps(picks.as_json())))
    total = summed(shards)
    assert (total["by_size"]["02"]["groups"], total["by_size"]["02"]["right"]) == (2, 2)
    assert total["by_position"]["00"]["right_shown"] == 2


def test_picks_no_better_than_the_majority_add_nothing() -> None:
    worth = worth_of(tally([([RIGHT, RIGHT, wrong(1)], 0)] * 50))
    assert worth is not None
    assert (worth.right, worth.majority, worth.verdict) == (1.0, 1.0, "adds_nothing")


def test_many_right_picks_against_the_majority_add_something() -> None:
    groups = [([RIGHT, wrong(1), wrong(1)], 0 if number % 3 else 1) for number in range(60)]
    worth = worth_of(tally(groups))
    assert worth is not None
    assert worth.verdict == "adds"


def test_a_gain_that_may_be_luck_is_not_called_one() -> None:
    groups = [([RIGHT, wrong(1), wrong(1)], 0), ([RIGHT, wrong(1), wrong(1)], 1), ([RIGHT, RIGHT, wrong(1)], 0)]
    worth = worth_of(tally(groups))
    assert worth is not None
    assert worth.verdict == "unsure"


def test_of_no_groups_nothing_is_known() -> None:
    assert worth_of({"groups": 0}) is None
