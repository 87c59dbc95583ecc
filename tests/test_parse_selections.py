"""Which candidate a comparison chose, and what the choices are worth."""

from __future__ import annotations

from pathlib import Path

import pytest
from selection_files import answer, form, parse, pool, right_index, wrong_index
from solution_files import Made, Row, cut, failed

ROWS = {"cot": [row for number in range(8) for row in pool(f"p{number}-1", 2, 3)]}


@pytest.fixture
def groups(tmp_path: Path) -> Made:
    return form(tmp_path, ROWS)


def right(group: Row) -> Row:
    return answer(group["id"], f"Judgment: {right_index(group)}")


def test_a_right_choice_says_what_was_chosen_of_what(tmp_path: Path, groups: Made) -> None:
    group = groups.rows[0]
    made = parse(tmp_path, groups, [right(group) | {"usage": {"completion_tokens": 77}}])
    [row] = made.rows
    assert row["selected"] == right_index(group)
    assert row["candidate_ids"][row["selected"]] == row["selected_id"]
    assert row["candidate_ids"] == [f"cot/{shown['id']}" for shown in group["candidates"]]
    assert (row["group_size"], row["group_right"]) == (len(group["candidates"]), 1 if row["group_size"] < 4 else 2)
    assert (row["predicted_answer"], row["expected_answer"], row["majority_votes"]) == ("5", "5", 3)
    assert (row["completion_tokens"], row["model"], row["reply_key"]) == (77, "m", "0" * 16)
    assert made.counts["dropped"] == {"no_reply": len(groups.rows) - 1}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"text": "I like the first one."}, "unreadable"),
        ({"text": "Judgment: 0\n\nOn second thought:\n\nJudgment: 1"}, "unreadable"),
        ({"text": "Judgment: 0 or 1"}, "unreadable"),
        ({"text": "Judgment: 16"}, "out_of_range"),
        ({"text": "Judgment: 9999"}, "out_of_range"),
        ({"text": "Judgment: -1"}, "unreadable"),
        ({"text": "<think>Judgment: 0"}, "unreadable"),
        ({"text": ""}, "empty_reply"),
        (cut("Judgment: 0"), "unfinished_reply"),
        (failed("context_overflow"), "request_failed_context_overflow"),
    ],
)
def test_what_cannot_be_read_is_no_choice(tmp_path: Path, groups: Made, reply: Row, reason: str) -> None:
    made = parse(tmp_path, groups, [answer(group["id"], "") | reply for group in groups.rows])
    assert made.rows == []
    assert made.counts["dropped"] == {reason: len(groups.rows)}
    assert made.counts["picks"]["by_size"] == {}


def test_wrong_choices_are_set_aside_and_counted(tmp_path: Path, groups: Made) -> None:
    replies = [
        answer(group["id"], f"Judgment: {(wrong_index if number % 3 else right_index)(group)}")
        for number, group in enumerate(groups.rows)
    ]
    made = parse(tmp_path, groups, replies)
    wrong = len([number for number in range(len(groups.rows)) if number % 3])
    assert made.counts["dropped"] == {"wrong_pick": wrong}
    assert len(made.rows) == len(groups.rows) - wrong
    tallies = made.counts["picks"]["by_size"].values()
    assert sum(tally["groups"] for tally in tallies) == len(groups.rows)
    assert sum(tally["right"] for tally in tallies) == len(made.rows)
    positions = made.counts["picks"]["by_position"].values()
    assert sum(at["picked"] for at in positions) == len(groups.rows)
    assert sum(at["chance"] for at in positions) == pytest.approx(len(groups.rows))
    assert sum(at["right"] for at in positions) == len(made.rows)


def test_chance_and_majority_are_those_of_the_same_groups(tmp_path: Path, groups: Made) -> None:
    made = parse(tmp_path, groups, [right(group) for group in groups.rows])
    tally = made.counts["picks"]["by_answer_source"]["extracted"]
    shares = [sum(shown["right"] for shown in group["candidates"]) / len(group["candidates"]) for group in groups.rows]
    assert tally["chance"] == pytest.approx(sum(shares), abs=1e-4)
    # All wrong answers differ, so two right ones are the commonest answer.
    sure = [share * len(group["candidates"]) > 1 for share, group in zip(shares, groups.rows, strict=True)]
    expected = sum(1.0 if is_sure else share for is_sure, share in zip(sure, shares, strict=True))
    assert tally["majority"] == pytest.approx(expected, abs=1e-4)


def test_replies_are_found_by_id_and_not_by_place(tmp_path: Path, groups: Made) -> None:
    replies = [right(group) for group in groups.rows]
    first = parse(tmp_path, groups, replies).path.read_bytes()
    assert parse(tmp_path, groups, replies[::-1]).path.read_bytes() == first


def test_every_group_is_written_or_dropped(tmp_path: Path, groups: Made) -> None:
    replies = [right(group) for group in groups.rows[::2]]
    made = parse(tmp_path, groups, replies)
    assert made.counts["read"] == len(groups.rows) == len(made.rows) + len(made.dropped)


def test_a_wrong_choice_is_kept_for_people_with_what_was_said(tmp_path: Path, groups: Made) -> None:
    replies = [
        answer(group["id"], f"<think>Hm.</think>The first is best.\n\nJudgment: {wrong_index(group)}")
        for group in groups.rows
    ]
    ((row_id, sample),) = parse(tmp_path, groups, replies).counts["wrong_samples"].items()
    (group,) = (group for group in groups.rows if group["id"] == row_id)
    chosen = group["candidates"][wrong_index(group)]
    assert (sample["selected_id"], sample["predicted_answer"]) == (f"cot/{chosen['id']}", chosen["answer"])
    assert sample["said"][0] == ["reasoning", "Hm.", 0]
    assert sample["said"][1][1].startswith("The first is best.")
    assert sample["problem"] == f"The problem {group['problem_id']}."
    places = [wrong_index(group), right_index(group)]
    named = [[place, f"This is {group['candidates'][place]['id']}.", 0] for place in places]
    assert [[place, text.splitlines()[0], cut] for place, text, cut in sample["candidates"]] == named
    assert parse(tmp_path / "right", groups, map(right, groups.rows)).counts["wrong_samples"] == {}
